"""Real counts replayed as the gates of a zone: the truth lies within the stated interval.

Five gates are fed with published counts of two streets for bicycles and one for pedestrians. Each
of their counters is off by up to the stated 2 %, a fifth of all uplinks is lost, three counters
begin at zero again and one dies. `SHARE_MAY_GROW` was chosen on the days before `HELD_OUT`; the
tests look at the days from there on only.
"""

from __future__ import annotations

from statistics import median

import pytest

from real_counts import Day, Minute, a_bad_day, bicycles, pedestrians, replay
from stadtsinn.cloud.domains.crowd.counting import CountKind

HELD_OUT = 10
TOTALS = (CountKind.TOTAL,) * 5
MIXED = (
    CountKind.TOTAL,
    CountKind.INTERVAL,
    CountKind.TOTAL,
    CountKind.CLICKER,
    CountKind.INTERVAL,
)


@pytest.fixture(scope="module")
def streets() -> list[list[Day]]:
    """By gate, the days that were not used to choose a number."""
    return [
        days[HELD_OUT:]
        for days in (
            bicycles("100020113-2025-06"),
            bicycles("100034978-2025-06"),
            bicycles("100034978-2025-10"),
            bicycles("100034978-2026-03"),
            pedestrians("steinstrasse-2022-juni-hourly"),
        )
    ]


def coverage(minutes: list[Minute]) -> float:
    return sum(minute.holds for minute in minutes) / len(minutes)


def say(minutes: list[Minute]) -> None:
    """Shown by ``pytest -s``, and where the test fails."""
    live = [minute for minute in minutes if not minute.degraded]
    widths = [median(one.high - one.low for one in some) for some in (minutes, live)]
    most = max(one.truth for one in minutes)
    print(
        f"{coverage(minutes):.2%} of {len(minutes)} minutes; median width {widths[0]:.0f} persons, "
        f"{widths[1]:.0f} while all gates report; at most {most} inside"
    )


@pytest.mark.parametrize(
    ("kinds", "day"),
    [
        (MIXED, 0),
        *(
            pytest.param(kinds, day, marks=pytest.mark.slow)
            for kinds, day in ((TOTALS, 1), (TOTALS, 2), (MIXED, 3))
        ),
    ],
)
def test_truth_lies_in_the_interval(
    streets: list[list[Day]], kinds: tuple[CountKind, ...], day: int
) -> None:
    seed = 1_000 + day
    minutes = replay([street[day] for street in streets], kinds, seed, a_bad_day(seed, len(kinds)))
    say(minutes)
    assert coverage(minutes) >= 0.95
    assert any(minute.degraded for minute in minutes), "the dead gate is noticed"


def test_interval_says_something(streets: list[list[Day]]) -> None:
    """It would be easy to hold the truth with bounds that say nothing: on a day on which all
    gates report it is no wider than what the counters state and three missed reports explain."""
    minutes = replay([street[4] for street in streets], TOTALS, 7, {})
    say(minutes)
    live = [minute for minute in minutes if not minute.degraded]
    assert coverage(minutes) >= 0.95
    # 2 % of about 11,000 passages to each side at the end of the day, and what passes in a minute
    assert median(one.high - one.low for one in live) < 450
