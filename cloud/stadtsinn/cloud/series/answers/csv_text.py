"""Series as CSV: for programs (RFC 4180), or for a German spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from enum import StrEnum

from stadtsinn.cloud.series.answers.schemas import SeriesPage

MEDIA_TYPE = "text/csv; charset=utf-8"

_QUALITY_DE = {"good": "gut", "suspect": "zweifelhaft", "bad": "schlecht"}


class Locale(StrEnum):
    """For whom a CSV is written."""

    EN = "en"
    """Comma, decimal point, English headings."""
    DE = "de"
    """Semicolon, decimal comma, German headings and a byte order mark: opens in Excel as it is."""


def to_csv(page: SeriesPage, locale: Locale) -> bytes:
    """One row per value; times as in JSON, since a local time alone is ambiguous in October."""
    german = locale is Locale.DE
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if german else ",", lineterminator="\r\n")
    writer.writerow(_heading(german))
    for item in page.items:
        value, quality = repr(item.value), str(item.quality)
        label = page.quantity
        if german:
            value, quality = value.replace(".", ","), _QUALITY_DE[quality]
            label = page.label_de
        writer.writerow(
            [item.time, page.dev_eui, label, _plain(page.channel), value, page.unit, quality]
        )
    return text.getvalue().encode("utf-8-sig" if german else "utf-8")


def _heading(german: bool) -> Sequence[str]:
    if german:
        return ("Zeit", "Gerät", "Messgröße", "Kanal", "Wert", "Einheit", "Qualität")
    return ("time", "dev_eui", "quantity", "channel", "value", "unit", "quality")


def _plain(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
