"""Who is at the other end: the speed of the line, and which kind of sensor answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from stadtsinn.firmware.sensors.dialect import Dialect, dialects
from stadtsinn.firmware.sensors.errors import NobodyAnswers, UnknownKind
from stadtsinn.firmware.sensors.lines import Kind, without_secrets
from stadtsinn.firmware.sensors.port import SerialLine
from stadtsinn.firmware.sensors.session import USUAL, Password, Reply, Session, Timing
from stadtsinn.firmware.sensors.settings import Shape, has_shape

FURTHER_BAUDS = (57600, 38400, 19200)
"""Some vendors change the speed of their kind."""
_HELLOS = 3


@dataclass(frozen=True)
class Recognised:
    """A sensor that answers."""

    session: Session
    dialect: Dialect
    baud: int


@contextmanager
def recognised(
    port: str,
    password: Password,
    *,
    kinds: Sequence[Dialect] | None = None,
    baud: int | None = None,
    timing: Timing = USUAL,
) -> Iterator[Recognised]:
    """Open the port at the speed at which somebody answers, and find out who. Raises LineAway,
    LineCut, NobodyAnswers, UnknownKind, WrongPassword."""
    among = tuple(kinds or dialects())
    locks = [one.lock for one in among if one.lock is not None]
    heard = echo = False
    for speed in [baud] if baud is not None else _bauds(among):
        with SerialLine(port, speed) as line:
            session = Session(line, password, locks, timing)
            if _says_hello(session):
                yield Recognised(session, _kind(session, among), speed)
                return
            heard, echo = heard or session.heard_bytes, echo or session.heard_echo
    raise _nobody(port, heard=heard, echo=echo)


def value_in(reply: Reply, command: str, shape: Shape) -> str | None:
    """The one value among the lines of an answer, without the name that some sensors put before
    it; None where there is none, or two."""
    register = command.removesuffix("=?").partition("+")[2].upper()
    found = []
    for line in reply.lines:
        name, sign, value = _named(line)
        if sign and name not in (register, "JOIN" + register, ""):
            value = line
        if has_shape(value, shape):
            found.append(value)
    if shape is Shape.TEXT:
        return ", ".join(found) or None
    return found[0] if len(set(found)) == 1 else None


def _named(line: str) -> tuple[str, str, str]:
    """``AT+DEVEUI=AC1F…`` and ``+DEVEUI: AC1F…`` in name, sign and value."""
    if line[:1] != "+" and line[:3].upper() not in ("AT+", "ATC"):
        return "", "", line
    at = min((place for sign in "=:" if (place := line.find(sign)) > 0), default=-1)
    if at < 0:
        return "", "", line
    return line[:at].partition("+")[2].strip().upper(), line[at], line[at + 1 :].strip()


def _bauds(among: Sequence[Dialect]) -> list[int]:
    usual = [one.bauds[0] for one in among]
    other = [baud for one in among for baud in one.bauds]
    return list(dict.fromkeys([*usual, *other, *FURTHER_BAUDS]))


def _says_hello(session: Session) -> bool:
    """Whether there is an answer at this speed: a refusal is one, and so is the question for a
    password, which is answered at once: a locked sensor takes all else for an attempt."""
    for _ in range(_HELLOS):
        reply = session.send("AT", session.timing.hello)
        if reply.kind is Kind.LOCKED:
            session.unlock(reply.final)
        if reply.kind is not None:
            return True
    return False


def _kind(session: Session, among: Sequence[Dialect]) -> Dialect:
    """The first kind whose questions are all answered as that kind does."""
    answers: dict[str, Reply] = {}
    for dialect in among:
        if all(
            _answers(session, question, shape, answers) for question, shape in dialect.recognised_by
        ):
            return dialect
    said = ", ".join(f"'{without_secrets(one)[:60]}'" for one in session.others)
    raise UnknownKind(
        "a device answers, but as none of the kinds that are known"
        + (f" (it said {said})" if said else "")
        + ": provision it with its vendor's tool, or name its kind with --kind",
        "ein Gerät antwortet, aber wie keine der bekannten Arten"
        + (f" (es sagte {said})" if said else "")
        + ": es mit dem Werkzeug des Herstellers einrichten oder seine Art mit --kind nennen",
    )


def _answers(session: Session, question: str, shape: Shape, answers: dict[str, Reply]) -> bool:
    if question not in answers:
        answers[question] = session.command(question, session.timing.query)
    reply = answers[question]
    return reply.kind is Kind.OK and value_in(reply, question, shape) is not None


def _nobody(port: str, *, heard: bool, echo: bool) -> NobodyAnswers:
    if echo:
        return NobodyAnswers(
            f"at {port} only our own words come back: RX and TX of the adapter are connected to "
            "each other, or the sensor's TX is not connected",
            f"an {port} kommt nur zurück, was gesendet wurde: RX und TX des Adapters sind "
            "miteinander verbunden, oder TX des Sensors ist nicht angeschlossen",
        )
    if heard:
        return NobodyAnswers(
            f"something comes from {port}, and nothing of it is an answer: wrong speed (--baud), "
            "a loose ground wire, or a device that is no LoRaWAN sensor",
            f"von {port} kommt etwas, aber keine Antwort: falsche Geschwindigkeit (--baud), lose "
            "Masse, oder das Gerät ist kein LoRaWAN-Sensor",
        )
    return NobodyAnswers(
        f"nothing answers at {port}: is the sensor switched on and its jumper on FLASH, not ISP? "
        "Are RX and TX crossed, ground connected, the adapter at 3.3 V?",
        f"an {port} antwortet niemand: ist der Sensor eingeschaltet und sein Jumper auf FLASH, "
        "nicht ISP? RX und TX gekreuzt, Masse verbunden, der Adapter auf 3,3 V?",
    )
