"""Numbers as devices send them: scaled, rounded, cut to a width, in either byte order."""

from __future__ import annotations

from typing import Literal

ByteOrder = Literal["big", "little"]


class UnencodableValue(ValueError):
    """A value outside of what the field of the device can carry."""


def unsigned(value: float, width: int, *, scale: float = 1, order: ByteOrder = "big") -> bytes:
    """`value` in units of 1/`scale`, as an unsigned number of `width` bytes."""
    return _pack(value, width, scale, order, signed=False)


def signed(value: float, width: int, *, scale: float = 1, order: ByteOrder = "big") -> bytes:
    """`value` in units of 1/`scale`, as a two's complement number of `width` bytes."""
    return _pack(value, width, scale, order, signed=True)


def _pack(value: float, width: int, scale: float, order: ByteOrder, *, signed: bool) -> bytes:
    number = round(value * scale)
    try:
        return number.to_bytes(width, order, signed=signed)
    except OverflowError:
        raise UnencodableValue(
            f"{value} does not fit into {width} bytes at a scale of {scale}: "
            "give a value the device can measure"
        ) from None
