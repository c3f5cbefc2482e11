"""The number that is shown: rounding, classes, and when there is none."""

from __future__ import annotations

import pytest

from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.domains.crowd.level import Level, level_of
from stadtsinn.cloud.domains.crowd.present import Qualifier, ShownNumber, State, present
from stadtsinn.cloud.domains.crowd.sample import ZoneSample

NOW = Instant(1_790_000_000_000_000)


def shown_number(
    occupancy: int, low: int, high: int, *, degraded: bool = False
) -> ShownNumber | None:
    sample = ZoneSample(1, "t", 1, NOW, occupancy, low, high, degraded)
    return present((sample, NOW), 1000, 60, NOW).shown


@pytest.mark.parametrize(
    ("persons", "level"),
    [
        (0, Level.QUIET),
        (499, Level.QUIET),
        (500, Level.BUSY),
        (799, Level.BUSY),
        (800, Level.VERY_BUSY),
        (949, Level.VERY_BUSY),
        (950, Level.FULL),
        (1000, Level.FULL),
        (1001, Level.OVER),
        (1200, Level.OVER),
    ],
)
def test_classes_by_share_of_the_permitted_number(persons: int, level: Level) -> None:
    assert level_of(persons, 1000) is level


def test_without_a_permitted_number_there_is_no_class() -> None:
    assert level_of(500, None) is None


def test_numbers_below_100_are_not_rounded() -> None:
    assert shown_number(99, 97, 101) == ShownNumber(99, Qualifier.EXACT, 97, 110, Level.QUIET)


@pytest.mark.parametrize(("persons", "shown"), [(100, 100), (104, 100), (105, 110), (643, 640)])
def test_numbers_from_100_on_are_rounded_to_tens(persons: int, shown: int) -> None:
    found = shown_number(persons, persons, persons)
    assert found is not None
    assert (found.persons, found.qualifier) == (shown, Qualifier.ABOUT)
    assert found.low <= persons <= found.high
    assert found.low <= found.persons <= found.high


def test_bounds_are_rounded_outwards() -> None:
    found = shown_number(640, 601, 682)
    assert found is not None
    assert (found.low, found.high) == (600, 690)


def test_with_a_silent_gate_the_lower_bound_is_shown_and_the_upper_gives_the_class() -> None:
    found = shown_number(640, 605, 812, degraded=True)
    assert found == ShownNumber(600, Qualifier.AT_LEAST, 600, 820, Level.VERY_BUSY, True)


def test_after_three_missed_reports_there_is_no_number() -> None:
    sample = ZoneSample(1, "t", 1, NOW, 5, 5, 5, degraded=False)
    assert present((sample, NOW), 1000, 60, NOW + 3 * MINUTE - 1).state is State.LIVE
    stale = present((sample, NOW), 1000, 60, NOW + 3 * MINUTE)
    assert (stale.state, stale.shown) == (State.STALE, None)


def test_a_sample_made_by_the_clock_alone_does_not_refresh_the_number() -> None:
    """The nightly reset emits a number, but no gate reported."""
    sample = ZoneSample(1, "t", 1, Instant(NOW + 10 * MINUTE), 0, 0, 0, degraded=False)
    assert present((sample, NOW), 1000, 60, NOW + 10 * MINUTE).state is State.STALE
