"""The words of pictures, and of why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stadtsinn.base.language import Language


@dataclass(frozen=True)
class Words:
    newest: str
    said: str
    constant: str
    limit: str
    level: str
    over: str
    persons: str
    missing: str
    no_rule: str
    changed: str
    nothing: str
    unavailable: str
    too_many: str


_GERMAN = Words(
    newest="Zuletzt {at}: {measured}",
    said="Verlauf seit {start}: zwischen {least} ({least_at}) und {most} ({most_at}), "
    "zuletzt {newest} ({newest_at}).",
    constant="Verlauf seit {start}: durchgehend {newest}, zuletzt gemessen {newest_at}.",
    limit="Grenze",
    level="Stufe {level}:",
    over="Entwarnung",
    persons="Personen",
    missing="keine Daten",
    no_rule="Kein Verlauf: Die Regel überwacht diese Stelle nicht mehr.",
    changed="Kein Verlauf: Die Regel wurde seitdem geändert.",
    nothing="Kein Verlauf: In den letzten 24 Stunden kamen keine Messwerte.",
    unavailable="Kein Verlauf: Die gespeicherten Messwerte sind gerade nicht erreichbar.",
    too_many="Kein Verlauf: Die Regel betrachtet zu viele Messstellen für ein Bild.",
)
_ENGLISH = Words(
    newest="Newest {at}: {measured}",
    said="Since {start}: between {least} ({least_at}) and {most} ({most_at}), "
    "newest {newest} ({newest_at}).",
    constant="Since {start}: {newest} all the time, last measured {newest_at}.",
    limit="limit",
    level="level {level}:",
    over="all-clear",
    persons="people",
    missing="no data",
    no_rule="No chart: the rule watches this place no more.",
    changed="No chart: the rule was changed since.",
    nothing="No chart: no values came in the last 24 hours.",
    unavailable="No chart: the stored values cannot be reached just now.",
    too_many="No chart: the rule looks at too many stations for a picture.",
)

WORDS: Mapping[Language, Words] = {Language.DE: _GERMAN, Language.EN: _ENGLISH}
