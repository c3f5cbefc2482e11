"""Replaces part of a station's series, to be killed: STORE_URL DATABASE_URL VALUE."""

from __future__ import annotations

from series_parts import PART, part_points
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.series.stores.opening import open_store


def main(store_url: str, database_url: str, value: str) -> None:
    store = open_store(store_url, database=open_database(database_url))
    store.begin_replacement(PART)
    store.stage(part_points(float(value)))
    store.finish_replacement(PART.tenant_id, PART.station)
