"""Series as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from stadtsinn.base.csv_text import GERMAN, Cell, write_csv
from stadtsinn.cloud.series.answers.schemas import SeriesPage

_QUALITY_DE = {"good": "gut", "suspect": "zweifelhaft", "bad": "schlecht"}
_HEADING = (
    *("time", "station", "name", "quantity", "channel", "value", "unit", "quality", "dev_eui"),
)
_HEADING_DE = (
    *("Zeit", "Messstelle", "Name", "Messgröße", "Kanal", "Wert", "Einheit", "Qualität", "Gerät"),
)


class Locale(StrEnum):
    """For whom a CSV is written."""

    EN = "en"
    """Comma, decimal point, English headings."""
    DE = "de"
    """Semicolon, decimal comma, German headings and a byte order mark."""


def to_csv(page: SeriesPage, locale: Locale) -> bytes:
    """One row per value; times as in JSON, since a local time alone is ambiguous in October."""
    if locale is Locale.DE:
        return write_csv(_HEADING_DE, _rows(page, page.label_de, _QUALITY_DE), GERMAN)
    return write_csv(_HEADING, _rows(page, page.quantity, {}))


def _rows(page: SeriesPage, label: str, qualities: Mapping[str, str]) -> Iterator[Sequence[Cell]]:
    for item in page.items:
        quality = qualities.get(item.quality, item.quality)
        place = (page.station, page.name, label, page.channel)
        yield item.time, *place, item.value, page.unit, quality, item.dev_eui
