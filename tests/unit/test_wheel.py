"""The wheel that users install."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.pages import ROOT

BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
SERVE = """
from flask import Flask
from lensload.config.model import RunConfig
from lensload.web import live, origins, pages, runs, server
assert "from-the-wheel" in pages.__file__
app, shown = Flask("wheel"), live.Live()
control = server.BenchControl(RunConfig(), shown)
app.register_blueprint(pages.blueprint(shown, control, runs.Runs(__import__("pathlib").Path()), prefix="", origins=origins.Origins()))
for name in ("", "compare", *pages.ASSETS, "api/form"):
    answer = app.test_client().get(f"/{name}", base_url="http://localhost")
    assert answer.status_code == 200 and len(answer.data) > 100, name
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, built from this tree by its own backend, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "from-the-wheel")
    return folder / "from-the-wheel"


def test_everything_that_is_in_the_package_is_in_the_wheel(unpacked: Path) -> None:
    """Pages, style sheets, JSON Schemas, LENS's schemas, locustfiles and the mark of a typed package are installed too."""
    package = ROOT / "src" / "lensload"
    wanted = {
        path.relative_to(package)
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    wanted |= {Path("schemas_avsc") / path.name for path in (ROOT / "schemas").glob("*.avsc")}
    wanted |= {Path("locustfiles") / path.name for path in (ROOT / "locustfiles").glob("*.py")}
    there = {
        path.relative_to(unpacked / "lensload") for path in unpacked.glob("lensload/**/*") if path.is_file()
    }
    assert {Path("py.typed"), Path("web/static/live.html"), Path("results/run.schema.json")} <= wanted
    assert wanted <= there


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["-c", SERVE], ""),
        (["-m", "lensload", "schemas", "list"], "user-interactions"),
        (["-m", "lensload.locust", "--list"], "OrdinaryAudience"),
    ],
)
def test_what_a_wheel_installs_finds_its_files(
    unpacked: Path, tmp_path: Path, command: list[str], says: str
) -> None:
    """Outside of a checkout the page is served, the schemas are there, and Locust has a locustfile."""
    paths = [str(unpacked), *(path for path in sys.path if "site-packages" in path)]
    done = subprocess.run(
        [sys.executable, "-S", *command],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(paths)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert says in done.stdout
