"""Reading the workload file that a configuration names, with the schemas that it takes from the registry."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lensload.config import client_file
from lensload.errors import UsageError

if TYPE_CHECKING:
    from lensload.schema.registry import Registry
    from lensload.workload.model import Workload


def read(path: Path, values: Mapping[str, Any]) -> "Workload":
    """The workload of a file, whole: no file or registry is needed for it afterwards.

    Args:
        path: the file.
        values: of the configuration, by field: where the registry is, which is asked only if the file names a subject.

    Raises:
        LensloadError: the file, or a schema that it names, is not fit; or the registry cannot be reached, or refuses.
    """
    from lensload.workload import loading, schema_source  # noqa: PLC0415 - slow to import, and seldom wanted

    with ExitStack() as resources:
        found: list[Registry] = []

        def fetch(subject: str, version: int | None) -> str:
            if not found:
                found.append(resources.enter_context(_registry(path, values)))
            return schema_source.fetched(found[0], subject, version).text

        return loading.load(path, fetch)


def _registry(path: Path, values: Mapping[str, Any]) -> "Registry":
    from lensload.schema.registry import connect  # noqa: PLC0415

    url = str(values.get("registry_url") or "")
    if not url.strip() or url.startswith("mock:"):
        raise UsageError(
            f"{path} takes schemas from a registry, and there is none.",
            "Give --registry-url; or name .avsc files in place of subjects.",
        )
    name = values.get("client_config")
    return connect(url.strip(), client_file.registry_environ(Path(name) if name else None, os.environ))
