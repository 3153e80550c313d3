"""A seed in files: from a plan to a folder with its events and its manifest, and back."""

import time
from pathlib import Path
from typing import Final

from lensload.atomic_file import why
from lensload.errors import InvalidRunError
from lensload.report.progress import ProgressView
from lensload.report.units import per_s
from lensload.results.environment import versions
from lensload.seed import file_output, summary
from lensload.seed import manifest as manifests
from lensload.seed.ground_truth import planted
from lensload.seed.manifest import FORMAT, Format, Manifest
from lensload.seed.plan import Plan

MANIFEST: Final = "manifest.json"


def export(plan: Plan, folder: Path, form: Format) -> None:
    """Write a plan's events as files, then the manifest.

    Raises:
        UsageError: the folder or the plan is not fit for it; no file has been written.
        InvalidRunError: it was stopped; no file has been written.
    """
    file_output.check(plan, folder, form)
    begun_at, begun_s, done = manifests.now(), time.monotonic(), 0
    setting = plan.setting()
    with ProgressView("writing", "events") as view:

        def passed(events: int) -> None:
            nonlocal done
            done += events
            view.show(time.monotonic() - begun_s, done, done, plan.expected_events)

        try:
            entries, realised = file_output.write(plan, setting, folder, form, passed)
        except KeyboardInterrupt as error:
            raise InvalidRunError(f"Stopped; nothing has been left in {folder}.", "Begin anew.") from error
    record: Manifest = {
        "format": FORMAT,
        "state": "complete",
        "started_at": begun_at,
        "finished_at": manifests.now(),
        "plan": plan.as_dict(),
        "topics": {},
        "files": entries,
        "planted": planted(plan, setting),
        "realised": realised,
        "faults": {},
        "versions": versions(),
        "cluster": {},
        "options": {"format": form},
    }
    manifests.write(folder / MANIFEST, record)
    _tell(record, folder, time.monotonic() - begun_s)


def verified(record: Manifest, path: Path) -> bool:
    """Read the files beside a manifest back, say whether they are what it says or which is not, and give which."""
    wrong: list[str] = []
    for entry in record["files"].values():
        try:
            if file_output.digest_of(path.parent / entry["file"]) != entry["sha256"]:
                wrong.append(f"{entry['file']}: other bytes")
        except OSError as error:
            wrong.append(f"{entry['file']}: {why(error)}")
    if wrong:
        summary.tell("\n".join([f"The files are not what {path} says:", *wrong]))
    else:
        summary.tell(f"Equal: {len(record['files'])} files are what {path} says.")
    return not wrong


def _tell(record: Manifest, folder: Path, took_s: float) -> None:
    total = 0
    for entry in record["files"].values():
        summary.tell(f"{entry['count']:>12,} events  {entry['bytes']:>14,} bytes  {folder / entry['file']}")
        total += entry["count"]
    summary.tell(f"{total:,} events in {took_s:.1f} s ({per_s(total / max(took_s, 1e-9))}/s).")
    summary.tell(summary.history(record["plan"]))
    summary.tell(f"The manifest is {folder / MANIFEST}: what was planted, to hold an analysis against.")
