"""Texts that earlier versions took: what nobody sees goes, and everything can be read again."""

from __future__ import annotations

import pytest
from sqlalchemy import JSON, MetaData, String, Table, Text, update

from first_version import all_rows, bring_to, fill_every_table
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.database.engine import Database

pytestmark = pytest.mark.slow

CLEANED = {
    "tenants": {"name"},
    "api_keys": {"name"},
    "sites": {"name"},
    "devices": {"name", "tags"},
    "edges": {"name"},
    "stations": {"name", "name_en", "office", "remarks", "attributes", "tags"},
    "deployments": {"installed_by", "remarks"},
    "datastreams": {"label"},
    "zones": {"name", "name_en"},
    "gates": {"name"},
    "zone_corrections": {"name", "reason"},
    "recipients": {"name"},
    "rules": {"name", "channel"},
}
"""What people write, read by models that refuse what input refuses today."""


def test_names_are_what_people_saw_and_words_of_senders_are_ours(empty: Database) -> None:
    bring_to(empty, "0015")
    fill_every_table(empty)
    _write(empty, "Lin\u202ede\x1b\x07 31\u2066", {"Lin\u200bde": ["a\x9bb", 7, True]})
    with empty.write() as connection:
        found = Table("quarantine", MetaData(), autoload_with=connection)
        connection.execute(update(found).values(reason="\x1b[2J a sender's word"))
    upgrade(empty)
    after = all_rows(empty)
    for table, columns in CLEANED.items():
        for column in columns:
            value = after[table][0][column]
            assert value in ("Linde 31", {"Linde": ["ab", 7, True]}), (table, column)
    assert [row["reason"] for row in after["quarantine"]] == ["unreadable_at_edge"]
    assert [row["tenant_id"] for row in after["sandbox_phone"]] == [None], "off"


def test_remarks_keep_their_lines(empty: Database) -> None:
    bring_to(empty, "0015")
    fill_every_table(empty)
    _write(empty, "one\n\ttwo\u202e\r\nthree", {})
    upgrade(empty)
    for table in ("stations", "deployments"):
        assert all_rows(empty)[table][0]["remarks"] == "one\n\ttwo\nthree"


def test_a_name_of_nothing_visible_is_still_a_name(empty: Database) -> None:
    bring_to(empty, "0015")
    fill_every_table(empty)
    _write(empty, "\u200b\u202e", {})
    upgrade(empty)
    for table, columns in CLEANED.items():
        for column in columns:
            value = all_rows(empty)[table][0][column]
            assert value in ("?", {}), (table, column)


def _write(database: Database, text: str, document: object) -> None:
    with database.write() as connection:
        for name, columns in CLEANED.items():
            table = Table(name, MetaData(), autoload_with=connection)
            for column in columns:
                kind = table.c[column].type
                value = document if isinstance(kind, JSON) else text
                assert isinstance(kind, JSON | String | Text)
                connection.execute(update(table).values({column: value}))
