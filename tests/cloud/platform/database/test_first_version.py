"""A database that the first version filled is brought to this version, with nothing lost."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from first_version import bring_to
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.database.engine import Database

FIRST = "0002"
"""The newest revision of the first version."""

ROWS = """
INSERT INTO tenants VALUES ('musterstadt', 'Musterstadt', 1);
INSERT INTO tenants VALUES ('nachbarort', 'Nachbarort', 1);
INSERT INTO sites VALUES (1, 'musterstadt', 'marktplatz', 'Marktplatz', 51.96, 7.62);
INSERT INTO devices VALUES ('70b3d57ed0000001', 'musterstadt', 'dragino/lse01', 'Linde am Markt',
    1, 51.97, 7.63, 1200, '{}', 5);
INSERT INTO devices VALUES ('70b3d57ed0000002', 'musterstadt', 'milesight/vs133', 'Linde am Markt',
    NULL, NULL, NULL, 60, '{}', 6);
INSERT INTO devices VALUES ('70b3d57ed0000003', 'nachbarort', 'gone/type', 'Linde am Markt',
    NULL, NULL, NULL, 60, '{}', 7);
"""


@pytest.fixture
def first(empty: Database) -> Database:
    """A database at the first version's revision."""
    bring_to(empty, FIRST)
    with empty.write() as connection:
        for statement in ROWS.split(";"):
            if statement.strip():
                connection.execute(text(statement))
    return empty


def test_every_device_has_a_station_of_its_name(first: Database) -> None:
    upgrade(first)
    query = (
        "SELECT d.dev_eui, s.slug, s.kind, s.tenant_id, s.site_id, s.latitude, d.start"
        " FROM deployments d JOIN stations s ON s.id = d.station_id ORDER BY d.dev_eui"
    )
    with first.read() as connection:
        rows = [tuple(row) for row in connection.execute(text(query))]
    assert rows == [
        ("70b3d57ed0000001", "linde-am-markt", "soil", "musterstadt", 1, 51.97, 0),
        ("70b3d57ed0000002", "linde-am-markt-000002", "gate", "musterstadt", None, None, 0),
        ("70b3d57ed0000003", "linde-am-markt", "other", "nachbarort", None, None, 0),
    ]
