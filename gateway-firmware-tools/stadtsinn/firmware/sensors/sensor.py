"""A sensor as it is, what has to change for what is wanted, and the change, read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stadtsinn.base.sentence import Sentence
from stadtsinn.firmware.sensors.dialect import Dialect
from stadtsinn.firmware.sensors.errors import (
    LineCut,
    NoAnswer,
    NoSuchSetting,
    NotKept,
    Rejected,
)
from stadtsinn.firmware.sensors.lines import Kind, without_secrets
from stadtsinn.firmware.sensors.recognising import Recognised, value_in
from stadtsinn.firmware.sensors.session import Session
from stadtsinn.firmware.sensors.settings import (
    SHAPES,
    Setting,
    Shape,
    Wanted,
    hex_digits,
)

_READS = 3
_UNREADABLE = "unreadable"

NAMES = {
    Setting.DEV_EUI: Sentence("DevEUI", "DevEUI"),
    Setting.JOIN_EUI: Sentence("JoinEUI", "JoinEUI"),
    Setting.APP_KEY: Sentence("AppKey", "AppKey"),
    Setting.JOIN_MODE: Sentence("join mode", "Join-Art"),
    Setting.INTERVAL_S: Sentence("interval", "Intervall"),
}


@dataclass(frozen=True)
class Sensor:
    """What a sensor says of itself. None: it has no such thing or does not tell."""

    kind: str
    baud: int
    model: str | None
    firmware: str | None
    joined: bool | None
    values: dict[Setting, str] = field(repr=False)
    """Digits; the key is among them only so that it can be compared."""
    unreadable: frozenset[Setting] = frozenset()
    """What it has and does not tell."""

    @property
    def key_is_set(self) -> bool | None:
        key = self.values.get(Setting.APP_KEY)
        return None if key is None else bool(key.strip("0"))


@dataclass(frozen=True)
class Change:
    """A setting that becomes another one. The values of a key are never in it."""

    setting: Setting
    before: str | None
    after: str


@dataclass(frozen=True)
class Applied:
    """What was done: the changes, those that nobody can read back, and the sensor afterwards."""

    changes: tuple[Change, ...]
    unverified: tuple[Setting, ...]
    sensor: Sensor


class Talk:
    """Settings of one sensor, read and written. Raises what `Session.command` does."""

    def __init__(self, found: Recognised) -> None:
        self.dialect: Dialect = found.dialect
        self._session: Session = found.session
        self._baud = found.baud
        self._names: dict[Setting, tuple[str, ...]] = {}
        """The names that this sensor knows."""

    def read(self) -> Sensor:
        values: dict[Setting, str] = {}
        unreadable = set()
        for setting in self.dialect.settings:
            value = self.value(setting)
            if value == _UNREADABLE:
                unreadable.add(setting)
            elif value is not None:
                values[setting] = value
        joined = self._first(self.dialect.joined, Shape.NUMBER)
        return Sensor(
            kind=self.dialect.title,
            baud=self._baud,
            model=self._first(self.dialect.model, Shape.TEXT),
            firmware=self._first(self.dialect.firmware, Shape.TEXT),
            joined=None if joined is None else joined == "1",
            values=values,
            unreadable=frozenset(unreadable),
        )

    def value(self, setting: Setting) -> str | None:
        """Digits as ours; `_UNREADABLE` where it exists and is not told; None where it does not
        exist. Where several names hold different ones, all of them, which no single one equals."""
        register = self.dialect.settings[setting]
        known, found = [], []
        for name in register.names:
            answer = self._ask(f"{name}=?", SHAPES[setting])
            if answer is None:
                continue
            known.append(name)
            found.append(answer)
            if not register.all_of_them:
                break
        self._names[setting] = tuple(known)
        if not found:
            return None
        told = [one for one in found if one != _UNREADABLE]
        if not told:
            return _UNREADABLE
        values = {self._ours(setting, one) for one in told}
        return "/".join(sorted(values))

    def write(self, setting: Setting, value: str) -> bool:
        """Write and read back; False where it cannot be read. Raises Rejected, NotKept."""
        for name in self._names[setting]:
            self._write(name, setting, value)
        for _ in range(_READS):
            now = self.value(setting)
            if now == value:
                return True
            if now == _UNREADABLE:
                return False
        what = NAMES[setting]
        raise NotKept(
            f"the sensor took the {what.english} and has another one afterwards: its firmware "
            "does not let it be changed; use the vendor's tool",
            f"{what.german}: vom Sensor angenommen, und danach steht etwas anderes darin: seine "
            "Firmware lässt es nicht ändern; das Werkzeug des Herstellers benutzen",
        )

    def keep_and_restart(self) -> None:
        """So that what was set holds from now on, also without power."""
        for command in self.dialect.save:
            self._session.command(command, self._session.timing.write)
        self._session.send(self.dialect.reset, self._session.timing.hello)
        self._session.listen(self._session.timing.hello)
        for _ in range(_READS):
            try:
                self._session.command("AT", self._session.timing.query)
            except NoAnswer:
                continue
            else:
                return
        raise NoAnswer(self.dialect.reset)

    def _write(self, name: str, setting: Setting, value: str) -> None:
        said = ""
        for form in self.dialect.forms(setting, value):
            try:
                reply = self._session.command(f"{name}={form}", self._session.timing.write)
            except NoAnswer:
                return  # what is read back tells whether it was done
            if reply.kind is Kind.OK:
                return
            said = reply.final
        raise Rejected(name, without_secrets(said))

    def _ask(self, question: str, shape: Shape) -> str | None:
        """A value, `_UNREADABLE`, or None where the sensor does not know the question."""
        for _ in range(_READS):
            reply = self._session.command(question, self._session.timing.query)
            if reply.kind is Kind.UNKNOWN:
                return None
            if reply.kind is Kind.REFUSED:
                return _UNREADABLE
            if (value := value_in(reply, question, shape)) is not None:
                return value
            if not reply.lines and shape is Shape.KEY:
                return _UNREADABLE
        return _UNREADABLE

    def _first(self, questions: Sequence[str], shape: Shape) -> str | None:
        for question in questions:
            answer = self._ask(question, shape)
            if answer not in (None, _UNREADABLE):
                return without_secrets(str(answer))
        return None

    def _ours(self, setting: Setting, answer: str) -> str:
        if SHAPES[setting] is Shape.NUMBER:
            return self.dialect.of_ours(setting, answer)
        return hex_digits(answer)


def planned(sensor: Sensor, dialect: Dialect, wanted: Wanted) -> list[Change]:
    """What has to change. Raises Unusable for what this kind cannot have."""
    changes = []
    for setting, value in wanted.values().items():
        dialect.require(setting, value)
        before = sensor.values.get(setting)
        if before is None and setting not in sensor.unreadable:
            raise NoSuchSetting(NAMES[setting])
        if before != value:
            secret = SHAPES[setting] is Shape.KEY
            changes.append(Change(setting, None if secret else before, "" if secret else value))
    return changes


def applied(
    talk: Talk,
    sensor: Sensor,
    wanted: Wanted,
    changes: Sequence[Change],
    progress: Callable[[Change], None] = lambda _: None,
) -> Applied:
    """Do it, one after the other, restart the sensor and look whether it kept all of it. A cut
    line is told with what is done and what is not. Raises Rejected, NotKept, LineCut."""
    values = wanted.values()
    unverified = []
    done: list[Change] = []
    try:
        for change in changes:
            if not talk.write(change.setting, values[change.setting]):
                unverified.append(change.setting)
            done.append(change)
            progress(change)
        if not changes:
            return Applied((), (), sensor)
        talk.keep_and_restart()
        after = talk.read()
    except LineCut as cut:
        raise LineCut(cut.port, _where(done, changes)) from None
    lost = [
        one.setting
        for one in changes
        if after.values.get(one.setting, values[one.setting]) != values[one.setting]
    ]
    if lost:
        english = ", ".join(NAMES[one].english for one in lost)
        german = ", ".join(NAMES[one].german for one in lost)
        raise NotKept(
            f"after its restart the sensor has forgotten: {english}. Its firmware does not keep "
            "it: use the vendor's tool, or another firmware",
            f"nach dem Neustart hat der Sensor vergessen: {german}. Seine Firmware behält es "
            "nicht: das Werkzeug des Herstellers oder eine andere Firmware benutzen",
        )
    return Applied(tuple(changes), tuple(unverified), after)


def _where(done: Sequence[Change], changes: Sequence[Change]) -> Sentence:
    open_ones = changes[len(done) :]
    if not open_ones:
        return Sentence(
            "while it restarted, all is written", "beim Neustart, alles ist geschrieben"
        )
    now, *later = [NAMES[one.setting] for one in open_ones]
    before = [NAMES[one.setting] for one in done]

    def listed(names: Sequence[Sentence], none: Sentence) -> Sentence:
        return Sentence.joined(names, ", ") if names else none

    written = listed(before, Sentence("nothing", "nichts"))
    left = listed(later, Sentence("nothing", "nichts"))
    return Sentence(
        f"while the {now.english} was set (it may be set or not; set before: {written.english}; "
        f"not yet: {left.english})",
        f"beim Setzen: {now.german} (gesetzt oder nicht; vorher gesetzt: {written.german}; noch "
        f"nicht: {left.german})",
    )
