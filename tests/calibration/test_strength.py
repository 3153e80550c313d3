"""A generator driven far beyond its strength says so; at half of it, there is nothing to say."""

from pathlib import Path

from lensload.verdict.verdict import codes
from tests.calibration.benches import bench, busy, options
from tests.calibration.table import ROUNDS, Table

BEYOND_PER_S = 3_000_000
TRIES = max(ROUNDS, 3)


def test_a_generator_knows_its_strength(tmp_path: Path, table: Table):
    """Beyond it every run is invalid (exit code 3) and says why; at half of it runs are not.

    Where others take the processors away, a run at half strength is invalid as well, and right to be: so it may try
    again, and on a machine that was busy before the test began it is only counted.
    """
    was_busy = busy()
    beyond, half, strengths = list[int](), list[int](), list[float]()
    while len(half) < ROUNDS or (len(half) < TRIES and min(half) == 3):
        run, code = bench(
            tmp_path, f"beyond{len(beyond)}", *options(rate=BEYOND_PER_S, duration="3s", warmup="0s")
        )
        beyond.append(code)
        assert "load_not_reached" in codes(run["reasons"])
        strengths.append(run["load"]["achieved_per_s"])
        load = options(rate=round(strengths[-1] / 2), duration="3s", warmup="2s")
        half.append(bench(tmp_path, f"half{len(half)}", *load)[1])
    table.exact(f"runs at {BEYOND_PER_S:,} events/s that are invalid", len(beyond), beyond.count(3))
    achieved = f"{min(strengths):,.0f} to {max(strengths):,.0f}/s"
    what = f"runs at half of what these achieved ({achieved}) that are invalid"
    table.beside(what, f"0 of {len(half)}", f"{half.count(3)} of {len(half)}")
    assert was_busy or half.count(3) <= max(2, ROUNDS // 5)
