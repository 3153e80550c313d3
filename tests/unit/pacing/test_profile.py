"""Profiles do what people write, and say what to write where that is nothing."""

import re

import pytest

from lensload.ids import NS_PER_S
from lensload.pacing.pacer import Pacer
from lensload.pacing.profile import Profile


def pacer_of(text: str) -> Pacer:
    """A pacer of this profile: a period of a day from 0 on, at 1,000 events/s."""
    pacer = Pacer(Profile.parse(text), 86_400.0, 0, 0)
    pacer.set_rate(0, 1_000.0)
    return pacer


def test_a_day_has_the_target_as_its_mean() -> None:
    """A day at N events/s makes N * 86,400 events: its quiet and its busy hours cancel."""
    assert pacer_of("day").expected(86_400 * NS_PER_S) == pytest.approx(86_400_000, abs=1)


@pytest.mark.parametrize(
    ("text", "factor"),
    [("ramp", 1), ("steps", 1), ("steps:1,0.5", 0.5), ("spike", 3), ("constant", 1), ("day", 10 / 8)],
)
def test_ramps_hold_and_days_come_again(text: str, factor: float) -> None:
    """After its period a ramp stays where it led, steps on the last step; spikes and days begin again."""
    assert pacer_of(text).rate_at(86_400 * 3 // 2 * NS_PER_S) == pytest.approx(1_000 * factor)


@pytest.mark.parametrize(
    ("text", "points", "poisson"),
    [
        ("ramp:0.1-2", ((0, 0.1), (1, 2)), False),
        ("Steps:1,3+Poisson", ((0, 1), (0.5, 1), (0.5, 3), (1, 3)), True),
        ("spike:5@0.1-0.2", ((0, 1), (0.1, 1), (0.1, 5), (0.2, 5), (0.2, 1), (1, 1)), False),
        ("poisson", ((0, 1), (1, 1)), True),
    ],
)
def test_profiles_are_read_as_written(
    text: str, points: tuple[tuple[float, float], ...], *, poisson: bool
) -> None:
    """What a person writes after the name is what the rate does."""
    profile = Profile.parse(text)
    assert (profile.text, profile.points, profile.poisson) == (text, points, poisson)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rampe", "ramp?"),
        ("constant+poison", "'constant+poison'"),
        ("", "profile ''"),
        ("constant:2", "constant"),
        ("ramp:1", "ramp[:FROM-TO]"),
        ("ramp:1--2", "'-2'"),
        ("steps:1,x", "'x'"),
        ("steps:0,0", "steps[:F,F,…]"),
        ("steps:nan", "'nan'"),
        ("spike:3@0.6-0.4", "spike[:FACTOR[@FROM-TO]]"),
        ("spike:3@0.6-1.4", "spike[:FACTOR[@FROM-TO]]"),
        ("spike:inf", "'inf'"),
    ],
)
def test_profiles_that_are_none_are_refused(text: str, told: str) -> None:
    """A slip in a profile is told with what would have been right."""
    with pytest.raises(ValueError, match=re.escape(told)):
        Profile.parse(text)
