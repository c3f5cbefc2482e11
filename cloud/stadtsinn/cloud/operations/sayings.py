"""What operators are told, in their language, short enough for a text message."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from stadtsinn.base.berlin import date_and_time
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.sentence import Said, Sentence
from stadtsinn.cloud.operations.conditions import Condition, Kind

_NAMED = 3
"""So many are named in a message; 'stadtsinn device status' shows all."""


class Turn(StrEnum):
    """Which message of a condition it is."""

    BEGINS = "begins"
    GOES_ON = "goes_on"
    ENDS = "ends"


_HEADS = {
    (Kind.NOTHING, Language.DE): ("Es kommt nichts mehr an", "Es kommt wieder etwas an"),
    (Kind.NOTHING, Language.EN): ("Nothing comes in", "Something comes in again"),
    (Kind.EDGE_AWAY, Language.DE): ("Agent fort", "Agent wieder da"),
    (Kind.EDGE_AWAY, Language.EN): ("Edge away", "Edge is back"),
    (Kind.DEVICE_SILENT, Language.DE): ("Gerät stumm", "Gerät meldet sich wieder"),
    (Kind.DEVICE_SILENT, Language.EN): ("Device silent", "Device is heard again"),
    (Kind.BATTERY_LOW, Language.DE): ("Batterie schwach", "Batterie wieder gut"),
    (Kind.BATTERY_LOW, Language.EN): ("Battery low", "Battery is good again"),
    (Kind.CERTIFICATE, Language.DE): ("Zertifikat läuft ab", "Zertifikat erneuert"),
    (Kind.CERTIFICATE, Language.EN): ("Certificate ends", "Certificate renewed"),
    (Kind.DISK, Language.DE): ("Datenträger wird voll", "Datenträger hat wieder Platz"),
    (Kind.DISK, Language.EN): ("Disk fills", "Disk has room again"),
}
_WORDS = {
    Language.DE: ("Betrieb: ", " (weiterhin)", " und {} weitere", "seit {}", "am {}"),
    Language.EN: ("Operations: ", " (still)", " and {} more", "since {}", "on {}"),
}


def said(kind: Kind, turn: Turn, about: Sequence[Condition]) -> Said:
    """One message about all that turned in the same way at the same time."""
    return {language: _sentence(kind, turn, about, language) for language in Language}


def _sentence(kind: Kind, turn: Turn, about: Sequence[Condition], language: Language) -> Sentence:
    whose, still, more, since, on = _WORDS[language]
    begins, ends = _HEADS[kind, language]
    head = f"{whose}{ends if turn is Turn.ENDS else begins}"
    if turn is Turn.GOES_ON:
        head += still
    names = ", ".join(one.name for one in about[:_NAMED] if one.name)
    if len(about) > _NAMED:
        names += more.format(len(about) - _NAMED)
    tail = ""
    if turn is not Turn.ENDS and len(about) == 1:
        (one,) = about
        when = (on if kind is Kind.CERTIFICATE else since).format(date_and_time(one.since))
        tail = f", {one.detail}" if kind in (Kind.BATTERY_LOW, Kind.DISK) else f", {when}"
    return Sentence(
        f"{head}: " if names else head, names, tail if tail != ", " else "", (), language
    )
