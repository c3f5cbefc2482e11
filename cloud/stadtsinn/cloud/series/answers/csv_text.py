"""Series as CSV: for programs as they are, for people as a German table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stadtsinn.base.berlin import clock_name, isoformat, spreadsheet_time
from stadtsinn.base.csv_text import GERMAN, Cell, Locale, rounded, stream_csv
from stadtsinn.cloud.series.answers.schemas import words
from stadtsinn.cloud.series.answers.service import Question
from stadtsinn.cloud.series.stores.store import Sample
from stadtsinn.decoders.decimals import decimals_of
from stadtsinn.decoders.units import unit_sign

_QUALITY_DE = {"good": "gut", "suspect": "zweifelhaft", "bad": "schlecht"}
_HEADING = (
    *("time", "station", "name", "quantity", "channel", "value", "unit", "quality", "dev_eui"),
)
_HEADING_DE = (
    *("Zeit", "Uhr", "Messstelle", "Name", "Messgröße", "Kanal", "Wert", "Einheit", "Qualität"),
    *("Gerät", "Gerätename"),
)


def stream(
    question: Question, samples: Iterable[Sample], locale: Locale, device_names: Mapping[str, str]
) -> Iterator[bytes]:
    """One row per value. `device_names` by DevEUI."""
    if locale is Locale.DE:
        return stream_csv(_HEADING_DE, _german(question, samples, device_names), GERMAN)
    return stream_csv(_HEADING, _plain(question, samples))


def _plain(question: Question, samples: Iterable[Sample]) -> Iterator[Sequence[Cell]]:
    key = question.key
    unit = words(key.quantity).unit
    for one in samples:
        place = (key.station, question.name, key.quantity, key.channel)
        yield isoformat(one.time), *place, one.value, unit, one.quality.value, one.dev_eui


def _german(
    question: Question, samples: Iterable[Sample], device_names: Mapping[str, str]
) -> Iterator[Sequence[Cell]]:
    key, said = question.key, words(question.key.quantity)
    unit, decimals = unit_sign(said.unit), decimals_of(key.quantity)
    place = (key.station, question.name, said.label_de, key.channel)
    for one in samples:
        yield (
            *(spreadsheet_time(one.time), clock_name(one.time), *place),
            *(rounded(one.value, decimals), unit, _QUALITY_DE[one.quality.value]),
            *(_on_the_label(one.dev_eui), device_names.get(one.dev_eui, "")),
        )


def _on_the_label(dev_eui: str) -> str:
    """``70-B3-D5-…``: as printed on devices; without hyphens, digits alone or around an E would
    be taken for a number."""
    pairs = (dev_eui[at : at + 2] for at in range(0, len(dev_eui), 2))
    return "-".join(pairs).upper()
