"""What a Locust master has to do for 1 to 200 workers: its CPU and memory, the messages, the ledger, the run file.

    python benchmarks/scaling.py                                    1, 10, 50 and 200 workers, 500 events/s each
    python benchmarks/scaling.py --workers 10,20 --rate 5000 --seconds 30

The master is real: `locust --master` with lensload in it. Its workers are Locust's own too, all in one process, each with
a connection and a host of its own (benchmarks/standin_workers.py). Only their generators and observers are stand-ins: each
sends what one real generator and one real observer sent, which are recorded before, against the embedded cluster. Pages of
the ledger are renamed to each worker's lanes and divided among the observers by partition, as a cluster would. Linux only.

What is printed is CPU time, not time by the clock, so that a machine that is busy otherwise changes little.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgpack

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness belongs to the tests

from benchmarks.cpu import SAMPLE_S, cpu_s
from lensload.config.model import RunConfig
from lensload.coordinator.coordinator import Coordinator
from lensload.coordinator.local_transport import LocalTransport
from lensload.coordinator.run_result import Cluster
from lensload.coordinator.workers import LANES
from lensload.kafka.embedded import EmbeddedCluster
from lensload.processes.envelope import Parcel
from lensload.processes.messages import GeneratorDrained
from tests.harness.process import free_ports

WARMUP_S = 2
PATIENCE_S = 100
STANDINS = Path(__file__).with_name("standin_workers.py")
LOCUSTFILE = Path(__file__).parents[1] / "locustfiles" / "ordinary_day.py"


def record(path: Path, lanes: int, rate: int, seconds: int) -> None:
    """Write what a real generator with so many lanes, and its observer, send in a run: when, which process, and what.

    What is sent once a process is drained has no time.
    """
    config = RunConfig().changed(rate=float(rate), duration_s=float(seconds), warmup_s=float(WARMUP_S))
    sent: list[tuple[int | None, str, str, bytes]] = []
    drained: set[str] = set()
    with EmbeddedCluster() as cluster, LocalTransport.launched(config) as transport:
        run = Coordinator(
            transport, config, cluster=Cluster(cluster.bootstrap_servers, embedded=True), rate_per_s=rate
        )
        only = run.workers.join(transport.workers[0])
        only.lanes = list(range(0, LANES, max(1, LANES // lanes)))[:lanes]

        def receive(worker: str, parcel: Parcel) -> None:
            process, envelope = parcel.process, parcel.envelope
            if process:
                at_ns = None if process in drained else time.time_ns()
                sent.append((at_ns, process, envelope.kind, envelope.body))
            run.receive(worker, parcel)
            if envelope.holds(GeneratorDrained):
                drained.add("observer")

        transport.join(receive)
        run.await_ready()
        run.begin()
        run.await_end()
        drained.add("generator")
        run.drain()
    times = run.recorder.times
    if times is None:
        raise SystemExit("The run to record did not begin.")
    path.write_bytes(msgpack.packb([times.start_ns, list(only.lanes), sent]))  # pyright: ignore[reportArgumentType]


class Sample(NamedTuple):
    """What a process has used so far."""

    at_s: float
    cpu_s: float
    rss_mb: float


def sampled(pid: int) -> Sample | None:
    """The process now; None if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        rss_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    except (OSError, StopIteration):
        return None
    return Sample(time.time(), cpu_s(pid, "")[""], rss_kb / 1024)


def measure(workers: int, rate: int, partitions: int, seconds: int, folder: Path) -> dict[str, Any]:
    """One run of so many stand-ins on a real master."""
    lanes = max(1, LANES // workers)
    recording = folder / f"recording-{lanes}.msgpack"
    if not recording.exists():
        record(recording, lanes, rate, seconds)
    (port,) = free_ports(1)
    run_file = folder / f"run-{workers}.json"
    locust = [str(Path(sys.executable).with_name("locust")), "-f", str(LOCUSTFILE), "--headless", "--master"]
    locust += ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(port)]
    locust += ["--expect-workers", str(workers), "-u", str(workers), "-r", str(workers)]
    locust += ["--bootstrap-servers", "127.0.0.1:9", "--registry-url", "mock://", "--run-file", str(run_file)]
    locust += ["--duration", f"{seconds}s", "--warmup", f"{WARMUP_S}s", "--user-rate", str(rate)]
    standins = [sys.executable, str(STANDINS), str(recording), str(workers), str(partitions), str(port)]
    samples: list[Sample] = []
    with (folder / "log").open("w+") as log:
        with (
            subprocess.Popen(locust, stdout=log, stderr=log, cwd=folder) as master,
            subprocess.Popen(standins, stdout=subprocess.PIPE, stderr=log, cwd=folder, text=True) as others,
        ):
            try:
                while master.poll() is None and (sample := sampled(master.pid)):
                    samples.append(sample)
                    if sample.at_s - samples[0].at_s > seconds + PATIENCE_S:
                        raise SystemExit(f"The run of {workers} workers does not end.")
                    time.sleep(SAMPLE_S)
                counted, _ = others.communicate(timeout=PATIENCE_S)
            finally:
                master.kill()
                others.kill()
        if not run_file.exists():
            log.seek(0)
            raise SystemExit(f"The run of {workers} workers failed:\n{log.read()[-3000:]}")
    run, on_wire = json.loads(run_file.read_text()), json.loads(counted)
    return {
        **used(samples, on_wire["begin_s"], on_wire["drain_s"], WARMUP_S + seconds),
        **on_wire,
        "run_file_kb": run_file.stat().st_size / 1e3,
        "verdict": run["verdict"],
        "reasons": [reason["code"] for reason in run["reasons"]],
        "acked": sum(topic["acked"] for topic in run["topics"].values()),
        "lost": sum(topic["lost"] for topic in run["topics"].values()),
    }


def used(samples: list[Sample], begin_s: float, drain_s: float, seconds: float) -> dict[str, float]:
    """Of a master: CPU seconds for each of so many seconds of the run, CPU seconds of the drain, and memory in both.

    What the workers send does not depend on how fast the machine is, so CPU is not divided by how long it took.
    """
    within = [each for each in samples if begin_s <= each.at_s <= drain_s]
    return {
        "cores": (within[-1].cpu_s - within[0].cpu_s) / seconds,
        "rss_mb": max(each.rss_mb for each in within),
        "drain_cpu_s": samples[-1].cpu_s - within[-1].cpu_s,
        "drain_rss_mb": max(each.rss_mb for each in samples),
        "took_s": within[-1].at_s - within[0].at_s,
    }


HEADS = "| workers | events/s | messages/s in, out | MB/s in, out | master, cores | RSS | drain: MB in, CPU, RSS | run file | verdict |"


def row(workers: int, rate: int, found: dict[str, Any]) -> str:
    """A line of the table."""
    cells = [
        f"{workers}",
        f"{workers * rate:,}",
        f"{found['in_per_s']:,.0f}, {found['out_per_s']:,.0f}",
        f"{found['in_mb_per_s']:.2f}, {found['out_mb_per_s']:.2f}",
        f"{found['cores']:.3f}",
        f"{found['rss_mb']:.0f} MB",
        f"{found['drain_in_mb']:.1f} MB, {found['drain_cpu_s']:.1f} s, {found['drain_rss_mb']:.0f} MB",
        f"{found['run_file_kb']:.0f} kB",
        f"{found['verdict']} {' '.join(found['reasons'])}: {found['acked']:,} acked, {found['lost']} lost",
    ]
    return f"| {' | '.join(cells)} |"


@click.command()
@click.option("--workers", default="1,10,50,200", show_default=True, help="How many, with commas between.")
@click.option("--rate", default=500, show_default=True, help="Events per second of each worker.")
@click.option("--partitions", default=12, show_default=True, help="Of each topic.")
@click.option("--seconds", default=20, show_default=True, help="How long each run is measured.")
def main(workers: str, rate: int, partitions: int, seconds: int) -> None:
    """Print a table of what the master used."""
    print(HEADS, f"|{'---|' * (HEADS.count('|') - 1)}", sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number in map(int, workers.split(",")):
            print(
                row(number, rate, measure(number, rate, partitions, seconds, Path(folder))),
                flush=True,
            )


if __name__ == "__main__":
    main()
