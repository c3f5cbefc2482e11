"""What answers and reminders are put together from, in each language.

`{…}` are filled in by `wording.py`. A sentence begins with a head, then comes the name of what it
is about, then the tail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stadtsinn.base.language import Language


@dataclass(frozen=True)
class Words:
    """The templates of one language."""

    repeat_head: str
    """Before the head of the alarm."""
    unacknowledged: str
    escalated: str
    was_muted: str
    taken_head: str
    confirmed_head: str
    already_head: str
    about: str
    higher_since: str
    nothing_open: str
    stopped_head: str
    stopped: str
    no_shift: str
    help: str
    test_head: str
    test: str
    somebody: str
    """Whose name was emptied, or who has none."""


_GERMAN = Words(
    repeat_head="WIEDERHOLUNG, {head}",
    unacknowledged=" Noch nicht bestätigt.",
    escalated=" Bisher hat niemand bestätigt.",
    was_muted=" War bis jetzt stummgeschaltet.",
    taken_head="Übernommen um {at} von {by}: ",
    confirmed_head="Danke, bestätigt um {at}: ",
    already_head="Schon bestätigt um {at} von {by}: ",
    about=", {noun} von {opened}.",
    higher_since=" Inzwischen gilt eine höhere Stufe: auch sie mit OK bestätigen.",
    nothing_open="Zu bestätigen ist gerade nichts: kein Alarm an diese Nummer ist offen.",
    stopped_head="Keine Meldungen bis {end}: ",
    stopped=". Alarme gehen so lange an andere.",
    no_shift="STOP gilt nur während einer Schicht, und gerade ist keine. Es bleibt alles, wie es "
    "ist.",
    help="Hier liest niemand mit. OK bestätigt den letzten Alarm, STOP beendet die Meldungen bis "
    "zum Ende der Schicht.",
    test_head="TEST, kein Alarm: ",
    test=". So kommen Meldungen an. Es ist nichts zu tun.",
    somebody="jemandem",
)

_ENGLISH = Words(
    repeat_head="REMINDER, {head}",
    unacknowledged=" Not acknowledged yet.",
    escalated=" Nobody has acknowledged it yet.",
    was_muted=" Was muted until now.",
    taken_head="Taken at {at} by {by}: ",
    confirmed_head="Thank you, acknowledged at {at}: ",
    already_head="Already acknowledged at {at} by {by}: ",
    about=", {noun} of {opened}.",
    higher_since=" It is at a higher level by now: acknowledge that with OK as well.",
    nothing_open="There is nothing to acknowledge: no alarm to this number is open.",
    stopped_head="No messages until {end}: ",
    stopped=". Alarms go to others until then.",
    no_shift="STOP counts only during a shift, and there is none just now. Nothing changes.",
    help="Nobody reads here. OK acknowledges the last alarm, STOP ends messages until the end of "
    "the shift.",
    test_head="TEST, no alarm: ",
    test=". This is how messages arrive. There is nothing to do.",
    somebody="somebody",
)

WORDS: Mapping[Language, Words] = {Language.DE: _GERMAN, Language.EN: _ENGLISH}
