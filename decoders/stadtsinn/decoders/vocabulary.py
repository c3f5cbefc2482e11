"""The one vocabulary of quantities: name, unit, labels, plausible range, aggregation.

A quantity fixes its unit (UCUM), so every value has a known unit. Names follow The Things
Network's normalised payload and the usual terms of the field.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from stadtsinn.base.sentence import Unusable

Aggregate = Literal["mean", "sum", "last", "counter"]


class VocabularyError(Unusable):
    """A quantity or unit that is not in the vocabulary; the message names near matches."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured. `low` and `high` bound the values that are plausible anywhere in a town.

    `aggregate` is how samples combine over time: ``mean`` for states, ``sum`` for counts or
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
    Quantity(
        "soil_moisture_gravimetric", "%", "Bodenfeuchte nach Masse", "Soil moisture by mass", 0, 200
    ),
    Quantity("soil_ph", "[pH]", "pH-Wert des Bodens", "Soil pH", 0, 14),
    Quantity("soil_nitrogen", "mg/kg", "Stickstoff im Boden", "Soil nitrogen", 0, 3000),
    Quantity("soil_phosphorus", "mg/kg", "Phosphor im Boden", "Soil phosphorus", 0, 3000),
    Quantity("soil_potassium", "mg/kg", "Kalium im Boden", "Soil potassium", 0, 3000),
    Quantity(
        "soil_salinity", "1", "Salzgehaltsindex des Bodens", "Soil salinity index", -100, 65535
    ),
    Quantity("stem_size", "mm", "Stammdicke", "Stem size", 0, 1000),
    Quantity("fruit_size", "mm", "Fruchtgröße", "Fruit size", 0, 1000),
    Quantity("dendrometer_position", "mm", "Dendrometerstellung", "Dendrometer position", -50, 50),
    Quantity("sap_flow", "L/h", "Saftfluss", "Sap flow", -50, 1000),
    Quantity("heat_velocity", "cm/h", "Wärmegeschwindigkeit im Stamm", "Heat velocity", -50, 1000),
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
    Quantity("solar_radiation", "W/m2", "Globalstrahlung", "Solar radiation", -10, 2000),
    Quantity(
        "precipitation_total",
        "mm",
        "Niederschlag gesamt",
        "Precipitation, total",
        0,
        2**32,
        "counter",
    ),
    Quantity("precipitation_rate", "mm/h", "Regenrate", "Rain rate", 0, 500),
    Quantity(
        "precipitation_detected",
        "1",
        "Niederschlag erkannt",
        "Precipitation detected",
        0,
        1,
        "last",
    ),
    Quantity("dew_point", "Cel", "Taupunkt", "Dew point", -60, 40),
    Quantity("surface_temperature", "Cel", "Oberflächentemperatur", "Surface temperature", -50, 90),
    Quantity("illuminance", "lx", "Beleuchtungsstärke", "Illuminance", 0, 200000),
    Quantity("uv_index", "1", "UV-Index", "UV index", 0, 16),
    Quantity(
        "par",
        "umol/(m2.s)",
        "Photosynthetisch aktive Strahlung",
        "Photosynthetically active radiation",
        -10,
        3000,
    ),
    Quantity("leaf_wetness", "%", "Blattnässe", "Leaf wetness", 0, 100),
    Quantity("pm1", "ug/m3", "Feinstaub PM1", "Particulate matter PM1", 0, 2000),
    Quantity("pm2_5", "ug/m3", "Feinstaub PM2,5", "Particulate matter PM2.5", 0, 2000),
    Quantity("pm10", "ug/m3", "Feinstaub PM10", "Particulate matter PM10", 0, 2000),
    Quantity("co2", "[ppm]", "Kohlendioxid", "Carbon dioxide", 0, 40000),
    Quantity("co", "[ppm]", "Kohlenmonoxid", "Carbon monoxide", 0, 2000),
    Quantity("no", "[ppm]", "Stickstoffmonoxid", "Nitric oxide", 0, 500),
    Quantity("no2", "[ppm]", "Stickstoffdioxid", "Nitrogen dioxide", 0, 500),
    Quantity("o3", "[ppm]", "Ozon", "Ozone", 0, 500),
    Quantity("so2", "[ppm]", "Schwefeldioxid", "Sulfur dioxide", 0, 500),
    Quantity("h2s", "[ppm]", "Schwefelwasserstoff", "Hydrogen sulfide", 0, 500),
    Quantity("nh3", "[ppm]", "Ammoniak", "Ammonia", 0, 500),
    Quantity("sound_level", "dB", "Schallpegel", "Sound level", 0, 150),
    Quantity("sound_level_max", "dB", "Höchster Schallpegel", "Highest sound level", 0, 150),
    Quantity("lightning_strikes", "1", "Blitze", "Lightning strikes", 0, 65535, "sum"),
    Quantity("lightning_distance", "km", "Entfernung der Blitze", "Lightning distance", 0, 60),
    Quantity("albedo", "1", "Albedo", "Albedo", 0, 1),
    Quantity("globe_temperature", "Cel", "Globetemperatur", "Black globe temperature", -50, 100),
    Quantity("leaf_wetness_index", "1", "Blattnässe (Index)", "Leaf wetness index", 0, 1),
    Quantity("pm4", "ug/m3", "Feinstaub PM4", "Particulate matter PM4", 0, 2000),
    Quantity("particles", "1/cm3", "Partikelzahl", "Particle concentration", 0, 100000),
    Quantity("formaldehyde", "[ppb]", "Formaldehyd", "Formaldehyde", 0, 10000),
    Quantity(
        "tvoc", "[ppb]", "Flüchtige organische Stoffe", "Volatile organic compounds", 0, 65535
    ),
)
_PEOPLE = (
    Quantity("people_in", "1", "Zugänge", "People in", 0, 65535, "sum"),
    Quantity("people_out", "1", "Abgänge", "People out", 0, 65535, "sum"),
    Quantity("people_in_total", "1", "Zugänge gesamt", "People in, total", 0, 2**32, "counter"),
    Quantity("people_out_total", "1", "Abgänge gesamt", "People out, total", 0, 2**32, "counter"),
    Quantity("people_present", "1", "Anwesende", "People present", 0, 100000),
    Quantity("children_in", "1", "Zugänge von Kindern", "Children in", 0, 65535, "sum"),
    Quantity("children_out", "1", "Abgänge von Kindern", "Children out", 0, 65535, "sum"),
    Quantity(
        "children_in_total",
        "1",
        "Zugänge von Kindern gesamt",
        "Children in, total",
        0,
        2**32,
        "counter",
    ),
    Quantity(
        "children_out_total",
        "1",
        "Abgänge von Kindern gesamt",
        "Children out, total",
        0,
        2**32,
        "counter",
    ),
    Quantity("children_present", "1", "Anwesende Kinder", "Children present", 0, 100000),
    Quantity(
        "people_present_max", "1", "Höchste Zahl Anwesender", "People present, most", 0, 100000
    ),
    Quantity("people_passing", "1", "Durchgänge", "People passing through", 0, 65535, "sum"),
    Quantity("people_total", "1", "Durchgänge gesamt", "People, total", 0, 2**32, "counter"),
    Quantity("occupied_time", "s", "Belegungsdauer", "Time occupied", 0, 2**24, "last"),
    Quantity("unoccupied_time", "s", "Dauer ohne Belegung", "Time unoccupied", 0, 2**24, "last"),
    Quantity("fall", "1", "Sturz erkannt", "Fall detected", 0, 1, "last"),
    Quantity("respiratory_rate", "/min", "Atemfrequenz", "Respiratory rate", 4, 80),
    Quantity("dwell_time", "s", "Mittlere Verweildauer", "Mean dwell time", 0, 86400),
    Quantity("dwell_time_max", "s", "Längste Verweildauer", "Longest dwell time", 0, 86400),
    Quantity(
        "dwell_time_children",
        "s",
        "Mittlere Verweildauer von Kindern",
        "Mean dwell time, children",
        0,
        86400,
    ),
    Quantity(
        "dwell_time_children_max",
        "s",
        "Längste Verweildauer von Kindern",
        "Longest dwell time, children",
        0,
        86400,
    ),
)
_WATER = (
    Quantity("water_level", "m", "Wasserstand", "Water level", -20, 250, "last"),
    # Every sensor has a blind zone; 0 is what many send when they see nothing.
    Quantity("distance", "m", "Abstand", "Distance", 0.01, 200, "last"),
    Quantity("fill_level", "%", "Füllstand", "Fill level", 0, 100, "last"),
    Quantity("water_temperature", "Cel", "Wassertemperatur", "Water temperature", -10, 60),
    Quantity("water_pressure", "kPa", "Wasserdruck", "Water pressure", -100, 100000),
    Quantity(
        "water_conductivity",
        "uS/cm",
        "Leitfähigkeit des Wassers",
        "Water conductivity",
        -100,
        200000,
    ),
    Quantity("water_ph", "[pH]", "pH-Wert des Wassers", "Water pH", 0, 14),
    Quantity("turbidity", "[NTU]", "Trübung", "Turbidity", 0, 10000),
    Quantity("dissolved_oxygen", "mg/L", "Gelöster Sauerstoff", "Dissolved oxygen", -0.5, 50),
    Quantity("flow_rate", "m3/h", "Durchfluss", "Flow rate", -100000, 100000),
    Quantity("volume", "m3", "Menge", "Volume", 0, 1e6, "sum"),
    Quantity("volume_total", "m3", "Menge gesamt", "Volume, total", 0, 2**32, "counter"),
    Quantity("pulses", "1", "Impulse", "Pulses", 0, 2**32, "sum"),
    Quantity("pulses_total", "1", "Impulse gesamt", "Pulses, total", 0, 2**32, "counter"),
    Quantity("leak", "1", "Leck erkannt", "Leak detected", 0, 1, "last"),
    Quantity("burst", "1", "Rohrbruch erkannt", "Burst detected", 0, 1, "last"),
    Quantity("backflow", "1", "Rückfluss erkannt", "Backflow detected", 0, 1, "last"),
    Quantity("no_consumption", "1", "Kein Verbrauch", "No consumption", 0, 1, "last"),
    Quantity("frost_warning", "1", "Frostgefahr", "Risk of freezing", 0, 1, "last"),
    Quantity("liquid_present", "1", "Flüssigkeit vorhanden", "Liquid present", 0, 1, "last"),
    Quantity("suspended_solids", "mg/L", "Schwebstoffe", "Suspended solids", 0, 500000),
    Quantity("oxygen_saturation", "%", "Sauerstoffsättigung", "Oxygen saturation", 0, 300),
    Quantity("redox_potential", "mV", "Redoxpotential", "Redox potential", -2000, 2000),
    Quantity("sludge_blanket", "%", "Schlammspiegel", "Sludge blanket", 0, 100),
)
_GENERAL = (
    Quantity("occupied", "1", "Belegt", "Occupied", 0, 1, "last"),
    Quantity("temperature", "Cel", "Temperatur", "Temperature", -60, 150),
    Quantity("tilt", "deg", "Neigung", "Tilt", -180, 180, "last"),
    Quantity("tilted", "1", "Gekippt", "Tilted", 0, 1, "last"),
    Quantity("compass_heading", "deg", "Kompassrichtung", "Compass heading", 0, 360, "last"),
    Quantity("vehicles", "1", "Fahrzeuge", "Vehicles", 0, 65535, "sum"),
    Quantity("vehicles_total", "1", "Fahrzeuge gesamt", "Vehicles, total", 0, 2**32, "counter"),
    Quantity("vehicle_speed", "km/h", "Geschwindigkeit der Fahrzeuge", "Vehicle speed", 0, 250),
    Quantity("devices_nearby", "1", "Funkgeräte in der Nähe", "Radio devices nearby", 0, 65535),
    Quantity("motion", "1", "Bewegung", "Motion", 0, 1, "last"),
    Quantity("motion_events", "1", "Bewegungen", "Motion events", 0, 65535, "sum"),
    Quantity(
        "motion_events_total", "1", "Bewegungen gesamt", "Motion events, total", 0, 2**32, "counter"
    ),
    Quantity("daylight", "1", "Tageslicht", "Daylight", 0, 1, "last"),
    Quantity("open", "1", "Offen", "Open", 0, 1, "last"),
    Quantity("energy_total", "kW.h", "Energie gesamt", "Energy, total", 0, 2**32, "counter"),
    Quantity("power", "W", "Leistung", "Power", -1e7, 1e7),
    Quantity(
        "converter_reading", "1", "Wert ohne Einheit", "Reading without unit", -2147484, 2147484
    ),
    Quantity("digital_input", "1", "Digitaler Eingang", "Digital input", 0, 1, "last"),
    Quantity("tamper", "1", "Manipulation", "Tamper", 0, 1, "last"),
    Quantity("fire", "1", "Feuer erkannt", "Fire detected", 0, 1, "last"),
    Quantity("acceleration", "[g]", "Beschleunigung", "Acceleration", -200, 200),
    Quantity("voltage", "V", "Spannung", "Voltage", -1000, 1000),
    Quantity("current", "A", "Strom", "Current", -1000, 1000),
    Quantity("frequency", "Hz", "Frequenz", "Frequency", 0, 1e9),
    Quantity("latitude", "deg", "Geografische Breite", "Latitude", -90, 90, "last"),
    Quantity("longitude", "deg", "Geografische Länge", "Longitude", -180, 180, "last"),
    Quantity(
        "echo_strength", "1", "Echostärke (Rohwert)", "Echo strength, raw", -1000, 100000, "last"
    ),
    Quantity("sensor_covered", "1", "Sensor verdeckt", "Sensor covered", 0, 1, "last"),
    Quantity(
        "echo_reliability",
        "dB",
        "Messsicherheit des Echos",
        "Echo reliability",
        -100,
        200,
        "last",
    ),
    Quantity("weight", "kg", "Gewicht", "Weight", -100000, 100000, "last"),
    Quantity("strain", "um/m", "Dehnung", "Strain", -100000, 100000),
    Quantity("differential_pressure", "Pa", "Differenzdruck", "Differential pressure", -1e5, 1e5),
)
_DEVICE = (
    Quantity("battery_voltage", "V", "Batteriespannung", "Battery voltage", 0, 30, "last"),
    Quantity("battery_level", "%", "Batteriestand", "Battery level", 0, 100, "last"),
    Quantity("battery_low", "1", "Batterie schwach", "Battery low", 0, 1, "last"),
    Quantity("solar_panel_power", "W", "Solarleistung", "Solar panel power", 0, 500),
    Quantity("device_temperature", "Cel", "Gerätetemperatur", "Device temperature", -50, 125),
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        quantity.name: quantity
        for quantity in (*_SOIL, *_WEATHER, *_PEOPLE, *_WATER, *_GENERAL, *_DEVICE)
    }
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
    ("mm", "m"): (1, 1000),
    ("cm", "m"): (1, 100),
    ("dm", "m"): (1, 10),
    ("um", "mm"): (1, 1000),
    ("bar", "kPa"): (100, 1),
    ("mbar", "kPa"): (1, 10),
    ("bar", "hPa"): (1000, 1),
    ("mbar", "hPa"): (1, 1),
    ("Pa", "kPa"): (1, 1000),
    ("MPa", "kPa"): (1000, 1),
    ("uS/m", "uS/cm"): (1, 100),
    ("S/m", "uS/cm"): (10000, 1),
    ("L", "m3"): (1, 1000),
    ("mL", "m3"): (1, 1000000),
    ("L/h", "m3/h"): (1, 1000),
    ("L/min", "m3/h"): (60, 1000),
    ("L/s", "m3/h"): (3600, 1000),
    ("uV", "V"): (1, 1000000),
    ("W.h", "kW.h"): (1, 1000),
    ("mA", "A"): (1, 1000),
    ("uA", "A"): (1, 1000000),
    ("m/s2", "[g]"): (100000, 980665),
    ("m[g]", "[g]"): (1, 1000),
    ("klx", "lx"): (1000, 1),
    ("kHz", "Hz"): (1000, 1),
    ("h", "s"): (3600, 1),
    ("ms", "s"): (1, 1000),
    ("m/s", "km/h"): (36, 10),
    ("min", "s"): (60, 1),
    ("g/L", "mg/L"): (1000, 1),
    ("[ppm]", "[ppb]"): (1000, 1),
    ("[ppb]", "[ppm]"): (1, 1000),
    ("g", "kg"): (1, 1000),
    ("m3/m3", "%"): (100, 1),
}


def quantity(name: str) -> Quantity:
    """The quantity of that name; raises VocabularyError naming near matches."""
    found = QUANTITIES.get(name)
    if found is None:
        near = difflib.get_close_matches(name, QUANTITIES, n=3, cutoff=0.5)
        hint = f"near: {', '.join(near)}" if near else "see QUANTITIES in vocabulary.py"
        german = f"ähnlich: {', '.join(near)}" if near else "siehe QUANTITIES in vocabulary.py"
        raise VocabularyError(
            f"unknown quantity {name!r}; {hint}", f"unbekannte Messgröße {name!r}; {german}"
        )
    return found


def conversion(unit: str, target: Quantity) -> tuple[int, int]:
    """Factor (numerator, denominator) from a device's unit to the quantity's unit.

    Raises VocabularyError when the vocabulary has no such conversion.
    """
    if unit == target.unit:
        return _SAME
    factor = _CONVERSIONS.get((unit, target.unit))
    if factor is None:
        known = sorted({source for source, to in _CONVERSIONS if to == target.unit})
        allowed = ", ".join([target.unit, *known])
        raise VocabularyError(
            f"unit {unit!r} does not fit {target.name}, which is in {target.unit!r}; "
            f"allowed: {allowed}",
            f"die Einheit {unit!r} passt nicht zu {target.name}, gemessen in {target.unit!r}; "
            f"möglich: {allowed}",
        )
    return factor
