"""Sensors with AT commands on a pseudo-terminal, which keep their firmware's habits: speed, lock,
length of values, what is forgotten at a reset; and misbehave as it is asked for.

Sources: Dragino's SN50v3, the manual of RUI3, ST's AT slave (gateway-hardware.md, section 5.2).
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import termios
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from stadtsinn.firmware.sensors.session import Timing

QUICK = Timing(
    hello=0.15,
    query=0.3,
    write=0.3,
    busy=0.05,
    wake=0.03,
    quiet=0.04,
    byte=0.001,
    restart=1.0,
    poll=0.05,
)
"""The same order of things in less time: the fakes answer at once."""
BAUDS = {termios.B9600: 9600, termios.B19200: 19200, termios.B38400: 38400}
BAUDS |= {termios.B57600: 57600, termios.B115200: 115200}
EUI = "A84041000181CAFE"
JOIN_EUI = "A840410000000100"
KEY = "00112233445566778899AABBCCDDEEFF"


@dataclass
class Faults:
    """How a sensor misbehaves. Numbers count down: so many times, then it behaves."""

    echo: bool = False
    line_end: bytes = b"\r\n"
    split: bool = False
    """Each byte for itself."""
    before_answers: list[bytes] = field(default_factory=list)
    """In front of one answer each."""
    lose_first_byte: int = 0
    damage_first_byte: int = 0
    busy: int = 0
    overflow: int = 0
    ignore: int = 0
    dead: bool = False
    slow_s: float = 0.0
    slow: int = 0
    restart_at: str = ""
    """Restarts instead of doing a command that begins so, once."""
    cut_at: str = ""
    """The cable is pulled while a command that begins so is under way."""
    cut_after: bool = False
    """It was done before."""
    keep_nothing: bool = False
    """A reset forgets all that is not saved."""
    accept_and_ignore: tuple[str, ...] = ()


class FakeSensor:
    """Serves one pseudo-terminal in a thread until `stop`."""

    title = "fake"
    baud = 9600
    separator = ""
    names_its_values = False
    unknown = "AT_ERROR"
    join_command = re.compile(r"AT\+JOIN")

    def __init__(self, faults: Faults | None = None, **values: str) -> None:
        self.faults = faults or Faults()
        self.values = {**self.factory(), **values}
        self.saved = dict(self.values)
        self.received: list[str] = []
        self.writes: list[str] = []
        self.events: list[tuple[float, bytes]] = []
        """Bytes by themselves at a time of the monotonic clock."""
        self.joins = 0
        self.on_join: Callable[[], list[tuple[float, str]]] = list
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._rest = b""
        self._closed: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def factory(self) -> dict[str, str]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._close(self._master)
        self._close(self._slave)

    def _close(self, descriptor: int) -> None:
        """Once: its number may be that of another file afterwards."""
        if descriptor not in self._closed:
            self._closed.add(descriptor)
            os.close(descriptor)

    # --- the line ----------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._stop.is_set():
            now = time.monotonic()
            for due in [one for one in self.events if one[0] <= now]:
                self.events.remove(due)
                self._send(due[1])
            with contextlib.suppress(OSError, ValueError):
                if select.select([self._master], [], [], 0.01)[0]:
                    self._take(os.read(self._master, 1024))

    def _take(self, data: bytes) -> None:
        if self.faults.dead:
            return
        speed = BAUDS.get(termios.tcgetattr(self._master)[4])
        if speed != self.baud:
            self._raw(bytes((byte * 7 + 0x83) & 0xFF | 0x80 for byte in data[:6]))
            return
        if self.faults.lose_first_byte and data:
            self.faults.lose_first_byte -= 1
            data = data[1:]
        if self.faults.damage_first_byte and data[:1] == b"A":
            self.faults.damage_first_byte -= 1
            data = bytes([data[0] | 0x80]) + data[1:]
        if self.faults.echo:
            self._raw(data)
        *lines, self._rest = re.split(rb"[\r\n]+", self._rest + data)
        for line in lines:
            if line:
                self._line(line.decode("latin-1"))

    def _line(self, line: str) -> None:
        self.received.append(line)
        if self.faults.restart_at and line.startswith(self.faults.restart_at):
            self.faults.restart_at = ""
            self.restart()
            return
        if self.faults.cut_at and line.startswith(self.faults.cut_at):
            if self.faults.cut_after:
                self.answer(line)
            self._stop.set()
            self._close(self._master)
            return
        if self.faults.ignore:
            self.faults.ignore -= 1
            return
        if self.faults.slow:
            self.faults.slow -= 1
            time.sleep(self.faults.slow_s)
        said = self.answer(line)
        if self.faults.before_answers:
            self._raw(self.faults.before_answers.pop(0))
        self.say(*said)

    def say(self, *lines: str) -> None:
        for line in lines:
            self._send(line.encode("latin-1") + self.faults.line_end)

    def _send(self, data: bytes) -> None:
        if not self.faults.split:
            self._raw(data)
            return
        for byte in data:
            self._raw(bytes([byte]))
            time.sleep(0.001)

    def _raw(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._master, data)

    # --- the firmware ------------------------------------------------------------------

    def banner(self) -> list[str]:
        return []

    def restart(self) -> None:
        if self.faults.keep_nothing:
            self.values = dict(self.saved)
        self.say(*self.banner())

    def answer(self, line: str) -> list[str]:
        """The lines by which the firmware answers."""
        if self.faults.overflow:
            self.faults.overflow -= 1
            return ["AT_TEST_PARAM_OVERFLOW"]
        if line == "AT":
            return ["OK"]
        if line == "ATZ":
            self.restart()
            return []
        if self.faults.busy:
            self.faults.busy -= 1
            return ["AT_BUSY_ERROR"]
        if line == "AT+CS" and self.faults.keep_nothing and "AT+CS" in self.values:
            self.saved = dict(self.values)
            return ["OK"]
        if line.endswith("=?") and line[:-2] in self.values:
            return self._told(line[:-2])
        name, sign, value = line.partition("=")
        if self.join_command.fullmatch(name) and "=?" not in line:
            return self._join(value)
        if sign and name in self.values:
            return self._set(name, value)
        return [self.unknown]

    def _told(self, name: str) -> list[str]:
        value = self.values[name]
        if re.fullmatch(r"[0-9A-F]{16}|[0-9A-F]{32}", value):
            value = self.separator.join(value[i : i + 2] for i in range(0, len(value), 2))
        return [f"{name}={value}" if self.names_its_values else value, "", "OK"]

    def _set(self, name: str, value: str) -> list[str]:
        if (refusal := self.refusal(name, value)) is not None:
            return refusal
        self.writes.append(name)
        if name not in self.faults.accept_and_ignore:
            self.values[name] = re.sub(r"[ :]", "", value).upper()
        return ["OK"]

    def refusal(self, name: str, value: str) -> list[str] | None:
        wanted = {"EUI": 16, "KEY": 32}.get(name[-3:])
        if wanted is not None and not self._spelt(value, wanted):
            return ["AT_PARAM_ERROR"]
        return None

    def _spelt(self, value: str, digits: int) -> bool:
        return re.fullmatch(rf"[0-9A-Fa-f]{{{digits}}}", value) is not None

    def _join(self, _value: str) -> list[str]:
        self.joins += 1
        for after, words in self.on_join():
            if words.startswith("NJS="):
                threading.Timer(after, self.values.__setitem__, ("AT+NJS", words[4:])).start()
            else:
                self.events.append((time.monotonic() + after, words.encode() + b"\r\n"))
        return ["OK"]


class Dragino(FakeSensor):
    """Locked at the start: every line is an attempt, also a command."""

    separator = " "
    password = "123456"

    def __init__(self, faults: Faults | None = None, *, locked: bool = True, **values: str) -> None:
        self.locked = locked
        self.attempts: list[str] = []
        super().__init__(faults, **values)

    def factory(self) -> dict[str, str]:
        return {
            "AT+DEUI": EUI,
            "AT+APPEUI": JOIN_EUI,
            "AT+APPKEY": KEY,
            "AT+NJM": "1",
            "AT+NJS": "0",
            "AT+TDC": "1200000",
            "AT+VER": "EU868 v1.3.4",
            "AT+MODEL": "SN50_v3-LB,v1.3.4",
        }

    def banner(self) -> list[str]:
        self.locked = True
        return [
            "",
            "Dragino SN50_v3-LB Device",
            "Image Version: v1.3.4",
            "DevEui= " + " ".join(re.findall("..", EUI)),
            "Enter Password to Active AT Commands",
        ]

    def answer(self, line: str) -> list[str]:
        if not self.locked:
            return super().answer(line)
        self.attempts.append(line)
        if line == self.password:
            self.locked = False
            return ["Correct Password"]
        self._raw(b"Incorrect Password\n\r")
        return []

    def refusal(self, name: str, value: str) -> list[str] | None:
        if name == "AT+TDC" and (not value.isdigit() or int(value) < 5000):
            return ["TDC setting needs to be high than 4000ms", "AT_PARAM_ERROR"]
        return super().refusal(name, value.replace(" ", ""))


class Rak(FakeSensor):
    """Names its values; events come by themselves."""

    baud = 115200
    names_its_values = True
    unknown = "AT_COMMAND_NOT_FOUND"

    def factory(self) -> dict[str, str]:
        return {
            "AT+DEVEUI": "AC1F09FFFE000001",
            "AT+APPEUI": "AC1F09FFFE000002",
            "AT+APPKEY": KEY,
            "AT+NJM": "1",
            "AT+NJS": "0",
            "AT+VER": "RUI_4.2.0_RAK3172-E",
            "AT+HWMODEL": "rak3172",
        }

    def banner(self) -> list[str]:
        return ["RAKwireless RAK3172-E Example", "-" * 30, "Current Work Mode: LoRaWAN."]


class St(FakeSensor):
    """Colons in and out; prints its keys when it starts."""

    separator = ":"

    def factory(self) -> dict[str, str]:
        return {
            "AT+DEUI": "0080E115001700AA",
            "AT+APPEUI": "0101010101010101",
            "AT+APPKEY": KEY,
            "AT+NWKKEY": KEY,
            "AT+VER": "APP_VERSION: V1.1.0",
            "AT+CS": "",
        }

    def banner(self) -> list[str]:
        key = ":".join(re.findall("..", self.values["AT+APPKEY"]))
        return ["###### OTAA ######", f"###### AppKey:      {key}", "ATtention command interface"]

    def _spelt(self, value: str, digits: int) -> bool:
        pairs = digits // 2
        return (
            re.fullmatch(rf"([0-9A-Fa-f]{{2}}:){{{pairs - 1}}}[0-9A-Fa-f]{{2}}", value) is not None
        )
