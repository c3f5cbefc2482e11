"""Labelled events against alarms: looked up, and the same as compared one by one."""

from __future__ import annotations

from random import Random

import pytest

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.backtest.incidents import Incident
from stadtsinn.cloud.alarms.backtest.labels import Label, score

END = Instant(100)
STATIONS = ("linde", "eiche")


def _meet(label: Label, station: str, incident: Incident) -> bool:
    closed = END if incident.closed_at is None else incident.closed_at
    mine = label.station in ("", station)
    return mine and incident.opened_at < label.end and closed >= label.start


def _course(chance: Random) -> list[Incident]:
    edges = sorted(chance.sample(range(99), 2 * chance.randrange(6)))
    found = [
        Incident(Instant(edges[at]), 1.0, closed_at=Instant(edges[at + 1]))
        for at in range(0, len(edges), 2)
    ]
    if found and chance.random() < 0.5:
        found[-1] = Incident(found[-1].opened_at, 1.0)
    return found


def _labels(chance: Random) -> list[Label]:
    found = []
    for _ in range(chance.randrange(8)):
        start, end = sorted(chance.sample(range(101), 2))
        station = chance.choice(("", *STATIONS, "fremd"))
        found.append(Label(Instant(start), Instant(end), "x", station))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_what_is_looked_up_is_what_is_found_one_by_one(seed: int) -> None:
    chance = Random(seed)
    for _ in range(200):
        labels = _labels(chance)
        found = [(station, _course(chance)) for station in STATIONS]
        every = [(station, one) for station, some in found for one in some]
        told = score(labels, found, END)
        assert told.missed == tuple(
            label for label in labels if not any(_meet(label, *pair) for pair in every)
        )
        assert told.false == tuple(
            pair for pair in every if not any(_meet(label, *pair) for label in labels)
        )
        assert told.events == told.met + len(told.missed)


def test_very_many_labels_and_alarms_are_scored() -> None:
    """One by one these would be four hundred million comparisons."""
    many = 20_000
    labels = [Label(Instant(10 * at), Instant(10 * at + 5), "x") for at in range(many)]
    alarms = [
        Incident(Instant(10 * at + 6), 1.0, closed_at=Instant(10 * at + 7)) for at in range(many)
    ]
    told = score(labels, [("linde", alarms)], Instant(10 * many))
    assert (told.met, len(told.false)) == (0, many)
