"""The pages are true as far as a machine can tell: generated ones are current, links lead somewhere, commands exist."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from lensload.cli.main import main
from lensload.config import loading
from lensload.config.options import options
from lensload.metrics.stages import MEANINGS, PLACES
from lensload.verdict.judge import CODES
from tests.support.pages import PAGES, ROOT, anchors, blocks

LOCUST = """
import json, sys
from lensload import locust
from locust.argument_parser import get_parser
from locust import events
for words in json.loads(sys.argv[1]):
    parser = get_parser()
    events.init_command_line_parser.fire(parser=parser)
    unknown = parser.parse_known_args(words)[1]
    assert not unknown, (words, unknown)
"""


KINDS = """
import json, re, sys
from lensload import locust
example = {}
exec(sys.argv[1], example)
kinds = [locust.OrdinaryAudience, locust.Browsers, locust.Searchers, locust.Buyers, example["BargainHunters"]]
print(json.dumps([kind.behaviour().as_dict() for kind in kinds]))
"""


def generator() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands_of(page: Path, program: str) -> list[list[str]]:
    """The arguments of each call of a program in the page's commands."""
    found = [words for block in blocks(page) for words in block.commands]
    return [words[1:] for words in found if words[0] == program]


def leaf(arguments: list[str]) -> click.Context:
    """The command that these arguments name, with its options parsed and nothing run."""
    command: click.Command = main
    context = click.Context(main, **main.context_settings)
    while isinstance(command, click.Group):
        _, found, arguments = command.resolve_command(context, arguments)
        assert found
        context, command = click.Context(found, parent=context), found
    return command.make_context(command.name, list(arguments), parent=context.parent)


def test_generated_pages_are_current():
    """Who changes an option has run `make docs`: the pages in the repository are what it writes now."""
    for name, text in generator().pages().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"


def test_every_option_of_a_run_is_in_the_page():
    """A reader finds each option once, with its variable and its default."""
    rows = [
        line.split(" | ")[:3] for line in generator().configuration().splitlines() if "` | `LENSLOAD_" in line
    ]
    for option in options():
        (row,) = [row for row in rows if row[1] == f"`{option.env}`"]
        assert row[0].startswith(f"| `{option.flag} ")
        assert row[2].strip("`").replace(", ", ",") == str(option.default)


def test_every_reason_is_in_the_page():
    """A reader who looks for the code of a reason finds when it holds."""
    rows = [line.split(" | ") for line in generator().reasons().splitlines() if line.startswith("| `")]
    assert sorted(row[0].strip("| `") for row in rows) == sorted(CODES)
    assert all(row[1].endswith(".") for row in rows)


def test_a_json_schema_becomes_a_page():
    """Fields come with type and meaning, and objects that are defined beside get a section that links lead to."""
    text = generator().run_file(
        {
            "description": "A run.",
            "properties": {
                "format": {"const": "x/1", "description": "Which format."},
                "load": {"$ref": "#/$defs/Load", "description": "What | was sent."},
                "rows": {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
                "by_topic": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
            "$defs": {
                "Load": {"properties": {"rate": {"type": "number", "description": "Per second."}}},
                "Verdict": {"enum": ["pass", "fail"], "type": "string"},
            },
        }
    )
    assert '| `format` | `"x/1"` | Which format. |' in text
    assert "| `load` | [Load](#load) | What \\| was sent. |" in text
    assert "| `rows` | list of number or null |  |" in text
    assert "| `by_topic` | object of integer by name |  |" in text
    assert (
        "## Load\n\n| field | type | meaning |\n| --- | --- | --- |\n| `rate` | number | Per second. |"
        in text
    )
    assert '## Verdict\n\nOne of `"pass"`, `"fail"`.' in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path):
    """Files that a page links to exist, and so do the headings."""
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        place = page.parent / target if target else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_lensload_command_parses(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No page names a command or a flag that does not exist, or gives an option of a run a value it refuses."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "schemas" / "user_interaction.avsc", "newer.avsc")
    Path("client.properties").write_text("")
    by_flag = {option.flag: option.name for option in options()}
    for arguments in commands_of(page, "lensload"):
        context = leaf([word for word in arguments if word != "--help"])
        given = {
            parameter.opts[0]: context.params[str(parameter.name)] for parameter in context.command.params
        }
        flags = {by_flag[flag]: value for flag, value in given.items() if flag in by_flag and value}
        if flags.get("registry_url"):  # `schemas` needs no cluster beside it
            flags.setdefault("bootstrap_servers", "localhost:9092")
        loading.load(flags, environ={}, folder=tmp_path)


def test_every_locust_command_parses():
    """No page gives Locust a flag that it does not have, with this project's options added."""
    found = [arguments for page in PAGES for arguments in commands_of(page, "locust")]
    assert found
    # In a process of its own: importing Locust patches the one that does.
    command = [sys.executable, "-c", LOCUST, json.dumps(found)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_kinds_of_audience_are_as_the_page_has_them():
    """The table of parameters is that of the code, and the example's bargain hunters buy more than buyers."""
    page = (ROOT / "docs" / "locust.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    # In a process of its own: importing Locust patches the one that does.
    done = subprocess.run(
        [sys.executable, "-c", KINDS, example], capture_output=True, text=True, check=True, timeout=60
    )
    *ready, hunters = json.loads(done.stdout)
    table = {
        row[0]: row[1:]
        for row in re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|", page, re.MULTILINE)
    }
    assert table.keys() == ready[0].keys() - {"name"}
    for name, values in table.items():
        assert [float(value) for value in values] == [kind[name] for kind in ready]
    assert hunters["purchase_rate"] > ready[3]["purchase_rate"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_script_and_target_exists(page: Path):
    """Scripts, modules and make targets that a page runs are there."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for arguments in commands_of(page, "make"):
        assert {argument for argument in arguments if "=" not in argument} <= targets
    for arguments in commands_of(page, "python"):
        if arguments[0] == "-m" and arguments[1].startswith("tests"):
            place = ROOT / arguments[1].replace(".", "/")
            assert place.exists() or place.with_suffix(".py").exists(), arguments
        elif arguments[0].endswith(".py"):
            assert (ROOT / arguments[0]).exists() or (page.parent / arguments[0]).exists(), arguments


def test_the_readme_leads_to_every_page():
    """No page is left out of the README's index of the documentation."""
    index = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Documentation")[2]
    linked = {(ROOT / target).resolve() for target in re.findall(r"\]\(([^)#\s]*)", index)}
    assert set(PAGES) - {ROOT / "README.md"} <= linked


def test_the_map_of_packages_is_complete():
    """A newcomer finds each package and module of the listing in DESIGN's map, and each file that the map names."""
    source = ROOT / "src" / "lensload"
    text = (ROOT / "DESIGN.md").read_text(encoding="utf-8")
    rows = [
        row.split(" | ") for row in text.partition("## Packages")[2].splitlines() if row.startswith("| `")
    ]
    ours = [row for row in rows if "/`" not in row[0]]
    named = {name for row in ours for name in re.findall(r"`([a-z_]+)`", row[0])}
    listed = {path.stem for path in source.iterdir() if not path.name.startswith(("_", "py.typed"))}
    assert listed <= named, listed - named
    for row in ours:
        for file in re.findall(r"`(\w+\.py)`", row[-1]):
            packages = re.findall(r"`([a-z_]+)`", row[0])
            assert any((source / name / file).exists() for name in packages) or (source / file).exists(), file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_a_page_names_exists(page: Path):
    """Who follows a path of a page into the source finds the file there."""
    places = (ROOT, ROOT / "src", ROOT / "src" / "lensload", page.parent)
    for path in re.findall(r"`([a-z_]+/[a-z_/]*[a-z_]+\.py)`", page.read_text(encoding="utf-8")):
        assert any((place / path).exists() for place in places), path


def test_the_stages_have_one_vocabulary():
    """Every stage and place of the breakdown stands in docs/metrics.md by the name and the label that all views use."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for name, stage in MEANINGS.items():
        assert f"| `{name}` | {stage.label} |" in text, name
    for name in PLACES:
        assert f"| {name} |" in text, name
