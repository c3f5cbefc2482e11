"""One command after the other with a sensor, whatever else is on the line.

A command is sent once the one before has ended. Its end may be late or lost, a stranger line may
stand in between, a sensor may be busy, asleep, locked or may have restarted: each command is
therefore such that sending it again does no harm, and is sent up to three times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from stadtsinn.firmware.sensors.dialect import Lock
from stadtsinn.firmware.sensors.errors import NoAnswer, StillBusy, WrongPassword
from stadtsinn.firmware.sensors.lines import Kind, Splitter, is_echo, kind_of
from stadtsinn.firmware.sensors.port import Line

END = b"\r\n"
_TRIES = 3
_PASSWORD_TRIES = 2
"""The first may have been damaged on the way."""


@dataclass(frozen=True)
class Timing:
    """Seconds. Sensors write their flash slowly, and sleep in between."""

    hello: float = 0.7
    query: float = 2.0
    write: float = 5.0
    busy: float = 2.0
    wake: float = 0.1
    quiet: float = 0.15
    """So long nothing comes at the end of a line that has no line end."""
    byte: float = 0.01
    """Between two bytes for a sensor whose buffer ran over."""
    idle: float = 1.0
    """After so long it may sleep again."""
    restart: float = 8.0
    poll: float = 2.0


USUAL = Timing()


@dataclass(frozen=True)
class Reply:
    """How a command ended (None: no end came), the line that ended it, and those before."""

    kind: Kind | None
    final: str = ""
    lines: tuple[str, ...] = ()


@dataclass
class Password:
    """The password of a lock: the one that was given, else the usual one, else a question."""

    given: str | None = field(default=None, repr=False)
    ask: Callable[[], str | None] = field(default=lambda: None, repr=False)

    def attempts(self, usual: str) -> Iterator[str]:
        """At most two of them, for nobody guesses."""
        if self.given is not None:
            yield self.given
            return
        yield usual
        if (typed := self.ask()) is not None:
            self.given = typed
            yield typed


class Session:
    """A talk over an open line. `locks`: of all kinds that it may be."""

    def __init__(
        self,
        line: Line,
        password: Password,
        locks: Sequence[Lock] = (),
        timing: Timing = USUAL,
    ) -> None:
        self._line = line
        self._password = password
        self._locks = tuple(locks)
        self._locked_lines = frozenset(words for one in locks for words in one.says)
        self.timing = timing
        self._splitter = Splitter()
        self._last_heard = float("-inf")
        self.events: list[str] = []
        """What came by itself since it was last looked at."""
        self.heard_bytes = False
        self.heard_echo = False
        self.others: list[str] = []
        """The last lines that were no answer, for a report on a sensor that nobody understands."""

    def wake(self) -> None:
        """An empty line, whose first byte may get lost in the sensor's sleep, and silence."""
        self._line.write(END)
        self.listen(self.timing.wake)

    def listen(self, seconds: float) -> list[str]:
        """What comes in that time and until it is quiet; events are kept, too."""
        return list(self._lines(seconds, until_quiet=True))

    def send(self, command: str, wait_s: float, *, slowly: bool = False) -> Reply:
        """Send a line once and read to the end of its answer. Raises LineCut."""
        if time.monotonic() - self._last_heard > self.timing.idle:
            self.wake()
        for _ in self._lines(0):  # what is still there is no answer to this
            pass
        self._write(command, slowly=slowly)
        before: list[str] = []
        for line in self._lines(wait_s):
            if is_echo(line, command):
                self.heard_echo = True
                continue
            kind = kind_of(line, self._locked_lines)
            if kind is Kind.OTHER:
                before.append(line)
            elif kind is not Kind.EVENT:
                return Reply(kind, line, tuple(before))
        return Reply(None, "", tuple(before))

    def command(self, command: str, wait_s: float) -> Reply:
        """The same until the sensor has answered: OK, UNKNOWN or REFUSED. Raises LineCut, NoAnswer,
        StillBusy, WrongPassword."""
        refused = ""
        slowly, unlocked, tries = False, False, 0
        while tries < _TRIES:
            # A late answer is still this one's: it is not sent again before that is over.
            reply = self.send(command, wait_s * (tries + 2), slowly=slowly)
            if reply.kind is Kind.OK:
                return reply
            if reply.kind is Kind.LOCKED and not unlocked:
                self.unlock(reply.final)
                unlocked = True
                continue
            tries += 1
            if reply.kind in (Kind.UNKNOWN, Kind.REFUSED):
                if reply.final == refused:  # the first one may have been a damaged command
                    return reply
                refused = reply.final
            elif reply.kind is Kind.BUSY:
                self.listen(self.timing.busy)
            else:
                slowly = reply.kind is Kind.AGAIN
                self.wake()
        if reply.kind is Kind.BUSY:
            raise StillBusy()
        if reply.kind is None or reply.kind is Kind.AGAIN:
            raise NoAnswer(command.partition("=")[0])
        return reply

    def unlock(self, said: str) -> None:
        """Give the password; an unlocked sensor takes the next command for one. Raises
        WrongPassword, LineCut."""
        lock = next(one for one in self._locks if said in one.says)
        for password in self._password.attempts(lock.usual_password):
            for _ in range(_PASSWORD_TRIES):
                self._write(password, slowly=False)
                self.listen(self.timing.wake)
                if self.send("AT", self.timing.query).kind is not Kind.LOCKED:
                    return
        raise WrongPassword(given=self._password.given is not None)

    def _write(self, command: str, *, slowly: bool) -> None:
        data = command.encode("ascii", "ignore") + END
        if not slowly:
            self._line.write(data)
            return
        for byte in data:
            self._line.write(bytes([byte]))
            time.sleep(self.timing.byte)

    def _lines(self, seconds: float, *, until_quiet: bool = False) -> Iterator[str]:
        """Lines as they come, for so many seconds; then, if asked for, until it is quiet."""
        heard = time.monotonic()
        end = heard + seconds
        while True:
            data = self._line.read()
            now = time.monotonic()
            if data:
                self.heard_bytes = True
                heard = self._last_heard = now
                yield from self._noted(self._splitter.feed(data))
            quiet = now - heard > self.timing.quiet
            if quiet:
                yield from self._noted(self._splitter.flush())
            over = now >= end + (self.timing.restart if until_quiet and not quiet else 0)
            if over:
                return

    def _noted(self, lines: list[str]) -> list[str]:
        """The same lines; all events among them are kept, whoever stops reading at the first."""
        for line in lines:
            kind = kind_of(line, self._locked_lines)
            if kind is Kind.EVENT:
                self.events.append(line)
            elif kind is Kind.OTHER:
                self.others = [*self.others[-3:], line]
        return lines
