"""Replaces part of a station's series, to be killed: DATABASE_URL VALUE ADDRESS."""

from __future__ import annotations

from real_series import open_at
from series_parts import PART, part_points
from stadtsinn.cloud.platform.database.engine import open_database


def main(database_url: str, value: str, *address: str) -> None:
    store = open_at(address, open_database(database_url))
    store.begin_replacement(PART)
    store.stage(part_points(float(value)))
    store.finish_replacement(PART.tenant_id, PART.station)
