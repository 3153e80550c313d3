"""The form of a run: what it says and what it takes."""

from pathlib import Path

from lensload.config.loading import load
from lensload.web import form
from tests.support import shop


def test_whoever_opens_the_page_sees_whose_events_the_load_is(tmp_path: Path) -> None:
    """A workload is named beside the cluster, by its file's name and not by its place on the disk; LENS's world is not."""
    path = shop.written(tmp_path)
    of_shop = form.target(load({"workload": str(path)}, environ={}, folder=tmp_path))
    assert path.name in of_shop
    assert str(tmp_path) not in of_shop
    assert ".toml" not in form.target(load({}, environ={}, folder=tmp_path))
