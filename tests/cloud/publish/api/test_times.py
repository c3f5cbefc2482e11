"""One dialect of time: what is taken, what is refused, how it is given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from stadtsinn.base.berlin import write_time
from stadtsinn.base.instant import parse
from stadtsinn.cloud.platform.api.times import (
    EXAMPLE,
    GivenDay,
    GivenTime,
    KeptTime,
    ShownTime,
)

NOON = parse("2026-09-26T12:00:00+02:00")


class Sheet(BaseModel):
    given: GivenTime | None = None
    day: GivenDay | None = None
    shown: ShownTime | None = None
    kept: KeptTime | None = None


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-26T12:00:00+02:00",
        "2026-09-26T10:00:00Z",
        "2026-09-26T10:00:00.000000+00:00",
        "2026-09-26T12:00:00 02:00",
        "2026-09-26T05:00:00-05:00",
    ],
)
def test_any_offset_is_taken(text: str) -> None:
    assert Sheet(given=text).given == NOON  # type: ignore[arg-type]
    assert Sheet(kept=text).kept == datetime(2026, 9, 26, 10, tzinfo=UTC)  # type: ignore[arg-type]


def test_a_day_is_its_midnight_in_berlin() -> None:
    assert Sheet(given="2026-10-25").given == parse("2026-10-25T00:00:00+02:00")  # type: ignore[arg-type]
    assert Sheet(kept=date(2026, 10, 26)).kept == datetime(2026, 10, 25, 23, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("2026-09-26T12:00:00", "is no time: give ISO 8601 with offset"),
        ("yesterday", "is no time"),
        ("", "is no time"),
        ("2026-09-26T12:00:00Z" + "0" * 40, "is no time"),
        (1790416800, "is no time"),
        (datetime(2026, 9, 26), "is no time"),  # noqa: DTZ001 (that is the point)
        ("1969-12-31T00:00:00Z", "outside 1970 to 2255"),
        ("2300-01-01T00:00:00Z", "outside 1970 to 2255"),
    ],
)
def test_what_is_no_moment_is_refused(given: Any, message: str) -> None:
    for field in ("given", "kept"):
        with pytest.raises(ValidationError, match=message):
            Sheet(**{field: given})


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "2255-01-01", "9999-12-31"])
def test_what_is_no_day_of_ours_is_refused(day: str) -> None:
    with pytest.raises(ValidationError, match="outside 1970 to 2254"):
        Sheet(day=day)  # type: ignore[arg-type]


def test_times_are_given_in_berlins_offset() -> None:
    assert write_time(parse("2026-10-25T00:30:00Z")) == "2026-10-25T02:30:00+02:00"
    assert write_time(parse("2026-10-25T01:30:00Z")) == "2026-10-25T02:30:00+01:00"
    assert write_time(None) is None
    kept = Sheet(kept="2026-01-01T00:00:00Z")  # type: ignore[arg-type]
    assert '"kept":"2026-01-01T01:00:00+01:00"' in kept.model_dump_json()


# --- the whole API ----------------------------------------------------------------------

TIMES = re.compile(r"^(start|end|at|time|since|last_event|valid_until|.*_at|.*_time)$")
TIMES_OF_DAY = {
    "^(?:[01][0-9]|2[0-3]):[0-5][0-9]$",
    "^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",  # where something ends
}


def _is_time_of_day(schema: Any) -> bool:
    return any(kind.get("pattern") in TIMES_OF_DAY for kind in kinds(schema))


def named_schemas(node: Any) -> Iterator[tuple[str, Any]]:
    """Every property and query parameter of the document with its schema."""
    if isinstance(node, dict):
        yield from (node.get("properties") or {}).items()
        if "in" in node and "schema" in node:
            yield node["name"], node["schema"]
        for inner in node.values():
            yield from named_schemas(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from named_schemas(inner)


def kinds(schema: Any) -> list[Any]:
    return schema.get("anyOf", [schema]) if isinstance(schema, dict) else []


def test_every_time_in_the_document_is_of_the_one_kind(world: Any) -> None:
    seen, wrong = 0, []
    for name, schema in named_schemas(world.app.openapi()):
        times = [kind for kind in kinds(schema) if kind.get("format") == "date-time"]
        ours = [kind for kind in times if kind.get("examples") == [EXAMPLE]]
        seen += len(ours)
        if len(times) != len(ours) or (
            TIMES.match(name) and not _is_time_of_day(schema) and not ours
        ):
            wrong.append((name, schema))
    assert wrong == []
    assert seen > 20
