"""Types of input that several domains accept, each with its check and its error text."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field, StringConstraints

SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
# Control characters, among them NUL, which PostgreSQL refuses, and line breaks, with which a
# name could forge lines of a log or a message.
NO_CONTROL = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"

Slug = Annotated[
    str,
    StringConstraints(pattern=SLUG_PATTERN, max_length=63),
    Field(description="Short name in addresses: a-z, 0-9 and hyphen."),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NO_CONTROL),
]
OptionalName = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200, pattern=NO_CONTROL)
]
ShortText = Annotated[str, StringConstraints(max_length=100, pattern=NO_CONTROL)]
Latitude = Annotated[
    float, Field(ge=-90, le=90, allow_inf_nan=False, description="Degrees, WGS 84.")
]
Longitude = Annotated[
    float, Field(ge=-180, le=180, allow_inf_nan=False, description="Degrees, WGS 84.")
]
LocalTime = Annotated[
    str,
    StringConstraints(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"),
    Field(description="Time of day in Europe/Berlin, HH:MM."),
]

IntervalSeconds = Annotated[
    int, Field(ge=1, le=31 * 86_400, description="Expected seconds between two uplinks.")
]

_SEPARATORS = str.maketrans("", "", "-:. ")
_HEX = frozenset("0123456789abcdef")


def normalised_dev_eui(text: str) -> str:
    """A DevEUI as 16 lower-case hex digits; accepts the separators people copy from stickers.

    Raises ValueError naming what a DevEUI looks like.
    """
    digits = text.translate(_SEPARATORS).lower()
    if len(digits) != 16 or not _HEX.issuperset(digits):
        raise ValueError("a DevEUI is 16 hexadecimal digits, e.g. 70b3d57ed0001234")
    return digits


DevEui = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(normalised_dev_eui),
    Field(
        description="DevEUI: 16 hex digits; '-', ':' and spaces are ignored.",
        examples=["70b3d57ed0001234"],
    ),
]

SlugInPath = Annotated[str, Path(pattern=SLUG_PATTERN, max_length=63)]
DevEuiInPath = Annotated[
    str,
    Path(description="DevEUI: 16 hex digits.", max_length=40, examples=["70b3d57ed0001234"]),
    AfterValidator(normalised_dev_eui),
]
Id = Annotated[int, Field(ge=1, le=2**63 - 1, description="An id, as a list gives it.")]
IdInPath = Annotated[int, Path(ge=1, le=2**63 - 1)]
