"""How edge agents are, by what they say and what comes of them."""

from __future__ import annotations

import pytest

from fake_uplinks import at
from operated_town import OFFLINE, STOPPED, Town, status
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.edge_state_repository import states
from stadtsinn.cloud.intake.edge_states import EdgeStates, edge_of_status
from stadtsinn.cloud.intake.repository import write_streams
from stadtsinn.cloud.intake.streams import StreamState
from stadtsinn.cloud.operations.edges import EdgeView, Presence, edges
from stadtsinn.edge.messages.delivery import status_topic


def seen(town: Town, seconds: float) -> EdgeView:
    with town.database.read() as connection:
        (edge,) = edges(connection, at(seconds))
    return edge


def test_one_that_was_never_heard_of(town: Town) -> None:
    edge = seen(town, 0)
    assert (edge.presence, edge.seen_at, edge.report) == (Presence.NEVER, None, None)


def test_what_an_agent_says_is_kept_until_it_is_lost(town: Town) -> None:
    town.says(10, status(10))
    edge = seen(town, 20)
    assert (edge.presence, edge.seen_at) == (Presence.ONLINE, at(10))
    assert edge.report is not None
    assert (edge.report.spool.items, edge.report.clock_ahead, edge.report.stream) == (3, 1.5, "abc")
    town.says(30, OFFLINE)
    town.says(40, OFFLINE)  # the retained one, again
    edge = seen(town, 50)
    assert (edge.presence, edge.away_since, edge.seen_at) == (Presence.AWAY, at(30), at(10))
    assert edge.report is not None
    assert edge.report.spool.items == 3  # what it said last
    town.says(60, status(60))
    assert seen(town, 61).presence is Presence.ONLINE
    town.says(70, STOPPED)
    assert seen(town, 71).presence is Presence.STOPPED


def test_one_that_says_nothing_any_more_is_away(town: Town) -> None:
    """Its broker may be away with it, and then nobody says 'offline'."""
    town.says(0, status())
    assert seen(town, 15 * 60).presence is Presence.ONLINE
    edge = seen(town, 15 * 60 + 1)
    assert (edge.presence, edge.away_since) == (Presence.AWAY, at(0))


def test_a_retained_status_is_as_old_as_it_says(town: Town) -> None:
    town.says(5000, status(10), retained=True)
    assert seen(town, 5000).seen_at == at(10)
    town.says(5000, status(9_000_000), retained=True)  # a clock that is ahead
    assert seen(town, 5000).seen_at == at(5000)
    town.says(6000, status(at=""), retained=True)
    assert seen(town, 6000).seen_at == at(5000)


def test_batches_say_that_an_edge_is_there(town: Town) -> None:
    """Also an agent of the first version, or behind a broker that passes no status on."""
    with town.database.write() as connection:
        write_streams(connection, {("rathaus", "s"): StreamState()}, at(100))
    edge = seen(town, 100 + 86_400)
    assert (edge.presence, edge.seen_at) == (Presence.ONLINE, at(100))
    edge = seen(town, 101 + 86_400)
    assert (edge.presence, edge.away_since) == (Presence.AWAY, at(100))


def test_a_stranger_is_not_kept(town: Town) -> None:
    town.says(0, status(), edge="fremd")
    with town.database.read() as connection:
        assert states(connection, ["fremd", "rathaus"]) == {}


def test_edges_of_one_town(town: Town) -> None:
    with town.database.read() as connection:
        assert [one.id for one in edges(connection, at(0), "musterstadt")] == ["rathaus"]
        assert edges(connection, at(0), "nachbar") == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"{}",
        b"[]",
        b'{"state":"elsewhere"}',
        b'{"state":"online","spool":7}',
        b'{"state":"online","version":' + b"[" * 50_000,
        b'{"state":"online","version":"' + b"x" * 70_000 + b'"}',
    ],
)
def test_what_is_no_status_is_passed_over(payload: bytes) -> None:
    heard = EdgeStates()
    heard.note("rathaus", payload, Instant(1), retained=False)
    assert heard.take() == {}


def test_what_an_edge_writes_is_bounded_and_steers_no_terminal() -> None:
    heard = EdgeStates()
    warnings = ["\x1b[31m" + "y" * 1000] * 50
    heard.note("rathaus", status(warnings=warnings, version="1\u202e2"), Instant(1), retained=False)
    report = heard.take()["rathaus"].report
    assert len(report.warnings) == 20
    assert all(len(one) == 300 for one in report.warnings)
    assert "\x1b" not in report.warnings[0]
    assert report.version == "1\\u202e2"
    for n in range(20_000):
        heard.note(f"edge-{n}", OFFLINE, Instant(1), retained=False)
    assert len(heard.take()) == 10_000


def test_topics() -> None:
    assert edge_of_status(status_topic("rathaus-1")) == "rathaus-1"
    for other in ("stadtsinn/edge/a/batch", "x/status", "stadtsinn/edge/a/b/status", "status"):
        assert edge_of_status(other) is None
