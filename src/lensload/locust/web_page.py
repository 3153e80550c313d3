"""The live page in Locust's web server, and what Locust's own form may ask for.

Locust's form takes any value and answers "success": it is asked to refuse what would be ignored or cannot be.
"""

import argparse
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

import gevent
from flask import Response, jsonify, request
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, LocalRunner, MasterRunner
from locust.web import WebUI

from lensload.config.model import RunConfig
from lensload.config.options import Option
from lensload.errors import LensloadError, RefusedError, UsageError
from lensload.locust import options
from lensload.locust.master import Master
from lensload.web import form
from lensload.web.form import FormError
from lensload.web.origins import Origins
from lensload.web.pages import View, blueprint
from lensload.web.runs import Runs

_log = logging.getLogger("lensload")

_LINK: Final = (
    '<a href="{href}" style="position:fixed;left:1rem;bottom:1rem;z-index:2000;padding:.6rem 1rem;border-radius:4px;'
    'background:#0b63a8;color:#fff;font:600 15px/1.2 system-ui,sans-serif;text-decoration:none">'
    "lensload: rate, latency, verdict</a>"
)
_MOST: Final = 1e8
_FIRST_USERS: Final = 50
_FIRST_SPAWN_RATE: Final = 10.0
"""What both pages offer where the command line names no users: with the usual rate of a user, that of `lensload bench`."""
_USERS, _SPAWN_RATE, _RATE = "users", "spawn_rate", "rate"


def install(environment: Environment, web_ui: WebUI, master: Master) -> None:
    """Serve the live page beside Locust's, under its login, and make Locust's form refuse what it must."""
    app, parsed = web_ui.app, environment.parsed_options
    if app is None or parsed is None:
        return
    if environment.shape_class is None and not parsed.autostart:  # which has a default of Locust's own
        parsed.num_users = parsed.num_users or _FIRST_USERS
        parsed.spawn_rate = parsed.spawn_rate or _FIRST_SPAWN_RATE
    base = parsed.web_base_path or ""
    config = options.config_of(parsed)
    control = LocustControl(environment, web_ui, master)
    protect = _behind_login(web_ui)
    runs = Runs(config.outputs.run_file.parent)
    names = [*([web_ui.host] if web_ui.host else []), *config.outputs.web_allowed_hosts]
    origins = Origins(names, any_name=parsed.web_login)
    app.register_blueprint(
        blueprint(master.live, control, runs, prefix=f"{base}/lensload", origins=origins, protect=protect)
    )
    app.view_functions["locust.swarm"] = protect(_checked(app.view_functions["locust.swarm"], environment))
    link = _LINK.format(href=f"{base}/lensload/")

    scheme, host = "https" if web_ui.tls_cert else "http", web_ui.host or "0.0.0.0"  # noqa: S104 - Locust's default
    _log.info("Live page: %s://%s:%s%s/lensload/", scheme, host, web_ui.port, base)

    @app.after_request
    def add_link(answer: Response) -> Response:  # pyright: ignore[reportUnusedFunction]  # Flask's
        if (
            request.endpoint == "locust.index"
            and answer.mimetype == "text/html"
            and not answer.direct_passthrough
        ):
            answer.set_data(answer.get_data(as_text=True).replace("</body>", f"{link}</body>"))
        return answer


def _behind_login(web_ui: WebUI) -> Callable[[View], View]:
    """Protects a view by Locust's login, if there is one.

    Locust's own way of it takes an error of the view for one of the login, and answers 200.
    """
    log_in: Callable[[], Any] = web_ui.auth_required_if_enabled(lambda: None)

    def protect(view: View) -> View:
        @wraps(view)
        def protected(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - Flask's
            answer = log_in()
            if answer is None:
                return view(*args, **kwargs)
            if "/api/" in request.path:
                what = {"message": "This needs a login.", "advice": "Log in on Locust's page.", "fields": {}}
                return jsonify({"error": what}), HTTPStatus.UNAUTHORIZED
            return answer

        return protected

    return protect


class LocustControl:
    """Starts and stops Locust's tests as our page asks for it.

    Args:
        environment: Locust's.
        web_ui: its page.
        master: coordinates the runs.
    """

    door = "locust"
    address = "../"

    def __init__(self, environment: Environment, web_ui: WebUI, master: Master) -> None:
        self._environment = environment
        self._web_ui = web_ui
        self._master = master
        self._last_rate_per_s: float | None = None

    def target(self) -> str:
        """The cluster of Locust's command line."""
        return form.target(options.config_of(_parsed(self._environment)))

    def form(self) -> list[dict[str, Any]]:
        """Locust's users, or a rate in their place, and our options."""
        parsed = _parsed(self._environment)
        shape = self._environment.shape_class
        users = [
            _field(
                _RATE,
                self._last_rate_per_s,
                "Events per second of the whole run, whatever its users add up to: the dial, set from the start."
                " Empty: the users' rates add up.",
                "the users decide",
            )
        ]
        if shape is None:
            users += [
                _field(
                    _USERS,
                    self._users,
                    "How many Locust users. Each is a part of the audience.",
                    "N",
                ),
                _field(
                    _SPAWN_RATE,
                    self._spawn_rate,
                    "How many of them start each second.",
                    "NUMBER",
                ),
            ]
        title = (
            f"Users (the shape {type(shape).__name__} decides their number)" if shape else "Users and rate"
        )
        config = options.config_of(parsed)
        return [{"title": title, "fields": users}, *form.groups(form.choices(config, in_locust=True))]

    def start(self, values: Mapping[str, Any]) -> None:
        """Start a test."""
        environment, runner = self._environment, self._environment.runner
        assert isinstance(runner, (LocalRunner, MasterRunner))  # noqa: S101 - it has a page
        if self._master.active or runner.state in (STATE_RUNNING, STATE_SPAWNING):
            raise UsageError("A run is on.", "Stop it first.")
        if isinstance(runner, MasterRunner) and not len(runner.clients.ready):
            raise RefusedError("No worker is connected.", "Start one with `locust --worker`, and try again.")
        own = {name: str(values.get(name, "")).strip() for name in (_RATE, _USERS, _SPAWN_RATE)}
        theirs = {name: value for name, value in values.items() if name not in own}
        users, spawn_rate, rate = self._numbers(own)
        self._take_over(theirs)
        self._master.first_rate_per_s = self._last_rate_per_s = rate
        parsed = _parsed(environment)
        if environment.shape_class is not None:
            runner.start_shape()
            return
        parsed.num_users, parsed.spawn_rate = users, spawn_rate
        # Locust's own page kills this greenlet when somebody stops the test there.
        self._web_ui._swarm_greenlet = gevent.spawn(runner.start, users, spawn_rate)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def stop(self) -> None:
        """Stop the test, which drains the run first."""
        runner = self._environment.runner
        if runner is not None:
            gevent.spawn(runner.stop)

    @property
    def _users(self) -> int:
        return _parsed(self._environment).num_users or _FIRST_USERS

    @property
    def _spawn_rate(self) -> float:
        return _parsed(self._environment).spawn_rate or _FIRST_SPAWN_RATE

    def _numbers(self, own: Mapping[str, str]) -> tuple[int, float, float | None]:
        """Users, users a second and the rate, if one is given; of what is not said, what the form offers.

        Raises:
            FormError: one is wrong; without a rate at least one user must be there to make it.
        """
        wrong: dict[str, str] = {}
        found: dict[str, float] = {}
        usual = {_USERS: f"{self._users}", _SPAWN_RATE: f"{self._spawn_rate:g}", _RATE: "0"}
        for name, least in ((_USERS, 1), (_SPAWN_RATE, 1e-3), (_RATE, 0)):
            text = own[name] or usual[name]
            number = _number(text)
            if number is None or not least <= number <= _MOST or (name == _USERS and number != int(number)):
                whole = "whole " if name == _USERS else ""
                wrong[name] = f"It should be a {whole}number from {least:g} to {_MOST:,.0f}, not {text!r}."
            else:
                found[name] = number
        if wrong:
            raise FormError(" ".join(wrong.values()), wrong)
        return int(found[_USERS]), found[_SPAWN_RATE], found[_RATE] if own[_RATE] else None

    def _take_over(self, values: Mapping[str, Any]) -> None:
        """Make what the form holds the options of the test."""
        parsed = _parsed(self._environment)
        base = options.config_of(parsed)
        found = form.choices(base, in_locust=True)
        form.checked(base, values, found)
        for option in found:
            if option.name in values:
                setattr(parsed, options.dest(option), str(values[option.name]).strip())


def _checked(swarm: View, environment: Environment) -> View:
    """Locust's own start, and its Edit, with what they hold checked before they answer "success"."""

    @wraps(swarm)
    def checked() -> Any:  # noqa: ANN401 - Flask's
        try:
            _check_form(environment, request.form)
        except LensloadError as error:
            return jsonify({"success": False, "message": str(error), "host": environment.host})
        return swarm()

    return checked


def _check_form(environment: Environment, given: Mapping[str, str]) -> None:
    parsed = _parsed(environment)
    options.check_host(given.get("host"), options.config_of(parsed), environment.user_classes)
    options.check_profile(given.get("profile"))
    now = vars(parsed)
    found = [option for option in form.choices(RunConfig(), in_locust=True) if options.dest(option) in given]
    runner = environment.runner
    if runner is not None and runner.state in (STATE_RUNNING, STATE_SPAWNING):
        _check_unchanged(
            {option: (str(now[options.dest(option)]), given[options.dest(option)]) for option in found}
        )
    options.config_of(
        argparse.Namespace(**{**now, **{options.dest(o): given[options.dest(o)] for o in found}})
    )


def _check_unchanged(values: Mapping[Option, tuple[str, str]]) -> None:
    other = [option.locust_flag for option, (now, wanted) in values.items() if now != wanted]
    if other:
        raise UsageError(
            f"{', '.join(other)} cannot change while a run is on.",
            "Change the number of users, or set the rate at /lensload/; stop the run to change anything else.",
        )


def _parsed(environment: Environment) -> argparse.Namespace:
    if environment.parsed_options is None:
        raise UsageError("lensload needs Locust's own command line.", "Start it with `locust`.")
    return environment.parsed_options


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _field(name: str, value: float | None, text: str, hint: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.replace("_", " "),
        "flag": "",
        "value": "" if value is None else f"{value:g}",
        "choices": [],
        "hint": hint,
        "help": text,
    }
