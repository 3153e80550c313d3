"""The parameters of an audience as people write them."""

import pytest

from lensload.config.model import RunConfig
from lensload.errors import UsageError
from lensload.world.behaviour import Behaviour


@pytest.mark.parametrize(
    "given",
    [
        ["purchase_rate=0.4", "search_rate=0"],
        "purchase_rate=0.4, search_rate=0",
        {"purchase_rate": 0.4, "search_rate": 0},
    ],
)
def test_a_behaviour_is_read_alike_from_every_door(given: object) -> None:
    """Repeated flags, one text and a table of the file mean the same, and survive the way to another process."""
    config = RunConfig.of(behaviour=given)
    assert config.world.ordinary == Behaviour(purchase_rate=0.4, search_rate=0.0)
    assert RunConfig.of(**config.as_dict()) == config


@pytest.mark.parametrize(
    ("given", "says"),
    [("purchase_rte=0.4", "purchase_rate"), ("purchase_rate=4", "0 to 1"), ("purchase_rate", "NAME=NUMBER")],
)
def test_a_slip_is_named(given: str, says: str) -> None:
    """A typo gets the nearest name, and a number out of range its range."""
    with pytest.raises(UsageError, match=says):
        RunConfig.of(behaviour=given)
