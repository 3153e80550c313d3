"""Runs compared by the page: what it may offer where they are not."""

import pytest

from lensload.errors import LensloadError
from lensload.results import run_file
from lensload.web.runs import NotAlikeError, Runs
from tests.support.runs import a_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A run, another at a higher rate, and another that is invalid; nothing here writes to their folder."""
    folder = tmp_path_factory.mktemp("runs")
    for seed, (name, per_s, changed) in enumerate(
        [("base", 400, {}), ("faster", 600, {}), ("bad", 400, {"verdict": "invalid"})], 1
    ):
        run_file.write(folder / f"{name}.json", {**a_run(seed=seed, per_s=per_s), **changed})  # pyright: ignore[reportArgumentType]
    return Runs(folder)


@pytest.mark.parametrize("new", ["faster.json", "bad.json"])
def test_runs_that_are_not_alike_are_compared_all_the_same_for_who_wants_it(runs: Runs, new: str) -> None:
    """The page has no flags: that a run is invalid, or made under other conditions, is an error which says that it can be allowed."""
    with pytest.raises(NotAlikeError) as caught:
        runs.compared("base.json", new)
    assert "--" not in str(caught.value)
    assert runs.compared("base.json", new, all_the_same=True)["new"] == [new]


@pytest.mark.parametrize("new", ["base.json", "gone.json"])
def test_what_cannot_be_compared_at_all_is_not_offered(runs: Runs, new: str) -> None:
    """Nothing is allowed by which a run could be compared with itself, or with one that is not there."""
    with pytest.raises(LensloadError) as caught:
        runs.compared("base.json", new)
    assert not isinstance(caught.value, NotAlikeError)
