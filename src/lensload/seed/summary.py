"""What a seed tells at its end, on standard output."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lensload.report.text_table import aligned
from lensload.report.units import per_s
from lensload.seed.faults.kinds import HEADER
from lensload.seed.manifest import Manifest


def show(manifest: Manifest, path: Path, took_s: float, earlier: int) -> None:
    """Show what was seeded.

    Args:
        manifest: of a complete seed.
        path: where it is.
        took_s: how long sending took.
        earlier: how many of the events were there before.
    """
    rows = [("topic", "events", "bytes", "partitions")]
    total = total_bytes = 0
    for each in manifest["topics"].values():
        count = sum(entry["count"] for entry in each["partitions"])
        size = sum(entry["bytes"] for entry in each["partitions"])
        rows.append((each["name"], f"{count:,}", f"{size:,}", str(len(each["partitions"]))))
        total, total_bytes = total + count, total_bytes + size
    rows.append(("all", f"{total:,}", f"{total_bytes:,}", ""))
    click.echo("\n".join(aligned(rows)))
    sent = total - earlier
    resumed = f" ({earlier:,} were there already)" if earlier else ""
    click.echo(f"{sent:,} events sent in {took_s:.1f} s ({per_s(sent / max(took_s, 1e-9))}/s){resumed}.")
    if faults := sum(sum(of_topic.values()) for of_topic in manifest["faults"].values()):
        click.echo(f"{faults:,} records have a fault, named in their header {HEADER}.")
    plan = manifest["plan"]
    click.echo(history(plan))
    first = next(iter(manifest["topics"].values()))["name"]
    click.echo(f"The manifest is {path}. Next:")
    click.echo(f"  lensload seed --verify {path}")
    click.echo(f"  lensload replay {first} --print table --limit 10")


def history(plan: Mapping[str, Any]) -> str:
    """What a plan's history is, in a sentence."""
    return f"History from {_time(plan['start_ms'])} to {_time(plan['until_ms'])}, seed {plan['seed']}."


def _time(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
