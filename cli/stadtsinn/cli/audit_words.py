"""What the audit says, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from stadtsinn.cli.language import text, translated
from stadtsinn.cloud.platform.audit.line import Action, By, KeptLine, Kind

_ACTIONS = {
    Action.CREATED: "angelegt",
    Action.CHANGED: "geändert",
    Action.DELETED: "gelöscht",
    Action.GIVEN: "abgegeben",
    Action.RECEIVED: "übernommen",
    Action.DONE: "getan",
}
_KINDS: Mapping[str, str] = {
    Kind.TENANT: "Stadt",
    Kind.LIMIT: "Grenze",
    Kind.RETENTION: "Aufbewahrung",
    Kind.KEY: "Schlüssel",
    Kind.SITE: "Ort",
    Kind.DEVICE: "Gerät",
    Kind.EDGE: "Agent",
    Kind.STATION: "Messstelle",
    Kind.DEPLOYMENT: "Einbau",
    Kind.SERIES: "Messreihe",
    Kind.ZONE: "Zone",
    Kind.GATE: "Zugang",
    Kind.RECIPIENT: "Empfänger",
    Kind.RULE: "Regel",
    Kind.RULE_RECIPIENT: "Empfänger der Regel",
    Kind.DUTY_GROUP: "Bereitschaft",
    Kind.DUTY_MEMBER: "Mitglied einer Bereitschaft",
    Kind.SHIFT: "Schicht",
    Kind.SUBSTITUTION: "Vertretung",
    Kind.PAUSE: "Ruhe in einer Schicht",
    Kind.MUTE: "Stummschaltung",
    Kind.ACKNOWLEDGEMENT: "Bestätigung",
    Kind.TREE_REGISTER: "Baumkataster",
    Kind.TREE_GROUP: "Baumgruppe",
    Kind.TREE_SETTINGS: "Einstellungen zum Gießen",
    Kind.WATERING: "Wässerung",
    Kind.COUNTED_NUMBER: "gezählte Zahl",
    Kind.PERMIT: "zugelassene Zahl",
    Kind.CLAIM: "Anspruch",
    Kind.WITHDRAWAL: "Rücknahme eines Anspruchs",
    Kind.CONSENT: "Zustimmung zu einem Anspruch",
    Kind.OBJECTION: "Widerspruch gegen einen Anspruch",
    Kind.REPLAY: "Quarantäne erneut versucht",
    Kind.PERSON: "Person",
    Kind.OLD_DATA: "alte Daten",
}


def action(done: Action) -> str:
    return text(done.value, _ACTIONS[done])


def kind(stored: str) -> str:
    """A kind that another version wrote stays as it is."""
    return translated(stored, _KINDS)


def who(kept: KeptLine) -> str:
    """A key by its name; a claim that was settled is nobody's command."""
    if kept.by is By.KEY:
        name = f"'{kept.key_name}' ({kept.key_id})" if kept.key_name else f"{kept.key_id}"
        return text(f"key {name}", f"Schlüssel {name}")
    if kept.by is By.CLAIM:
        return text("claim", "Anspruch")
    return text("operator", "Betreiber")
