"""What an event of somebody's own schema costs, made and encoded, beside what others make such events with: in turns, in one run.

    python benchmarks/workload_peers.py                  five rounds
    python benchmarks/workload_peers.py --broker         flat out into a real broker, with a real registry (Java 17)

A payment is flat, with ten fields; an order has a record, an array of records, a map and a union inside (event_loops/). All
make the same fields, of values as like as their tools allow, and write the same Avro behind the registry's header:

- lensload: a workload file;
- Python: a dict for each event and confluent_kafka's AvroSerializer, with Faker's values, or drawn by `random` from such;
- Datagen: the generator that Confluent's kafka-connect-datagen has, and Avro's writer, without Connect around them (Java 17);
- Node: avsc, with @faker-js/faker's values, or drawn by Math.random from such; kafkajs writes to the broker (Node, npm).

Each is a process that waits for a number, and makes and encodes so many events; so all are warm, and take their turns. CPU is
the kernel's account of the process and its threads. fastavro reads an event of each turn back. Maven and npm fetch what is
missing into the harness's cache; a tool without its language on this machine is named and left out. Linux only.
"""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from base64 import b64decode
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import click
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from fastavro import parse_schema, schemaless_reader

sys.path.insert(0, str(Path(__file__).parents[1]))  # what it shares with tests and other benchmarks

from benchmarks.cpu import cpu_s
from benchmarks.flat_out import measured
from tests.harness.artifacts import CACHE, HarnessError, fetch
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry

HERE = Path(__file__).parent
LOOPS = HERE / "event_loops"
SCHEMAS = {"payment": "flat, ten fields", "order": "nested"}
OURS = "lensload"
HEADER_BYTES = 5

Commands = dict[str, list[str]]


def packages() -> Path:
    """The folder with Node's packages, installed if need be; named after what it holds, as the harness's are."""
    wanted = LOOPS / "package.json"
    folder = CACHE / f"node-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(wanted, folder)
        quiet = ("--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund")
        subprocess.run(["npm", "install", *quiet], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (folder / "complete").touch()
    return folder


def commands(schema: str) -> Commands:
    """The commands of the loops that can be had here, by what they are called in the table."""
    own = str(LOOPS / f"{schema}.toml")
    found = {OURS: [sys.executable, str(LOOPS / "workload_loop.py"), own]}
    file = str(LOOPS / f"{schema}.avsc")
    for values in ("faker", "random"):
        python = [sys.executable, str(LOOPS / "python_loop.py"), values, file]
        found[f"Python, {values.title()}, AvroSerializer"] = python
    try:
        jars = fetch(LOOPS.name, HERE)
        found["Datagen's generator (Java)"] = ["java", "-cp", f"{jars}/*", str(LOOPS / "Datagen.java"), file]
    except HarnessError as error:
        print(f"Datagen is left out: {error}", file=sys.stderr)
    if shutil.which("npm"):
        for values in ("faker", "random"):
            found[f"Node, {values.title()}, avsc"] = ["node", str(LOOPS / "loop.mjs"), values, file]
    return found


class Loop:
    """A process that makes events when it is asked to.

    Args:
        command: starts it.
        schema: what it makes.
        environment: what it is told besides.
    """

    def __init__(self, command: list[str], schema: Any, environment: dict[str, str]) -> None:  # noqa: ANN401 - JSON
        self._schema = schema
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.bytes_an_event = 0.0

    def us_an_event(self, count: int) -> float:
        """Let it make and encode so many; the CPU that each took, in microseconds.

        Raises:
            SystemExit: it ended, or made something else.
        """
        into, out = self._process.stdin, self._process.stdout
        if into is None or out is None:
            raise TypeError("pipes are asked for above")
        before_s = self._cpu_s()
        print(count, file=into, flush=True)
        answer = out.readline().split()
        took_s = self._cpu_s() - before_s
        if len(answer) != 2:
            raise SystemExit(f"{self._process.args} has ended.")
        value = BytesIO(b64decode(answer[1]))
        value.seek(HEADER_BYTES)
        schemaless_reader(value, self._schema, None)
        if value.read():
            raise SystemExit(f"{self._process.args} made more than an event.")
        self.bytes_an_event = int(answer[0]) / count
        return took_s / count * 1e6

    def warm_up(self, seconds: float) -> int:
        """Make ever more events until some took so much CPU; how many those were."""
        count = 1_000
        self.us_an_event(count)  # has its start in it
        while (took_s := self.us_an_event(count) * count / 1e6) < seconds:
            count = round(count * min(10.0, 1.2 * seconds / max(took_s, 0.01)))
        self.us_an_event(2 * count)  # Java still compiles
        return count

    def _cpu_s(self) -> float:
        return cpu_s(self._process.pid, "loop")["loop"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:  # waits until it has ended, once its input has
            process.communicate()


def compare(schema: str, told: dict[str, str], rounds: int, seconds: float) -> None:
    """Make and encode by turns, and print medians."""
    parsed = parse_schema(json.loads((LOOPS / f"{schema}.avsc").read_text()))
    with ExitStack() as stack:
        loops = {
            name: stack.enter_context(Loop(command, parsed, {**os.environ, **told}))
            for name, command in commands(schema).items()
        }
        counts = {name: loop.warm_up(seconds) for name, loop in loops.items()}
        taken: dict[str, list[float]] = {name: [] for name in loops}
        for number in range(rounds):
            for name in list(loops)[:: -1 if number % 2 else 1]:
                taken[name].append(loops[name].us_an_event(counts[name]))
        print(f"{schema} ({SCHEMAS[schema]}), made and encoded, CPU of one core", flush=True)
        for name, figures in taken.items():
            ratio = statistics.median(
                theirs / ours for theirs, ours in zip(figures, taken[OURS], strict=True)
            )
            middle = statistics.median(figures)
            print(
                f"  {name:32} {1e6 / middle:>10,.0f}/s  {middle:7.2f} us an event  {ratio:6.1f} of lensload's"
                f"  {loops[name].bytes_an_event:4.0f} bytes  ({min(figures):.2f} to {max(figures):.2f} us)",
                flush=True,
            )


def bench(schema: str, told: dict[str, str], prefix: str) -> list[str]:
    """The command of a whole run of lensload's, flat out."""
    program = str(Path(sys.executable).with_name("lensload"))
    run = ["bench", "--workload", str(LOOPS / f"{schema}.toml"), "--rate", "max", "--duration", "120s"]
    where = ["--bootstrap-servers", told["PEER_BOOTSTRAP"], "--registry-url", told["PEER_REGISTRY"]]
    return [program, *run, *where, "--topic-prefix", prefix]


def produce(schema: str, told: dict[str, str], rounds: int, seconds: float) -> None:
    """Write to the broker by turns, and print medians."""
    taken: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name, command in commands(schema).items():
            topic = f"beside-{time.time_ns()}-{schema}"
            whole = bench(schema, told, topic.removesuffix(schema)) if name == OURS else command
            environment = {**told, "PEER_TOPIC": topic}
            run = measured(told["PEER_BOOTSTRAP"], [topic], whole, environment, seconds)
            taken.setdefault(name, []).append(run)
    print(f"{schema} ({SCHEMAS[schema]}), written to the broker flat out", flush=True)
    for name, runs in taken.items():
        rate, cost, reader = (statistics.median(run[key] for run in runs) for key in runs[0])
        ratio = statistics.median(
            theirs["us/event"] / ours["us/event"] for theirs, ours in zip(runs, taken[OURS], strict=True)
        )
        note = f", and {reader:.2f} us for reading them" if reader else ""
        print(
            f"  {name:32} {rate:>10,.0f} events/s  {cost:7.2f} us an event  {ratio:6.1f} of lensload's{note}"
        )


def registered(schema: str, url: str) -> str:
    """The registry's id of the schema; another topic's subject gets the same."""
    text = (LOOPS / f"{schema}.avsc").read_text()
    return str(SchemaRegistryClient({"url": url}).register_schema(f"{schema}-value", Schema(text, "AVRO")))


@click.command()
@click.option("--rounds", default=5, show_default=True, help="How often each takes its turn.")
@click.option(
    "--seconds", default=2.0, show_default=True, help="CPU seconds of a turn, about; seconds with a broker."
)
@click.option("--schema", "schemas", type=click.Choice(list(SCHEMAS)), multiple=True, default=SCHEMAS)
@click.option("--broker", is_flag=True, help="All write to a real broker, flat out, for so many seconds.")
def main(rounds: int, seconds: float, schemas: tuple[str, ...], broker: bool) -> None:
    """Print medians: the CPU of an event, and how many times lensload's it is, of pairs."""
    told = {"PEER_REGISTRY": "mock://beside", "PEER_SCHEMA_ID": "1"}
    if shutil.which("npm"):
        told["PEER_PACKAGES"] = str(packages())
    if not broker:
        for schema in schemas:
            compare(schema, told, rounds, seconds)
    else:
        with Kafka(quick=False) as kafka, Registry() as registry:
            told |= {"PEER_BOOTSTRAP": kafka.bootstrap_servers, "PEER_REGISTRY": registry.url}
            for schema in schemas:
                produce(schema, {**told, "PEER_SCHEMA_ID": registered(schema, registry.url)}, rounds, seconds)


if __name__ == "__main__":
    main()
