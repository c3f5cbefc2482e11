"""The one vocabulary of quantities: name, unit, labels, plausible range, aggregation.

A quantity fixes its unit (UCUM), so a value never travels without one. Names follow The Things
Network's normalised payload and the usual terms of the field.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Aggregate = Literal["mean", "sum", "last", "counter"]


class VocabularyError(ValueError):
    """A quantity or unit that the vocabulary does not hold; the message names near matches."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured. `low` and `high` bound what is plausible anywhere on a town's ground.

    `aggregate` says how samples combine over time: ``mean`` for states, ``sum`` for counts or
    amounts per interval, ``last`` for switches, ``counter`` for running totals (use differences).
    """

    name: str
    unit: str
    label_de: str
    label_en: str
    low: float
    high: float
    aggregate: Aggregate = "mean"


_SOIL = (
    Quantity("soil_moisture", "%", "Bodenfeuchte", "Soil moisture", 0, 100),
    Quantity("soil_temperature", "Cel", "Bodentemperatur", "Soil temperature", -40, 80),
    Quantity("soil_conductivity", "uS/cm", "Bodenleitfähigkeit", "Soil conductivity", 0, 30000),
    Quantity("soil_permittivity", "1", "Permittivität des Bodens", "Soil permittivity", 1, 100),
    Quantity("soil_tension", "kPa", "Saugspannung", "Soil water tension", 0, 1600),
)
_WEATHER = (
    Quantity("air_temperature", "Cel", "Lufttemperatur", "Air temperature", -50, 60),
    Quantity("relative_humidity", "%", "Relative Luftfeuchte", "Relative humidity", 0, 100),
    Quantity("atmospheric_pressure", "hPa", "Luftdruck", "Atmospheric pressure", 500, 1100),
    Quantity("vapor_pressure", "kPa", "Dampfdruck", "Vapor pressure", 0, 20),
    Quantity("precipitation", "mm", "Niederschlag", "Precipitation", 0, 200, "sum"),
    Quantity("wind_speed", "m/s", "Windgeschwindigkeit", "Wind speed", 0, 90),
    Quantity("wind_speed_max", "m/s", "Windspitze", "Wind gust", 0, 120),
    Quantity("wind_direction", "deg", "Windrichtung", "Wind direction", 0, 360, "last"),
    Quantity("wind_speed_north", "m/s", "Wind nach Norden", "Wind, north component", -90, 90),
    Quantity("wind_speed_east", "m/s", "Wind nach Osten", "Wind, east component", -90, 90),
    Quantity("solar_radiation", "W/m2", "Globalstrahlung", "Solar radiation", 0, 2000),
    Quantity("lightning_strikes", "1", "Blitze", "Lightning strikes", 0, 65535, "sum"),
    Quantity("lightning_distance", "km", "Entfernung der Blitze", "Lightning distance", 0, 60),
)
_PEOPLE = (
    Quantity("people_in", "1", "Zugänge", "People in", 0, 65535, "sum"),
    Quantity("people_out", "1", "Abgänge", "People out", 0, 65535, "sum"),
    Quantity("people_in_total", "1", "Zugänge gesamt", "People in, total", 0, 2**32, "counter"),
    Quantity("people_out_total", "1", "Abgänge gesamt", "People out, total", 0, 2**32, "counter"),
    Quantity("people_present", "1", "Anwesende", "People present", 0, 100000),
    Quantity("children_in", "1", "Zugänge Kinder", "Children in", 0, 65535, "sum"),
    Quantity("children_out", "1", "Abgänge Kinder", "Children out", 0, 65535, "sum"),
    Quantity(
        "children_in_total", "1", "Zugänge Kinder gesamt", "Children in, total", 0, 2**32, "counter"
    ),
    Quantity(
        "children_out_total",
        "1",
        "Abgänge Kinder gesamt",
        "Children out, total",
        0,
        2**32,
        "counter",
    ),
    Quantity("children_present", "1", "Anwesende Kinder", "Children present", 0, 100000),
    Quantity("dwell_time", "s", "Mittlere Verweildauer", "Mean dwell time", 0, 86400),
    Quantity("dwell_time_max", "s", "Längste Verweildauer", "Longest dwell time", 0, 86400),
    Quantity(
        "dwell_time_children", "s", "Mittlere Verweildauer Kinder", "Mean dwell, children", 0, 86400
    ),
    Quantity(
        "dwell_time_children_max",
        "s",
        "Längste Verweildauer Kinder",
        "Longest dwell, children",
        0,
        86400,
    ),
)
_GENERAL = (
    Quantity("occupied", "1", "Belegt", "Occupied", 0, 1, "last"),
    Quantity("temperature", "Cel", "Temperatur", "Temperature", -60, 150),
    Quantity("tilt", "deg", "Neigung", "Tilt", -180, 180, "last"),
    Quantity("compass_heading", "deg", "Kompassrichtung", "Compass heading", 0, 360, "last"),
    Quantity("lens_covered", "1", "Sensor verdeckt", "Sensor covered", 0, 1, "last"),
)
_DEVICE = (
    Quantity("battery_voltage", "V", "Batteriespannung", "Battery voltage", 0, 30, "last"),
    Quantity("battery_level", "%", "Batteriestand", "Battery level", 0, 100, "last"),
    Quantity("solar_panel_power", "W", "Solarleistung", "Solar panel power", 0, 500),
    Quantity("device_temperature", "Cel", "Gerätetemperatur", "Device temperature", -50, 100),
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {quantity.name: quantity for quantity in (*_SOIL, *_WEATHER, *_PEOPLE, *_GENERAL, *_DEVICE)}
)
"""Every quantity by name."""

_SAME = (1, 1)
_CONVERSIONS: Mapping[tuple[str, str], tuple[int, int]] = {
    ("kPa", "hPa"): (10, 1),
    ("Pa", "hPa"): (1, 100),
    ("hPa", "kPa"): (1, 10),
    ("mV", "V"): (1, 1000),
    ("mW", "W"): (1, 1000),
    ("dS/m", "uS/cm"): (1000, 1),
    ("mS/cm", "uS/cm"): (1000, 1),
    ("km/h", "m/s"): (10, 36),
    ("m", "km"): (1, 1000),
    ("min", "s"): (60, 1),
    ("m3/m3", "%"): (100, 1),
}


def quantity(name: str) -> Quantity:
    """The quantity of that name; raises VocabularyError naming near matches."""
    found = QUANTITIES.get(name)
    if found is None:
        near = difflib.get_close_matches(name, QUANTITIES, n=3, cutoff=0.5)
        hint = f"near: {', '.join(near)}" if near else "see QUANTITIES in vocabulary.py"
        raise VocabularyError(f"unknown quantity {name!r}; {hint}")
    return found


def conversion(unit: str, target: Quantity) -> tuple[int, int]:
    """Factor (numerator, denominator) from a device's unit to the quantity's unit.

    Raises VocabularyError when the vocabulary knows no such conversion.
    """
    if unit == target.unit:
        return _SAME
    factor = _CONVERSIONS.get((unit, target.unit))
    if factor is None:
        known = sorted({source for source, to in _CONVERSIONS if to == target.unit})
        raise VocabularyError(
            f"unit {unit!r} does not fit {target.name}, which is in {target.unit!r}; "
            f"allowed: {', '.join([target.unit, *known])}"
        )
    return factor
