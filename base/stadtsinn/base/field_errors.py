"""What a model objects to in one of its fields, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stadtsinn.base.sentence import Explained, Sentence

_NUMBER, _WHOLE = "muss eine Zahl sein", "muss eine ganze Zahl sein"
_YES_NO = "muss true oder false sein"
_LIST, _TABLE = "muss eine Liste sein", "muss eine Tabelle mit Einträgen sein"
_ADDRESS = "muss eine Adresse wie https://www.example.de sein"
_DATE, _TIME = "muss ein Datum sein", "muss Datum und Uhrzeit sein"

_GERMAN = {
    "missing": "fehlt: angeben",
    "extra_forbidden": "unbekannter Eintrag: entfernen oder anders schreiben",
    "string_type": "muss ein Text sein, in Anführungszeichen",
    "string_unicode": "enthält etwas, das kein Zeichen ist",
    "string_too_short": "muss mindestens {min_length} Zeichen haben",
    "string_too_long": "darf höchstens {max_length} Zeichen haben",
    "string_pattern_mismatch": "muss dem Muster '{pattern}' entsprechen",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "ist zu groß",
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "muss eine endliche Zahl sein",
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "multiple_of": "muss ein Vielfaches von {multiple_of} sein",
    "greater_than": "muss größer als {gt} sein",
    "greater_than_equal": "muss mindestens {ge} sein",
    "less_than": "muss kleiner als {lt} sein",
    "less_than_equal": "darf höchstens {le} sein",
    "too_short": "hat zu wenige Einträge: {actual_length} statt mindestens {min_length}",
    "too_long": "hat zu viele Einträge, erlaubt sind: {max_length}",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "iterable_type": _LIST,
    "dict_type": _TABLE,
    "mapping_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "path_type": "muss ein Pfad sein",
    "none_required": "darf keinen Wert haben",
    "url_type": _ADDRESS,
    "url_parsing": _ADDRESS,
    "url_scheme": _ADDRESS,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "timezone_aware": "braucht eine Zeitzone, z. B. +01:00",
    "union_tag_not_found": "der Eintrag {discriminator} fehlt, der die Art nennt",
}
"""By pydantic's kind; in braces what pydantic tells with it."""
_ONE_OF = {
    "literal_error": "expected",
    "enum": "expected",
    "union_tag_invalid": "expected_tags",
}
"""Kinds that list what is allowed."""
SHORT_NAME = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
TIME_OF_DAY = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"
TIME_OR_MIDNIGHT = r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_CLOCK = Sentence(
    "has to be a time of day as 07:30: two digits each, 24 hours",
    "muss eine Uhrzeit wie 07:30 sein: je zwei Ziffern, 24 Stunden",
)
_PATTERNS = {
    TIME_OF_DAY: _CLOCK,
    TIME_OR_MIDNIGHT: _CLOCK,
    SHORT_NAME: Sentence(
        "has to be a short name: a-z, 0-9 and hyphen, no hyphen first or last, 63 at most",
        "muss ein Kurzname sein: a-z, 0-9 und Bindestrich, kein Bindestrich am Anfang oder Ende, "
        "höchstens 63 Zeichen",
    ),
}
"""Patterns that have words for people."""


def field_sentence(item: Mapping[str, Any]) -> Sentence:
    """The sentence of one of the errors of a ValidationError; a value is not quoted in German.

    What a validator of ours said is both languages' own; pydantic's kinds are translated here, and
    a kind that nobody has met says that the value does not fit.
    """
    kind, told = str(item["type"]), item.get("ctx", {})
    raised = told.get("error")
    if isinstance(raised, Explained):
        return raised.sentence
    if kind == "string_pattern_mismatch" and told["pattern"] in _PATTERNS:
        return _PATTERNS[told["pattern"]]
    english = str(item["msg"]).removeprefix("Value error, ")
    if kind in _ONE_OF:
        allowed = str(told[_ONE_OF[kind]]).replace(" or ", " oder ")
        return Sentence(english, f"möglich: {allowed}")
    german = _GERMAN.get(kind, "der Wert passt hier nicht ({msg})")
    return Sentence(english, german.format(msg=english, **told))
