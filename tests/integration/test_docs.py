"""The commands that the pages mark as runnable really run, one page after the other, as a reader would type them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.pages import PAGES, ROOT, blocks

# A machine that others keep busy makes a benchmark invalid; its result is then there all the same.
JUDGING = {"bench": (0, 3), "report": (0, 3)}


def marked(mark: str) -> list[Path]:
    """The pages with a block of this mark."""
    return [page for page in PAGES if any(block.mark == mark for block in blocks(page))]


def run(page: Path, mark: str, folder: Path, environ: dict[str, str], replaced: dict[str, str]) -> None:
    """Run the blocks of a page in a folder that has the repository's examples and nothing else of it."""
    (folder / "examples").symlink_to(ROOT / "examples")
    bin_folder = Path(sys.executable).parent
    env = {**os.environ, **environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    for block in blocks(page):
        for words in block.commands if block.mark == mark else ():
            for old, new in replaced.items():
                words[:] = [word.replace(old, new) for word in words]
            if words[0] == "export":
                env |= dict(word.split("=", 1) for word in words[1:])
                continue
            done = subprocess.run(
                words, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
            )
            assert done.returncode in JUDGING.get(words[1], (0,)), f"{words}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", marked("run"), ids=lambda page: page.name)
def test_commands_without_servers(page: Path, tmp_path: Path):
    """What a page shows without an address works on a machine that has nothing but lensload."""
    run(page, "run", tmp_path, {}, {})


@pytest.mark.native
@pytest.mark.parametrize("page", marked("kafka"), ids=lambda page: page.name)
def test_commands_on_a_cluster(
    page: Path, tmp_path: Path, kafka: Kafka, registry: Registry, topic_prefix: str
):
    """What a page shows on localhost:9092 and localhost:8081 works on a real Kafka and a real registry."""
    addresses = {"localhost:9092": kafka.bootstrap_servers, "http://localhost:8081": registry.url}
    run(page, "kafka", tmp_path, {"LENSLOAD_TOPIC_PREFIX": topic_prefix}, addresses)
