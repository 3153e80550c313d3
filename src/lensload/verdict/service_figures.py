"""Figures of a service under test by name: counts of its answers, and the lag of its consumer groups.

answered, late, ...                a count, or with % a share: of the requests, or of those answered
responses.duplicated               the same, where a topic's count has that name too
group(NAME).lag_s.max              in time; also lag_s.mean, lag_s.last, and lag.max ... in records
group(NAME).slope                  records/s; 0 where its interval holds 0
group(NAME).recovered_after        in time
group(NAME).rebalances
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from lensload.metrics.counts import COUNTS
from lensload.metrics.groups import Lag
from lensload.metrics.responses import OF_REQUESTS, RESPONSE_COUNTS
from lensload.parse import nearest

Unit = Literal["us", "events", "records", "records/s", ""]

_GROUP: Final = re.compile(r"group\(([^()]+)\)\.(.+)")
_LAGS: Final[dict[str, Unit]] = {"lag_s": "us", "lag": "records"}
GROUP_FIGURES: Final[dict[str, Unit]] = {
    **{f"{lag}.{name}": unit for lag, unit in _LAGS.items() for name in Lag.__annotations__},
    "slope": "records/s",
    "recovered_after": "us",
    "rebalances": "",
}


def parse(name: str) -> tuple[str, str] | None:
    """The section ("responses", or the group's name in "group(...)") and the kind of a figure; None: it is another's.

    Raises:
        ValueError: it is of a service, but there is no such figure.
    """
    if match := _GROUP.fullmatch(name):
        group, kind = match.groups()
        if kind not in GROUP_FIGURES:
            raise ValueError(f"a group has no figure {kind!r}{nearest(kind, GROUP_FIGURES)}")
        return f"group({group})", kind
    section, _, kind = name.rpartition(".")
    if section == "responses" and kind not in RESPONSE_COUNTS:
        raise ValueError(f"responses have no count {kind!r}{nearest(kind, RESPONSE_COUNTS)}")
    if section in ("", "responses") and kind in RESPONSE_COUNTS and not (kind in COUNTS and not section):
        return "responses", kind
    return None


def unit_of(section: str, kind: str) -> str:
    """What a figure is measured in."""
    return "events" if section == "responses" else GROUP_FIGURES[kind]


def value(run: Mapping[str, Any], section: str, kind: str, *, percent: bool) -> float | None:
    """A figure of a run, in its unit or in percent; None where the run has none."""
    if section == "responses":
        return _share(run.get("responses"), kind) if percent else _count(run.get("responses"), kind)
    group = (run.get("groups") or {}).get(section.removeprefix("group(").removesuffix(")"))
    if group is None:
        return None
    if kind == "rebalances":
        return float(group["rebalances"])
    if kind == "slope":
        return _slope(group)
    if kind == "recovered_after":
        # Not recovered at the end is no figure, but longer than any that an objective could allow.
        after_s = group["recovered_after_s"]
        return None if after_s is None else 1e6 * after_s
    lag, name = kind.split(".")
    return group[lag][name] * (1e6 if lag == "lag_s" else 1)


def missing(section: str, kind: str, run: Mapping[str, Any]) -> str:
    """Why a run has no such figure."""
    if section == "responses":
        if run.get("responses"):
            return "there was nothing to count"
        return "no service under test answered: give --recommender external"
    if section.removeprefix("group(").removesuffix(")") not in (run.get("groups") or {}):
        return "the group was not watched: give --watch-group"
    return "it was still behind at the end" if kind == "recovered_after" else "too few seconds were measured"


def _count(responses: Mapping[str, Any] | None, kind: str) -> float | None:
    return None if responses is None else float(responses[kind])


def _share(responses: Mapping[str, Any] | None, kind: str) -> float | None:
    if responses is None:
        return None
    whole = responses["requests" if kind in OF_REQUESTS else "answered"]
    return 100 * responses[kind] / whole if whole else None


def _slope(group: Mapping[str, Any]) -> float | None:
    low, high = group["slope_low"], group["slope_high"]
    if low is None or high is None:
        return None
    return 0.0 if low <= 0 <= high else group["slope_per_s"]
