"""Profiles do what people write, and say what to write where that is nothing."""

import re

import numpy as np
import pytest

from lensload.pacing.profile import Profile

EVERY = [
    "constant",
    "poisson",
    "ramp:0.5-2",
    "steps",
    "steps:1,0,2",
    "spike",
    "spike:0@0.2-0.3",
    "spike:10@0-1",
    "day",
]


@pytest.mark.parametrize("text", EVERY)
def test_mean_factor_is_the_mean(text: str) -> None:
    """The mean over a period, by which totals are foretold, is that of the factors themselves."""
    profile = Profile.parse(text)
    sampled = np.mean([profile.factor((i + 0.5) / 9_600) for i in range(9_600)])
    assert profile.mean_factor == pytest.approx(sampled, rel=1e-9)


def test_a_day_has_the_target_as_its_mean() -> None:
    """A day at N events/s makes N * 86,400 events: its quiet and its busy hours cancel, exactly."""
    assert Profile.parse("day").mean_factor == 1.0


def test_ramps_hold_and_days_come_again() -> None:
    """After its period a ramp stays where it led, steps on the last step; spikes and days begin again."""
    factors = {text: Profile.parse(text).factor(1.5) for text in ("ramp", "steps", "spike", "constant")}
    assert factors == {"ramp": 1.0, "steps": 1.0, "spike": 3.0, "constant": 1.0}
    day = Profile.parse("day")
    assert day.factor(1.25) == day.factor(0.25)


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
        ("rampe", "did you mean ramp"),
        ("constant+poison", "did you mean constant"),
        ("", "there are constant"),
        ("constant:2", "nothing may follow"),
        ("ramp:1", "FROM-TO"),
        ("ramp:1--2", "'-2'"),
        ("steps:1,x", "'x'"),
        ("steps:0,0", "never rises"),
        ("steps:nan", "'nan'"),
        ("spike:3@0.6-0.4", "cannot last"),
        ("spike:3@0.6-1.4", "cannot last"),
        ("spike:inf", "'inf'"),
    ],
)
def test_profiles_that_are_none_are_refused(text: str, told: str) -> None:
    """A slip in a profile is told with what would have been right."""
    with pytest.raises(ValueError, match=re.escape(told)):
        Profile.parse(text)
