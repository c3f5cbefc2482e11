"""Parametric PCR2, radar people counter, application payload version 4 on port 14."""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.simulator.devices.encoders.fixed_point import signed, unsigned

PORT = 14
COUNTER_BITS = 16
_MAGIC = bytes.fromhex("be0104")


@dataclass(frozen=True)
class RadarFrame:
    """Passages left-to-right and right-to-left: of the interval, and as running sums.

    Of the solar charger: battery in mV, panel in mW. Temperature of the device in °C.
    """

    left_to_right: int
    right_to_left: int
    left_to_right_sum: int
    right_to_left_sum: int
    battery: int
    solar_panel: int
    temperature: float


def encode(frame: RadarFrame) -> bytes:
    """The seventeen bytes of a report; the sums begin again at 0 after 65535."""
    return b"".join(
        (
            _MAGIC,
            unsigned(frame.left_to_right, 2),
            unsigned(frame.right_to_left, 2),
            unsigned(frame.left_to_right_sum % (1 << COUNTER_BITS), 2),
            unsigned(frame.right_to_left_sum % (1 << COUNTER_BITS), 2),
            unsigned(frame.battery, 2),
            unsigned(frame.solar_panel, 2),
            signed(frame.temperature, 2, scale=10),
        )
    )
