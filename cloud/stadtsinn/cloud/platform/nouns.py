"""What the things of a town are called in German sentences."""

from __future__ import annotations

from typing import NamedTuple


class Noun(NamedTuple):
    """`no`: the negation before it, as in "es gibt keinen Ort"."""

    german: str
    no: str


NOUNS = {
    "tenant": Noun("Stadt", "keine"),
    "site": Noun("Ort", "keinen"),
    "station": Noun("Messstelle", "keine"),
    "device": Noun("Gerät", "kein"),
    "deployment": Noun("Einbau", "keinen"),
    "edge": Noun("Agent", "keinen"),
    "edge agent": Noun("Agent", "keinen"),
    "zone": Noun("Zone", "keine"),
    "gate": Noun("Zugang", "keinen"),
    "recipient": Noun("Empfänger", "keinen"),
    "duty group": Noun("Bereitschaft", "keine"),
    "member": Noun("Mitglied", "kein"),
    "member of this group": Noun("Mitglied dieser Bereitschaft", "kein"),
    "substitution": Noun("Vertretung", "keine"),
    "tree": Noun("Baum", "keinen"),
    "group of trees": Noun("Baumgruppe", "keine"),
    "watering": Noun("Wässerung", "keine"),
    "rule": Noun("Regel", "keine"),
    "incident": Noun("Alarm", "keinen"),
    "mute": Noun("Stummschaltung", "keine"),
    "tag": Noun("Schlagwort", "kein"),
    "office": Noun("Amt", "kein"),
    "claim": Noun("Anspruch", "keinen"),
    "key": Noun("Schlüssel", "keinen"),
}

_LONGEST_FIRST = sorted(NOUNS, key=len, reverse=True)


def in_german(what: str) -> str:
    """``zone market, gate north`` as "Zone market, Zugang north"; unknown kinds stay."""
    return ", ".join(map(_in_german, what.split(", ")))


def _in_german(thing: str) -> str:
    kind = next((kind for kind in _LONGEST_FIRST if f"{thing} ".startswith(f"{kind} ")), None)
    return thing if kind is None else NOUNS[kind].german + thing.removeprefix(kind)
