"""Bosch TPS110, parking sensor: state on port 1, heartbeat on port 2, start-up on port 3."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from stadtsinn.simulator.devices.encoders.fixed_point import UnencodableValue, signed, unsigned

STATE_PORT, HEARTBEAT_PORT, STARTUP_PORT = 1, 2, 3
_DEBUG_CODES = 3


class ResetCause(IntEnum):
    """Why the sensor started."""

    WATCHDOG = 1
    POWER_ON = 2
    SYSTEM_REQUEST = 3


def encode_state(*, occupied: bool) -> bytes:
    """Sent when a car comes or goes."""
    return bytes([occupied])


def encode_heartbeat(*, occupied: bool, temperature: int) -> bytes:
    """Sent regularly; temperature of the sensor in whole °C."""
    return bytes([occupied]) + signed(temperature, 1)


def encode_startup(
    *,
    occupied: bool,
    firmware: tuple[int, int, int],
    cause: ResetCause,
    debug_codes: Sequence[int] = (),
) -> bytes:
    """Sent once after power-on: up to three debug codes, then firmware and reset cause."""
    if len(debug_codes) > _DEBUG_CODES:
        raise UnencodableValue(f"{len(debug_codes)} debug codes: there is room for {_DEBUG_CODES}")
    codes = (*debug_codes, *([0] * (_DEBUG_CODES - len(debug_codes))))
    return b"".join(
        (
            *(unsigned(code, 4, order="little") for code in codes),
            bytes(firmware),
            bytes([cause, occupied]),
        )
    )
