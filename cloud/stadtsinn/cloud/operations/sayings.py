"""What operators are told, in their language, short enough for a text message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from stadtsinn.base.berlin import date_and_time
from stadtsinn.base.counted import counted
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
    (Kind.NOBODY_ON_DUTY, Language.DE): ("Niemand hat Dienst", "Wieder jemand im Dienst"),
    (Kind.NOBODY_ON_DUTY, Language.EN): ("Nobody is on duty", "Somebody is on duty again"),
    (Kind.DUTY_GAP, Language.DE): ("Bald hat niemand Dienst", "Dienstplan ohne nahe Lücke"),
    (Kind.DUTY_GAP, Language.EN): ("Soon nobody is on duty", "Roster without gap nearby"),
    (Kind.TEST_FAILED, Language.DE): ("Test-SMS kam nicht an", "Test-SMS kam bei allen an"),
    (Kind.TEST_FAILED, Language.EN): ("Test message did not arrive", "Test message reached all"),
    (Kind.MODEM_SILENT, Language.DE): ("SMS-Modem stumm", "SMS-Modem wieder da"),
    (Kind.MODEM_SILENT, Language.EN): ("SMS modem silent", "SMS modem is back"),
}


@dataclass(frozen=True)
class _Words:
    whose: str
    still: str
    more: str
    since: str
    on: str
    begins: str
    free: str
    full: str
    days: tuple[str, str]


_WORDS = {
    Language.DE: _Words(
        "Betrieb: ",
        " (weiterhin)",
        " und {} weitere",
        ", seit {}",
        ", am {}",
        ", ab {}",
        ", {} frei",
        ", voll in {}",
        ("Tag", "Tagen"),
    ),
    Language.EN: _Words(
        "Operations: ",
        " (still)",
        " and {} more",
        ", since {}",
        ", on {}",
        ", from {} on",
        ", {} free",
        ", full in {}",
        ("day", "days"),
    ),
}


def said(kind: Kind, turn: Turn, about: Sequence[Condition]) -> Said:
    """One message about all that turned in the same way at the same time."""
    return {language: _sentence(kind, turn, about, language) for language in Language}


def _sentence(kind: Kind, turn: Turn, about: Sequence[Condition], language: Language) -> Sentence:
    words = _WORDS[language]
    begins, ends = _HEADS[kind, language]
    head = f"{words.whose}{ends if turn is Turn.ENDS else begins}"
    if turn is Turn.GOES_ON:
        head += words.still
    names = ", ".join(one.name for one in about[:_NAMED] if one.name)
    if len(about) > _NAMED:
        names += words.more.format(len(about) - _NAMED)
    tail = _tail(about[0], words) if turn is not Turn.ENDS and len(about) == 1 else ""
    return Sentence(f"{head}: " if names else head, names, tail, (), language)


def _tail(one: Condition, words: _Words) -> str:
    """What there is to say of a single thing."""
    if one.kind is Kind.BATTERY_LOW:
        return f", {one.detail}" if one.detail else ""
    if one.kind is Kind.TEST_FAILED:
        return f" ({one.detail})"
    if one.kind is Kind.DISK:
        full = "" if one.days is None else words.full.format(counted(one.days, *words.days))
        return words.free.format(one.detail) + full
    moment = date_and_time(one.since)
    if one.kind is Kind.DUTY_GAP:
        return words.begins.format(moment)
    return (words.on if one.kind is Kind.CERTIFICATE else words.since).format(moment)
