"""What an uplink measured, at which station, under which channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.cloud.town.stations.directory import DeploymentEntry, StationEntry
from stadtsinn.cloud.town.stations.measuring import StationReading, readings_at_stations
from stadtsinn.cloud.town.stations.model import FOR_EVER, Calibration, Deployment
from stadtsinn.decoders.device_type import CLOCK_WRONG
from stadtsinn.decoders.reading import Decoded, Quality, Reading, Undecoded

EUI = "70b3d57ed0000001"
NOON = Instant(1_780_000_000_000_000)


def station(slug: str, tenant: str = "town") -> StationEntry:
    return StationEntry(hash(slug) % 1000, tenant, slug, slug.title(), "", "tree", None, ())


def placed(slug: str = "linde", tenant: str = "town", **more: Any) -> DeploymentEntry:
    values: dict[str, Any] = {
        "id": 1,
        "dev_eui": EUI,
        "station": station(slug, tenant),
        "start": Instant(0),
        "end": FOR_EVER,
        "channels": None,
        "calibration": {},
        "swapped": False,
        "comparison": False,
    }
    return DeploymentEntry(**{**values, **more})


@dataclass
class Places:
    """A directory with these deployments of one device."""

    placed: tuple[DeploymentEntry, ...]

    def deployments_of(self, dev_eui: str) -> tuple[DeploymentEntry, ...]:
        return self.placed if dev_eui == EUI else ()


def measured(
    *places: DeploymentEntry, readings: tuple[Reading, ...], dev_eui: str = EUI
) -> list[StationReading]:
    outcome = Decoded("dragino/lse01@1", readings)
    return list(readings_at_stations(Places(places), "town", dev_eui, NOON, outcome))


MOIST = Reading("soil_moisture", 30.0)


def test_a_device_without_a_station_measures_nothing() -> None:
    assert measured(readings=(MOIST,)) == []
    assert measured(placed(), readings=(MOIST,), dev_eui="70b3d57ed0000009") == []


def test_what_was_not_decoded_was_not_measured() -> None:
    outcome = Undecoded("truncated", "")
    assert list(readings_at_stations(Places((placed(),)), "town", EUI, NOON, outcome)) == []


def test_the_uplinks_time_decides_the_station() -> None:
    before = placed("linde", end=NOON)
    after = placed("eiche", start=NOON)
    (found,) = measured(before, after, readings=(MOIST,))
    assert (found.station.slug, found.time, found.value) == ("eiche", NOON, 30.0)


def test_a_samples_own_time_decides_before_the_uplinks() -> None:
    """A logger that sends an hour later measured where it was then."""
    earlier = Reading("soil_moisture", 31.0, event_time=Instant(NOON - HOUR))
    before = placed("linde", end=NOON)
    after = placed("eiche", start=NOON)
    found = measured(before, after, readings=(earlier, MOIST))
    assert [(one.station.slug, one.value) for one in found] == [("linde", 31.0), ("eiche", 30.0)]


def test_a_sample_whose_time_nobody_knows_was_measured_nowhere() -> None:
    lost = Reading("soil_moisture", 31.0, quality=Quality.BAD, reason=CLOCK_WRONG)
    assert measured(placed(), readings=(lost,)) == []


def test_a_gap_between_two_deployments_is_in_no_series() -> None:
    assert measured(placed(end=Instant(NOON - 1)), readings=(MOIST,)) == []


def test_another_towns_station_is_not_fed() -> None:
    """A device that changed its owner: its log rows belong to whom they were logged for."""
    assert measured(placed(tenant="elsewhere"), readings=(MOIST,)) == []


def test_channels_are_mapped_and_what_is_not_named_is_left_out() -> None:
    first = placed("linde", channels={"1": "30cm"})
    second = placed("eiche", channels={"2": "30cm"})
    readings = tuple(Reading("soil_moisture", float(n), str(n)) for n in (1, 2, 3))
    found = measured(first, second, readings=readings)
    assert [(one.station.slug, one.channel, one.value) for one in found] == [
        ("linde", "30cm", 1.0),
        ("eiche", "30cm", 2.0),
    ]


@pytest.mark.parametrize(("channel", "expected"), [("", "comparison"), ("30cm", "30cm.comparison")])
def test_a_comparison_says_so_in_its_channel(channel: str, expected: str) -> None:
    (found,) = measured(placed(comparison=True), readings=(Reading("soil_moisture", 1.0, channel),))
    assert found.channel == expected


def test_calibration_scales_and_is_judged_again() -> None:
    calibrated = placed(calibration={"soil_moisture": Calibration(scale=2.0, offset=1.0)})
    good, wet = measured(calibrated, readings=(MOIST, Reading("soil_moisture", 60.0)))
    assert (good.value, good.quality) == (61.0, Quality.GOOD)
    assert (wet.value, wet.quality, wet.reason) == (121.0, Quality.BAD, "out_of_range")


def test_calibration_makes_no_bad_value_good() -> None:
    calibrated = placed(calibration={"soil_moisture": Calibration(scale=0.1)})
    broken = Reading("soil_moisture", 120.0, quality=Quality.BAD, reason="out_of_range")
    (found,) = measured(calibrated, readings=(broken,))
    assert found.quality is Quality.BAD


def test_mounted_back_to_front_in_is_out() -> None:
    readings = (
        Reading("people_in_total", 5.0, "line_1"),
        Reading("people_out_total", 3.0, "line_1"),
        Reading("people_present", 2.0, "line_1"),
        Reading("battery_voltage", 3.6),
    )
    found = measured(placed(swapped=True), readings=readings)
    assert [(one.quantity, one.value) for one in found] == [
        ("people_out_total", 5.0),
        ("people_in_total", 3.0),
        ("people_present", 2.0),
        ("battery_voltage", 3.6),
    ]


def test_a_distance_becomes_a_level_above_gauge_zero() -> None:
    """A sensor that hangs 3.42 m above the zero of the gauge."""
    hung = placed(
        calibration={"distance": Calibration(scale=-1, offset=3.42, becomes="water_level")}
    )
    (found,) = measured(hung, readings=(Reading("distance", 2.0),))
    assert (found.quantity, round(found.value, 9)) == ("water_level", 1.42)


def test_what_no_gauge_can_show_is_bad_as_a_level() -> None:
    """Nothing seen: a distance of 30 m is a level far below the bed."""
    hung = placed(
        calibration={"distance": Calibration(scale=-1, offset=3.42, becomes="water_level")}
    )
    (found,) = measured(hung, readings=(Reading("distance", 30.0),))
    assert (found.quality, found.reason) == (Quality.BAD, "out_of_range")


def test_only_like_becomes_like() -> None:
    with pytest.raises(ValueError, match="cannot become"):
        Deployment(
            dev_eui=EUI, station="x", calibration={"distance": Calibration(becomes="soil_moisture")}
        )
