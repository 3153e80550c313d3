"""The Schema Registry: the ids of our schemas, registered where they are not yet; its versions and its verdict.

Credentials come from the environment alone (see `lensload.schema.registry_auth`), and appear in no message.
"""

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from lensload.errors import RegistryError
from lensload.schema import definitions, registry_auth
from lensload.schema.confluent_client import RegisteredSchema, SchemaRegistryClient
from lensload.schema.confluent_client import Schema as RegistrySchema
from lensload.schema.definitions import Schema, subject
from lensload.schema.registry_errors import ELSEWHERE, START, error_of, is_not_there, is_unable, unreached

_TOTAL_S = 10.0


Register = Literal["never", "missing", "always"]
"""What may be registered."""

Answer = TypeVar("Answer")


def connect(url: str, environ: Mapping[str, str] | None = None) -> "Registry":
    """A registry at `url`, or one made up in this process for mock://; nothing is sent yet.

    Args:
        url: http://, https:// or mock://.
        environ: where credentials and TLS files are named, in place of the process's own environment.

    Raises:
        UsageError: as `credentials.settings` does.
    """
    settings: dict[str, Any] = {
        "url": url,
        # One more try, for a registry that is just starting; and within _TOTAL_S even if both go unanswered.
        "timeout": 4,
        "max.retries": 1,
        "retries.wait.ms": 500,
        # Where no TLS is spoken the client need not read the usual certificates, which takes 25 ms: it trusts nobody's.
        **({} if "https:" in url.lower() else {"ssl.ca.location": str(Path(__file__).parent)}),
        **registry_auth.settings(os.environ if environ is None else environ),
    }
    try:
        return Registry(url, SchemaRegistryClient.new_client(settings))
    except Exception as error:
        # The HTTP client is made there, and fails for what the environment says of proxies in many ways.
        raise unreached([error], url) from error


class Registry:
    """A Schema Registry and what it knows of our schemas.

    Attributes:
        url: where it is.
        client: Confluent's client, for its AvroSerializer; it needs no further request for what `register` saw.
    """

    def __init__(self, url: str, client: SchemaRegistryClient) -> None:
        self.url = url
        self.client = client

    def register(
        self,
        schemas: Mapping[str, Schema],
        prefix: str = "",
        mode: Register = "missing",
        timeout_s: float = _TOTAL_S,
    ) -> "dict[str, Known]":
        """Have every schema registered under its subject; again and from several processes gives the same ids.

        What is there already is only looked up, so credentials that may not write are enough for a registry that has
        the schemas. With "missing", a subject whose latest version is the same to every reader and writer (equal in
        Avro's canonical form: other docs, other properties such as avro.java.string) gets no further version.

        Args:
            schemas: by topic name, as `schemas.load` gives them.
            prefix: goes before each topic's name in the subject.
            mode: "never" registers nothing; "missing" what the subject's latest version is not equal to; "always"
                every text that is not there word for word.
            timeout_s: for all of them together.

        Raises:
            RegistryError: it does not answer in time, rejects the credentials, is no registry, is broken, or will
                not have a schema, or lacks one that may not be registered; names the address, the subject, and what
                to do.
        """
        return _within(
            timeout_s,
            self.url,
            lambda: {
                topic: self._known(subject(topic, prefix), schema, mode) for topic, schema in schemas.items()
            },
        )

    def find(self, name: str, schema: Schema) -> "Entry | None":
        """The schema's entry under subject `name`; None if it is not registered there.

        This and the methods below raise RegistryError as `register` does.
        """
        return self.ask(name, lambda client: _entry(client.lookup_schema(name, _wanted(schema))))

    def there(self, name: str, schema: Schema, mode: Register) -> "Entry | None":
        """The version of subject `name` that makes it unnecessary to register the schema, by the `mode` of `register`."""
        found = self.find(name, schema)
        if found is not None or mode == "always":
            return found
        return _within(_TOTAL_S, self.url, lambda: self._equal(name, schema))

    def lacking(self, name: str, schema: Schema) -> RegistryError:
        """The error to raise where a schema is not registered, and may not be."""
        return RegistryError(
            f"The registry at {self.url} has no version of {name} that is {schema.topic.file}, and --register"
            " never forbids to register it.",
            "Have it registered (lensload schemas register), or leave --register away.",
        )

    def latest(self, name: str) -> "Entry | None":
        """The newest version of subject `name`; None if there is none."""
        return self.ask(name, lambda client: _entry(client.get_latest_version(name)))

    def fits(self, name: str, schema: Schema) -> bool | None:
        """The registry's own verdict: whether the schema may follow on subject `name`.

        None if it has no version, or the registry gives no verdicts.
        """
        return self._ask_if_able(name, lambda client: client.test_compatibility(name, _wanted(schema)))

    def put(self, name: str, schema: Schema) -> None:
        """Register the schema under subject `name`."""
        _within(_TOTAL_S, self.url, lambda: self._known(name, schema, "always"))

    def of_guid(self, guid: str) -> RegistrySchema | None:
        """The schema with this GUID; None where the registry knows none, or has no GUIDs."""
        return self._ask_if_able(f"schema GUID {guid}", lambda client: client.get_schema_by_guid(guid))

    def level(self, name: str | None = None) -> str | None:
        """The compatibility level of subject `name`, or the registry's default; None if there is none, or it tells none."""
        return self._ask_if_able(name or "its default level", lambda client: client.get_compatibility(name))

    def set_level(self, name: str, level: str) -> bool:
        """Give subject `name` a compatibility level of its own; whether the registry did."""
        return self._ask_if_able(name, lambda client: client.set_compatibility(name, level)) is not None

    def mode(self) -> str | None:
        """The registry's mode, such as READWRITE or READONLY; None where it knows no modes."""
        found = self._ask_if_able("its mode", lambda client: client.get_global_mode())
        return str(found) if found else None

    def delete(self, name: str) -> None:
        """Delete subject `name` with all its versions, for good where the registry tells the two kinds apart."""
        for permanent in (False, True):  # a registry refuses the second where the first was not done
            self.ask(
                name, lambda client, permanent=permanent: client.delete_subject(name, permanent=permanent)
            )

    def close(self) -> None:
        """Let its connections go. Closing twice is once."""
        self.client.close()

    def ask(self, name: str, question: Callable[[SchemaRegistryClient], Answer]) -> Answer | None:
        """What the client answers to a question; None where the registry says that it has no such thing.

        Args:
            name: what is asked about, for messages: a subject, or "schema id 7".
            question: what to ask the client.

        Raises:
            RegistryError: it does not answer in time, rejects the credentials, is no registry or is broken.
        """
        return _within(_TOTAL_S, self.url, lambda: self._answer(name, question))

    def _ask_if_able(self, name: str, question: Callable[[SchemaRegistryClient], Answer]) -> Answer | None:
        """The same; None also where the registry has no such function, or not for these credentials."""
        return _within(_TOTAL_S, self.url, lambda: self._answer(name, question, is_unable))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(
        self,
        name: str,
        question: Callable[[SchemaRegistryClient], Answer],
        is_none: Callable[[Exception], bool] = lambda _: False,
    ) -> Answer | None:
        try:
            return question(self.client)
        except Exception as error:
            if is_not_there(error) or is_none(error):
                return None
            raise error_of(error, self.url, name) from error

    def _known(self, name: str, schema: Schema, mode: Register) -> "Known":
        """The schema as it is under subject `name`, where it is registered if it may be and is not there yet."""
        number: Any = self._answer(name, lambda client: client.lookup_schema(name, _wanted(schema)).schema_id)
        if number is None and mode != "always" and (equal := self._equal(name, schema)):
            return equal
        if number is None and mode == "never":
            raise self.lacking(name, schema)
        if number is None:
            number = self._answer(name, lambda client: client.register_schema(name, _wanted(schema)))
        if not isinstance(number, int):
            raise RegistryError(
                f"What answers at {self.url} is not a Schema Registry: it gave no id.", ELSEWHERE
            )
        return Known(number, schema.text)

    def _equal(self, name: str, schema: Schema) -> "Entry | None":
        found = self._answer(name, lambda client: _entry(client.get_latest_version(name)), is_unable)
        same = found is not None and definitions.fingerprint_of(found.text) == schema.fingerprint
        return found if same else None


@dataclass(frozen=True, slots=True)
class Known:
    """A schema as the registry has it.

    Attributes:
        schema_id: the registry's id of it, which stands in each message.
        text: as it was registered.
    """

    schema_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry(Known):
    """One version of a subject.

    Attributes:
        version: its number in the subject.
        refers_to: the subjects whose types it uses.
    """

    version: int
    refers_to: tuple[str, ...] = ()


def schema_ids(known: Mapping[str, Known]) -> dict[str, int]:
    """The registry's ids of the schemas."""
    return {topic: each.schema_id for topic, each in known.items()}


def _wanted(schema: Schema) -> RegistrySchema:
    return RegistrySchema(schema.text, "AVRO")


def _entry(registered: RegisteredSchema) -> Entry:
    schema_id: Any = registered.schema_id
    version: Any = registered.version
    if not isinstance(schema_id, int) or not isinstance(version, int):
        raise TypeError("no id, or no version")
    references: Any = registered.schema.references or ()
    named = tuple(str(each.subject) for each in references)
    return Entry(schema_id, str(registered.schema.schema_str or ""), version, named)


def _within(timeout_s: float, url: str, call: Callable[[], Answer]) -> Answer:
    """What `call` returns or raises, but no later than after `timeout_s`.

    In a thread of its own: the client's timeouts count anew for each address that a name has, each try and each
    piece of an answer, and looking the name up has none at all.
    """
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True, name="registry").start()
    try:
        return answer.result(timeout_s)
    except TimeoutError as error:
        raise RegistryError(f"The registry at {url} did not answer within {timeout_s:g} s.", START) from error
