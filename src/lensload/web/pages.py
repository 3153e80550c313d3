"""A Flask blueprint that serves the live page, its files and its JSON.

Every request passes `Origins` first, then the login of whoever serves it.
"""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.resources import files
from math import isfinite
from typing import Any, Final, TypeAlias

from flask import Blueprint, Response, make_response, request

from lensload import __version__
from lensload.config.model import FIELDS
from lensload.errors import InvalidRunError, LensloadError, RefusedError, UsageError
from lensload.web.form import FormError
from lensload.web.live import Live
from lensload.web.origins import Origins, Refusal
from lensload.web.run_control import RunControl
from lensload.web.runs import NotAlikeError, Runs

View: TypeAlias = Callable[..., Any]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REPORT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

ASSETS: Final = {
    "live.js": ("lensload.web", "static/live.js", "text/javascript"),
    "charts.js": ("lensload.web", "static/charts.js", "text/javascript"),
    "compare.js": ("lensload.web", "static/compare.js", "text/javascript"),
    "live.css": ("lensload.web", "static/live.css", "text/css"),
    "report.css": ("lensload.report.html", "page.css", "text/css"),
}
_CODES: Final[list[tuple[type[LensloadError], HTTPStatus]]] = [
    (UsageError, HTTPStatus.BAD_REQUEST),
    (InvalidRunError, HTTPStatus.CONFLICT),
    (RefusedError, HTTPStatus.BAD_GATEWAY),
]


def blueprint(
    live: Live,
    control: RunControl,
    runs: Runs,
    *,
    prefix: str,
    origins: Origins,
    protect: Callable[[View], View] = lambda view: view,
) -> Blueprint:
    """The page at `prefix`/, and its JSON at `prefix`/api/.

    Args:
        live: what it shows.
        control: what it may ask for.
        runs: the run files that it lists.
        prefix: the path of the page, without a slash at its end.
        origins: what may ask for it.
        protect: wraps every view, as a login does.
    """
    pages = Blueprint("lensload", __name__, url_prefix=prefix)
    pages.before_request(lambda: _refused(origins.refusal(request)))
    pages.register_error_handler(LensloadError, _complaint)
    views = _Views(live, control, runs)
    for rule, view, method in (
        ("/", views.page, "GET"),
        ("/compare", views.comparison_page, "GET"),
        ("/<any(" + ",".join(f"'{name}'" for name in ASSETS) + "):name>", views.asset, "GET"),
        ("/runs/<name>", views.run_file, "GET"),
        ("/runs/<name>/report", views.report, "GET"),
        ("/api/state", views.state, "GET"),
        ("/api/form", views.form, "GET"),
        ("/api/runs", views.list_runs, "GET"),
        ("/api/compare", views.compare, "GET"),
        ("/api/rate", views.set_rate, "POST"),
        ("/api/start", views.start, "POST"),
        ("/api/stop", views.stop, "POST"),
    ):
        pages.add_url_rule(rule, view.__name__, protect(view), methods=[method])
    return pages


class _Views:
    """What is done for each address."""

    def __init__(self, live: Live, control: RunControl, runs: Runs) -> None:
        self._live = live
        self._control = control
        self._runs = runs

    def page(self) -> Response:
        return _text(_file("lensload.web", "static/live.html"), "text/html", POLICY)

    def comparison_page(self) -> Response:
        return _text(_file("lensload.web", "static/compare.html"), "text/html", POLICY)

    def asset(self, name: str) -> Response:
        package, path, kind = ASSETS[name]
        return _text(_file(package, path), kind, POLICY)

    def state(self) -> Response:
        numbers = {name: request.args.get(name, -1, int) for name in ("generation", "version")}
        state = self._live.as_json(request.args.get("run", ""), **numbers)
        return _json(
            {**state, "lensload": __version__, "door": self._control.door, "address": self._control.address}
        )

    def form(self) -> Response:
        return _json({"target": self._control.target(), "groups": self._control.form()})

    def list_runs(self) -> Response:
        return _json({"runs": self._runs.listed()})

    def run_file(self, name: str) -> Response:
        answer = _text(self._runs.path(name).read_text(encoding="utf-8"), "application/json", POLICY)
        answer.headers["Content-Disposition"] = f'attachment; filename="{_safe(name)}"'
        return answer

    def report(self, name: str) -> Response:
        answer = _text(self._runs.report(name), "text/html", REPORT_POLICY)
        if "download" in request.args:
            stem = _safe(name).removesuffix(".json")
            answer.headers["Content-Disposition"] = f'attachment; filename="{stem}.html"'
        return answer

    def compare(self) -> Response:
        base, new = request.args.get("base", ""), request.args.get("new", "")
        return _json(self._runs.compared(base, new, all_the_same="all_the_same" in request.args))

    def set_rate(self) -> Response:
        rate_per_s = _rate(_posted())
        coordinator = self._live.coordinator
        if coordinator is None:
            raise InvalidRunError("No run is on.", "Start one first.")
        coordinator.set_rate(rate_per_s)
        return _json({"rate_per_s": rate_per_s}, HTTPStatus.ACCEPTED)

    def start(self) -> Response:
        values = _posted().get("values", {})
        if not isinstance(values, Mapping):
            raise UsageError('"values" is no object.', 'Send {"values": {"seed": "7", ...}}.')
        self._control.start({str(name): text for name, text in values.items()})
        return _json({"started": True}, HTTPStatus.ACCEPTED)

    def stop(self) -> Response:
        _posted()
        if self._live.coordinator is None:
            raise InvalidRunError("No run is on.", "Start one first.")
        self._control.stop()
        return _json({"stopping": True}, HTTPStatus.ACCEPTED)


def _refused(found: Refusal | None) -> Response | None:
    if found is None:
        return None
    code, message, advice = found
    if "/api/" in request.path:
        return _json({"error": {"message": message, "advice": advice, "fields": {}}}, code)
    answer = _text(f"{message} {advice}", "text/plain", POLICY)
    answer.status_code = code
    return answer


def _posted() -> Mapping[str, Any]:
    try:
        posted = json.loads(request.get_data(as_text=True) or "{}")
    except ValueError as error:
        raise UsageError(
            f"What was sent is not JSON: {error}.", 'Send an object, such as {"rate_per_s": 5000}.'
        ) from error
    if not isinstance(posted, dict):
        raise UsageError("What was sent is no object.", 'Send an object, such as {"rate_per_s": 5000}.')
    return posted


def _rate(posted: Mapping[str, Any]) -> float | None:
    """The rate that was sent, within what `--rate` may be; 0 pauses, null gives it back."""
    if "rate_per_s" not in posted:
        raise UsageError("There is no rate_per_s.", 'Send {"rate_per_s": 5000}; null gives the rate back.')
    value = posted["rate_per_s"]
    if value is None:
        return None
    most = next(limit.le for limit in FIELDS["rate"].metadata if hasattr(limit, "le"))
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    if not number or not 0 <= value <= most:
        message = f"A rate is a number of events per second from 0 to {most:,.0f}."
        raise FormError(message, {"rate_per_s": message})
    return float(value)


def _complaint(error: Exception) -> Response:
    """An error as JSON, with what is wrong with each field, and whether two runs can be compared all the same."""
    assert isinstance(error, LensloadError)  # noqa: S101 - the handler is registered for it
    code = next((code for kind, code in _CODES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    told = {"message": error.message, "advice": error.hint, "fields": getattr(error, "fields", {})}
    return _json({"error": {**told, "all_the_same": isinstance(error, NotAlikeError)}}, code)


def _json(value: object, code: HTTPStatus = HTTPStatus.OK) -> Response:
    answer = _text(json.dumps(value, allow_nan=False, separators=(",", ":")), "application/json", POLICY)
    answer.status_code = code
    return answer


def _text(text: str, kind: str, policy: str) -> Response:
    answer = make_response(text)
    answer.headers["Content-Type"] = f"{kind}; charset=utf-8"
    answer.headers["Content-Security-Policy"] = policy
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _file(package: str, path: str) -> str:
    return (files(package) / path).read_text(encoding="utf-8")


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
