"""One town's corrections do not wait for all of another's."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert

from databases import add_tenant, fresh_database
from stadtsinn.base.instant import Instant
from stadtsinn.base.turns import Turns
from stadtsinn.cloud.series.corrections import repository
from stadtsinn.cloud.series.corrections.service import chosen
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.town.stations.tables import series_corrections


def part(town: str, station: str, start: int = 0) -> SeriesPart:
    return SeriesPart(town, station, Instant(start), Instant(start + 10))


def test_what_is_read_at_once_is_of_all_towns(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    for town in ("many", "few"):
        add_tenant(database, town)
    fields = {"start": 0, "end": 1, "requested_at": 0, "requested_by": "key 1"}
    rows = [
        {"tenant_id": town, "station": f"s{number}", **fields}
        for number, town in enumerate(["many"] * 30 + ["few"])
    ]
    with database.write() as connection:
        connection.execute(insert(series_corrections), rows)
    with database.read() as connection:
        found = repository.waiting(connection, 5)
    assert [one.part.station for one in found] == ["s0", "s30", "s1", "s2", "s3"]


def test_what_is_made_anew_together_is_of_all_towns() -> None:
    waiting = [part("a", f"s{number}") for number in range(30)]
    waiting += [part("a", "s0", 100), part("z", "only")]
    assert part("z", "only") in chosen(waiting, Turns(), 2)


def test_each_town_comes_where_there_are_more_than_are_done_together() -> None:
    turns = Turns()
    waiting = [part(town, f"s{number}") for town in "abcde" for number in range(9)]
    first, second = chosen(waiting, turns, 2), chosen(waiting, turns, 2)
    assert [one.tenant_id for one in (*first, *second)] == ["a", "b", "c", "d"]
    assert [one.tenant_id for one in chosen(waiting, turns, 2)] == ["e", "a"]
