"""The workload file as a model: its tables and keys, each with what it means and what it may hold.

What the file says is checked here as far as the file alone can tell; whether it fits the schemas is checked by
`lensload.workload.loading`.
"""

from typing import Final, Self

from pydantic import ConfigDict, Field, model_validator

from lensload.workload import record_headers
from lensload.workload.field_table import ColumnTable, FieldTable, Table
from lensload.workload.key_types import CountWeights, Lengths, Paths, WrittenRows

MOST_ROWS: Final = 10**12


class Zipf(Table):
    """Few rows are popular, most are not: row k is drawn in proportion to k ** -zipf."""

    zipf: float = Field(description="How steeply popularity falls from row to row.", ge=0, le=10)


class Hot(Table):
    """The first rows are hot keys, which have a share of the draws together."""

    hot: int = Field(description="How many rows are hot.", ge=1)
    share: float = Field(description="Their share of the draws.", gt=0, le=1)


class PoolTable(Table):
    """Rows that several topics refer to: customers, products, devices."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["size", "fields"]},
                {"required": ["rows"], "not": {"required": ["size"]}},
            ]
        }
    )
    size: int | None = Field(
        None, description="Number of rows, where these are not written out.", ge=1, le=MOST_ROWS
    )
    rows: WrittenRows | None = Field(
        None, description="The rows, written out: tables with the same columns, which are fields of the pool."
    )
    skew: Zipf | Hot | None = Field(
        None, description="Which rows are drawn more often; all alike by default.", union_mode="left_to_right"
    )
    fields: dict[str, FieldTable] = Field(
        default_factory=dict, description="How the fields of a row are made that are not written out."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.rows is None and (self.size is None or not self.fields):
            raise ValueError("it needs size and fields, from which rows are made, or rows")
        if self.rows is not None and self.size is not None:
            raise ValueError(
                f"size is the number of rows that are made, and {len(self.rows)} are written out"
            )
        if isinstance(self.skew, Hot) and self.skew.hot > self.count:
            raise ValueError(f"skew has {self.skew.hot} hot rows, but the pool has only {self.count}")
        return self

    @property
    def count(self) -> int:
        """Number of rows."""
        return self.size or len(self.rows or ())

    @property
    def columns(self) -> dict[str, FieldTable]:
        """How all fields of a row are made: those of written rows, and the others."""
        rows = self.rows or [{}]
        written = {
            name: ColumnTable.model_validate({"values": tuple(row[name] for row in rows)}) for name in rows[0]
        }
        return {**written, **self.fields}


class Subject(Table):
    """A schema of the Schema Registry."""

    subject: str = Field(description="Name of the subject.", min_length=1)
    version: int | None = Field(None, description="Number of the version; the latest by default.", ge=1)


class InHeader(Table):
    """A record header, in place of a field of the value."""

    header: str = Field(description="Name of the header.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        record_headers.check_name(self.header)
        return self


class TopicTable(Table):
    """The events of one topic."""

    schema_: str | Subject = Field(
        alias="schema",
        description="Avro schema of the values: a file, from the workload file's folder, or a subject.",
    )
    include: Paths = Field((), description="Files of the types that the schema refers to.")
    share: float | None = Field(
        None,
        description="How many of the events are of this topic, relative to the other topics' shares.",
        gt=0,
    )
    key: Paths | None = Field(
        None, description="The field that is the record's key, as a path, or several; none: no key."
    )
    key_schema: str | Subject | None = Field(
        None, description="Avro schema of the keys: a file or a subject; without it keys are text."
    )
    stopwatch: str | InHeader | None = Field(
        None,
        description="The field of the event's id, from which its due time is read: string, bytes, or fixed of 16 bytes; or a"
        " record header, in which it is text.",
    )
    headers: dict[str, str | FieldTable] = Field(
        default_factory=dict,
        description="Record headers by name, as UTF-8: a constant text, or how it is made, as of a string field.",
        max_length=record_headers.MOST,
    )
    parent: str | None = Field(None, description="The topic whose events these follow.")
    children: Lengths | CountWeights | None = Field(
        None,
        description="How many events follow each event of the parent: a number, the least and the most, or a table of"
        " numbers and weights.",
    )
    each: str | None = Field(
        None,
        description="A pool whose rows the events go through one after another, instead of drawing them.",
    )
    fields: dict[str, FieldTable] = Field(
        default_factory=dict,
        description="How the fields are made, by path; a field that is not here is made by its type.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.parent is not None and self.share is not None:
            raise ValueError("a topic with a parent has no share: it follows from children")
        if self.parent is None and self.children is not None:
            raise ValueError(
                "children is how many events follow each one of parent, so it needs parent beside it"
            )
        if self.key_schema is not None and self.key is None:
            raise ValueError("key_schema needs key, which says the fields that the key is made of")
        return self

    @property
    def id_header(self) -> str:
        """The record header of the event's id; "" where a field holds it."""
        return self.stopwatch.header if isinstance(self.stopwatch, InHeader) else ""

    @property
    def header_tables(self) -> dict[str, FieldTable]:
        """How the values of each record header are made, without that of the event's id."""
        return {
            name: FieldTable.model_validate({"constant": said}) if isinstance(said, str) else said
            for name, said in self.headers.items()
        }


class WorkloadFile(Table):
    """A lensload workload: events of any Avro schemas, and how their values are made."""

    seed: int = Field(7, description="Random seed: the same seed gives the same events.", ge=0, lt=2**63)
    locale: str = Field("en_US", description="Locale of Faker's values.", min_length=2)
    pools: dict[str, PoolTable] = Field(
        default_factory=dict, description="Rows that fields refer to, by name."
    )
    topics: dict[str, TopicTable] = Field(description="The topics, by name without a prefix.", min_length=1)
