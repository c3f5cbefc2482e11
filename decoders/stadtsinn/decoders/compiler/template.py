"""Texts with ``{name}`` and ``{name:format}``: compiled to registers, filled in when decoding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders.compiler.scope import Scope

_PART = re.compile(r"\{([a-z_][a-z_0-9]*)(?::([^{}]*))?\}")
_INTEGER = re.compile(r"0?\d*[dxX]\Z")
_DECIMALS = re.compile(r"\.\d+f\Z")
_DATE = re.compile(r"([^%]|%[YmdHMS])*\Z")

FormatKind = Literal["plain", "integer", "decimals", "date"]


@dataclass(frozen=True, slots=True)
class Part:
    """A text, then a number from a register, formatted or replaced by its text in `map`."""

    before: str
    register: int = -1
    kind: FormatKind = "plain"
    format: str = ""
    map: Mapping[str, str] = field(default_factory=dict)


def template(text: str, scope: Scope, maps: Mapping[str, Mapping[str, str]]) -> tuple[Part, ...]:
    """The parts of a text; raises ValueError for a name or format that is not known."""
    parts: list[Part] = []
    end = 0
    for found in _PART.finditer(text):
        name, form = found[1], found[2] or ""
        parts.append(
            Part(
                text[end : found.start()],
                scope.register(name),
                _kind(form),
                form,
                maps.get(name, {}),
            )
        )
        end = found.end()
    return (*parts, Part(text[end:]))


def _kind(form: str) -> FormatKind:
    if not form:
        return "plain"
    if _INTEGER.match(form):
        return "integer"
    if _DECIMALS.match(form):
        return "decimals"
    if "%" in form and _DATE.match(form):
        return "date"
    raise Unusable(
        f"unknown format {form!r}; allowed: 02d x 04X .1f, or a date of %Y %m %d %H %M %S",
        f"unbekanntes Format {form!r}; möglich: 02d x 04X .1f, oder ein Datum aus %Y %m %d %H %M "
        "%S",
    )
