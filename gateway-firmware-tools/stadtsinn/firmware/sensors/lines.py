"""What comes over the line, cut into lines, and what a line means. No clock, no port."""

from __future__ import annotations

import re
from enum import Enum

_ENDS = re.compile(rb"[\r\n]+")
_LONGEST = 4096
"""Bytes without a line end that are kept: noise of a wrong speed has none."""
_PRINTED = re.compile(r"[^\x20-\x7e]+")
_SECRET = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[ :.\-]?){15}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])")
_EVENT = re.compile(r"\+EVT\b|(JOINED|JOIN FAILED|Join\w*)$", re.IGNORECASE)
_FINAL = re.compile(r"AT_[A-Z_]+|ERROR[\w() -]*|error unknown|\+AT: ERROR.*", re.IGNORECASE)
_AGAIN = frozenset({"AT_RX_ERROR", "AT_TEST_PARAM_OVERFLOW"})
_UNKNOWN = frozenset({"AT_ERROR", "AT_COMMAND_NOT_FOUND", "ERROR", "ERROR UNKNOWN"})
_UNKNOWN_TOO = frozenset({"ERROR_UNKNOW_COMMAND", "ERROR_UNKNOWN_COMMAND"})
MASK = "…"


class Kind(Enum):
    """What a line means. All but EVENT and OTHER end an answer."""

    OK = "done"
    BUSY = "later"
    AGAIN = "not understood, to be repeated"
    UNKNOWN = "no such command, or a damaged one"
    REFUSED = "the command is known and not possible"
    LOCKED = "a password is wanted"
    EVENT = "comes by itself"
    OTHER = "a value, an echo, a banner or noise"


ENDINGS = frozenset(Kind) - {Kind.EVENT, Kind.OTHER}


class Splitter:
    """Bytes as they come → whole lines. Line ends may be any run of CR and LF."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        *whole, self._rest = _ENDS.split(self._rest + data)
        self._rest = self._rest[-_LONGEST:]
        return [line for line in map(_text, whole) if line]

    def flush(self) -> list[str]:
        """What stands there without a line end, once nothing more comes."""
        line, self._rest = _text(self._rest), b""
        return [line] if line else []


def _text(line: bytes) -> str:
    """A line without the noise at its ends. Noise inside of it stays visible as ``?``."""
    return _PRINTED.sub("?", line.decode("ascii", "replace")).strip("? ")


def kind_of(line: str, locked_lines: frozenset[str] = frozenset()) -> Kind:
    """What a line means; `locked_lines`: those by which a kind of sensor asks for a password."""
    if line in locked_lines:
        return Kind.LOCKED
    if line == "OK" or line == "+AT: OK":
        return Kind.OK
    if _EVENT.match(line):
        return Kind.EVENT
    if not _FINAL.fullmatch(line):
        return Kind.OTHER
    upper = line.upper()
    if "BUSY" in upper:
        return Kind.BUSY
    if upper in _AGAIN:
        return Kind.AGAIN
    return Kind.UNKNOWN if upper in _UNKNOWN | _UNKNOWN_TOO else Kind.REFUSED


def is_echo(line: str, command: str) -> bool:
    """Whether the sensor, or the adapter, sent our own command back, damaged or not."""
    if line.upper() == command.upper():
        return True
    tail = command[1:].upper()
    return len(tail) > 1 and line.upper().endswith(tail) and len(line) <= len(command) + 2


def without_secrets(text: str) -> str:
    """`text` with nothing in it that may be a key."""
    return _SECRET.sub(MASK, text)
