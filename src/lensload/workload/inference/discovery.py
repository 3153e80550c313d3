"""Which topics schema files, folders or a registry's subjects make: their names and schemas."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lensload.errors import SchemaError, UsageError
from lensload.parse import nearest
from lensload.schema import named_types
from lensload.schema.named_types import Node
from lensload.workload import named_schema, schema_source
from lensload.workload.inference import naming, places
from lensload.workload.model import MOST_TOPICS

if TYPE_CHECKING:
    from lensload.schema.registry import Registry

_VALUE: Final = "-value"
_KEY: Final = "-key"


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic and its schema.

    Attributes:
        name: the topic's.
        text: the schema, which needs no other.
        schema: how a workload file names it: a path, or a table with a subject.
        include: paths of the files of types that it uses.
        remark: what more there is to say of it.
        key_text: the schema of its records' keys; "" where there is none.
        key_schema: how a workload file names that.
    """

    name: str
    text: str
    schema: str | Mapping[str, Any]
    include: tuple[str, ...] = ()
    remark: str = ""
    key_text: str = ""
    key_schema: str | Mapping[str, Any] = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Topics, and what is no topic of a workload, each with why."""

    topics: tuple[FoundTopic, ...]
    left_out: tuple[str, ...]


def in_files(sources: Sequence[Path], folder: Path) -> Found:
    """The topics of schema files: each record that no other of the files uses is one.

    Args:
        sources: .avsc files, and folders of them.
        folder: that of the workload file, which paths are relative to.

    Raises:
        UsageError: there is none; or a file cannot be read, or is alone and not Avro; names the file.
    """
    files = _files(sources)
    named, left_out = _documents(files)
    used = {name for document in named.values() for name in named_types.mentioned(document)}
    homes = _homes(named)
    topics: list[FoundTopic] = []
    for path, document in named.items():
        if _is_key(path, named):
            continue
        own = document if isinstance(document, list) else [document]
        roots = [each for each in schema_source.roots(own) if each["name"] not in used]
        if not roots:
            continue  # types of others, and nothing else
        if len(roots) > 1:
            names = ", ".join(str(each["name"]) for each in roots)
            left_out.append(f"{path} has several records ({names}): give each a file of its own.")
            continue
        include = _include(document, homes, path)
        try:
            text = schema_source.of_files(path, include)
        except SchemaError as error:
            if len(files) == 1:
                raise
            left_out.append(f"Left out: {error.message}")
            continue
        shown = tuple(_relative(each, folder) for each in include)
        name, key = _topic_of(path, roots[0]), _key_beside(path, include)
        key_schema = _relative(key[0], folder) if key else ""
        topics.append(
            FoundTopic(
                name,
                text,
                _relative(path, folder),
                shown,
                key_text=key[1] if key else "",
                key_schema=key_schema,
            )
        )
    return _few(_apart(topics), left_out, "the files")


def in_registry(registry: "Registry", patterns: Sequence[str] = ()) -> Found:
    """The topics of a registry's subjects: those of values, by the names that clients give them.

    Args:
        registry: where to ask.
        patterns: names of subjects, with * for any characters; none for all of them.

    Raises:
        UsageError: there is none, or too many.
        RegistryError: it does not answer, or refuses.
    """
    every = sorted(registry.ask("its subjects", lambda client: client.get_subjects()) or ())
    chosen = _chosen(every, patterns, registry.url)
    if len(chosen) > MOST_TOPICS:
        raise UsageError(
            f"The registry at {registry.url} has {len(chosen)} subjects of topics, and a workload has {MOST_TOPICS} topics"
            " at most.",
            "Choose some: --subject 'orders*', as often as needed.",
        )
    topics: list[FoundTopic] = []
    left_out: list[str] = []
    for subject in chosen:
        try:
            fetched = schema_source.fetched(registry, subject)
        except SchemaError as error:
            left_out.append(f"Left out: {error.message}")
            continue
        if not _is_record(fetched.text):
            left_out.append(f"The subject {subject} is no record, and the values of a topic are records.")
            continue
        remark = f"version {fetched.version} today; add version = {fetched.version} to keep to it"
        name, key = subject.removesuffix(_VALUE) + _KEY, ""
        if subject.endswith(_VALUE) and name in every:
            try:
                key = schema_source.fetched(registry, name).text
            except SchemaError as error:
                left_out.append(f"Left out: {error.message}")
        named = {"subject": name} if key else ""
        topics.append(
            FoundTopic(_topic_of_subject(subject), fetched.text, {"subject": subject}, (), remark, key, named)
        )
    return _few(_apart(topics), left_out, f"the registry at {registry.url}")


def _chosen(every: Sequence[str], patterns: Sequence[str], url: str) -> list[str]:
    for pattern in patterns:
        if not any(fnmatchcase(subject, pattern) for subject in every):
            raise UsageError(
                f"The registry at {url} has no subject {pattern!r}{nearest(pattern, every)}",
                f"It has {', '.join(every[:10])}{', ...' if len(every) > 10 else ''}."
                if every
                else "It has none.",
            )
    if patterns:
        return [subject for subject in every if any(fnmatchcase(subject, pattern) for pattern in patterns)]
    return [subject for subject in every if subject.endswith(_VALUE)] or [
        subject for subject in every if not subject.endswith(_KEY)
    ]


def _few(topics: Sequence[FoundTopic], left_out: Sequence[str], where: str) -> Found:
    if not topics:
        raise UsageError(
            "\n".join((f"No topic can be made of {where}.", *left_out)),
            "Name .avsc files that define records, a folder of them, or subjects of a registry. "
            + schema_source.AVRO_ONLY,
        )
    if len(topics) > MOST_TOPICS:
        raise UsageError(
            f"There are {len(topics)} records in {where}, and a workload has {MOST_TOPICS} topics at most.",
            "Name the files of fewer.",
        )
    return Found(tuple(topics), tuple(left_out))


def _files(sources: Sequence[Path]) -> list[Path]:
    files: dict[Path, None] = {}
    for source in sources:
        if not source.exists():
            raise UsageError(
                f"There is no file or folder {source}.", "Name .avsc files, or a folder of them."
            )
        found = sorted(filter(_is_schema, source.rglob("*.av*"))) if source.is_dir() else [source]
        files.update(dict.fromkeys(found))
    if not files:
        raise UsageError(
            f"There is no .avsc file in {', '.join(map(str, sources))} or below.", schema_source.AVRO_ONLY
        )
    return list(files)


def _documents(files: Sequence[Path]) -> tuple[dict[Path, Node], list[str]]:
    """The JSON of each file, with full names; and which files are none, unless there is only one."""
    named: dict[Path, Node] = {}
    left_out: list[str] = []
    for path in files:
        try:
            named[path] = named_types.full_names(schema_source.document_of(path))
        except SchemaError as error:
            if len(files) == 1:
                raise
            left_out.append(f"Left out: {error.message}")
    return named, left_out


def _is_key(path: Path, named: Mapping[Path, Node]) -> bool:
    """Whether a file is of the keys of a topic whose values are in another of the files."""
    stem = path.stem
    return stem.endswith(_KEY) and path.with_stem(stem.removesuffix(_KEY) + _VALUE) in named


def _key_beside(path: Path, include: Sequence[Path]) -> tuple[Path, str] | None:
    """The file of the keys that is beside one of values, with its schema; None where there is none that is valid."""
    key = path.with_stem(path.stem.removesuffix(_VALUE) + _KEY)
    if not path.stem.endswith(_VALUE) or not key.is_file():
        return None
    try:
        return key, named_schema.key_of_files(key, include)
    except UsageError:
        return None


def _is_schema(path: Path) -> bool:
    """Whether a file of a folder has a schema: an .avsc, or an .avro that is JSON and no data."""
    if path.suffix != ".avro":
        return path.suffix == ".avsc"
    with path.open("rb") as file:
        return file.read(64).lstrip()[:1] in (b"{", b"[")


def _homes(named: Mapping[Path, Node]) -> dict[str, Path]:
    """The file that defines each type; of several the one that has it at its top, and then the first."""
    homes: dict[str, Path] = {}
    for path, document in named.items():
        top = {each["name"] for each in _top(document)}
        homes.update(dict.fromkeys(top - homes.keys(), path))
    for path, document in named.items():
        for name in named_types.defined(document):
            homes.setdefault(name, path)
    return homes


def _top(document: Node) -> list[Node]:
    every = document if isinstance(document, list) else [document]
    return [each for each in every if isinstance(each, dict) and "name" in each]


def _include(document: Node, homes: Mapping[str, Path], path: Path) -> tuple[Path, ...]:
    """The files of the types that a schema uses, and of those that they use, in the order in which they are needed."""
    needed: dict[Path, None] = {}
    waiting = list(named_types.mentioned(document))
    while waiting:
        home = homes.get(waiting.pop(0))
        if home is None or home == path or home in needed:
            continue
        needed[home] = None
        waiting += named_types.mentioned(named_types.full_names(schema_source.document_of(home)))
    return tuple(needed)


def _topic_of(path: Path, record: Mapping[str, Any]) -> str:
    """The topic that a file is of: as it is called, in the way that topics are."""
    stem = path.name.removesuffix(".avsc").removesuffix(".avro").removesuffix(_VALUE)
    namespace = str(record["name"]).rpartition(".")[0]
    stem = stem.removeprefix(f"{namespace}.") if namespace else stem
    plain = stem == stem.lower() and all(each.isalnum() or each in "._-" for each in stem) and stem.isascii()
    return stem if plain else naming.kebab(stem) or naming.kebab(str(record["name"]))


def _topic_of_subject(subject: str) -> str:
    """The topic that a subject is of; where the subject is a record's name, as that is called."""
    if subject.endswith(_VALUE):
        return subject.removesuffix(_VALUE)
    return naming.kebab(places.short(subject)) if "." in subject else subject


def _is_record(text: str) -> bool:
    document = json.loads(text)
    return isinstance(document, dict) and document.get("type") in ("record", "error")


def _apart(topics: Iterable[FoundTopic]) -> list[FoundTopic]:
    """The topics, none of which is called as another before it."""
    seen: dict[str, int] = {}
    result: list[FoundTopic] = []
    for topic in topics:
        seen[topic.name] = seen.get(topic.name, 0) + 1
        name = topic.name if seen[topic.name] == 1 else f"{topic.name}-{seen[topic.name]}"
        result.append(replace(topic, name=name))
    return result


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path.resolve(), folder.resolve())
