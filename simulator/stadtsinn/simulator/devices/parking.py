"""Twelve parking spaces with a sensor under each, which reports arriving and leaving cars."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.simulator.devices.encoders import tps110
from stadtsinn.simulator.devices.weather import Weather
from stadtsinn.simulator.market_day.calendar import Span
from stadtsinn.simulator.market_day.town import SPACES, TPS110
from stadtsinn.simulator.radio.transmission import (
    SETTLING,
    ExpectedReading,
    Transmission,
    report_times,
)
from stadtsinn.simulator.randomness import stream

_HEARTBEAT_S = 3_600
_DETECTION = 4 * SECOND
_STARTUP_BEFORE = 60 * SECOND
_MIN_DISTANCE = 20 * SECOND
"""A heartbeat that would fall together with a change of state is left out."""
_PARKED_MINUTES, _FREE_MINUTES = 48.0, 16.0
_SHORTEST_MINUTES = 3.0
_FIRMWARE = (0, 29, 2)


def parking_transmissions(weather: Weather, seed: int) -> Iterator[Transmission]:
    """All that the sensors send, space after space."""
    for dev_eui in SPACES:
        yield from _space(dev_eui, weather, stream(seed, f"space {dev_eui}"))


def _space(dev_eui: str, weather: Weather, chance: Random) -> Iterator[Transmission]:
    span = weather.plan.span
    yield _startup(dev_eui, Instant(span.start + SETTLING - _STARTUP_BEFORE))
    changes = list(_changes(span, chance))
    for number, moment in enumerate(changes):
        yield _state(dev_eui, Instant(moment + _DETECTION), occupied=number % 2 == 0)
    for moment in report_times(span, _HEARTBEAT_S, chance):
        if all(abs(moment - change) > _MIN_DISTANCE for change in changes):
            parked = sum(change <= moment for change in changes) % 2 == 1
            temperature = round(weather.air_temperature(moment) + 2)
            yield _heartbeat(dev_eui, moment, temperature, occupied=parked)


def _changes(span: Span, chance: Random) -> Iterator[Instant]:
    """Arrival, departure, arrival, … of an empty space."""
    moment = span.start + SETTLING
    mean = _FREE_MINUTES
    while True:
        minutes = _SHORTEST_MINUTES + chance.expovariate(1 / mean)
        moment += int(minutes * MINUTE)
        if moment + _DETECTION >= span.end:
            return
        yield Instant(moment)
        mean = _PARKED_MINUTES if mean == _FREE_MINUTES else _FREE_MINUTES


def _state(dev_eui: str, moment: Instant, *, occupied: bool) -> Transmission:
    return _sent(
        dev_eui,
        moment,
        tps110.STATE_PORT,
        tps110.encode_state(occupied=occupied),
        ExpectedReading("occupied", float(occupied)),
    )


def _heartbeat(dev_eui: str, moment: Instant, temperature: int, *, occupied: bool) -> Transmission:
    return _sent(
        dev_eui,
        moment,
        tps110.HEARTBEAT_PORT,
        tps110.encode_heartbeat(occupied=occupied, temperature=temperature),
        ExpectedReading("occupied", float(occupied)),
        ExpectedReading("device_temperature", temperature),
    )


def _startup(dev_eui: str, moment: Instant) -> Transmission:
    payload = tps110.encode_startup(
        occupied=False, firmware=_FIRMWARE, cause=tps110.ResetCause.POWER_ON
    )
    return _sent(dev_eui, moment, tps110.STARTUP_PORT, payload, ExpectedReading("occupied", 0.0))


def _sent(
    dev_eui: str, moment: Instant, f_port: int, payload: bytes, *readings: ExpectedReading
) -> Transmission:
    return Transmission(moment, dev_eui, TPS110, f_port, payload, readings)
