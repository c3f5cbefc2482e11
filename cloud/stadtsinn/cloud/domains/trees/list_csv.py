"""The watering list as CSV: for programs, or for people as a German table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stadtsinn.base.berlin import isoformat, spreadsheet_time
from stadtsinn.base.csv_text import GERMAN, RFC_4180, Cell, Locale, rounded, write_csv
from stadtsinn.base.language import Language
from stadtsinn.cloud.domains.trees.watering_list import ListedTree, WateringList
from stadtsinn.cloud.domains.trees.words import LEVELS, health, reason, said

_HEADS = (
    *("tour", "stop", "tree", "street", "latitude", "longitude", "species", "standing_year"),
    *("group", "station", "level", "reason", "litres", "bag_litres"),
    *("last_watered_at", "last_litres", "last_crew", "rain_7d_mm", "forecast_48h_mm", "sensor"),
)
_HEADS_DE = (
    *("Tour", "Halt", "Baumnummer", "Standort", "Breite", "Länge", "Baumart", "Standjahr"),
    *("Gruppe", "Messstelle", "Stufe", "Grund", "Liter", "Gießsack (l)"),
    *("zuletzt gegossen", "zuletzt Liter", "zuletzt von", "Regen 7 Tage (mm)"),
    *("Vorhersage 48 h (mm)", "Sensor"),
    *("gegossen (l)", "Uhrzeit", "Kürzel", "nicht gegossen, weil"),
)
_TO_FILL_IN: Sequence[Cell] = (None, None, None, None)


def list_csv(made: WateringList, locale: Locale) -> bytes:
    """One row a tree, in the order of the tours; the German table has columns to fill in."""
    if locale is Locale.DE:
        rows = ([*row, *_TO_FILL_IN] for row in _rows(made, Language.DE))
        return write_csv(_HEADS_DE, rows, GERMAN)
    return write_csv(_HEADS, _rows(made, Language.EN), RFC_4180)


def _rows(made: WateringList, language: Language) -> Iterator[list[Cell]]:
    groups = {one.group.slug: one for one in made.groups}
    for number, tour in enumerate(made.tours, 1):
        for stop, one in enumerate(tour.trees, 1):
            listed = groups[one.group]
            verdict = None if listed.day is None else listed.day.verdict
            yield [
                number,
                stop,
                one.tree.number,
                one.tree.street,
                one.tree.latitude,
                one.tree.longitude,
                _species(one, language),
                one.standing_year,
                listed.group.name if language is Language.DE else listed.group.slug,
                listed.group.station,
                said(LEVELS[one.level], language) if language is Language.DE else one.level.value,
                "" if verdict is None else reason(verdict, language),
                rounded(one.litres, 1),
                one.tree.bag_litres,
                *_last(one, language),
                _mm(made.rain_mm),
                _mm(made.forecast_mm),
                "" if verdict is None else health(verdict, language),
            ]


def _last(one: ListedTree, language: Language) -> list[Cell]:
    if one.last is None:
        return [None, None, None]
    write = spreadsheet_time if language is Language.DE else isoformat
    return [write(one.last.watered_at), rounded(one.last.litres, 1), one.last.crew]


def _species(one: ListedTree, language: Language) -> str:
    if language is Language.DE and one.tree.species_de:
        return one.tree.species_de
    return one.tree.species or one.tree.species_de


def _mm(value: float | None) -> Cell:
    return None if value is None else rounded(value, 1)
