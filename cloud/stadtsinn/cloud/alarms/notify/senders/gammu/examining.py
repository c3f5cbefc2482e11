"""What is wrong with gammu-smsd's tables, or with the modem behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from stadtsinn.cloud.alarms.notify.senders.gammu import repository
from stadtsinn.cloud.alarms.notify.senders.gammu.repository import Phone
from stadtsinn.cloud.alarms.notify.senders.gammu.sender import GammuSender
from stadtsinn.cloud.alarms.notify.senders.gammu.tables import VERSIONS

_WEAK = 15
"""Per cent of signal: below, messages are lost."""
_SOON = timedelta(minutes=5)
"""The daemon writes into `phones` each minute."""
_QUARTERS = timedelta(minutes=15)


class Trouble(Enum):
    NO_SCHEMA = auto()
    NOT_OUR_SCHEMA = auto()
    NO_TABLES = auto()
    NO_RIGHTS = auto()
    OLD_TABLES = auto()
    NEW_TABLES = auto()
    NO_MODEM = auto()
    SILENT = auto()
    OTHER_ZONE = auto()
    DOES_NOT_SEND = auto()
    DOES_NOT_RECEIVE = auto()
    WEAK = auto()


@dataclass(frozen=True)
class Found:
    trouble: Trouble
    detail: str = ""


@dataclass(frozen=True)
class Examined:
    """`modems`: each with how many seconds ago it was heard, and its signal in per cent."""

    version: int | None
    modems: tuple[tuple[str, int, int], ...]
    found: tuple[Found, ...]


def examine(sender: GammuSender) -> Examined:
    """Raises SQLAlchemyError where the database does not answer."""
    schema, tables = sender.settings.schema_, sender.tables
    with sender.database.read() as connection:
        may = repository.may_enter(connection, schema)
        if may is None:
            return _only(Found(Trouble.NO_SCHEMA, schema))
        if not may:
            return _only(Found(Trouble.NOT_OUR_SCHEMA, schema))
        if missing := repository.missing_tables(connection, schema):
            return _only(Found(Trouble.NO_TABLES, ", ".join(missing)))
        if lacking := repository.missing_rights(connection, schema):
            return _only(
                *(Found(Trouble.NO_RIGHTS, f"{rights}: {name}") for name, rights in lacking.items())
            )
        version = repository.version(connection, tables)
        phones = repository.phones(connection, tables, sender.settings.phone)
        now = repository.now_without_zone(connection)
    found = (*_of_version(version), *_of_phones(phones, sender.settings.phone, now))
    modems = ((one.id, round((now - one.heard).total_seconds()), one.signal) for one in phones)
    return Examined(version, tuple(modems), found)


def _only(*found: Found) -> Examined:
    return Examined(None, (), found)


def _of_version(version: int | None) -> Iterator[Found]:
    if version is None or version < VERSIONS[0]:
        yield Found(Trouble.OLD_TABLES, str(version or 0))
    elif version > VERSIONS[-1]:
        yield Found(Trouble.NEW_TABLES, str(version))


def _of_phones(phones: list[Phone], wanted: str, now: datetime) -> Iterator[Found]:
    if not phones:
        yield Found(Trouble.NO_MODEM, wanted)
        return
    newest = phones[0]
    if not newest.sends:
        yield Found(Trouble.DOES_NOT_SEND, newest.id)
    if not newest.receives:
        yield Found(Trouble.DOES_NOT_RECEIVE, newest.id)
    age = now - newest.heard
    if abs(age) > _SOON:
        minutes = str(round(age.total_seconds() / 60))
        yield Found(Trouble.OTHER_ZONE if _is_a_zone(age) else Trouble.SILENT, minutes)
    elif 0 <= newest.signal < _WEAK:
        yield Found(Trouble.WEAK, str(newest.signal))


def _is_a_zone(age: timedelta) -> bool:
    """By just some hours apart: the daemon's session has another time zone than ours."""
    rest = (age + _QUARTERS / 2) % _QUARTERS - _QUARTERS / 2
    return age < timedelta() or (abs(rest) <= timedelta(minutes=2) and age < timedelta(hours=14))
