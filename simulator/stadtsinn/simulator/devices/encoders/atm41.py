"""Decentlab DL-ATM41, all-in-one weather station, port 1 (data sheet, "Payload").

Version, device number and a mask of the groups present, then big-endian words; signed fields
are sent with 32768 added.
"""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.simulator.devices.encoders.fixed_point import unsigned

PORT = 1
_VERSION = 2
_OFFSET = 32768
_STATION, _BATTERY = 1, 2


@dataclass(frozen=True)
class WeatherFrame:
    """One report. Wind in m/s, angles in °, pressures in kPa, temperatures in °C, rain in mm."""

    solar_radiation: int  # W/m²
    precipitation: float
    lightning_strikes: int
    lightning_distance: int  # km
    wind_speed: float
    wind_direction: float
    wind_speed_max: float
    air_temperature: float
    vapor_pressure: float
    air_pressure: float
    relative_humidity: float  # %
    sensor_temperature: float
    tilt_x: float
    tilt_y: float
    compass_heading: int
    wind_north: float
    wind_east: float


def encode(device_number: int, frame: WeatherFrame | None, battery: float) -> bytes:
    """A report; without `frame` only the battery, as the device sends it at start."""
    mask = _BATTERY if frame is None else _STATION | _BATTERY
    words = b"" if frame is None else _station(frame)
    return b"".join(
        (
            unsigned(_VERSION, 1),
            unsigned(device_number, 2),
            unsigned(mask, 2),
            words,
            unsigned(battery, 2, scale=1000),
        )
    )


def _station(frame: WeatherFrame) -> bytes:
    fields: tuple[tuple[float, int], ...] = (
        (frame.solar_radiation, 1),
        (frame.precipitation, 1000),
        (frame.lightning_strikes, 1),
        (frame.lightning_distance, 1),
        (frame.wind_speed, 100),
        (frame.wind_direction, 10),
        (frame.wind_speed_max, 100),
        (frame.air_temperature, 10),
        (frame.vapor_pressure, 100),
        (frame.air_pressure, 100),
        (frame.relative_humidity, 10),
        (frame.sensor_temperature, 10),
        (frame.tilt_x, 10),
        (frame.tilt_y, 10),
        (frame.compass_heading, 1),
        (frame.wind_north, 100),
        (frame.wind_east, 100),
    )
    return b"".join(unsigned(round(value * scale) + _OFFSET, 2) for value, scale in fields)
