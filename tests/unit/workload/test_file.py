"""The workload file: where its keys are, and its published JSON Schema."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from lensload.workload import json_schema
from lensload.workload.file import WorkloadFile
from lensload.workload.toml_lines import Lines

GOOD = """
#:schema workload.schema.json
seed = 3
[pools.customers]
size = 10
skew = { zipf = 1.1 }
fields = { id = { uuid = {} } }
[pools.shops]
rows = [{ city = "Berlin", since = 2020-01-31 }, { city = "Paris", since = 2021-12-24 }]
[topics.orders]
schema = { subject = "orders-value", version = 2 }
key = ["a", "b"]
children = [1, 4]
parent = "x"
[topics.orders.fields]
a = { from = "customers.id" }
b = { before_due = { exponential = "3d" } }
"lines[].price" = { choice = { A = 1, B = 2 }, null = 0.5 }
c = { faker = { method = "random_int", min = 3 } }
[topics.orders.headers]
source = "web"
"trace id" = { uuid = {} }
[topics.x]
schema = "x.avsc"
stopwatch = { header = "lensload-id" }
"""


def test_the_published_schema_is_current():
    """Editors that know it complete and check the keys of this version."""
    published = files("lensload.workload").joinpath("workload.schema.json").read_text(encoding="utf-8")
    assert published == json_schema.text(), "regenerate it: python -m lensload.workload.json_schema"


def test_the_schema_takes_what_lensload_takes():
    """A file that uses every kind of key is valid; one with a slip is not."""
    validator = jsonschema.Draft202012Validator(json_schema.schema())
    validator.validate(tomllib.loads(GOOD))
    for was, becomes in (("zipf", "zpf"), ("id = { uuid = {} }", "id = { uuid = 3 }"), ("size = 10", "")):
        assert not validator.is_valid(tomllib.loads(GOOD.replace(was, becomes)))
    for was, becomes in (
        ("rows = [", "size = 2\nrows = ["),
        ("rows = [{", "rows = [{}, {"),
        ("rows =", "row ="),
    ):
        assert not validator.is_valid(tomllib.loads(GOOD.replace(was, becomes)))
    for was, becomes in (('source = "web"', "source = 3"), ("{ header =", "{ heder =")):
        assert not validator.is_valid(tomllib.loads(GOOD.replace(was, becomes)))


def test_the_examples_in_the_page_are_workload_files():
    """What the page shows can be copied."""
    page = Path(__file__).parents[3].joinpath("docs", "workload-file.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert examples
    for example in examples:
        WorkloadFile.model_validate(tomllib.loads(example))


def test_every_key_is_described():
    """Who writes a file in an editor is told what each key means."""
    content = json_schema.schema()
    for table in (content, *content["$defs"].values()):
        assert table["description"]
        assert all("description" in key for key in table.get("properties", {}).values())


KEYS = st.text(st.sampled_from("ab.é-[]{} "), min_size=1, max_size=4).map(lambda key: '"' + key + '"')


@given(
    st.lists(
        st.tuples(KEYS, KEYS, st.integers(0, 3)), min_size=1, max_size=6, unique_by=lambda each: each[:2]
    )
)
def test_the_line_of_every_key_is_known(entries: list[tuple[str, str, int]]):
    """Whatever a key is called, and however many lines the values before it take."""
    text, wanted = "", {}
    for table in dict.fromkeys(entry[0] for entry in entries):
        text += f"# of {table}\n[{table}]\n"
        for _, key, lines in (entry for entry in entries if entry[0] == table):
            wanted[table[1:-1], key[1:-1]] = text.count("\n") + 1
            text += f"{key} = [" + "\n1," * lines + "\n]\n\n"
    found = Lines(text)
    assert {place: found.of(place) for place in wanted} == wanted


@given(st.lists(st.tuples(st.text("a]}[{#,'\n", max_size=4), st.integers(0, 2)), min_size=1, max_size=6))
def test_the_line_of_every_table_in_a_list_is_known(rows: list[tuple[str, int]]):
    """Whatever its texts hold, and however the list is written: as one value, or as a header for each table."""
    inline, headers = "[a]\nb.rows = [", ""
    wanted: list[int] = []
    for text, lines in rows:
        inline += "\n" * lines + "# ]\n"
        wanted.append(inline.count("\n") + 1)
        inline += f'{{ c = """{text}""" }}, '
    found = Lines(inline + "]\nd = 1")
    assert [found.of(("a", "b", "rows", str(number), "c")) for number in range(1, len(rows) + 1)] == wanted
    assert found.of(("a", "d")) == inline.count("\n") + 2
    for number, (text, lines) in enumerate(rows):
        headers += "\n" * lines + "[[a.b.rows]]\n"
        wanted[number] = headers.count("\n") + 1
        headers += f'c = """{text}"""\n'
    found = Lines(headers)
    assert [found.of(("a", "b", "rows", str(number), "c")) for number in range(1, len(rows) + 1)] == wanted
