"""Rows of the table as record batches, in the order of the log, a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from stadtsinn.cloud.log.archive_files.parquet import ROW_GROUP, batch_of_rows
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.platform.database.engine import Database


def table_batches(
    database: Database, names: Sequence[str], *conditions: ColumnElement[bool]
) -> Iterator[Any]:
    """Record batches with these columns of the rows that fulfil the conditions."""
    columns = [uplinks.c[name] for name in names]
    position = 0
    while True:
        query = (
            select(uplinks.c.position.label("at"), *columns)
            .where(uplinks.c.position > position, *conditions)
            .order_by(uplinks.c.position)
            .limit(ROW_GROUP)
        )
        with database.read() as connection:
            page = connection.execute(query).all()
        if not page:
            return
        yield batch_of_rows([row[1:] for row in page], names)
        position = page[-1][0]
