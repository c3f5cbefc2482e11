"""A serial port as bytes, with its errors in words."""

from __future__ import annotations

import errno
import termios
from dataclasses import dataclass
from typing import Protocol, Self

import serial
import serial.tools.list_ports

from stadtsinn.base.explaining import why
from stadtsinn.firmware.sensors.errors import LineAway, LineCut

_CUT = (OSError, termios.error)
"""What the system raises for an adapter that was pulled; the second is no OSError."""
_LOOK_S = 0.02
"""How long one look for bytes lasts at most."""


class Line(Protocol):
    """Bytes to a sensor and from it."""

    def write(self, data: bytes) -> None:
        """Raises LineCut."""

    def read(self) -> bytes:
        """What is there, or comes within a moment; empty where nothing does. Raises LineCut."""


@dataclass(frozen=True)
class Port:
    """A serial port of this machine."""

    device: str
    description: str
    serial_number: str


def ports() -> list[Port]:
    """Those that have something behind them, USB adapters first."""
    found = sorted(
        serial.tools.list_ports.comports(), key=lambda one: (one.vid is None, one.device)
    )
    return [
        Port(
            one.device,
            " ".join(filter(None, (one.manufacturer, one.product))) or one.description or "",
            one.serial_number or "",
        )
        for one in found
    ]


class SerialLine:
    """A port that no other program of this machine has meanwhile."""

    def __init__(self, port: str, baud: int) -> None:
        """8N1, without flow control. Raises LineAway."""
        self._port = port
        try:
            self._serial = serial.Serial(port, baud, timeout=_LOOK_S, exclusive=True)
        except (*_CUT, ValueError) as error:  # SerialException is an OSError
            raise _away(port, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._serial.close()

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
            self._serial.flush()
        except _CUT:
            raise LineCut(self._port) from None

    def read(self) -> bytes:
        try:
            return bytes(self._serial.read(max(1, self._serial.in_waiting)))
        except _CUT:
            raise LineCut(self._port) from None


def _away(port: str, error: BaseException) -> LineAway:
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        away = LineAway(
            f"there is no port {port}: 'stadtsinn serial list' shows those that there are; is the "
            "adapter plugged in?",
            f"einen Anschluss {port} gibt es nicht: 'stadtsinn serial list' zeigt die vorhandenen; "
            "steckt der Adapter?",
        )
    elif number in (errno.EACCES, errno.EPERM):
        away = LineAway(
            f"{port} is not open to this user: 'sudo adduser $USER dialout', then sign in again",
            f"{port} ist für diesen Benutzer gesperrt: 'sudo adduser $USER dialout', dann neu "
            "anmelden",
        )
    elif number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
        away = LineAway(
            f"another program uses {port}: end it (a terminal program, ModemManager)",
            f"ein anderes Programm benutzt {port}: es beenden (ein Terminal, der ModemManager)",
        )
    else:
        said = why(error) if isinstance(error, OSError) and number is not None else None
        english = said.english if said else "is it a serial port?"
        german = said.german if said else "ist es ein serieller Anschluss?"
        away = LineAway(
            f"{port} cannot be opened ({english}): 'stadtsinn serial list' shows the ports",
            f"{port} lässt sich nicht öffnen ({german}): 'stadtsinn serial list' zeigt die "
            "Anschlüsse",
        )
    away.errno = number
    return away
