"""SQL of replacements under way: one place where every process sees the same state."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager

from sqlalchemy import ColumnElement, Connection, func, select, update

from stadtsinn.cloud.log.archive_files.exclusive import rewriting_history
from stadtsinn.cloud.platform.database.engine import Database, serialize
from stadtsinn.cloud.platform.database.upsert import insert_ignore
from stadtsinn.cloud.series.stores.replacing import Phase, Replacement, SeriesPart
from stadtsinn.cloud.series.stores.tables import series_replacements

_TABLE = series_replacements.c
_OPEN = (Phase.STAGING.value, Phase.SWITCHED.value)


class ReplacementTable:
    """The rows of `series_replacements`. Safe for threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_station(self, tenant_id: str, station: str) -> Replacement | None:
        found = self._find(_TABLE.tenant_id == tenant_id, _TABLE.station == station)
        return found[0] if found else None

    def unchanged(self) -> AbstractContextManager[None]:
        """Nothing is replaced during the block; raises HistoryBusy while something is."""
        return rewriting_history(self._database)

    def open_of(self, tenants: Collection[str]) -> dict[tuple[str, str], Replacement]:
        """Replacements of these tenants that take what is written, by tenant and station."""
        found = self._find(_TABLE.tenant_id.in_(tenants), _TABLE.phase.in_(_OPEN))
        return {(one.part.tenant_id, one.part.station): one for one in found}

    def switched_of(self, tenant_id: str) -> list[Replacement]:
        return self._find(_TABLE.tenant_id == tenant_id, _TABLE.phase == Phase.SWITCHED.value)

    def revision(self) -> int:
        """The newest revision of any replacement."""
        with self._database.read() as connection:
            return _revision(connection)

    def changed_since(self, tenant_id: str, revision: int) -> list[Replacement]:
        return self._find(_TABLE.tenant_id == tenant_id, _TABLE.revision > revision)

    def put(self, part: SeriesPart, phase: Phase) -> None:
        """A station's replacement is now of this part, in this phase."""
        with self._database.write() as connection:
            serialize(connection, "series_replacements")
            row = {
                "tenant_id": part.tenant_id,
                "station": part.station,
                "start": part.start,
                "end": part.end,
                "phase": phase.value,
                "revision": _revision(connection) + 1,
            }
            if not insert_ignore(connection, series_replacements, [row]):
                connection.execute(
                    update(series_replacements)
                    .where(_TABLE.tenant_id == part.tenant_id, _TABLE.station == part.station)
                    .values(row)
                )

    def _find(self, *conditions: ColumnElement[bool]) -> list[Replacement]:
        query = select(
            _TABLE.tenant_id,
            _TABLE.station,
            _TABLE.start,
            _TABLE.end,
            _TABLE.phase,
            _TABLE.revision,
        ).where(*conditions)
        with self._database.read() as connection:
            return [
                Replacement(SeriesPart(*row[:4]), Phase(row[4]), row[5])
                for row in connection.execute(query)
            ]


def _revision(connection: Connection) -> int:
    return connection.execute(select(func.max(_TABLE.revision))).scalar_one() or 0
