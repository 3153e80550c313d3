"""Any Avro schema: the file that is inferred for it is accepted unedited."""

import json
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lensload.workload import findings
from lensload.workload.inference import draft as drafts
from lensload.workload.inference import inference, number_words, text_words, vocabulary
from lensload.workload.inference.discovery import FoundTopic
from tests.support.avro import schemas

WORDS = sorted(
    {
        *text_words.TEXTS,
        *number_words.NUMBERS,
        *vocabulary.ENTITIES,
        "created at",
        "event id",
        "user id",
        "id",
    }
)
NAMES = st.sampled_from([phrase.replace(" ", "_") for phrase in WORDS])


@settings(deadline=None, max_examples=60)
@given(schemas(), st.data())
def test_the_file_for_any_schema_is_accepted(of: Any, data: st.DataObject):
    """Whatever types fields have, and whatever their names say of them, no guess is refused."""
    fields = of.json["fields"]
    names = data.draw(st.lists(NAMES, min_size=len(fields), max_size=len(fields), unique=True))
    named = [{**each, "name": name} for each, name in zip(fields, names, strict=True)]
    if not any(name in ("id", "event_id") for name in names):
        named.append({"name": "event_id", "type": "string"})
    schema = json.dumps({**of.json, "fields": named})
    draft = inference.infer(
        [FoundTopic("things", schema, {"subject": "things-value"})], "en_US", lambda _method: False
    )
    assume(draft.topics[0].stopwatch)
    text = drafts.as_toml(draft, [])
    checked = findings.of(text, Path("any.toml"), lambda _subject, _version: schema)
    told = [each.error.message for each in checked.findings]
    assume(not any("endless" in each for each in told))
    assert told == [], text
