"""A process imports what it needs, and no more: what is seldom needed or slow waits for who asks for it."""

import subprocess
import sys

import pytest

REGISTRY = "confluent_kafka.schema_registry"
OAUTH = ("authlib", "cryptography")
SCREEN = ("rich", "click")
PAGES = ("jinja2", "flask", "vl_convert", "xml.etree")
WORK = ("numpy", "faker", "confluent_kafka")


def imported(*arguments: str) -> set[str]:
    """The modules of a process that runs this Python code, with their packages."""
    code = f"import sys\n{arguments[0]}\nsys.stderr.write('\\n'.join(sys.modules))"
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments[1:]], capture_output=True, text=True, check=True, timeout=60
    )
    return set(process.stderr.split())


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("lensload.generator.process", (*SCREEN, *PAGES, *OAUTH, "faker", "prometheus_client", "locust")),
        ("lensload.observer.process", (*SCREEN, *PAGES, REGISTRY, "faker", "prometheus_client", "locust")),
        ("lensload.coordinator.local_run", (*PAGES, REGISTRY, "faker", "prometheus_client", "locust")),
        ("lensload.cli.bench", (*PAGES, *WORK, REGISTRY, "prometheus_client", "locust")),
    ],
)
def test_a_process_of_a_run_imports_no_more_than_it_needs(module: str, unwanted: tuple[str, ...]):
    """A run starts without what reports, pages and other commands need, and so do all of a CI job's runs."""
    assert imported(f"import {module}") & set(unwanted) == set()


def test_help_imports_none_of_what_a_run_needs():
    """`lensload --help` answers at once."""
    code = (
        "import contextlib, lensload.__main__\nwith contextlib.suppress(SystemExit): lensload.__main__.main()"
    )
    unwanted = {*PAGES, *WORK, "fastavro", "pydantic", "rich", REGISTRY, "locust"}
    assert imported(code, "--help") & unwanted == set()
