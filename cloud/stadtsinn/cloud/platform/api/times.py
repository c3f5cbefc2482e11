"""Times as the API takes and gives them: ISO 8601 with offset; given in Berlin's.

Taken is any offset, or a day, which means its midnight in Berlin. A time without offset is
refused: in October it may mean two moments.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from stadtsinn.base import berlin
from stadtsinn.base.instant import LATEST, Instant, from_datetime, parse, to_datetime
from stadtsinn.base.sentence import Unusable

EXAMPLE = "2026-09-26T08:00:00+02:00"
HOW = f"ISO 8601 with offset, e.g. {EXAMPLE}, or a day in Berlin, e.g. 2026-09-26"

_LONGEST = 40


def _instant(given: Any) -> Instant:
    moment = _understood(given)
    if not 0 <= moment <= LATEST:
        raise Unusable(
            "lies outside 1970 to 2255",
            "liegt außerhalb von 1970 bis 2255",
        )
    return moment


def _understood(given: Any) -> Instant:
    try:
        if isinstance(given, datetime):
            return from_datetime(given)
        if isinstance(given, date):
            return berlin.at(given)
        if isinstance(given, str) and len(given) <= _LONGEST:
            if len(given) == len("2026-09-26"):
                return berlin.at(date.fromisoformat(given))
            return parse(given.replace(" ", "+"))  # an unescaped + arrives as a space
    except (ValueError, OverflowError):
        pass
    raise Unusable(
        f"is no time: give {HOW}",
        f"ist keine Zeit: ISO 8601 mit Zeitversatz angeben, z. B. {EXAMPLE}, oder einen Tag in "
        "Berlin, z. B. 2026-09-26",
    )


def _datetime(given: Any) -> datetime:
    return to_datetime(_instant(given))


_FIRST_YEAR, _LAST_YEAR = 1970, 2254
"""Around each of their days there are others that are instants."""


def _day(given: date) -> date:
    if not _FIRST_YEAR <= given.year <= _LAST_YEAR:
        raise Unusable(
            f"lies outside {_FIRST_YEAR} to {_LAST_YEAR}",
            f"liegt außerhalb von {_FIRST_YEAR} bis {_LAST_YEAR}",
        )
    return given


_SCHEMA = WithJsonSchema(
    {"type": "string", "format": "date-time", "description": HOW, "examples": [EXAMPLE]}
)

GivenTime = Annotated[int, BeforeValidator(_instant), _SCHEMA]
"""In requests: an `Instant` for our code."""
GivenDay = Annotated[date, AfterValidator(_day)]
"""A day of the calendar, also in models: none from whose neighbours nothing can be computed."""
ShownTime = Annotated[str, _SCHEMA]
"""In answers: what `berlin.isoformat` and `write_time` make."""
KeptTime = Annotated[
    datetime,
    BeforeValidator(_datetime),
    PlainSerializer(
        lambda moment: berlin.isoformat(from_datetime(moment)), return_type=str, when_used="json"
    ),
    _SCHEMA,
]
"""In models that requests, answers and town files share: an aware datetime."""
