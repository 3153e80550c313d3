"""Recover what was planted: click-through by position, the experiments' lift and the models' metrics, by DuckDB.

    lensload seed --events 250000 --experiment ranking-v2=simpson --output-dir out --output-format parquet
    python examples/recover_truth.py out

It estimates from the events only, and compares each estimate with the manifest's planted value. A cluster's topics work too:
`lensload replay TOPIC... --output-format parquet --output-dir out`, with the seed's manifest.json copied beside the files. The exit code
is 1 if an estimate is further from the truth than chance allows. Needs duckdb.
"""

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

# Standard errors either side: 95 % of right intervals hold the truth, so one in twenty does not.
CONFIDENT = 1.96
# With none in n, the true share is below 3.7 / n with the same confidence: so many standard errors of 1 / n.
NONE_IN = 1.88
# Standard errors: further off is one in 16,000.
IMPOSSIBLE = 4.0
TABLES = {
    "requests": "recommendation-requests",
    "responses": "recommendation-responses",
    "interactions": "user-interactions",
    "ab_events": "ab-test-events",
    "metrics": "model-metrics",
}


@dataclass(frozen=True)
class Finding:
    """An estimate with its standard error, beside what was planted; it is never below `least`."""

    what: str
    found: float
    error: float
    planted: float
    least: float = -math.inf

    @property
    def off(self) -> float:
        """How many standard errors the estimate is from the truth."""
        return (self.found - self.planted) / self.error if self.error else 0.0

    @property
    def holds(self) -> bool:
        """Whether the 95 % interval holds the truth."""
        return abs(self.off) <= CONFIDENT

    def __str__(self) -> str:
        low = max(self.least, self.found - CONFIDENT * self.error)
        high = self.found + CONFIDENT * self.error
        inside = "" if self.holds else "  <- outside"
        return f"  {self.what:34} {self.found:9.4f}  [{low:9.4f}, {high:9.4f}]  {self.planted:9.4f}{inside}"


def opened(folder: Path) -> duckdb.DuckDBPyConnection:
    """The files of a folder as tables."""
    db = duckdb.connect()
    for table, topic in TABLES.items():
        db.execute(f"CREATE VIEW {table} AS FROM read_parquet('{folder}/*{topic}*.parquet')")
    return db


def rows(db: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    """What a query gives."""
    return db.execute(query).fetchall()


def proportion(what: str, count: int, trials: int, planted: float) -> Finding:
    """Of so many trials, so many."""
    share = count / trials
    error = math.sqrt(share * (1 - share) / trials) or NONE_IN / trials
    return Finding(what, share, error, planted, least=0.0)


def click_through(db: duckdb.DuckDBPyConnection, planted: dict[str, Any]) -> list[Finding]:
    """Clicks per item shown, by position, and by model at position 1: answers joined with the clicks they got."""
    db.execute(
        """
        CREATE TABLE shown AS
        SELECT modelName AS model, requestId, unnest(recommendations, recursive := true) FROM responses;
        CREATE TABLE clicked AS
        SELECT metadata['requestId'] AS requestId, metadata['position']::INT AS rank
        FROM interactions WHERE interactionType = 'click';
        CREATE TABLE by_rank AS
        SELECT model, rank, count(*) AS shown, count(clicked.rank) AS clicks
        FROM shown LEFT JOIN clicked USING (requestId, rank) GROUP BY model, rank
        """
    )
    of_all = rows(db, "SELECT rank, sum(clicks), sum(shown) FROM by_rank GROUP BY rank ORDER BY rank")
    of_models = rows(db, "SELECT model, clicks, shown FROM by_rank WHERE rank = 1 ORDER BY model")
    return [
        *(
            proportion(f"position {rank}", int(c), int(n), planted["by_position"][rank - 1])
            for rank, c, n in of_all
        ),
        *(
            proportion(f"position 1, {model}", c, n, planted["by_model"][model][0])
            for model, c, n in of_models
        ),
    ]


def lift(what: str, groups: dict[str, tuple[float, float]], planted: float) -> Finding:
    """What the treatment's mean adds to the control's, from each one's mean and standard error (delta method)."""
    (control, control_error), (treated, treated_error) = groups["control"], groups["treatment"]
    ratio = treated / control
    return Finding(
        what, ratio - 1, ratio * math.hypot(control_error / control, treated_error / treated), planted
    )


def combined(what: str, parts: list[Finding], planted: float) -> Finding:
    """Lifts of the same treatment as one: the mean of their logarithms, each weighted by its precision."""
    weights = [((1 + part.found) / part.error) ** 2 for part in parts]
    logs = [math.log1p(part.found) for part in parts]
    ratio = math.exp(sum(map(math.prod, zip(weights, logs, strict=True))) / sum(weights))
    return Finding(what, ratio - 1, ratio / math.sqrt(sum(weights)), planted)


def outcomes(
    db: duckdb.DuckDBPyConnection, experiment: str, outcome: str
) -> dict[str, dict[str, tuple[float, float]]]:
    """Mean and standard error by device and variant, and over "all" devices.

    A session in which something was viewed tells each of its user's experiments of an engagement; if it ended in a
    purchase, of a conversion too. Which device somebody has is in the context of their requests.
    """
    value = "(conversions.session IS NOT NULL)::INT" if outcome == "conversion" else "engagements.value"
    found = rows(
        db,
        f"""
        WITH told AS (
          SELECT userId, variant, eventType, metadata['sessionId'] AS session, metricValue AS value
          FROM ab_events WHERE experimentId = '{experiment}'
        ), engagements AS (FROM told WHERE eventType = 'engagement'),
        conversions AS (FROM told WHERE eventType = 'conversion'),
        devices AS (SELECT userId, any_value(context['device']) AS device FROM requests GROUP BY userId)
        SELECT coalesce(device, 'all'), engagements.variant, avg({value}), stddev_samp({value}) / sqrt(count(*))
        FROM engagements LEFT JOIN conversions USING (session) JOIN devices ON engagements.userId = devices.userId
        GROUP BY GROUPING SETS ((device, engagements.variant), (engagements.variant))
        """,  # noqa: S608 - our own names
    )
    by_device: dict[str, dict[str, tuple[float, float]]] = {}
    for device, variant, mean, error in found:
        by_device.setdefault(device, {})[variant] = (mean, error)
    return by_device


def experiments(db: duckdb.DuckDBPyConnection, planted: dict[str, Any]) -> list[Finding]:
    """Each experiment's lift: read over all segments, in each, and combined from the segments, which is right."""
    findings: list[Finding] = []
    for name, truth in planted.items():
        outcome = truth["outcome"]
        told = truth["outcomes"][outcome]
        by_device = outcomes(db, name, outcome)
        naive = lift(f"{name} {outcome}, pooled", by_device.pop("all"), told["pooled_lift"])
        segments = [
            lift(f"{name}, {device}", groups, told["lift"]) for device, groups in sorted(by_device.items())
        ]
        right = combined(f"{name} {outcome}, by segment", segments, told["lift"])
        findings += [naive, *segments, right]
        if abs(told["pooled_lift"] - told["lift"]) > 0.1:
            print(
                f"\nSimpson's paradox: {name} looks like {naive.found:+.0%}, but within segments it is {right.found:+.0%}."
            )
    return findings


def models(db: duckdb.DuckDBPyConnection, planted: dict[str, Any]) -> list[Finding]:
    """The means of the metrics over their windows, each window weighted by the answers in it."""
    found = rows(
        db,
        """
        WITH answers AS (
          SELECT tags['shard'] AS shard, modelName, windowStart,
                 round(value * greatest(windowEnd - windowStart, 1) / 1000) AS n
          FROM metrics WHERE metricType = 'throughput'
        ), weighted AS (
          SELECT metrics.modelName, metricType, value, n FROM metrics
          JOIN answers ON answers.shard = tags['shard'] AND answers.modelName = metrics.modelName
                      AND answers.windowStart = metrics.windowStart
          WHERE metricType <> 'throughput'
        ), means AS (
          SELECT modelName, metricType, sum(n * value) / sum(n) AS mean FROM weighted GROUP BY ALL
        )
        SELECT modelName, metricType, any_value(mean), sqrt(sum((n * (value - mean)) ** 2)) / sum(n), sum(n)
        FROM weighted JOIN means USING (modelName, metricType) GROUP BY ALL ORDER BY ALL
        """,
    )
    return [
        Finding(
            f"{model} {metric}",
            mean,
            error or NONE_IN / n,
            planted[model]["metrics"][metric]["expected"],
            least=0.0,
        )
        for model, metric, mean, error, n in found
    ]


def main(folder: Path) -> int:
    """Print everything, and give the exit code."""
    planted = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["planted"]
    db = opened(folder)
    parts = {
        "Click-through": click_through(db, planted["click_through"]),
        "Lift": experiments(db, planted["experiments"]),
        "Model metrics": models(db, planted["models"]),
    }
    print(f"\n  {'':34} {'found':>9}  {'95 % interval':^22}  {'planted':>9}")
    for title, findings in parts.items():
        print(title, *findings, sep="\n")
    every = [finding for findings in parts.values() for finding in findings]
    inside = sum(finding.holds for finding in every)
    wrong = [finding.what for finding in every if abs(finding.off) > IMPOSSIBLE]
    print(
        f"\n{inside} of {len(every)} intervals hold what was planted; 95 % would be {0.95 * len(every):.0f}."
    )
    if wrong:
        print(f"Further off than chance allows: {', '.join(wrong)}.")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Recover from a folder of Parquet files what was planted in them."
    )
    parser.add_argument(
        "folder", nargs="?", default="out", help="with manifest.json; out by default", type=Path
    )
    chosen: Path = parser.parse_args().folder
    if not (chosen / "manifest.json").is_file():
        parser.error(
            f"{chosen} has no manifest.json: seed it with --output-dir {chosen} --output-format parquet"
        )
    sys.exit(main(chosen))
