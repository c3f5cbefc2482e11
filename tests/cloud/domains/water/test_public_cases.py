"""Troubles with rain gauges and level sensors that others have written about, and what becomes of
them here. Each course is made by us after what the source describes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.domains.water.gauges import (
    Gauge,
    LevelDoubt,
    Reading,
    believable,
    gauge_of,
)
from stadtsinn.cloud.domains.water.rain import Measured, falls_of_totals, sums
from stadtsinn.cloud.town.stations.directory import DeploymentEntry, StationEntry
from stadtsinn.cloud.town.stations.measuring import readings_at_stations
from stadtsinn.cloud.town.stations.model import FOR_EVER, Calibration
from stadtsinn.decoders import reading
from stadtsinn.decoders.reading import Decoded, Quality
from stadtsinn.decoders.vocabulary import QUANTITIES

START = 1_000 * HOUR


@dataclass(frozen=True)
class Total:
    """A running total as (minutes, mm), its device after it where it was swapped; what fell in the
    hour, and for how many minutes nobody knows."""

    source: str
    what: str
    course: tuple[tuple[float, float] | tuple[float, float, str], ...]
    mm: float
    unknown: int
    modulus: float | None = None


RAIN = [
    Total(
        "github.com/lheijst/weewx-rtldavis/pull/22",
        "one corrupt value of a 7-bit counter is no wrap: 115 to 49 and back is no rain",
        ((0, 23.0), (10, 23.0), (11, 9.8), (12, 23.0), (60, 23.0)),
        0,
        2,
    ),
    Total(
        "github.com/weewx/weewx/pull/565",
        "a counter wraps at a size of its own",
        ((0, 65.0), (30, 65.2), (60, 0.3)),
        0.7,
        0,
        65.4,
    ),
    Total(
        "github.com/matthias-bs/BresserWeatherSensorReceiver/issues/63",
        "a new battery begins at zero and is no overflow",
        ((0, 812.4), (30, 0.0), (60, 0.4)),
        0.4,
        0,
    ),
    Total(
        "github.com/never-dry/NeverDry/pull/119",
        "what a gauge holds when it is first heard fell before",
        ((0, 14.2), (30, 14.2), (60, 14.2)),
        0,
        0,
    ),
    Total(
        "github.com/never-dry/NeverDry/pull/125",
        "a total of the day that begins anew at midnight: what it has counted since then counts",
        ((0, 7.0), (30, 1.2), (60, 2.0)),
        2.0,
        0,
    ),
    Total(
        "github.com/pbkhrv/rtl_433-hass-addons/issues/16",
        "a total that is swapped together with its device is a new beginning",
        ((0, 120.0), (30, 120.2), (40, 640.0, "b"), (60, 640.6, "b")),
        0.8,
        0,
    ),
]


@pytest.mark.parametrize("case", RAIN, ids=lambda case: case.what[:50])
def test_a_public_case_of_rain(case: Total) -> None:
    values = [
        Measured(Instant(START + round(one[0] * MINUTE)), one[1], one[2] if len(one) > 2 else "a")
        for one in case.course
    ]
    interval_s = 1_800
    falls = falls_of_totals(values, interval_s, case.modulus)
    found = sums(falls, Instant(START + HOUR), interval_s)[2]
    assert found.mm == pytest.approx(case.mm), case.source
    assert found.unknown_s == case.unknown * 60, case.source


def test_a_single_tip_makes_no_cloudburst() -> None:
    """github.com/JH-Soft-Technology/ha-rain-sensor/pull/32: a tip every 20 min is 0.8 mm an hour,
    not 0 and then 16.8."""
    tips = [
        Measured(Instant(START + when * MINUTE), 0.2794 * tip, "a")
        for tip, when in enumerate((0, 20, 40, 60))
    ]
    found = sums(falls_of_totals(tips, 1_200), Instant(START + HOUR), 1_200)
    assert [round(one.mm, 2) for one in found[:3]] == [0.07, 0.21, 0.84]


@dataclass(frozen=True)
class Course:
    """Levels in metres, five minutes apart; what is believed, and what is doubted."""

    source: str
    what: str
    levels: tuple[float, ...]
    believed: float
    doubt: LevelDoubt | None = None
    second: tuple[float, ...] = ()


LEVELS = [
    Course(
        "github.com/hamishcunningham/fishy-wifi/issues/10",
        "nonsense among good values: as high as the sensor hangs, once",
        (0.8, 0.81, 3.4, 0.82, 0.81),
        0.81,
    ),
    Course(
        "github.com/dndubins/QuickStats/issues/6",
        "the nearest and the farthest value that there is, one after the other",
        (0.8, 3.4, 0.8, -1.9, 0.8),
        0.8,
    ),
    Course(
        "github.com/alaudet/raspi-sump/issues/1",
        "something hangs into the beam at low water: the second sensor disagrees",
        (0.6, 0.6, 0.6),
        0.6,
        LevelDoubt.DISAGREES,
        (0.2, 0.2, 0.2),
    ),
    Course(
        "coldregionsresearch.tpub.com, CR97-02, p. 25: radar and ultrasound see the ice",
        "ice on the water, a pressure probe below it: they disagree",
        (1.2, 1.2, 1.2),
        1.2,
        LevelDoubt.DISAGREES,
        (0.9, 0.9, 0.9),
    ),
    Course(
        "mdpi.com/1424-8220/21/14/4689: ultrasound against a pressure probe in a town's stream",
        "they are within a few per cent of each other: confirmed",
        (0.52, 0.55, 0.6),
        0.6,
        None,
        (0.51, 0.54, 0.59),
    ),
    Course(
        "github.com/vinitshahdeo/Water-Monitoring-System/issues/221",
        "one value very high: not believed until it stays",
        (0.5, 0.5, 1.9),
        1.9,
        LevelDoubt.JUMP,
    ),
]


def _course(levels: tuple[float, ...]) -> list[Reading]:
    return [
        Reading(Instant(START + number * 5 * MINUTE), level) for number, level in enumerate(levels)
    ]


@pytest.mark.parametrize("case", LEVELS, ids=lambda case: case.what[:50])
def test_a_public_case_of_a_level(case: Course) -> None:
    found: Gauge | None = gauge_of(_course(case.levels), _course(case.second))
    assert found is not None
    assert (found.reading.level, found.doubt) == (case.believed, case.doubt), case.source


def test_a_flash_flood_is_no_spike() -> None:
    """A real rise goes on: two readings in a row are believed, however steep."""
    levels = (0.4, 0.4, 1.3, 2.4)
    assert [one.level for one in believable(_course(levels))] == list(levels)


@pytest.mark.parametrize(
    ("metres", "source"),
    [
        (0.0, "github.com/EnviroDIY/EnviroDIY_Mayfly_Logger/issues/9: 0 mm between good readings"),
        (-0.01, "netvox R718PE manual, p. 12: what is nearer than the dead zone cannot be seen"),
        (30.0, "support.radiobridge.com: beyond 10 m it measures wrongly"),
    ],
)
def test_what_a_sensor_says_when_it_sees_nothing_is_no_flood(metres: float, source: str) -> None:
    """Hung 3.42 m above gauge zero, a distance of nothing would be the highest water there is."""
    known = QUANTITIES["distance"]
    good = known.low <= metres <= known.high
    said = reading.Reading(
        "distance",
        metres,
        quality=Quality.GOOD if good else Quality.BAD,
        reason="" if good else "out_of_range",
    )
    place = DeploymentEntry(
        id=1,
        dev_eui="70b3d57ed0000001",
        station=StationEntry(1, "town", "bach", "Bach", "", "gauge", None, ()),
        start=Instant(0),
        end=FOR_EVER,
        channels=None,
        calibration={"distance": Calibration(scale=-1, offset=3.42, becomes="water_level")},
        swapped=False,
        comparison=False,
    )

    class Places:
        def deployments_of(self, dev_eui: str) -> tuple[DeploymentEntry, ...]:
            return (place,) if dev_eui == place.dev_eui else ()

    outcome = Decoded("x@1", (said,))
    (found,) = readings_at_stations(Places(), "town", place.dev_eui, Instant(START), outcome)
    assert found.quantity == "water_level"
    assert found.quality is Quality.BAD, source
