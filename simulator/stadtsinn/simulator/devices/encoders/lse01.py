"""Dragino LSE01, soil moisture and conductivity, port 2 (user manual, "Uplink Payload")."""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.simulator.devices.encoders.fixed_point import UnencodableValue, signed, unsigned

PORT = 2
_BATTERY_BITS = 14


@dataclass(frozen=True)
class SoilFrame:
    """Battery in V, temperatures in °C, moisture in Vol.-%, conductivity in µS/cm."""

    battery: float
    probe_temperature: float
    moisture: float
    soil_temperature: float
    conductivity: int
    status_bits: int = 0
    """The two highest bits of the battery word."""
    flags: int = 0
    """Last byte: message type and interrupt."""


def encode(frame: SoilFrame) -> bytes:
    """The eleven bytes of a measurement."""
    millivolts = round(frame.battery * 1000)
    if not 0 <= millivolts < 1 << _BATTERY_BITS:
        raise UnencodableValue(f"battery {frame.battery} V: the field ends at 16.383 V")
    return b"".join(
        (
            unsigned(frame.status_bits << _BATTERY_BITS | millivolts, 2),
            signed(frame.probe_temperature, 2, scale=10),
            unsigned(frame.moisture, 2, scale=100),
            signed(frame.soil_temperature, 2, scale=100),
            unsigned(frame.conductivity, 2),
            unsigned(frame.flags, 1),
        )
    )
