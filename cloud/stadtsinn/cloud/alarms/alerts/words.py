"""What messages are put together from, in each language: one table per language, side by side.

`{…}` are filled in by `wording.py`: measured values, limits and times, never a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stadtsinn.base.language import Language
from stadtsinn.rules.state import CloseReason


@dataclass(frozen=True)
class Words:
    """The templates of one language. Sentences begin with a head, then comes the name."""

    alarm: str
    unmeasured: str
    """In the place of `alarm` where no value is known."""
    flapping: str
    since: str
    trend: str
    rising: str
    falling: str
    steady: str
    all_clear_head: str
    all_clear: str
    ended: str
    permit_changed: str
    judged_anew_head: str
    watched_no_more_head: str
    no_all_clear: str
    data_missing_head: str
    data_missing: str
    near_alarm_head: str
    near_alarm: str
    measures: str
    """What the town's alarm plan says to do."""
    persons: str
    people: str
    person: str
    time: str
    """A time of day."""
    dated: str
    """A time of day on another day than today."""
    months: tuple[str, ...]
    separators: str
    """Of thousands and of decimals."""
    reasons: Mapping[CloseReason, str]


_GERMAN = Words(
    alarm=": {measured} ({limit}). Stand {at}.",
    unmeasured=": {label}, {limit}.",
    flapping=" Schwankt: Entwarnung erst nach einer Stunde Ruhe.",
    since=" Seit {began}.",
    trend=" Tendenz {trend}.",
    rising="steigend",
    falling="fallend",
    steady="gleichbleibend",
    all_clear_head="ENTWARNUNG ",
    all_clear=": {measured}. {noun} von {opened} beendet um {closed}.",
    ended=": {was_reached}, von {opened} bis {closed}.",
    permit_changed=" Zugelassen jetzt {now}, vorher {then}.",
    judged_anew_head="{noun} beendet ({reason}): ",
    watched_no_more_head="Nicht mehr überwacht ({reason}): ",
    no_all_clear=", {noun} von {opened}. Das ist keine Entwarnung.",
    data_missing_head="Daten fehlen, {noun} bleibt: ",
    data_missing=". Zuletzt {measured} um {at}.",
    near_alarm_head="Technik: Daten fehlen bei ",
    near_alarm=". Zuletzt {measured} um {at}, {reached}, kein Alarm ausgelöst.",
    measures="Maßnahmen: {measures}",
    persons="Personen",
    people="bis zu {number} Personen",
    person="bis zu {number} Person",
    time="{time} Uhr",
    dated="{day}.{month}. {time} Uhr",
    months=tuple(str(month) for month in range(1, 13)),
    separators=".,",
    reasons={
        CloseReason.RULE_CHANGED: "Regel geändert",
        CloseReason.RULE_DISABLED: "Regel abgeschaltet",
        CloseReason.RULE_DELETED: "Regel gelöscht",
        CloseReason.STATION_LEFT: "Messstelle nicht mehr in der Gruppe",
        CloseReason.STATION_DELETED: "Messstelle gelöscht",
        CloseReason.ZONE_CHANGED: "Zugänge der Zone geändert",
        CloseReason.GROUP_CHANGED: "Messstellen der Gruppe geändert",
        CloseReason.PERMIT_REMOVED: "zugelassene Zahl entfernt",
        CloseReason.ZONE_CLOSED: "Veranstaltung zu Ende",
        CloseReason.NOT_MEASURED: "kein Gerät mehr vor Ort",
        CloseReason.NOT_ACTIVE: "Überwachungszeit zu Ende",
    },
)

_ENGLISH = Words(
    alarm=": {measured} ({limit}). As of {at}.",
    unmeasured=": {label}, {limit}.",
    flapping=" On and off: all-clear only after an hour of calm.",
    since=" Since {began}.",
    trend=" Trend: {trend}.",
    rising="rising",
    falling="falling",
    steady="steady",
    all_clear_head="ALL CLEAR ",
    all_clear=": {measured}. {noun} of {opened} ended at {closed}.",
    ended=": {was_reached}, from {opened} to {closed}.",
    permit_changed=" Permitted now {now}, before {then}.",
    judged_anew_head="{noun} ended ({reason}): ",
    watched_no_more_head="No longer watched ({reason}): ",
    no_all_clear=", {noun} of {opened}. This is not an all-clear.",
    data_missing_head="Data missing, {noun} stays: ",
    data_missing=". Last value: {measured} at {at}.",
    near_alarm_head="Technical: data missing at ",
    near_alarm=". Last value: {measured} at {at}, {reached}, no alarm raised.",
    measures="Measures: {measures}",
    persons="People",
    people="up to {number} people",
    person="up to {number} person",
    time="{time}",
    dated="{day} {month} {time}",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    separators=",.",
    reasons={
        CloseReason.RULE_CHANGED: "rule changed",
        CloseReason.RULE_DISABLED: "rule switched off",
        CloseReason.RULE_DELETED: "rule deleted",
        CloseReason.STATION_LEFT: "station no longer in the group",
        CloseReason.STATION_DELETED: "station deleted",
        CloseReason.ZONE_CHANGED: "entrances of the zone changed",
        CloseReason.GROUP_CHANGED: "stations of the group changed",
        CloseReason.PERMIT_REMOVED: "permitted number removed",
        CloseReason.ZONE_CLOSED: "the event has ended",
        CloseReason.NOT_MEASURED: "no device there any more",
        CloseReason.NOT_ACTIVE: "hours of the rule over",
    },
)

WORDS: Mapping[Language, Words] = {Language.DE: _GERMAN, Language.EN: _ENGLISH}
