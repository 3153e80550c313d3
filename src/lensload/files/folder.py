"""The folder that files are written to."""

from importlib import import_module
from pathlib import Path
from typing import Literal

from lensload.errors import UsageError

Format = Literal["avro", "parquet"]
"""Of files of records; also their suffix."""


def prepare(folder: Path, form: Format) -> None:
    """Have the folder there, and empty: nothing is overwritten, nothing mixed.

    Raises:
        UsageError: it cannot be made or written, or is not empty; or pyarrow is missing.
    """
    if form == "parquet":
        _require_pyarrow()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = min((each.name for each in folder.iterdir() if not each.name.startswith(".")), default="")
        probe = folder / f".lensload.{form}.part"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"--output-dir {folder} cannot be written: {error.strerror}.", "Give another folder."
        ) from error
    if earlier:
        raise UsageError(
            f"--output-dir {folder} has files already, such as {earlier}.", "Give an empty folder."
        )


def _require_pyarrow() -> None:
    try:
        import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError(
            f"--output-format parquet needs pyarrow: {error}.",
            "Install it: pip install 'lensload[parquet]'; or give --output-format avro.",
        ) from error
