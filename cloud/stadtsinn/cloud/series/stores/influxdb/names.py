"""How names are written to InfluxDB and read back unchanged, whatever they contain.

Three layers, each against one kind of misreading:
* `to_influx` percent-encodes what line protocol cannot carry (a backslash at the end, a line
  break), what some servers read differently (quotes) and names with a meaning of their own
  (``time``). `from_influx` takes it back, so no two names become one. Names of the catalogue
  never need it.
* line protocol: comma, equals sign and space are escaped with a backslash.
* InfluxQL: identifiers, strings and regular expressions are quoted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from stadtsinn.decoders.reading import Quality

SUFFIXES = {Quality.GOOD: "", Quality.SUSPECT: "_suspect", Quality.BAD: "_bad"}
"""Doubtful values have fields of their own: a chart of a quantity shows good ones only."""

_PLAIN = re.compile("[A-Za-z0-9_.-]*")
_UNSAFE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029%\\\\\"'`]")
_RESERVED = frozenset({"time", "station", "device", "channel"})
_LINE_SPECIAL = re.compile("([,= ])")
_MEASUREMENT_SPECIAL = re.compile("([, ])")  # an escaped equals sign keeps its backslash here
_NOT_IN_BUCKET = re.compile("[^A-Za-z0-9_-]")


def is_plain(name: str) -> bool:
    """Whether a name needs neither encoding nor escaping as a tag value. Nearly all are plain."""
    return _PLAIN.fullmatch(name) is not None


def to_influx(name: str) -> str:
    """A name as a tag value."""
    return _UNSAFE.sub(_percent, name)


def from_influx(name: str) -> str:
    return unquote(name, errors="replace")


@lru_cache(maxsize=10_000)
def to_measurement(family: str) -> str:
    """A sensor family as a measurement's name: no leading ``#`` (a comment) or ``_`` (system)."""
    return _guard_first(to_influx(family))


@lru_cache(maxsize=10_000)
def to_field(quantity: str, quality: Quality = Quality.GOOD) -> str:
    """A quantity and quality as a field's name."""
    name = _guard_first(to_influx(quantity))
    if name in _RESERVED:
        name = _percent_first(name)
    for suffix in SUFFIXES.values():
        if suffix and name.endswith(suffix):  # a quantity that looks like a doubtful one
            stem = name.removesuffix(suffix)
            name = stem + _percent_first(suffix)
    return name + SUFFIXES[quality]


def from_field(field: str) -> tuple[str, Quality]:
    """The quantity and quality that a field's name stands for."""
    for quality, suffix in SUFFIXES.items():
        if suffix and field.endswith(suffix):
            return from_influx(field.removesuffix(suffix)), quality
    return from_influx(field), Quality.GOOD


def to_bucket(prefix: str, tenant_id: str) -> str:
    """The bucket (1.8: database) of a tenant. Slugs stay as they are."""
    return _NOT_IN_BUCKET.sub(_percent, f"{prefix}-{tenant_id}")


def line_escaped(name: str) -> str:
    """An encoded name inside line protocol: tag value or field."""
    return _LINE_SPECIAL.sub(r"\\\1", name)


def line_escaped_measurement(name: str) -> str:
    """An encoded name inside line protocol: measurement."""
    return _MEASUREMENT_SPECIAL.sub(r"\\\1", name)


def identifier(name: str) -> str:
    """An InfluxQL identifier: measurement, field, tag key, database."""
    return '"' + _quoted(name).replace('"', '\\"') + '"'


def string(value: str) -> str:
    """An InfluxQL string literal."""
    return "'" + _quoted(value).replace("'", "\\'") + "'"


def any_of(values: list[str]) -> str:
    """An InfluxQL regular expression that matches exactly these values."""
    return "/^(" + "|".join(map(_literal, values)) + ")$/"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _literal(value: str) -> str:
    return "".join(
        char if char.isalnum() or char in "_%" or ord(char) > 127 else f"\\{char}" for char in value
    )


def _guard_first(name: str, unwanted: tuple[str, ...] = ("#", "_")) -> str:
    return _percent_first(name) if name.startswith(unwanted) else name


def _percent_first(name: str) -> str:
    return f"%{ord(name[0]):02X}{name[1:]}"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode())
