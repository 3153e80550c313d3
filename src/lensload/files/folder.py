"""The folder that files are written to."""

from pathlib import Path

from lensload.errors import UsageError


def prepare(folder: Path, suffix: str) -> None:
    """Have the folder there, empty of files like those to come: nothing is overwritten, nothing mixed.

    Raises:
        UsageError: it cannot be made or written, or has such files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = next(folder.glob(f"*{suffix}"), None)
        probe = folder / f".lensload{suffix}.part"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"--output-dir {folder} cannot be written: {error.strerror}.", "Give another folder."
        ) from error
    if earlier:
        raise UsageError(
            f"--output-dir {folder} has files already, such as {earlier.name}.", "Give an empty folder."
        )
