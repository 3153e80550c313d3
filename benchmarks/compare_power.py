"""How often `lensload compare` cries wolf, finds a slowdown of 20 %, or cannot tell: counted over real runs.

    python benchmarks/compare_power.py --into FOLDER [--pairs 20] [--rate 1000] [--far-ms 0] [--each 5]

Makes pairs of short runs on a real broker behind the tests' proxy, in random order: one as it is, one in which the
proxy holds every produce request longer, by a fifth of the median end-to-end latency that a few runs before it had.
What that came to is printed: on a machine that others use it is not a fifth, and the counts are of what it was.
Then draws so many runs of each kind, 100 times, and compares: like with like, and like with slowed. Run files that
are in the folder already are used again, so that more can be added, or other draws made (`--pairs 0`).
"""

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness belongs to the tests

from lensload.results import run_file
from lensload.results.compare import DEFAULT_LIMITS, Terms, compare
from lensload.results.run import Run
from tests.harness.kafka import Kafka
from tests.harness.proxy import PRODUCE, Proxy

SLOWER = 0.2
DRAWS = 100
KINDS = ("base", "slow")
CALLS = ("regression", "improvement", "no difference", "cannot tell")


def bench(folder: Path, name: str, proxy: Proxy, rate: float) -> Run:
    """One run of 6 s through the proxy."""
    path = folder / f"{name}.json"
    command = [
        sys.executable,
        "-c",
        "from lensload.cli.main import main; main()",
        "bench",
        "--run-file",
        str(path),
    ]
    command += ["--bootstrap-servers", proxy.bootstrap_servers, "--registry-url", "mock://"]
    command += ["--rate", str(rate), "--duration", "6s", "--warmup", "1s"]
    # With more, requests come so often that five of them in flight do not last for the round trip: what is planted
    # would then be a queue in the client, several times as long as what the proxy holds.
    command += ["--topics", "user-interactions", "--partitions", "1"]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    run = run_file.read(path)
    median_ms = run["latency_us"]["end_to_end"]["all"]["p50"] / 1e3
    print(f"{name}: {run['verdict']}, end-to-end p50 {median_ms:.2f} ms", flush=True)
    return run


def collect(folder: Path, pairs: int, rate: float, far_ms: float) -> None:
    """Runs of both kinds, alternating at random, behind those that are there already."""
    first = len(list(folder.glob("base-*.json")))
    with Kafka() as kafka, Proxy(kafka.proxy_port, kafka.proxied_port) as proxy:
        proxy.delay("requests", far_ms, PRODUCE)
        medians = [
            bench(folder, f"trial-{n}", proxy, rate)["latency_us"]["end_to_end"]["all"]["p50"]
            for n in range(5)
        ]
        more_ms = SLOWER * float(np.median(medians[2:])) / 1e3
        print(f"slowed: produce requests held for {more_ms:.2f} ms more", flush=True)
        for pair in range(first, first + pairs):
            for kind in random.sample(KINDS, 2):
                proxy.delay("requests", far_ms + (more_ms if kind == "slow" else 0.0), PRODUCE)
                bench(folder, f"{kind}-{pair:03}", proxy, rate)


def count(base: list[Run], new: list[Run], each: int) -> Counter[str]:
    """What so many comparisons of runs drawn from these say; where both are the same runs, of halves of them."""
    drawn_by = np.random.default_rng(1)
    found: Counter[str] = Counter(dict.fromkeys(CALLS, 0))
    for _ in range(DRAWS):
        order = drawn_by.permutation(len(base))
        ours = [base[at] for at in order[:each]]
        theirs = [base[at] for at in order[each : 2 * each]]
        if new is not base:
            theirs = [new[at] for at in drawn_by.permutation(len(new))[:each]]
        found[compare(ours, theirs, Terms(DEFAULT_LIMITS), shown=())[1]] += 1
    return found


def told(kind: str, files: list[Path]) -> list[Run]:
    """The runs that are valid, as compare wants them, and how they differ."""
    every = [run_file.read(path) for path in files]
    runs = [run for run in every if run["verdict"] != "invalid"]
    medians = np.array([run["latency_us"]["end_to_end"]["all"]["p50"] for run in runs]) / 1e3
    spread = 100 * float(np.log(medians).std(ddof=1))
    print(
        f"{kind}: {len(every)} runs, {len(runs)} of them valid, end-to-end p50 {np.exp(np.log(medians).mean()):.2f} ms,"
        f" run to run {spread:.1f} %"
    )
    return runs


def main() -> None:
    """Collect, draw, and print the counts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--far-ms", type=float, default=0.0)
    parser.add_argument("--each", type=int, nargs="+", default=[1, 3, 5])
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    if given.pairs:
        collect(given.into, given.pairs, given.rate, given.far_ms)
    base, slow = (told(kind, sorted(given.into.glob(f"{kind}-*.json"))) for kind in KINDS)
    logs = [[np.log(run["latency_us"]["end_to_end"]["all"]["p50"]) for run in runs] for runs in (base, slow)]
    print(f"slowed by {100 * float(np.exp(np.mean(logs[1]) - np.mean(logs[0])) - 1):.1f} % in fact (p50)")
    for each in given.each:
        if 2 * each <= len(base) and each <= len(slow):
            print(f"{each} and {each} runs, nothing changed: {json.dumps(count(base, base, each))}")
            print(f"{each} and {each} runs, slowed: {json.dumps(count(base, slow, each))}")


if __name__ == "__main__":
    main()
