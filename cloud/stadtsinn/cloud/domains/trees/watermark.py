"""Watermark sensors (granular matrix): their resistance as the tension of the soil's water.

The maker's piecewise curve around the equation of Shock 1998. Copies of it in circulation give two
branches negative and one positive; here a tension is always positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SATURATED_KOHM = 0.55
SHORT_KOHM = 0.3
_CALIBRATED_AT = 24.0
"""°C"""
FAULT_CODES = frozenset({240.0, 255.0})
"""What the maker's code returns for a short and an open circuit: no tension."""


class Fault(StrEnum):
    """Why there is no tension."""

    OPEN = "open"
    """No current flows: a broken wire, or a sensor without contact to water."""
    SHORT = "short"


class SensorFault(ValueError):
    """The sensor measures nothing."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"the sensor's circuit is {fault.value}: there is no tension")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Curve:
    """What differs between circuits. `factor` is 1.1 where values shall agree with the maker's own
    hand meters, which show the two drier branches by so much higher."""

    open_kohm: float = 35.0
    factor: float = 1.0


USUAL = Curve()


def tension_kpa(ohm: float, soil_celsius: float, curve: Curve = USUAL) -> float:
    """The tension in kPa; raises SensorFault for an open circuit or a short.

    A temperature is asked for: at 10 °C the usual 24 °C would read a quarter too dry.
    """
    kohm = ohm / 1000
    if kohm <= 0 or kohm >= curve.open_kohm:
        raise SensorFault(Fault.OPEN)
    if kohm < SHORT_KOHM:
        raise SensorFault(Fault.SHORT)
    if kohm <= SATURATED_KOHM:
        return 0.0
    warmth = 1 + 0.018 * (soil_celsius - _CALIBRATED_AT)
    if kohm <= 1:
        return max((23.156 * kohm - 12.736) * warmth, 0.0)
    if kohm <= 8:
        shock = (4.093 + 3.213 * kohm) / (1 - 0.009733 * kohm - 0.01205 * soil_celsius)
        return curve.factor * shock
    warm_kohm = kohm * warmth
    return curve.factor * (2.246 + 5.239 * warm_kohm + 0.06756 * warm_kohm**2)


def is_fault_code(kpa: float) -> bool:
    """Whether a stored tension is none, but the code of a fault."""
    return kpa in FAULT_CODES
