"""How many decimals of a quantity people are shown: what its sensors resolve, at most.

Programs get values as they are; a mean such as 23.416666666666668 says no more than 23.42.
"""

from __future__ import annotations

from stadtsinn.decoders.vocabulary import QUANTITIES

_OF_UNIT = {
    "%": 2,
    "/min": 2,
    "1/cm3": 1,
    "A": 5,
    "Cel": 2,
    "Hz": 3,
    "L/h": 2,
    "Pa": 2,
    "V": 3,
    "W": 2,
    "W/m2": 1,
    "[NTU]": 2,
    "[g]": 3,
    "[pH]": 2,
    "[ppb]": 2,
    "[ppm]": 3,
    "cm/h": 2,
    "dB": 2,
    "deg": 2,
    "hPa": 2,
    "kPa": 3,
    "kW.h": 3,
    "kg": 3,
    "km": 2,
    "km/h": 1,
    "lx": 1,
    "m": 3,
    "m/s": 3,
    "m3": 4,
    "m3/h": 4,
    "mV": 3,
    "mg/L": 3,
    "mg/kg": 2,
    "mm": 3,
    "mm/h": 3,
    "s": 3,
    "uS/cm": 1,
    "ug/m3": 1,
    "um/m": 2,
    "umol/(m2.s)": 1,
}
_OWN = {
    "latitude": 7,
    "longitude": 7,
    "soil_permittivity": 2,
    "uv_index": 2,
    "albedo": 3,
    "leaf_wetness_index": 3,
    "converter_reading": 4,
    "echo_strength": 1,
}
_COUNTS = 0
_MEAN_OF_NUMBERS = 2
_UNKNOWN = 4
"""For a quantity that an older vocabulary knew."""


def decimals_of(quantity: str) -> int:
    """How many decimals are shown of a quantity, at most."""
    known = QUANTITIES.get(quantity)
    if known is None:
        return _UNKNOWN
    if quantity in _OWN:
        return _OWN[quantity]
    if known.unit == "1":
        return _MEAN_OF_NUMBERS if known.aggregate == "mean" else _COUNTS
    return _OF_UNIT[known.unit]
