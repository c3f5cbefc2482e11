"""A person is found wherever it is named, and taken out, however the name or number is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from filled_towns import NEIGHBOUR, NOW, TOWN, fill, row
from first_version import all_rows
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.erasure import person
from stadtsinn.cloud.erasure.person import erase, find
from stadtsinn.cloud.erasure.searching import GONE, Wanted
from stadtsinn.cloud.erasure.slices import Slices, Storage
from stadtsinn.cloud.platform.privacy.kept import Data, is_owned, kept_of
from stadtsinn.cloud.schema import metadata

NUMBER = "+4915112345678"


@pytest.mark.parametrize(
    ("wanted", "text", "left"),
    [
        ("Erika Müller", "Eingebaut von Erika Müller am Mast", f"Eingebaut von {GONE} am Mast"),
        ("erika mueller", "ERIKA  MÜLLER, Bauhof", f"{GONE}, Bauhof"),
        ("Erika Müller", "Erika Mueller", GONE),
        ("Ute", "drei Minuten mit Ute", f"drei Minuten mit {GONE}"),
        ("Weiß", "Herr Weiss/Frau WEIß", f"Herr {GONE}/Frau {GONE}"),
        ("René", "Rene, RENÉ", f"{GONE}, {GONE}"),
        ("0151 12345678", f"ruf {NUMBER} an", f"ruf {GONE} an"),
        (NUMBER, "0151/123 456 78 oder 0049 151 12345678", f"{GONE} oder {GONE}"),
        ("+49 (0)151 12345678", "4915112345678", GONE),
        ("bauhof@musterstadt.example", "an Bauhof@Musterstadt.example.", f"an {GONE}."),
    ],
)
def test_it_is_found_however_it_is_written(wanted: str, text: str, left: str) -> None:
    asked = Wanted.of(wanted)
    assert asked.is_in(text)
    assert asked.without(text) == left
    assert not asked.is_in(left)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("Ute", "Minute Route"),
        ("Erika Müller", "Erika Meier Müller"),
        ("0151 12345678", "0151 123456789, 2026-09-26 10:00, 70b3d57ed0000001"),
        ("Bach", "Bachstraße, Am-Bachufer"),
        ("bauhof@musterstadt.example", "bauhof@musterstadt.examples"),
    ],
)
def test_others_are_not(wanted: str, text: str) -> None:
    assert Wanted.of(wanted).without(text) == text


@settings(max_examples=40)
@given(st.text(), st.text(min_size=3), st.text())
def test_what_was_taken_out_is_not_found_again(before: str, name: str, after: str) -> None:
    assume(len(" ".join(name.split())) >= 3 and not set(name) & set(GONE))
    assume(any(char.isalnum() for char in name))
    asked = Wanted.of(name)
    left = asked.without(f"{before} {name} {after}")
    assert GONE in left
    assert not asked.is_in(left)


@pytest.mark.parametrize("text", [" Ab ", "...", "\u0301\u0301\u0301", "´ ´ ´"])
def test_a_text_that_is_nobodys_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="at least 3"):
        Wanted.of(text)


def test_it_is_found_in_bytes_and_in_json() -> None:
    asked = Wanted.of("Erika Müller")
    assert asked.without({"von": ["Erika Müller", 3], "x": "y"}) == {"von": [GONE, 3], "x": "y"}
    assert asked.is_in(b'{"user": "Erika M\\u00fcller"}')
    assert asked.is_in("Erika Müller".encode())
    assert not asked.is_in(b"\x00\xff")


def _naming(table: Any) -> list[str]:
    """Columns of people and free texts of a table."""
    texts = kept_of(table).columns(Data.PERSON, Data.TEXT) if is_owned(table) else []
    keys = {column.name for column in table.primary_key.columns}
    return [name for name in texts if name not in keys]


def put(storage: Storage, value: str, town: str = TOWN) -> set[str]:
    """A name into every column of people and free texts of a town; the tables."""
    tables = set()
    with storage.database.write() as connection:
        for table in metadata.sorted_tables:
            if names := _naming(table):
                mine = row(table, town)
                where = [table.c[one.name] == mine[one.name] for one in table.primary_key.columns]
                values = {
                    name: {"note": value} if isinstance(mine[name], dict) else f"von {value}"[:60]
                    for name in names
                }
                connection.execute(update(table).where(*where).values(values))
                tables.add(table.name)
    return tables


def quiet(storage: Storage) -> Slices:
    return Slices(storage, wait=lambda _: None)


def test_every_column_of_people_and_texts_is_searched_and_emptied(everywhere: Storage) -> None:
    """Whatever tables there will be."""
    fill(everywhere.database)
    neighbour = {name: rows[1:] for name, rows in all_rows(everywhere.database).items()}
    tables = put(everywhere, "Erika Müller")
    asked = Wanted.of("erika mueller")
    assert {one.table.name for one in find(everywhere.database, asked)} == tables
    assert list(find(everywhere.database, asked, NEIGHBOUR)) == []
    done = erase(quiet(everywhere), asked)
    assert set(done.changed) == tables
    assert list(find(everywhere.database, asked)) == []
    after = all_rows(everywhere.database)
    for table in metadata.sorted_tables:
        if is_owned(table) and table.name != "audit_lines":
            assert neighbour[table.name][-1] in after[table.name], table.name


def test_what_goes_by_itself_meanwhile_is_no_obstacle(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(storage.database)
    put(storage, "Erika Müller")
    found = list(find(storage.database, Wanted.of("Erika Müller")))
    assert len({one.table for one in found}) > 3
    with storage.database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name != "tenants":
                connection.execute(table.delete())
    monkeypatch.setattr(person, "find", lambda *_: iter(found))
    erase(quiet(storage), Wanted.of("Erika Müller"))
    left, kept = all_rows(storage.database), {"tenants", "audit_lines", "registry_revision"}
    assert {name for name, rows in left.items() if rows} <= kept


def test_nobody_finds_it_in_the_file_of_the_database(storage: Storage) -> None:
    fill(storage.database)
    put(storage, "Erika Müller")
    path = Path(str(storage.database.engine.url.database))
    storage.database.tidy()
    assert "Erika Müller".encode() in path.read_bytes()
    erase(quiet(storage), Wanted.of("Erika Müller"))
    assert "Erika Müller".encode() not in path.read_bytes()


def test_messages_sent_keep_that_they_were_sent_but_no_number(storage: Storage) -> None:
    """Also those whose recipient is found by name alone."""
    fill(storage.database)
    recipients, outbox = metadata.tables["recipients"], metadata.tables["outbox"]
    with storage.database.write() as connection:
        connection.execute(
            update(recipients)
            .where(recipients.c.tenant_id == TOWN)
            .values(name="Erika Müller", address=NUMBER, slug="bereitschaft")
        )
        sent = {"address": NUMBER, "text": "Alarm", "purged": False, "settled": False}
        connection.execute(update(outbox).where(outbox.c.tenant_id == TOWN).values(sent))
        lines = metadata.tables["audit_lines"]
        connection.execute(
            update(lines)
            .where(lines.c.tenant_id == TOWN)
            .values(kind="recipient", name="bereitschaft", at=NOW)
        )
    done = erase(quiet(storage), Wanted.of("Erika Müller"), TOWN)
    assert done.changed == {"recipients": 1}
    with storage.database.read() as connection:
        mine = connection.execute(select(outbox).where(outbox.c.tenant_id == TOWN)).mappings().one()
        assert (mine["address"], mine["text"], mine["purged"]) == ("", "", True)
        assert (mine["status"], mine["settled"], mine["sent_at"]) == ("EXPIRED", True, 1)
        assert connection.execute(select(recipients.c.tenant_id)).scalars().all() == [NEIGHBOUR]
        named = select(lines.c.name).where(lines.c.tenant_id == TOWN).order_by(lines.c.id)
        assert connection.execute(named).scalars().all() == [GONE, ""]
        said = connection.scalar(
            select(lines.c.detail).where(lines.c.tenant_id == TOWN, lines.c.kind == "person")
        )
    assert said == "erased; recipients: 1"


def test_a_short_name_that_others_refer_to_is_named_as_left(storage: Storage) -> None:
    fill(storage.database)
    stations = metadata.tables["stations"]
    with storage.database.write() as connection:
        connection.execute(
            insert(stations).values({**row(stations, TOWN), "id": 9, "slug": "praxis-meier"})
        )
    done = erase(quiet(storage), Wanted.of("Meier"))
    (left,) = done.fixed
    assert (left.table.name, left.key, left.fixed) == ("stations", (9,), ("slug",))
    assert done.changed == {}
