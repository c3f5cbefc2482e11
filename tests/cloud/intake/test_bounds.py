"""Who keeps how much in quarantine where there is too much."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.cloud.intake.bounds import Bound, Holding, Size, excesses, fair_share
from stadtsinn.cloud.intake.reasons import Reason

NOISE = Reason.MALFORMED_JSON
BOUNDS = dict.fromkeys(Reason, Bound(source=Size(100, 1000), all=Size(200, 2000)))


def held(source: str, rows: int, stored: int = 0, tenant: str | None = None) -> Holding:
    return Holding(NOISE, source, tenant, Size(rows, stored))


def left(*holdings: Holding) -> list[int]:
    gone = {holding.source: excess.rows for holding, excess in excesses(holdings, BOUNDS)}
    return [one.size.rows - gone.get(one.source, 0) for one in holdings]


def test_one_source_has_its_bound_in_rows_and_in_bytes() -> None:
    assert left(held("a", 100), held("b", 5)) == [100, 5]
    assert left(held("a", 1_000_000), held("b", 5)) == [100, 5]
    ((_, excess),) = excesses([held("a", 10, 5000)], BOUNDS)
    assert excess == Size(0, 4000)


def test_towns_share_equally_and_who_has_little_loses_nothing() -> None:
    assert left(held("a", 90), held("b", 90), held("c", 90), held("d", 3)) == [65, 65, 65, 3]


def test_a_town_with_many_edges_has_no_more_than_another() -> None:
    edges = [held(f"edge:{n}", 100, tenant="loud") for n in range(10)]
    assert left(*edges, held("edge:quiet", 80, tenant="quiet")) == [12] * 10 + [80]


def test_one_edges_flood_takes_no_room_from_the_towns_others() -> None:
    flood, other = held("edge:1", 100_000, tenant="a"), held("edge:2", 50, tenant="a")
    assert left(flood, other, held("edge:3", 90, tenant="b")) == [60, 50, 90]


def test_reasons_do_not_share() -> None:
    other = Holding(Reason.BAD_FIELD, "a", None, Size(100, 0))
    assert list(excesses([held("a", 100), held("b", 100), other], BOUNDS)) == []


@given(st.lists(st.integers(0, 10_000), max_size=30), st.integers(0, 50_000))
def test_a_fair_share_fits_and_leaves_nothing_over_that_somebody_needs(
    used: list[int], total: int
) -> None:
    share = fair_share(used, total)
    kept = [min(one, share) for one in used]
    assert sum(kept) <= total
    if kept != used:
        assert sum(min(one, share + 1) for one in used) > total
