"""Write the generated pages of this folder: `make docs`, or `python docs/generate.py`.

configuration.md comes from the configuration model and the command line, run-file.md and workload-file.md from the JSON
Schemas of these files, reasons.md from the rules of the verdict. tests/unit/test_docs.py fails when a page is not what this script would write.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import click

from lensload.cli.main import main as lensload
from lensload.config.options import Option, options
from lensload.results import merge
from lensload.results.schema import schema
from lensload.schema import registry_auth
from lensload.verdict.judge import RULES
from lensload.verdict.rules import missing
from lensload.verdict.verdict import Severity
from lensload.workload import json_schema

FOLDER: Final = Path(__file__).parent
NOTE: Final = "<!-- Written by docs/generate.py: change that, or what it reads, and run `make docs`. -->\n"

REGISTRY: Final[Mapping[str, str]] = {
    registry_auth.USER_INFO_VARIABLE: "`user:password`, for basic authentication",
    registry_auth.TOKEN_VARIABLE: "a bearer token",
    registry_auth.CA_FILE_VARIABLE: "PEM file of the authorities to trust, in place of the system's",
    registry_auth.CERT_FILE_VARIABLE: "PEM file of the client certificate, for mutual TLS; it may hold the key too",
    registry_auth.KEY_FILE_VARIABLE: "PEM file of the certificate's key",
    registry_auth.KEY_PASSWORD_VARIABLE: "the password of that key",
}

INTRODUCTION: Final = """\
# Configuration

Every option of a run is a flag, an environment variable and a key in `lensload.toml`. The flag overrides the variable,
the variable overrides the file, and the file overrides the default. An unknown flag, key or `LENSLOAD_` variable is an
error that names the nearest known one.

```toml
# lensload.toml, in the current folder or at the path of --config or LENSLOAD_CONFIG
bootstrap_servers = "localhost:9092"
registry_url = "http://localhost:8081"
rate = 2000
duration = "1m"
slo = ["end_to_end.p99 < 50ms", "lost == 0"]
```

The key of an option is its flag without the leading dashes and with `_` for `-`. Durations are `250ms`, `30s`, `2m` or
`1h30m`; a share is a number from 0 to 1. An option that may be given several times is a list in the file, and a text
with commas in a variable. How to reach a secured cluster is in [connect.md](connect.md).
"""

RUN_FILE: Final = """\
# The run file

A run file is the result of record: JSON that holds every figure, the histograms behind them, and the conditions of the run.
`lensload report`, `compare` and every view read it. It is written completely or not at all, and stays below 2 MB for a run of any
length. Its JSON Schema is in the package: `lensload/results/run.schema.json`.

```sh
lensload bench --rate 200 --duration 10s --run-file run.json
python -c 'import json; run = json.load(open("run.json")); print(run["verdict"], run["latency_us"]["ack"]["all"]["p50"])'
```

Fields may be added; names and meanings do not change within one `format`. A name that ends in `_us` is in microseconds, in `_s`
in seconds, in `_per_s` per second. A percentile that too few events support is null. In figures by topic, `all` is all topics
together. [metrics.md](metrics.md) explains the figures, [benchmark.md](benchmark.md#pass-fail-invalid) the verdicts.
"""


WORKLOAD_FILE: Final = """\
# The workload file

A workload file says which topics a run has, with any Avro schemas, and how the values of their fields are made. It is TOML; its JSON
Schema is in the package (`lensload/workload/workload.schema.json`), and an editor that knows it completes and checks the keys. Whatever
is wrong in a file is named with its line, key and the nearest name before anything is sent.

```toml
seed = 7

[pools.customers]                                # rows that events refer to; no row is kept, so a pool may have a billion
size = 10_000
skew = { zipf = 1.1 }                            # or { hot = 10, share = 0.5 }; without it all rows are drawn alike

[pools.customers.fields]
id = { uuid = {} }
email = { faker = "email" }

[pools.shops]                                    # rows that are written out, so that city, country and latitude agree
rows = [
    { city = "Berlin", country = "DE", latitude = 52.52 },
    { city = "Paris", country = "FR", latitude = 48.86 },
]

[topics.orders]
schema = "order.avsc"                            # beside this file, or { subject = "orders-value", version = 3 }
share = 3                                        # of the events, relative to other topics' shares
key = "customerId"
stopwatch = "orderId"                            # the field that holds the event's id, from which its due time is read

[topics.orders.fields]
customerId = { from = "customers.id" }           # fields from one pool are of one row
email = { from = "customers.email", null = 0.1 }
city = { from = "shops.city" }
country = { from = "shops.country" }             # the city's own
status = { choice = { NEW = 8, PAID = 2 } }
lines = { length = [1, 5] }
"lines[].quantity" = { uniform = [1, 9] }
"lines[].price" = { lognormal = { median = 20, sigma = 0.8 }, min = 1, decimals = 2 }
"lines[].amount" = { product = ["lines[].quantity", "lines[].price"], decimals = 2 }
total = { sum = "lines[].amount" }
createdAt = { before_due = { exponential = "3d" } }
note = { padding = { lognormal = { median = 900, sigma = 0.3 } } }

[topics.orders.headers]                          # record headers: a text, or a generator as of a string field
source = "web"
trace-id = { uuid = {} }

[topics.payments]
schema = "payment.avsc"
parent = "orders"                                # each order has one to three payments behind it, in its lane
children = [1, 3]
key = "orderId"
stopwatch = { header = "lensload-id" }           # where no field can hold the id: a record header

[topics.payments.fields]
orderId = { parent = "orderId" }
paidAt = { due = {} }
```

A path leads into records with `.`, into the items of an array with `[]`, into the values of a map with `{}`. A field that the file does
not name has its default, is null if it may be, and is else made by its type. Every value is a function of the seed, the topic, the lane
and the event's number there, so that any number of workers makes the same events; ids and times depend on when events are due.
"""


REASONS: Final = """\
# Reasons

Each reason for a verdict has a code for programs. Its text, with the figures, is printed below the verdict and is in the
[run file](run-file.md#reason). An `invalid` reason means that the figures must not be used, a `fail` that an objective or a limit was
missed; a `remark` changes no verdict. [benchmark.md](benchmark.md#pass-fail-invalid) explains the verdicts.
"""

OF_NO_RULE: Final[Mapping[str, tuple[str, str]]] = {
    "process_died": ("invalid", "A process of the run was killed, or ended without a word."),
    "process_failed": ("invalid", "A process of the run ended with an error, which is printed."),
    "worker_lost": ("invalid", "Nothing was heard of a worker for too long."),
    "worker_left": ("invalid", "A worker was stopped before the end of the run."),
    "messages_lost": ("invalid", "Messages of a worker did not reach the coordinator."),
    "drain_timeout": ("invalid", "A process did not finish within the drain timeout."),
    "drain_given_up": ("invalid", "Somebody interrupted the drain."),
    "objective_missed": ("fail", "An objective (`--slo`) does not hold."),
    "repeats_missing": ("invalid", "Fewer of the repeated runs than were asked for have a result."),
}


def reasons() -> str:
    """The page of all reasons that a verdict can have, the gravest first."""
    advice: dict[str, str] = {**missing.ADVICE, "repeats_missing": merge.RUN_AGAIN}
    rows = [(rule.code, rule.severity, rule.meaning, rule.advice) for rule in RULES]
    rows += [
        (code, severity, meaning, advice.get(code, "")) for code, (severity, meaning) in OF_NO_RULE.items()
    ]
    parts = [NOTE, REASONS]
    for severity in get_args(Severity):
        found = [(f"`{row[0]}`", *row[2:]) for row in rows if row[1] == severity]
        parts += [f"## {severity}\n", *_table(("code", "when", "what to do"), found)]
    return "\n".join(parts)


def configuration() -> str:
    """The page of every option: those of a run by group, then those that one command alone has."""
    parts = [NOTE, INTRODUCTION]
    for title, group in itertools.groupby(options(), lambda option: option.group):
        rows = [_option_row(option) for option in group]
        parts += [f"## {title}\n", *_table(("flag", "variable", "default", "meaning"), rows)]
    parts += [
        "## Credentials of the Schema Registry\n",
        "They come from the environment, or from the [client file](connect.md#tls-and-sasl-towards-kafka).\n",
    ]
    parts += _table(("variable", "value"), [(f"`{name}`", meaning) for name, meaning in REGISTRY.items()])
    parts += [
        "## Options of one command\n",
        "Each table has the options that only this command has. The line below it names its options of a run, from above.\n",
    ]
    parts += _commands(lensload, ("lensload",))
    return "\n".join(parts)


def run_file(content: Mapping[str, Any]) -> str:
    """The page of the run file.

    Args:
        content: a JSON Schema of an object, with the objects it refers to in `$defs`.
    """
    return _of_schema(RUN_FILE, content)


def workload_file(content: Mapping[str, Any]) -> str:
    """The page of the workload file, from its JSON Schema."""
    return _of_schema(WORKLOAD_FILE, content)


def _of_schema(introduction: str, content: Mapping[str, Any]) -> str:
    definitions: Mapping[str, Any] = content.get("$defs", {})
    parts = [NOTE, introduction, *_fields(content)]
    for name, definition in sorted(definitions.items()):
        if "properties" in definition:
            parts += [f"## {name}\n", _paragraph(definition), *_fields(definition)]
        elif "enum" in definition:
            parts += [f"## {name}\n", _paragraph(definition), f"One of {_type(definition)}.\n"]
    return "\n".join(part for part in parts if part)


def pages() -> dict[str, str]:
    """Each generated page by file name."""
    return {
        "configuration.md": configuration(),
        "run-file.md": run_file(schema()),
        "reasons.md": reasons(),
        "workload-file.md": workload_file(json_schema.schema()),
    }


def _option_row(option: Option) -> tuple[str, ...]:
    flag = f"`{option.flag} {'|'.join(option.choices) or option.shown.metavar}`"
    default = "" if option.default == "" else f"`{option.default}`".replace(",", ", ")
    where = ""
    if not option.shown.locust:
        where = " Not an option of `locust`."
    elif not option.shown.bench:
        where = " An option of `locust` only."
    elif option.locust_flag != option.flag:
        where = f" In `locust`: `{option.locust_flag}`."
    return flag, f"`{option.env}`", default, option.help + where


def _commands(command: click.Command, path: Sequence[str]) -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if each := command.get_command(context, name):
                yield from _commands(each, (*path, name))
        return
    run_flags = {option.flag for option in options()}
    own = [
        each for each in command.params if isinstance(each, click.Option) and each.opts[0] not in run_flags
    ]
    shared = [each.opts[0] for each in command.params if each.opts[0] in run_flags]
    yield f"### {' '.join(path)}\n"
    if not command.add_help_option:  # it passes all that it is given on to another program
        yield f"All options of a run that `locust` has, and Locust's own: `{' '.join(path)} --help` lists them.\n"
    if own:
        yield from _table(("flag", "default", "meaning"), [_click_row(each) for each in own])
    if len(shared) > len(run_flags) / 2:
        missing = sorted(
            option.flag for option in options() if option.shown.bench and option.flag not in shared
        )
        yield f"All options of a run{' except ' + _codes(missing) if missing else ''}.\n"
    elif shared:
        yield f"Of the options of a run: {_codes(shared)}.\n"


def _click_row(option: click.Option) -> tuple[str, ...]:
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    value = "" if option.is_flag else f" {'|'.join(choices) or option.metavar or 'VALUE'}"
    text, _, default = (option.help or "").partition("[default: ")
    if isinstance(option.show_default, str):
        default = option.show_default
    elif option.show_default and isinstance(option.default, (str, float, Path)):
        default = str(option.default)
    return f"`{option.opts[0]}{value}`", default.rstrip("]"), text.strip()


def _fields(definition: Mapping[str, Any]) -> Iterable[str]:
    properties: Mapping[str, Any] = definition.get("properties", {})
    rows = [(f"`{name}`", _type(kind), kind.get("description", "")) for name, kind in properties.items()]
    return _table(("field", "type", "meaning"), rows) if rows else ()


def _type(kind: Mapping[str, Any]) -> str:
    """A type in words; an object that is defined beside is a link to its section."""
    if "$ref" in kind:
        name = kind["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in kind or "enum" in kind:
        return ", ".join(f"`{json.dumps(value)}`" for value in kind.get("enum", [kind.get("const")]))
    either = next((kind[key] for key in ("anyOf", "oneOf", "allOf") if key in kind), None)
    if either:
        return " or ".join(dict.fromkeys(map(_type, either)))
    return _plain_type(kind)


def _plain_type(kind: Mapping[str, Any]) -> str:
    named = kind.get("type", "any")
    if named == "array":
        return f"list of {_type(kind.get('items', {}))}"
    if named == "object" and isinstance(kind.get("additionalProperties"), dict):
        return f"object of {_type(kind['additionalProperties'])} by name"
    return " or ".join(named) if isinstance(named, list) else str(named)


def _paragraph(definition: Mapping[str, Any]) -> str:
    return f"{definition['description'].strip()}\n" if definition.get("description") else ""


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in lines]
    return ["\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"]


def main() -> None:
    """Write each page."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
