"""How many decimals people are shown: every quantity has its number, and none loses a step."""

from __future__ import annotations

import pytest

from stadtsinn.decoders.decimals import decimals_of
from stadtsinn.decoders.vocabulary import QUANTITIES


def test_every_quantity_has_its_decimals() -> None:
    assert all(0 <= decimals_of(name) <= 7 for name in QUANTITIES)
    assert decimals_of("of_an_older_vocabulary") == 4


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("soil_moisture", 19.57),
        ("soil_temperature", -24.59),
        ("battery_voltage", 3.625),
        ("people_in_total", 40_123.0),
        ("latitude", 51.9607123),
        ("water_level", 1.234),
        ("precipitation", 0.254),
        ("atmospheric_pressure", 1013.25),
    ],
)
def test_what_a_sensor_resolves_is_shown(quantity: str, value: float) -> None:
    assert round(value, decimals_of(quantity)) == value
