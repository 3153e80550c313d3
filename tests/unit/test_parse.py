"""One grammar of numbers, shares and times, wherever a person writes one."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.parse import duration_s, duration_text, moment_ms, number, share

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5000", 5e3),
        ("5_000", 5e3),
        ("5,000", 5e3),
        ("1e6", 1e6),
        ("1M", 1e6),
        ("10k", 1e4),
        ("1.5m", 1.5e6),
        ("2G", 2e9),
        ("-3", -3),
        (" 7 ", 7),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, value: float):
    """What one flag takes, all take."""
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "k", "1,00", "0,5", "nan", "inf", "1e999", "5x", "1 2", "--1", "1.2.3"])
def test_what_is_no_number_is_refused(text: str):
    """A slip is refused, and never read as another number."""
    with pytest.raises(ValueError, match="number"):
        number(text)


@given(st.text(max_size=12))
def test_any_text_is_a_finite_number_or_refused(text: str):
    """Nothing that is typed ends in another error or in infinity."""
    with contextlib.suppress(ValueError):
        assert math.isfinite(number(text))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (600, "10m"),
        (30, "30s"),
        (90, "1m30s"),
        (5_400, "1h30m"),
        (1_209_600, "14d"),
        (0.1, "100ms"),
        (2.5, "2.5s"),
        (0, "0s"),
    ],
)
def test_a_duration_is_written_as_people_do(seconds: float, text: str):
    """A form that holds ten minutes says so."""
    assert duration_text(float(seconds)) == text


@given(st.one_of(st.integers(0, 10**9).map(float), st.integers(0, 10**9).map(lambda ms: ms / 1e3)))
def test_a_written_duration_is_read_as_the_same(seconds: float):
    """A form that is sent back unchanged changes nothing."""
    assert duration_s(duration_text(seconds)) == seconds


@pytest.mark.parametrize(("text", "value"), [("1%", 0.01), ("0.01", 0.01), ("100 %", 1.0), ("0.5%", 0.005)])
def test_a_share_may_be_a_percentage(text: str, value: float):
    """Both spellings are the same share."""
    assert share(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("now", NOW_MS),
        ("-1h", NOW_MS - 3_600_000),
        ("-7d", NOW_MS - 7 * 86_400_000),
        ("1970-01-02", 86_400_000),
        ("1970-01-02T00:00:00+01:00", 82_800_000),
        ("1769860800000", 1_769_860_800_000),
    ],
)
def test_a_time_is_now_ago_or_a_date(text: str, value: int):
    """A history's end and a replay's start are written in the same way."""
    assert moment_ms(text, NOW_MS) == value
