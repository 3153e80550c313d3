"""The schemas that a workload file names, from files or the registry, with complaints about the keys that name them."""

from collections.abc import Callable
from pathlib import Path

from lensload.errors import UsageError
from lensload.workload import schema_source
from lensload.workload.complaint import Complaint
from lensload.workload.file import Subject
from lensload.workload.lines import Place


def of(
    named: str | Subject,
    place: Place,
    include: tuple[str, ...],
    folder: Path,
    fetch: Callable[[str, int | None], str] | None,
) -> str:
    """The schema's JSON, which refers to no other.

    Args:
        named: a file, or a subject of the registry.
        place: the key that names it.
        include: files of types that it refers to.
        folder: where files are looked for.
        fetch: gives a subject's schema; None: there is no registry.

    Raises:
        Complaint: it is missing, or no Avro schema.
    """
    try:
        if isinstance(named, str):
            return schema_source.of_files(folder / named, [folder / each for each in include])
        if fetch is not None:
            return fetch(named.subject, named.version)
    except UsageError as error:
        raise Complaint(place, error.message, error.hint) from error
    raise Complaint(
        place,
        f"the subject {named.subject} is in a registry, and none is given.",
        "Give its address with --registry-url, or name a file.",
    )
