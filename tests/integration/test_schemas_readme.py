"""schemas/README.md tells the truth about the schemas beside it."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lensload.cli import main
from lensload.schema import definitions
from lensload.schema.history import folder_of
from lensload.schema.registry_auth import VARIABLES
from tests.harness.registry import Registry
from tests.support.registries import standing_in

SUBJECTS_URL = "http://localhost:8081/subjects/"
FOLDER = Path(__file__).parents[2] / "schemas"
TEXT = (FOLDER / "README.md").read_text()


def type_in_words(kind: Any) -> str:
    """A type as the README writes it."""
    if isinstance(kind, list):
        (other,) = [each for each in kind if each != "null"]
        return type_in_words(other) + "?"
    if isinstance(kind, str):
        return kind
    match kind["type"]:
        case "map":
            return "map"
        case "array":
            return f"array of `{kind['items']['name'].rpartition('.')[2]}`"
        case "enum":
            return f"enum ({', '.join(kind['symbols'])})"
        case _:
            raise AssertionError(kind)


def records(node: Any) -> list[Any]:
    """The record and those inside of it."""
    if isinstance(node, list):
        return [found for branch in node for found in records(branch)]
    if not isinstance(node, dict):
        return []
    inner = [node.get("items"), node.get("values"), *(field["type"] for field in node.get("fields", ()))]
    return ([node] if node.get("type") == "record" else []) + records(inner)


@pytest.mark.parametrize("name", definitions.TOPIC_NAMES)
def test_topics_keys_and_fields(name: str):
    """Every topic with its file, record and key, and every record with its fields in order, is as the schemas have it."""
    schema = definitions.load()[name]
    topic = schema.topic
    assert f"| `{name}` | `{topic.file}` | `{topic.record}` | `{topic.key_field}` |" in TEXT
    for record in records(schema.parsed):
        fields = []
        for field in record["fields"]:
            default = f" ({field['default']} by default)" if isinstance(field.get("default"), int) else ""
            fields.append(f"`{field['name']}` {type_in_words(field['type'])}{default}")
        assert f"| `{record['name'].rpartition('.')[2]}` | {', '.join(fields)} |" in TEXT


def test_what_it_names_is_there():
    """Files, variables and folders that the README names exist."""
    assert folder_of(definitions.TOPICS[0], FOLDER).is_dir()
    for example in re.findall(r"`(\w+\.py)`", TEXT):
        assert (FOLDER.parent / "examples" / example).is_file()

    assert set(re.findall(r"LENSLOAD_REGISTRY_(?!URL)\w+", TEXT)) == set(VARIABLES)


def test_the_hook_runs_a_command_that_exists():
    """The pre-commit hook and its snippet call `lensload schemas check` as it is."""
    hook = (FOLDER.parent / ".pre-commit-hooks.yaml").read_text()
    (entry,) = re.findall(r"entry: lensload (.*)", hook)
    assert f"entry: lensload {entry}" in TEXT
    arguments = [
        str(FOLDER) if word == "schemas" and place else word for place, word in enumerate(entry.split())
    ]
    assert CliRunner().invoke(main.main, arguments).exit_code == 0


def by_hand(root: Path, subjects_url: str) -> Any:
    """What a registry answers to the README's curl command, run in bash as it stands but for the place of subjects."""
    (command,) = re.findall(r"(?ms)^```sh\n(cd schemas\ncurl .*?)^```$", TEXT)
    assert command.count(SUBJECTS_URL) == 1
    shell = ["bash", "-euo", "pipefail", "-c", command.replace(SUBJECTS_URL, subjects_url)]
    done = subprocess.run(shell, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.usefixtures("curl_and_jq")
def test_the_curl_command_registers_the_schema(registry: Registry, topic_prefix: str):
    """A real registry takes what the command sends, and lensload finds its own schema under the same id."""
    answer = by_hand(FOLDER.parent, f"{registry.url}/subjects/{topic_prefix}")
    where = ["--registry-url", registry.url, "--topic-prefix", topic_prefix]
    table = CliRunner().invoke(main.main, ["schemas", "register", *where]).stdout
    name = f"{topic_prefix}user-interactions-value"
    assert re.search(rf"(?m)^{name} +{answer['id']} +1 +known\b", table), table


@pytest.mark.usefixtures("curl_and_jq")
def test_the_curl_command_changes_no_text(tmp_path: Path):
    """Blanks, quotes, backslashes and what a shell would expand arrive as they are in the file."""
    schema = json.loads((FOLDER / "user_interaction.avsc").read_text())
    schema["doc"] = "two  blanks, \"quotes\", 'more', a\\b, \\n, a\nline\tand * $HOME $(id) `id` ! % é \u2028"
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/user_interaction.avsc").write_text(json.dumps(schema, indent=2))
    with standing_in() as there:
        by_hand(tmp_path, f"{there.url}/subjects/")
    (text,) = there.subjects["user-interactions-value"]
    assert json.loads(text) == schema
