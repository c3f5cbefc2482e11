"""A join, from its start to the network's answer, and in words why there was none."""

from __future__ import annotations

import re
import time

from stadtsinn.base.sentence import Sentence
from stadtsinn.firmware.sensors.dialect import Dialect
from stadtsinn.firmware.sensors.errors import NotJoined
from stadtsinn.firmware.sensors.lines import Kind
from stadtsinn.firmware.sensors.recognising import Recognised, value_in
from stadtsinn.firmware.sensors.session import Session
from stadtsinn.firmware.sensors.settings import Shape

_JOINED = re.compile(r"(\+EVT:\s*)?JOINED\b(?!.*(FAIL|NOT))", re.IGNORECASE)
_FAILED = re.compile(r"JOIN[ _]*FAILED[ _]*(.*)", re.IGNORECASE)

_NOBODY_ANSWERED = Sentence(
    "nobody answered its join request: is the DevEUI registered at the network server, with this "
    "AppKey and JoinEUI? Is a gateway in reach?",
    "niemand hat auf die Join-Anfrage geantwortet: ist die DevEUI am Netzwerkserver angelegt, mit "
    "diesem AppKey und dieser JoinEUI? Ist ein Gateway in Reichweite?",
)
_NOT_SENT = Sentence(
    "its radio did not get to send: is the antenna connected, the region EU868 (AT+BAND=4), the "
    "battery full?",
    "sein Funk konnte nicht senden: ist die Antenne angeschlossen, die Region EU868 (AT+BAND=4), "
    "die Batterie voll?",
)
_DUTY_CYCLE = Sentence(
    "it has sent as much as it may for now (duty cycle): wait ten minutes and call again",
    "er hat für den Augenblick so viel gesendet, wie er darf (Duty Cycle): zehn Minuten warten "
    "und noch einmal",
)
_PEER = Sentence(
    "it does not speak LoRaWAN now but radio to radio (P2P): switch it over by AT+NWM=1",
    "er spricht gerade nicht LoRaWAN, sondern von Gerät zu Gerät (P2P): ihn mit AT+NWM=1 umstellen",
)
_WRONG_ANSWER = Sentence(
    "the answer to its join request was not for it (MIC): the AppKey here and at the network "
    "server differ",
    "die Antwort auf die Join-Anfrage passte nicht (MIC): der AppKey hier und am Netzwerkserver "
    "ist verschieden",
)


def join(found: Recognised, timeout_s: float) -> float:
    """Start a join and wait for its end; the seconds that it took. Who has joined is not asked
    again: see `has_joined`. Raises NotJoined, and what `Session.command` does."""
    session, began = found.session, time.monotonic()
    session.events.clear()
    _start(session, found.dialect)
    failed = ""
    while True:
        for event in session.events:
            if _JOINED.match(event):
                return time.monotonic() - began
            if failure := _FAILED.search(event):
                failed = failure[1] or "failed"
        session.events.clear()
        if not failed and has_joined(session, found.dialect):
            return time.monotonic() - began
        if failed or time.monotonic() - began > timeout_s:
            raise _why(failed)
        session.listen(session.timing.poll)


def has_joined(session: Session, dialect: Dialect) -> bool:
    """Whether the sensor says that it is in a network. One that is busy or cannot say is not."""
    for question in dialect.joined:
        reply = session.send(question, session.timing.query)
        if reply.kind is Kind.OK and value_in(reply, question, Shape.NUMBER) == "1":
            return True
    return False


def _start(session: Session, dialect: Dialect) -> None:
    reply = None
    for command in dialect.join:
        reply = session.command(command, session.timing.write)
        if reply.kind is Kind.OK:
            return
    raise _why(reply.final if reply is not None else "")


def _why(said: str) -> NotJoined:
    upper = said.upper()
    reason = _NOBODY_ANSWERED
    if "DUTY" in upper:
        reason = _DUTY_CYCLE
    elif "TX_TIMEOUT" in upper or "TX TIMEOUT" in upper:
        reason = _NOT_SENT
    elif "MODE" in upper:
        reason = _PEER
    elif "MIC" in upper or "CRYPTO" in upper:
        reason = _WRONG_ANSWER
    shown = f" ({said})" if said and said != "failed" else ""
    return NotJoined(
        f"the sensor has not joined{shown}: {reason.english}",
        f"der Sensor ist nicht im Netz{shown}: {reason.german}",
    )
