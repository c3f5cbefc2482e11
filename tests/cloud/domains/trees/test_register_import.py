"""A register comes into the town: what it changes, who belongs to which group, what is refused."""

from __future__ import annotations

import resource
from datetime import date
from typing import Any

import pytest

from api_callers import AWAY, HOME, ApiWorld
from stadtsinn.base.problems import Conflict
from stadtsinn.cloud.domains.trees import register_service, repository
from stadtsinn.cloud.domains.trees.grouping import Grouping, Lack
from stadtsinn.cloud.domains.trees.model import TreeGroup
from stadtsinn.cloud.domains.trees.register_row import Tree
from stadtsinn.cloud.domains.trees.register_service import Wanted, import_register
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.audit import repository as audit
from stadtsinn.cloud.platform.limits.model import Limits

pytestmark = pytest.mark.slow

TODAY = date(2026, 7, 15)
HEADS = "nr;art;pflanzjahr;lat;lon;bodenart;besonnung;gruppe\n"


def rows(*numbers: str, species: str = "Tilia cordata") -> bytes:
    lines = (f"{one};{species};2023;51.962;7.626;Sl3;sonnig;\n" for one in numbers)
    return (HEADS + "".join(lines)).encode()


def bring(world: ApiWorld, content: bytes, **wanted: Any) -> tuple[int, int, int, int, int]:
    scope = operator_scope(HOME)
    done = import_register(world.database, scope, content, Wanted(**wanted), world.clock.now())
    return done.new, done.changed, done.same, done.missing, done.removed


def numbers(world: ApiWorld, tenant: str = HOME) -> list[str]:
    with world.database.read() as connection:
        return [one.number for one in repository.all_trees(connection, operator_scope(tenant))]


def test_importing_again_changes_what_is_new_and_nothing_else(world: ApiWorld) -> None:
    assert bring(world, rows("1", "2"), dry_run=True) == (2, 0, 0, 0, 0)
    assert numbers(world) == []
    assert bring(world, rows("1", "2")) == (2, 0, 0, 0, 0)
    assert bring(world, rows("1", "2")) == (0, 0, 2, 0, 0)
    assert bring(world, rows("2", species="Acer")) == (0, 1, 0, 1, 0)
    assert numbers(world) == ["1", "2"]
    assert bring(world, rows("2", "3"), remove_missing=True) == (1, 1, 0, 1, 1)
    assert numbers(world) == ["2", "3"]
    assert numbers(world, AWAY) == []


@pytest.mark.nightly
def test_a_hundred_thousand_trees(world: ApiWorld) -> None:
    """Measured: 20 s of one core and 90 MB for a GeoJSON of 22 MB; what is stored is asked by
    pages."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    content = rows(*(f"{one:06}" for one in range(100_000)))
    assert bring(world, content) == (100_000, 0, 0, 0, 0)
    assert bring(world, content) == (0, 0, 100_000, 0, 0)
    assert len(numbers(world)) == 100_000
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 600 * 1024


def test_many_trees_are_written_in_parts(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """All towns wait for a write transaction: each one is bounded."""
    monkeypatch.setattr(register_service, "_AT_ONCE", 10)
    written: list[int] = []
    write = repository.write_trees

    def counted(connection: Any, scope: Any, records: list[Tree]) -> None:
        written.append(len(records))
        write(connection, scope, records)

    monkeypatch.setattr(repository, "write_trees", counted)
    bring(world, rows(*(f"{one:03}" for one in range(25))))
    assert written == [10, 10, 5]
    assert bring(world, rows("000"), remove_missing=True)[4] == 24
    assert numbers(world) == ["000"]
    with world.database.read() as connection:
        lines = audit.lines_page(connection, operator_scope(HOME), None, 10)
    assert [one.line.detail for one in lines] == [
        "0 new; 0 changed; 24 removed",
        "25 new; 0 changed; 0 removed",
    ]


def test_a_town_has_room_for_so_many_trees(world: ApiWorld) -> None:
    scope = operator_scope(HOME, Limits(trees=2))
    import_register(world.database, scope, rows("1", "2"), Wanted(), world.clock.now())
    with pytest.raises(Conflict, match="would have 3 trees and may have 2"):
        import_register(world.database, scope, rows("1", "3"), Wanted(), world.clock.now())
    assert numbers(world) == ["1", "2"]


def group(slug: str, **more: Any) -> TreeGroup:
    values = {"name": slug.title(), "station": "linde", "soil_class": "Sl3", **more}
    return TreeGroup.model_validate({"slug": slug, **values})


LIME = Tree("1", "Tilia cordata", planted_year=2023, soil_class="Sl3", exposure="sunny")


@pytest.mark.parametrize(
    ("groups", "tree", "found"),
    [
        ([group("any")], LIME, "any"),
        ([group("any"), group("sun", exposure="sunny")], LIME, "sun"),
        ([group("any"), group("shade", exposure="shade")], LIME, "any"),
        ([group("limes", species="Tilia"), group("sun", exposure="sunny")], LIME, Lack.SEVERAL_FIT),
        (
            [group("limes", species="Tilia"), group("winter", species="Tilia cordata")],
            *(LIME, "winter"),
        ),
        ([group("maples", species="Acer")], LIME, Lack.NONE_FITS),
        ([group("limes", species="Til")], LIME, Lack.NONE_FITS),
        ([group("old", standing_from=6, standing_to=None)], LIME, Lack.NONE_FITS),
        ([group("loam", soil_class="Lu")], LIME, Lack.NONE_FITS),
        ([group("any")], Tree("1", planted_year=2023), Lack.NONE_FITS),
        ([group("any", unknown_soil=True)], Tree("1", planted_year=2023), "any"),
        ([group("any")], Tree("1", soil_class="Sl3"), Lack.NONE_FITS),
        ([group("loam", soil_class="Lu")], Tree("1", group="LOAM"), "loam"),
        ([group("loam")], Tree("1", group="sand"), Lack.NO_SUCH_GROUP),
        ([], LIME, Lack.NONE_FITS),
    ],
)
def test_the_group_of_a_tree(groups: list[TreeGroup], tree: Tree, found: str | Lack) -> None:
    membership = Grouping(groups, TODAY).of(tree)
    assert (membership.lack or membership.group) == found


def test_a_tree_leaves_the_group_of_the_young_by_itself() -> None:
    groups = [group("young"), group("old", standing_from=6, standing_to=None)]
    found = [Grouping(groups, date(year, 7, 1)).of(LIME).group for year in (2023, 2027, 2028)]
    assert found == ["young", "young", "old"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"soil_class": "Kies"}, "there is no soil class 'Kies'"),
        ({"standing_from": 6, "standing_to": 5}, "'standing_to' is before"),
        ({"thresholds": {"due_kpa": 15}}, "clear has to be below due"),
        ({"thresholds": {"due_kpa": 90}}, "due not above urgent"),
        ({"thresholds": {"due_nfk": 80}}, "due has to be below clear"),
        ({"thresholds": {"urgent_nfk": 60}}, "urgent must not be above due"),
        ({"exposure": "dark"}, "sunny"),
        ({"station": "nowhere"}, "There is no station 'nowhere'. Create it first."),
    ],
)
def test_a_group_that_contradicts_itself_is_refused(
    world: ApiWorld, body: dict[str, Any], words: str
) -> None:
    caller = world.client()
    caller.post("/api/v1/stations", json={"slug": "linde", "name": "Linde", "kind": "tree"})
    whole = {"slug": "g", "name": "G", "station": "linde", "soil_class": "Sl3", **body}
    answer = caller.post("/api/v1/tree-groups", json=whole)
    assert answer.status_code == 422, answer.text
    assert words in answer.text


def test_the_register_over_the_api(world: ApiWorld) -> None:
    caller = world.client()
    caller.post("/api/v1/stations", json={"slug": "linde", "name": "Linde", "kind": "tree"})
    body = {"slug": "jung", "name": "Jung", "station": "linde", "soil_class": "sl3"}
    assert caller.post("/api/v1/tree-groups", json=body).json()["soil_class"] == "Sl3"
    assert caller.post("/api/v1/tree-groups", json=body).status_code == 409
    register = f"{HEADS}A/1;Tilia cordata;2023;51.962;7.626;Sl3;sonnig;\n9;Acer;1950;;;Lu;;\n"
    answer = caller.post("/api/v1/trees/import", json={"register": register})
    assert answer.status_code == 201, answer.text
    assert answer.json() == {
        "trees": 2,
        "new": 2,
        "changed": 0,
        "same": 0,
        "missing": 0,
        "removed": 0,
        "without_position": 1,
        "without_group": 1,
        "crs": "WGS 84 (EPSG:4326)",
        "left_out": [],
    }
    found = caller.get("/api/v1/trees/A/1").json()
    assert (found["group"], found["standing_year"], found["without_group"]) == ("jung", 4, None)
    lonely = caller.get("/api/v1/trees", params={"without_group": True}).json()["items"]
    assert [(one["number"], one["without_group"]) for one in lonely] == [("9", "none_fits")]
    page = caller.get("/api/v1/trees", params={"limit": 1}).json()
    assert [one["number"] for one in page["items"]] == ["9"]
    rest = caller.get("/api/v1/trees", params={"limit": 1, "cursor": page["next"]}).json()
    assert ([one["number"] for one in rest["items"]], rest["next"]) == (["A/1"], None)
    wrong = caller.post("/api/v1/trees/import", json={"register": f"{HEADS}1;;neulich;;;;;\n"})
    assert wrong.status_code == 422
    assert "line 2: pflanzjahr: 'neulich' is no year" in wrong.json()["detail"]
    # The station is needed as long as the group is there.
    assert caller.delete("/api/v1/stations/linde").status_code == 409
    assert caller.delete("/api/v1/trees/A/1").status_code == 204
    assert caller.get("/api/v1/trees/A/1").status_code == 404
    assert caller.delete("/api/v1/tree-groups/jung").status_code == 204
    assert caller.delete("/api/v1/stations/linde").status_code == 204


def test_the_settings_of_watering(world: ApiWorld) -> None:
    caller = world.client()
    usual = caller.get("/api/v1/tree-settings").json()
    assert (usual["list_at"], usual["tank_litres"], usual["rain_station"]) == ("05:00", 1000, None)
    caller.post("/api/v1/stations", json={"slug": "regen", "name": "Regen", "kind": "weather"})
    own = {**usual, "list_at": "04:30", "rain_station": "regen", "depot_latitude": 51.9}
    assert "both coordinates" in caller.put("/api/v1/tree-settings", json=own).text
    own["depot_longitude"] = 7.6
    assert caller.put("/api/v1/tree-settings", json=own).json() == own
    assert caller.get("/api/v1/tree-settings").json() == own
    assert caller.put("/api/v1/tree-settings", json=usual).json() == usual
    assert caller.get("/api/v1/tree-settings").json() == usual
    unknown = {**usual, "rain_station": "nowhere"}
    assert caller.put("/api/v1/tree-settings", json=unknown).status_code == 422
