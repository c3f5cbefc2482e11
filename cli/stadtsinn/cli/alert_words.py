"""What happened to an alarm and its messages, in the reader's language."""

from __future__ import annotations

from stadtsinn.cli.language import translated

_GERMAN = {
    # kinds of messages
    "ALARM": "Alarm",
    "ALL_CLEAR": "Entwarnung",
    "ENDED": "Ende ohne Entwarnung",
    "STALE": "Daten fehlen",
    "TECHNICAL": "Störung",
    "REPEAT": "Wiederholung",
    "ESCALATION": "Weitergabe",
    "ACKNOWLEDGED": "bestätigt",
    "ANSWER": "Antwort",
    "TEST": "Test",
    "WATERING_LIST": "Gießliste",
    # what became of a message
    "READY": "wartet",
    "SENDING": "geht hinaus",
    "ACCEPTED": "angenommen",
    "DELIVERED": "zugestellt",
    "FAILED": "gescheitert",
    "UNKNOWN": "ungewiss",
    "EXPIRED": "verfallen",
    "SUPPRESSED": "stumm",
    # by what somebody acknowledged
    "api": "über die API",
    "command": "durch einen Befehl",
    "sms": "per SMS",
    # why an alarm ended
    "recovered": "wieder in Ordnung",
    "rule_changed": "Regel geändert",
    "rule_disabled": "Regel abgeschaltet",
    "rule_deleted": "Regel gelöscht",
    "station_left": "Messstelle gehört nicht mehr zur Gruppe",
    "station_deleted": "Messstelle gelöscht",
    "zone_changed": "Zone geändert",
    "group_changed": "Gruppe geändert",
    "permit_removed": "Zulassung aufgehoben",
    "zone_closed": "Veranstaltung vorbei",
    "not_measured": "kein Gerät misst mehr",
    "not_active": "Zeit der Regel vorbei",
    # why the outbox gave a message up; what providers say stays as they say it
    "the sender stopped": "der Versand brach ab",
    "over before quiet hours ended": "vor Ende der Ruhezeit vorbei",
    "a newer alarm took its place": "von einem neueren Alarm abgelöst",
    "a newer alarm has left": "ein neuerer Alarm ist schon hinaus",
    "no use any more": "nicht mehr nötig",
    "recipient deleted": "Empfänger gelöscht",
    "acknowledged": "schon bestätigt",
    "over": "schon vorbei",
    "reported delivered": "als zugestellt gemeldet",
    "reported accepted": "als angenommen gemeldet",
    "reported failed": "als gescheitert gemeldet",
}


def in_words(stored: str) -> str:
    """A kind, status or reason as it is stored. What is not known stays as it is."""
    return translated(stored, _GERMAN)
