"""The rates that somebody set by hand during a run, for people."""

from lensload.report.units import per_s
from lensload.results.run import RateChange, Run

_MOST = 8


def set_by_hand(run: Run) -> list[RateChange]:
    """The changes that counted: before the schedule started only the last one did."""
    changes = run.get("rate_changes", [])
    early = [change for change in changes if change["at_s"] <= 0][-1:]
    if early and early[0]["rate_per_s"] is None:
        early = []
    return [*early, *(change for change in changes if change["at_s"] > 0)]


def sentence(run: Run) -> str:
    """Which rates were set by hand, and when; empty where none was."""
    changes = set_by_hand(run)
    if not changes:
        return ""
    more = f", and {len(changes) - _MOST:,} more changes (rate_changes in the run file)"
    told = ", ".join(map(_told, changes[:_MOST]))
    return f"The rate was set by hand: {told}{more if len(changes) > _MOST else ''}."


def _told(change: RateChange) -> str:
    rate = change["rate_per_s"]
    what = "as configured" if rate is None else f"{per_s(rate)} events/s"
    return f"{what} from {change['at_s']:,.1f} s on" if change["at_s"] > 0 else f"{what} from the start"
