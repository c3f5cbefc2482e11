"""Unit symbols for display, by UCUM code."""

from __future__ import annotations

_SIGNS = {
    "1": "",
    "[pH]": "",
    "Cel": "°C",
    "deg": "°",
    "[g]": "g",
    "[NTU]": "NTU",
    "[ppm]": "ppm",
    "[ppb]": "ppb",
    "uS/cm": "µS/cm",
    "W/m2": "W/m²",
    "m3": "m³",
    "m3/h": "m³/h",
    "1/cm3": "1/cm³",
    "ug/m3": "µg/m³",
    "um/m": "µm/m",
    "umol/(m2.s)": "µmol/(m²·s)",
    "kW.h": "kWh",
}


def unit_sign(unit: str) -> str:
    """The unit's symbol for display; empty for numbers without one (counts, pH)."""
    return _SIGNS.get(unit, unit)
