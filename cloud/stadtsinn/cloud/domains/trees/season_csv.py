"""A season as CSV: for programs, or for people as a German table."""

from __future__ import annotations

from collections.abc import Iterator

from stadtsinn.base.csv_text import GERMAN, RFC_4180, Cell, Locale, rounded, write_csv
from stadtsinn.cloud.domains.trees.season import Season

_HEADS = (
    *("group", "trees", "watered_trees", "waterings", "litres", "judged_days", "dry_days"),
    *("urgent_days", "unknown_days"),
)
_HEADS_DE = (
    *("Gruppe", "Bäume", "gegossene Bäume", "Wässerungen", "Liter", "beurteilte Tage"),
    *("Tage unter der Schwelle", "davon dringend", "Tage ohne Aussage"),
)


def season_csv(made: Season, locale: Locale) -> bytes:
    """One row a group; the last one is of trees without a group."""
    if locale is Locale.DE:
        return write_csv(_HEADS_DE, _rows(made, "(ohne Gruppe)"), GERMAN)
    return write_csv(_HEADS, _rows(made, ""), RFC_4180)


def _rows(made: Season, without: str) -> Iterator[list[Cell]]:
    for one in made.groups:
        yield [
            one.group or without,
            *(one.trees, one.watered_trees, one.waterings, rounded(one.litres, 1)),
            *(one.judged_days, one.dry_days, one.urgent_days, one.unknown_days),
        ]
