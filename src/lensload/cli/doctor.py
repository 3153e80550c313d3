"""`lensload doctor`: whether a run can be made here, and what would spoil it."""

import json
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

import click

from lensload.cli.options import Command, Given, run_options
from lensload.config.model import RunConfig

_FIELDS = (
    "bootstrap_servers",
    "registry_url",
    "client_config",
    "register_schemas",
    "topic_prefix",
    "partitions",
    "replication_factor",
)
_MARKS = {
    "refused": "FAIL",
    "usage": "FAIL",
    "invalid": "FAIL",
    "warning": "warn",
    "note": "note",
    "ok": "ok",
}
_WIDTH = 110
_INDENT = 8


@click.command(
    cls=Command,
    epilog="Exit codes: 0 nothing hinders a run; 2 wrong usage, or schemas that do not fit; 3 a run would be invalid;"
    " 4 the cluster or the registry cannot be reached or refuses.",
)
@run_options((*_FIELDS, "workload", "topics", "workers", "acks", "max_schedule_lag_s"))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--probe-topic",
    is_flag=True,
    help="Also compare the brokers' clock: create a topic, write to it, and delete it. Without this flag nothing is"
    " created.",
)
def doctor(given: Given, *, as_json: bool, probe_topic: bool) -> None:
    """Check cluster, registry, topics and machine before a run; each finding says what it means and what to do.

    Nothing is created, written or registered, except by --probe-topic.
    """
    run = given.config()
    from lensload.doctor.examination import examine  # noqa: PLC0415 - the clients cost half a second
    from lensload.doctor.finding import exit_code  # noqa: PLC0415

    found = examine(run, probe_topic=probe_topic)
    code = exit_code(found)
    click.echo(_document(run, found, code) if as_json else _text(found))
    sys.exit(code)


def _document(run: RunConfig, found: Sequence[Any], code: int) -> str:
    return json.dumps(
        {
            "format": "lensload/doctor",
            "version": 1,
            "bootstrap_servers": run.cluster.bootstrap_servers,
            "registry_url": run.cluster.registry_url,
            "exit_code": code,
            "findings": list(found),
        },
        indent=2,
    )


def _text(found: Sequence[Any]) -> str:
    lines: list[str] = []
    area = ""
    for each in found:
        if each["area"] != area:
            area = each["area"]
            lines.append(area)
        lines += _wrapped(f"  {_MARKS[each['severity']]:<4}  ", each["text"])
        for label, text in (("", each["meaning"]), ("-> ", each["fix"])):
            lines += _wrapped(" " * _INDENT + label, text) if text else []
    marks = [_MARKS[each["severity"]] for each in found]
    lines.append(f"\n{len(marks)} findings: {marks.count('FAIL')} FAIL, {marks.count('warn')} warn.")
    return "\n".join(lines)


def _wrapped(start: str, text: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        _WIDTH,
        initial_indent=start,
        subsequent_indent=" " * max(_INDENT, len(start)),
        break_long_words=False,
        break_on_hyphens=False,
    )
