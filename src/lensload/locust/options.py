"""This project's options on Locust's command line and in its web form, and the RunConfig they amount to."""

import argparse
import functools
import sys
from collections.abc import Iterable

from locust import argument_parser
from locust.argument_parser import LocustArgumentParser

from lensload.config import loading
from lensload.config.model import RunConfig
from lensload.config.options import Option, options
from lensload.coordinator.prometheus import check_free
from lensload.errors import LensloadError, UsageError
from lensload.locust.audience import Audience
from lensload.pacing.profile import Profile
from lensload.report import outputs


def add_arguments(parser: LocustArgumentParser) -> None:
    """Add our options; their defaults are what the environment and lensload.toml say."""
    try:
        base = loading.load()
    except LensloadError as error:
        _leave(parser, error)
        return
    groups: dict[str, argparse._ArgumentGroup] = {}  # pyright: ignore[reportPrivateUsage]
    for option in options(base):  # pyright: ignore[reportArgumentType]  # frozen models hash
        if option.shown.locust:
            if option.group not in groups:
                groups[option.group] = parser.add_argument_group(f"lensload: {option.group}")
            _add(groups[option.group], option)


def keep_defaults() -> None:
    """Let Locust (2.47) work out its own options' defaults once, and not for each option in each order to a worker.

    That order would otherwise keep a worker on a busy machine from sending heartbeats for seconds, and its master
    would take it for lost.
    """
    argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)


def check(parser: LocustArgumentParser) -> None:
    """Read the command line now, before Locust forks or listens, and leave if it makes no configuration."""
    known, _ = parser.parse_known_args()
    try:
        check_profile(known.profile)
        check_users(known.num_users)
        config = config_of(known)
        if not known.worker:
            outputs.check(config.outputs)
            check_free(config.outputs.prometheus_host, config.outputs.prometheus_port)
    except LensloadError as error:
        _leave(parser, error)


def config_of(parsed: argparse.Namespace) -> RunConfig:
    """The configuration that the command line and the web form amount to.

    Raises:
        UsageError: they make none.
    """
    given = vars(parsed)
    known = {option.name: option for option in options() if option.shown.locust and dest(option) in given}
    values = {name: given[dest(option)] for name, option in known.items()}
    if values.get("workload") and values["topics"] == known["topics"].default:
        del values["topics"]  # LENS's, which nobody named: Locust has a value for every option
    return loading.load(values)


def _add(group: argparse._ArgumentGroup, option: Option) -> None:  # pyright: ignore[reportPrivateUsage]
    action = group.add_argument(
        option.locust_flag,
        dest=dest(option),
        type=type(option.default),
        default=option.default,
        choices=option.choices or None,
        metavar=None if option.choices else f"<{option.shown.metavar.lower()}>",
        help=option.help.replace("%", "%%"),
        action=_Added if option.shown.several else "store",
        env_var=option.env,  # pyright: ignore[reportCallIssue]  # configargparse's
    )
    # What Locust's own parser.add_argument sets; those of a group do not know it, and a group reads better.
    vars(action)["include_in_web_ui"] = option.shown.web


class _Added(argparse.Action):
    """A flag that may be given several times: its texts with commas between, and no more the default."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        given = vars(namespace).setdefault(f"_{self.dest}_given", [])
        given.append(str(values))
        setattr(namespace, self.dest, ",".join(given))


def check_host(host: str | None, config: RunConfig, user_classes: Iterable[type]) -> None:
    """Refuse a host that the load would not go to; other users in the locustfile may have one of their own.

    Raises:
        UsageError: it is another address than the cluster's.
    """
    if (
        not host
        or host == name_of_cluster(config)
        or not all(issubclass(kind, Audience) for kind in user_classes)
    ):
        return
    raise UsageError(
        f"The host is {host!r}, and the load goes to {name_of_cluster(config)}: lensload has no use for a host.",
        "Leave it empty; the cluster is that of --bootstrap-servers and --registry-url.",
    )


def check_profile(profile: str | None) -> None:
    """Refuse Locust's own --profile, which is a mere label, where ours must have been meant.

    Raises:
        UsageError: it is a rate profile.
    """
    if not profile:
        return
    try:
        Profile.parse(profile)
    except ValueError:
        return
    raise UsageError(
        f"--profile {profile} is Locust's own option, a label without effect on the rate.",
        f"For a rate profile write --rate-profile {profile}.",
    )


def check_users(users: int | None) -> None:
    """Refuse a number of users that there cannot be, which Locust (2.47) notices when the run has begun.

    Raises:
        UsageError: it is below 0.
    """
    if users is not None and users < 0:
        raise UsageError(f"--users is {users}.", "Give the number of users to simulate, such as --users 10.")


def name_of_cluster(config: RunConfig) -> str:
    """Where the load goes, in place of Locust's host; it goes into the names of downloads, so without blanks and commas."""
    servers = (config.cluster.bootstrap_servers or "embedded-cluster").split(",")
    return servers[0] + (f"+{len(servers) - 1}" if servers[1:] else "")


def dest(option: Option) -> str:
    """The name of an option's value among Locust's."""
    return option.locust_flag.removeprefix("--").replace("-", "_")


def _leave(parser: LocustArgumentParser, error: LensloadError) -> None:
    sys.stdout.flush()
    parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
