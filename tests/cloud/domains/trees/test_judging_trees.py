"""Whether a group is due: medians, hysteresis, frost, faults of sensors, the standing year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from stadtsinn.base.berlin import local
from stadtsinn.base.instant import DAY, HOUR, Instant, parse
from stadtsinn.base.language import Language
from stadtsinn.cloud.domains.trees.depths import (
    DepthValues,
    Finding,
    Trend,
    Value,
    lost_contact,
    median_of_day,
    rise,
    waterlogged,
)
from stadtsinn.cloud.domains.trees.judging import Level, Verdict, judge
from stadtsinn.cloud.domains.trees.soil import Soil
from stadtsinn.cloud.domains.trees.thresholds import (
    OLDER,
    YOUNG,
    Thresholds,
    standing_year,
    thresholds_for,
)
from stadtsinn.cloud.domains.trees.words import health, number, reason

NOW = parse("2026-07-15T03:00:00+00:00")
SOIL = Soil(25, 8)


def hourly(*days: float | Sequence[float], until: Instant = NOW) -> list[Value]:
    """A day each, the last one ending at `until`: one value for all of its hours, or some."""
    found = []
    for back, day in enumerate(reversed(days)):
        values = [day] * 24 if isinstance(day, int | float) else day
        step = DAY // len(values)
        end = until - back * DAY
        found += [Value(Instant(end - at * step), one) for at, one in enumerate(reversed(values))]
    return sorted(found)


def verdict(
    *depths: DepthValues,
    before: Level = Level.UNKNOWN,
    thresholds: Thresholds = YOUNG,
    now: Instant = NOW,
) -> Verdict:
    return judge(depths, SOIL, thresholds, before, now, local(now).date())


def at_30(*days: float | Sequence[float]) -> DepthValues:
    return DepthValues(30, tension=hourly(*days))


def moist_30(*days: float | Sequence[float]) -> DepthValues:
    return DepthValues(30, moisture=hourly(*days))


@pytest.mark.parametrize(
    ("kpa", "level"),
    [(0, Level.GOOD), (32.9, Level.GOOD), (33, Level.DUE), (79.9, Level.DUE), (80, Level.URGENT)],
)
def test_a_young_tree_by_tension(kpa: float, level: Level) -> None:
    assert verdict(at_30(kpa)).level is level


@pytest.mark.parametrize(
    ("moisture", "level"),
    [(16.6, Level.GOOD), (16.5, Level.DUE), (13.2, Level.DUE), (13.1, Level.URGENT)],
)
def test_a_young_tree_by_usable_water(moisture: float, level: Level) -> None:
    """50 % nFK of this soil are 16.5 Vol.-%, 30 % are 13.1."""
    assert verdict(moist_30(moisture)).level is level


@pytest.mark.parametrize(("kpa", "level"), [(79, Level.GOOD), (80, Level.DUE), (190, Level.DUE)])
def test_an_older_tree_by_its_deeper_soil(kpa: float, level: Level) -> None:
    top = DepthValues(30, tension=hourly(190.0))
    found = verdict(top, DepthValues(60, tension=hourly(kpa)), thresholds=OLDER)
    assert found.level is level
    assert found.decided_by is not None
    assert found.decided_by.depth_cm == 60


def test_tension_and_water_content_are_never_mixed() -> None:
    """Where both are measured, the tension decides and the other is shown."""
    both = DepthValues(30, tension=hourly(20.0), moisture=hourly(9.0))
    found = verdict(both)
    assert found.level is Level.GOOD
    assert found.decided_by is not None
    assert found.decided_by.nfk == pytest.approx(5.88, abs=0.01)


def test_one_wild_value_decides_nothing() -> None:
    assert verdict(at_30([20.0, 20.0, 199.0])).level is Level.GOOD
    assert median_of_day([Value(NOW, 90.0)], NOW) is None
    assert verdict(DepthValues(30, tension=[Value(NOW, 90.0)])).level is Level.UNKNOWN


def test_what_is_due_stays_due_until_the_soil_is_clearly_wet() -> None:
    assert verdict(at_30(25.0)).level is Level.GOOD
    assert verdict(at_30(25.0), before=Level.DUE).level is Level.DUE
    assert verdict(at_30(25.0), before=Level.URGENT).level is Level.DUE
    assert verdict(at_30(20.0), before=Level.URGENT).level is Level.GOOD
    assert verdict(moist_30(19.0), before=Level.DUE).level is Level.DUE  # 65 % nFK
    assert verdict(moist_30(20.0), before=Level.DUE).level is Level.GOOD  # 71 % nFK


def test_silence_ends_nothing() -> None:
    old = DepthValues(30, tension=hourly(90.0, until=Instant(NOW - 2 * DAY)))
    for before in (Level.DUE, Level.URGENT):
        found = verdict(old, before=before)
        assert (found.level, found.kept) == (before, True)
    assert verdict(old, before=Level.GOOD).level is Level.UNKNOWN
    assert verdict(before=Level.DUE).level is Level.DUE
    assert verdict().level is Level.UNKNOWN


def test_frost_holds_the_level() -> None:
    icy = DepthValues(30, tension=hourly(190.0), temperature=hourly([4.0, 0.9, 4.0]))
    for before, level in ((Level.DUE, Level.DUE), (Level.GOOD, Level.UNKNOWN)):
        found = verdict(icy, before=before)
        assert found.level is level
        assert found.findings[0].finding is Finding.FROST
    mild = DepthValues(30, tension=hourly(190.0), temperature=hourly([4.0, 1.0, 4.0]))
    assert verdict(mild).level is Level.URGENT


@pytest.mark.parametrize(("month", "resting"), [(3, True), (4, False), (10, False), (11, True)])
def test_nothing_is_due_in_winter(month: int, *, resting: bool) -> None:
    now = parse(f"2026-{month:02}-15T04:00:00+00:00")
    found = verdict(DepthValues(30, tension=hourly(90.0, until=now)), now=now)
    assert (found.level is Level.RESTING) is resting


def test_fault_codes_of_watermarks_are_never_dry() -> None:
    open_circuit = at_30(255.0)
    found = verdict(open_circuit)
    assert found.level is Level.UNKNOWN
    assert found.findings[0].finding is Finding.LOST_CONTACT
    assert verdict(at_30([30.0, 240.0, 30.0, 255.0])).level is Level.GOOD


def test_a_sensor_that_lost_contact_is_recognised_by_its_fall() -> None:
    fallen = moist_30(18.0, [18.0, 17.9, 2.0, 1.8])
    found = verdict(fallen, before=Level.GOOD)
    assert found.level is Level.UNKNOWN
    assert found.findings[0].finding is Finding.LOST_CONTACT
    assert verdict(fallen, before=Level.DUE).level is Level.DUE
    # A sand dries to the same value, but slowly; and one that came back is believed again.
    dried = hourly([7.0, 6.0, 5.0, 4.0], [3.0, 2.8, 2.6, 2.5])
    assert not lost_contact(dried, NOW)
    assert not lost_contact(
        [*fallen.moisture, Value(Instant(NOW + HOUR), 15.0)], Instant(NOW + HOUR)
    )
    assert not lost_contact(hourly(2.0), NOW)  # from the beginning: nobody saw it fall


def test_waterlogged_soil_is_not_watered() -> None:
    wet = moist_30(*[41.0] * 4)
    assert waterlogged(wet.moisture, SOIL, NOW)
    found = verdict(wet, before=Level.DUE)
    assert found.level is Level.GOOD
    assert found.findings[0].finding is Finding.WATERLOGGED
    assert not waterlogged(moist_30(41.0, 41.0, 39.0, 41.0).moisture, SOIL, NOW)
    assert not waterlogged(moist_30(41.0).moisture, SOIL, NOW)


def test_the_reason_in_words() -> None:
    drying = verdict(at_30(20.0, 40.0, 60.0, 86.0))
    assert reason(drying, Language.DE) == "30 cm: 86 kPa, seit 3 Tagen, wird trockener"
    assert reason(drying, Language.EN) == "30 cm: 86 kPa, for 3 days, getting drier"
    usable = verdict(moist_30(20.0, 15.0))
    assert reason(usable, Language.DE) == "30 cm: 41 % nFK, seit 1 Tag, wird trockener"
    silent = verdict(DepthValues(30), before=Level.DUE)
    assert (
        reason(silent, Language.DE) == "30 cm: seit 24 Stunden keine Werte, zuletzt bekannte Stufe"
    )
    assert health(silent, Language.EN) == "30 cm: no values for 24 hours"
    assert reason(verdict(), Language.DE) == "dort misst kein Sensor"
    assert (number(-0.4, Language.DE), number(3.14, Language.DE, 1)) == ("0", "3,1")


def test_a_trend_needs_two_days_and_more_than_noise() -> None:
    for days, trend in (
        ((50.0, 51.0), Trend.STEADY),
        ((50.0, 53.0), Trend.DRYING),
        ((50.0, 40.0), Trend.WETTING),
        ((50.0,), Trend.STEADY),
    ):
        found = verdict(at_30(*days)).decided_by
        assert found is not None
        assert found.trend is trend


@pytest.mark.parametrize(
    ("planted", "month", "year"),
    [(2026, None, 1), (2022, None, 5), (2021, None, 6), (2021, 11, 5), (2026, 11, 1), (2021, 3, 6)],
)
def test_the_standing_year(planted: int, month: int | None, year: int) -> None:
    assert standing_year(planted, date(2026, 7, 1), month) == year
    assert thresholds_for(year) is (YOUNG if year <= 5 else OLDER)


def test_the_answer_of_the_soil_to_a_watering() -> None:
    at = Instant(NOW - DAY)
    assert rise(hourly([12.0, 12.5], [13.0, 19.0, 18.0, 17.0]), at) == (12.5, 19.0)
    assert rise(hourly([12.0]), at) is None
    assert rise([Value(NOW, 19.0)], at) is None
