"""What the mail with the watering list says: the totals, and each tour in a line."""

from __future__ import annotations

from collections.abc import Iterator

from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.sentence import Said, Sentence
from stadtsinn.cloud.domains.trees.list_summary import summary
from stadtsinn.cloud.domains.trees.watering_list import WateringList

_TOURS = 12
"""In the mail; all of them are on the list."""
_HEADS = {Language.DE: "Gießliste für ", Language.EN: "Watering list for "}
_MORE = {
    Language.DE: " Weitere Touren: {count}, siehe Liste.",
    Language.EN: " Further tours: {count}, see the list.",
}
_ENCLOSED = {
    Language.DE: " In der Anlage: die Liste zum Ausdrucken (A4) und als Tabelle (CSV).",
    Language.EN: " Enclosed: the list to print (A4) and as a table (CSV).",
}


def said(made: WateringList) -> Said:
    """In each language that a recipient may have."""
    return {language: _sentence(made, language) for language in Language}


def _sentence(made: WateringList, language: Language) -> Sentence:
    found = summary(made, language)
    extras = tuple(_extras(found.tours, found.notes, language))
    enclosed = (_ENCLOSED[language],) if made.trees else ()
    return Sentence(
        _HEADS[language], found.day, f": {found.total}.", (*extras, *enclosed), language
    )


def _extras(tours: tuple[str, ...], notes: tuple[str, ...], language: Language) -> Iterator[str]:
    for tour in tours[:_TOURS]:
        yield f" {tour}."
    if len(tours) > _TOURS:
        yield _MORE[language].format(count=len(tours) - _TOURS)
    for note in notes:
        yield f" {note}"
