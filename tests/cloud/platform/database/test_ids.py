"""An id is never used again: not by a new table, and not after the update to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Integer, delete, func, insert, inspect, select, text

from databases import add_tenant
from first_version import bring_to
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.schema import metadata

pytestmark = pytest.mark.slow

BEFORE = "0014"
EUI = "70b3d57ed0000001"

ROWS = f"""
INSERT INTO tenants (id, name, created_at) VALUES ('musterstadt', 'Musterstadt', 1);
INSERT INTO devices VALUES ('{EUI}', 'musterstadt', 'dragino/lse01', 'Linde', NULL, NULL, NULL,
    1200, '{{}}', 5);
INSERT INTO api_keys (tenant_id, name, role, prefix, digest, created_at) VALUES
    ('musterstadt', 'Bauhof', 'editor', 'eins', 'd', 1),
    ('musterstadt', 'Amt', 'reader', 'zwei', 'd', 1);
INSERT INTO sites (tenant_id, slug, name) VALUES ('musterstadt', 'markt', 'Markt'),
    ('musterstadt', 'park', 'Park');
INSERT INTO stations (tenant_id, slug, name, name_en, kind, site_id, office, remarks, attributes,
    tags, created_at) VALUES
    ('musterstadt', 'linde', 'Linde', '', 'tree', 1, '', '', '{{"species": "Tilia"}}', '["alt"]',
    1),
    ('musterstadt', 'tor', 'Tor', '', 'gate', NULL, '', 'x', '{{}}', '[]', 1),
    ('musterstadt', 'weg', 'Weg', '', 'other', NULL, '', '', '{{}}', '[]', 1);
INSERT INTO deployments (tenant_id, dev_eui, station_id, start, "end", channels, depths_cm, swapped,
    calibration, comparison, installed_by, remarks, created_at) VALUES
    ('musterstadt', '{EUI}', 1, 0, 7, '{{"1": "30cm"}}', '{{"30cm": 30}}', false, '{{}}', false, '',
    '', 1),
    ('musterstadt', '{EUI}', 1, 7, NULL, NULL, '{{}}', true, '{{}}', false, 'Bauhof', '', 1);
INSERT INTO datastreams (tenant_id, station_id, quantity, channel, label, retention_days, first_at)
    VALUES ('musterstadt', 1, 'soil_moisture', '30cm', 'im Wurzelraum', 30, 1),
    ('musterstadt', 1, 'soil_moisture', '', '', NULL, 1);
INSERT INTO series_corrections (tenant_id, station, start, "end", requested_at, requested_by,
    done_at) VALUES ('musterstadt', 'linde', 0, 7, 1, 'key 1', 2),
    ('musterstadt', 'linde', 7, 9, 1, 'key 1', NULL);
INSERT INTO zones (tenant_id, slug, name, name_en, reset_at, interval_s, error_in, error_out,
    max_rate, public) VALUES ('musterstadt', 'markt', 'Markt', '', '04:00', 60, 0.02, 0.02, 120,
    false), ('musterstadt', 'park', 'Park', '', '04:00', 60, 0.02, 0.02, 120, true);
INSERT INTO gates (tenant_id, zone_id, slug, name, station_id, channel, swapped) VALUES
    ('musterstadt', 1, 'nord', 'Nord', 2, '', false),
    ('musterstadt', 1, 'sued', 'Süd', 2, 'x', true);
INSERT INTO gate_counts (gate_id, direction, event_time, dev_eui, dev_addr, generation, f_cnt,
    delta, counted, doubt, flag) VALUES (1, 0, 5, '{EUI}', '01020304', 0, 1, 0, 0, 0, 'first');
INSERT INTO outbox (uuid, tenant_id, incident_id, kind, level, sequence, channel, recipient_id,
    dedup_key, address, text, status, reason, attempts, resent, reworded, settled, next_attempt,
    report_token, event_time, created_at, expires_at, purged) VALUES
    ('u', 'musterstadt', '1-1', 'ALARM', 1, 0, 'sms', 1, 'k', '', 'ALARM', 'ACCEPTED', '', 1, false,
    false, true, 0, 't', 0, 0, 0, false);
INSERT INTO sandbox_messages (uuid, address, text, received_at) VALUES ('u', '', 'ALARM', 1);
INSERT INTO quarantine (digest, source, kind, topic, payload, size, reason, detail, received_at,
    last_at, times) VALUES ('d', 'edge:rathaus', 'uplink', 't', 'x', 1, 'unknown_device', '', 1, 1,
    1);
INSERT INTO redecodings (started_by, started_at, range_start, range_end, devices, last_position,
    decoders) VALUES ('me', 1, 0, 9, '[]', 4, '[]');
INSERT INTO former_owners (dev_eui, tenant_id, since, until) VALUES ('{EUI}', 'musterstadt', 0, 7);
INSERT INTO redecoding_devices (redecoding, tenant_id, dev_eui, delayed) VALUES
    (1, 'musterstadt', '{EUI}', false);
"""
NEWER = {"audit_lines", "tree_groups", "tree_waterings", "trees"}
NEWER |= {"duty_groups", "duty_members", "duty_shifts", "duty_substitutions", "duty_weekly"}
NEWER |= {"alert_mutes", "duty_pauses", "inbound_messages"}
"""They were made later, and count on from their first day."""
COUNTING_TABLES = sorted(
    name
    for name, table in metadata.tables.items()
    if table.dialect_options["sqlite"]["autoincrement"] and name not in NEWER
)
WISHES = {"retention_days"}
"""What nobody kept is not kept from the day of an update either: 0010 and 0015."""
REWORDED = {"reason"}
"""Of quarantine: 0018 replaces words that are none of ours."""
NOT_MENDED_HERE = {"device_claims", "recipients", "rules", "zone_corrections", "zone_samples"}
"""They counted on from their first version."""


@pytest.fixture
def before(empty: Database) -> Database:
    """A database of the version before, with rows in every table concerned."""
    bring_to(empty, BEFORE)
    with empty.write() as connection:
        payload = "convert_to('x', 'UTF8')" if not empty.is_sqlite else "CAST('x' AS BLOB)"
        for statement in ROWS.replace("'x', 1, 'unknown", f"{payload}, 1, 'unknown").split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    return empty


def _columns(database: Database, name: str) -> list[str]:
    """Those that a table has in this database and in this version."""
    found = (column["name"] for column in inspect(database.engine).get_columns(name))
    known = {*metadata.tables[name].c.keys()} - WISHES - REWORDED
    return [column for column in found if column in known]


def _rows(database: Database, name: str, named: list[str]) -> list[Any]:
    with database.read() as connection:
        columns = ", ".join(f'"{column}"' for column in named)
        order = ", ".join(column.name for column in metadata.tables[name].primary_key)
        return list(connection.execute(text(f"SELECT {columns} FROM {name} ORDER BY {order}")))


def _next_id(database: Database, name: str) -> int:
    """Insert the last row again under a new key, with other words where they are unique."""
    table = metadata.tables[name]
    with database.write() as connection:
        row = connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).one()
        values = {key: value for key, value in row._mapping.items() if key != "id"}
        for column in ("slug", "prefix", "uuid", "dedup_key", "report_token", "digest", "channel"):
            if column in values:
                values[column] = f"{values[column]}{row.id + 1}"
        inserted = connection.execute(insert(table).values(values).returning(table.c.id))
        return int(inserted.scalar_one())


def test_the_update_keeps_every_row(before: Database) -> None:
    tables = sorted({*COUNTING_TABLES, "gate_counts", "redecoding_devices"} - NOT_MENDED_HERE)
    columns = {name: _columns(before, name) for name in tables}
    found = {name: _rows(before, name, columns[name]) for name in tables}
    assert all(found.values()), [name for name in tables if not found[name]]
    upgrade(before)
    assert {name: _rows(before, name, columns[name]) for name in tables} == found


def test_an_id_is_not_used_again_after_the_update(before: Database) -> None:
    upgrade(before)
    for name in sorted(set(COUNTING_TABLES) - NOT_MENDED_HERE):
        made = _next_id(before, name)
        table = metadata.tables[name]
        with before.write() as connection:
            connection.execute(delete(table).where(table.c.id == made))
        assert _next_id(before, name) > made, name


def test_a_later_update_does_not_count_from_below(before: Database) -> None:
    """A migration that copies a table keeps how far it counted, also above deleted rows."""
    table = metadata.tables["datastreams"]
    bring_to(before, "0009")
    with before.write() as connection:
        connection.execute(
            text(
                "INSERT INTO datastreams (tenant_id, station_id, quantity, channel, label,"
                " first_at) VALUES ('musterstadt', 1, 'tilt', '', '', 1)"
            )
        )
        connection.execute(delete(table).where(table.c.id >= 2))
    upgrade(before)
    assert _next_id(before, "datastreams") == 4


def test_a_retention_that_nobody_kept_is_not_kept_from_the_update_on(before: Database) -> None:
    upgrade(before)
    table = metadata.tables["datastreams"]
    with before.read() as connection:
        assert set(connection.scalars(select(table.c.retention_days))) == {None}


def test_a_station_gets_no_id_that_alerts_know_of_one_that_is_gone(before: Database) -> None:
    """The version before gave it away, or was about to."""
    with before.write() as connection:
        connection.execute(text("DELETE FROM stations WHERE slug = 'weg'"))
        connection.execute(
            text(
                "INSERT INTO incidents (id, tenant_id, rule_id, rule_name, member, station_id,"
                " station, station_name, level, opened_at, opening_value, late) VALUES"
                " ('7-1-9', 'musterstadt', 7, 'Trocken', 3, 3, 'weg', 'Weg', 1, 1, 2, false)"
            )
        )
    upgrade(before)
    assert _next_id(before, "stations") == 4


COUNTS_OTHERWISE = {
    "uplinks": "the archive leaves the newest row in the table, so positions count on",
    "registry_revision": "one row",
    "sandbox_phone": "one row",
}


def test_every_table_that_counts_by_itself_counts_on() -> None:
    """A table that joins the schema without `sqlite_autoincrement` fails here."""
    counting = {
        name
        for name, table in metadata.tables.items()
        if (column := table.autoincrement_column) is not None
        and isinstance(column.type, BigInteger | Integer)
    }
    assert counting - COUNTS_OTHERWISE.keys() - NEWER == set(COUNTING_TABLES)


def test_sqlite_counts_on_in_an_empty_table(tmp_path: Path) -> None:
    """What this is about: the newest station is deleted, and another one is made."""
    database = open_database(str(tmp_path / "new.sqlite"))
    upgrade(database)
    table = metadata.tables["sites"]
    add_tenant(database)
    for number in (1, 2, 3):
        with database.write() as connection:
            connection.execute(
                insert(table).values(tenant_id="musterstadt", slug="markt", name="Markt")
            )
            assert connection.scalar(select(func.max(table.c.id))) == number
            connection.execute(delete(table))
    database.dispose()
