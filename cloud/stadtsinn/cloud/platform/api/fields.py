"""Types of input that several domains accept, each with its check and its error text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic_core import core_schema

from stadtsinn.base.field_errors import SHORT_NAME, TIME_OF_DAY
from stadtsinn.base.foreign_text import FORBIDDEN, require_plain
from stadtsinn.base.sentence import Unusable


@dataclass(frozen=True)
class _Plain:
    """Refuses control characters and characters of direction, naming the first one."""

    lines: bool = False

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        check = partial(require_plain, lines=self.lines)
        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        allowed = r"[\t\n\r]|" if self.lines else ""
        return handler(schema) | {"pattern": f"^(?:{allowed}[^{FORBIDDEN}])*$"}


PLAIN = _Plain()
"""Belongs to every text that people write and read: ``Annotated[str, …, PLAIN]``."""
PLAIN_LINES = _Plain(lines=True)
"""The same for texts of several lines."""

Slug = Annotated[
    str,
    StringConstraints(pattern=SHORT_NAME, max_length=63),
    Field(description="Short name in addresses: a-z, 0-9 and hyphen."),
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), PLAIN]
OptionalName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), PLAIN]
ShortText = Annotated[str, StringConstraints(max_length=100), PLAIN]
Latitude = Annotated[
    float, Field(ge=-90, le=90, allow_inf_nan=False, description="Degrees, WGS 84.")
]
Longitude = Annotated[
    float, Field(ge=-180, le=180, allow_inf_nan=False, description="Degrees, WGS 84.")
]
LocalTime = Annotated[
    str,
    StringConstraints(pattern=TIME_OF_DAY),
    Field(description="Time of day in Europe/Berlin, HH:MM."),
]

IntervalSeconds = Annotated[
    int, Field(ge=1, le=31 * 86_400, description="Expected seconds between two uplinks.")
]

_SEPARATORS = str.maketrans("", "", "-:. ")
_HEX = frozenset("0123456789abcdef")
_NOBODYS = frozenset({"0" * 16, "f" * 16})


def normalised_dev_eui(text: str) -> str:
    """A DevEUI as 16 lower-case hex digits; accepts the separators people copy from stickers.

    Raises ValueError naming what a DevEUI looks like.
    """
    digits = text.translate(_SEPARATORS).lower()
    if len(digits) != 16 or not _HEX.issuperset(digits):
        raise Unusable(
            "a DevEUI is 16 hexadecimal digits, e.g. 70b3d57ed0001234",
            "eine DevEUI hat 16 Hexadezimalziffern, z. B. 70b3d57ed0001234",
        )
    return digits


def refuse_nobodys(dev_eui: str) -> None:
    """Raises Unusable for what stands in lists where nobody knew the DevEUI."""
    if dev_eui in _NOBODYS:
        raise Unusable(
            f"{dev_eui} is no device's DevEUI: copy it from the sticker",
            f"{dev_eui} ist die DevEUI keines Geräts: vom Aufkleber abschreiben",
        )


DevEui = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(normalised_dev_eui),
    Field(
        description="DevEUI: 16 hex digits; '-', ':' and spaces are ignored.",
        examples=["70b3d57ed0001234"],
    ),
]

Id = Annotated[int, Field(ge=1, le=2**63 - 1, description="An id, as a list gives it.")]
