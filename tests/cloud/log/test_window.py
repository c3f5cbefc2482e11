"""The window answers exactly as the log does, for readers in any order."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.followers import window
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.decoders.reading import Undecoded
from stadtsinn.decoders.uplink import TimeSource


def logged(position: int) -> LoggedUplink:
    return LoggedUplink(
        position=position,
        tenant_id="t",
        dev_eui="70b3d50000000001",
        dev_addr="01020304",
        generation=0,
        f_cnt=position,
        f_port=1,
        payload=b"",
        event_time=Instant(position),
        time_source=TimeSource.GATEWAY,
        received_at=Instant(position),
        committed_at=Instant(position),
        source="edge:e",
        device_type=None,
        outcome=Undecoded("no_payload", ""),
    )


class FakeLog:
    """A log with gaps between its positions, as rolled back transactions leave them."""

    def __init__(self) -> None:
        self.uplinks: list[LoggedUplink] = []
        self.asked = 0
        self.revision = 0

    def read_after(
        self, _connection: object, _archive: object, position: int, limit: int
    ) -> list[LoggedUplink]:
        self.asked += 1
        return [uplink for uplink in self.uplinks if uplink.position > position][:limit]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> FakeLog:
    fake = FakeLog()
    monkeypatch.setattr(window, "read_after", fake.read_after)
    monkeypatch.setattr(window, "revision", lambda _connection: fake.revision)
    return fake


NO_CONNECTION = None  # the fake log needs no connection


def read(held: LogWindow, position: int, limit: int) -> list[LoggedUplink]:
    connection: Connection = NO_CONNECTION  # type: ignore[assignment]
    return held.read(connection, position, limit)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("grow"), st.integers(1, 5), st.integers(1, 3)),
            st.tuples(st.just("read"), st.integers(0, 60), st.integers(1, 9)),
        ),
        max_size=40,
    )
)
def test_it_answers_as_the_log_does(log: FakeLog, steps: list[tuple[str, int, int]]) -> None:
    """Each answer is a beginning of the log's own, and empty only where the log's is."""
    log.uplinks.clear()
    held = LogWindow(kept=7)
    position = 0
    for what, first, second in steps:
        if what == "grow":
            for _ in range(first):
                position += second
                log.uplinks.append(logged(position))
        else:
            truth = [uplink for uplink in log.uplinks if uplink.position > first][:second]
            answer = read(held, first, second)
            assert answer == truth[: len(answer)]
            assert bool(answer) == bool(truth)


def test_the_second_follower_asks_the_database_nothing(log: FakeLog) -> None:
    """Three followers side by side cost one read."""
    log.uplinks = [logged(position) for position in range(1, 11)]
    held = LogWindow()
    for _ in range(3):
        assert len(read(held, 0, 10)) == 10
    assert log.asked == 1
    assert read(held, 4, 2) == log.uplinks[4:6]
    assert log.asked == 1


def test_outcomes_that_changed_are_read_anew(log: FakeLog) -> None:
    """As after history was decoded again: a rebuild must not write what the window remembers."""
    log.uplinks = [logged(position) for position in range(1, 4)]
    held = LogWindow()
    read(held, 0, 10)
    changed = Undecoded("truncated", "decoded again")
    log.uplinks[1] = structs.replace(log.uplinks[1], outcome=changed)
    log.revision += 1
    assert read(held, 0, 10) == log.uplinks


def test_a_follower_far_behind_takes_nothing_from_those_in_front(log: FakeLog) -> None:
    """The series catch up after their store was away, while counts and alerts are at the end."""
    log.uplinks = [logged(position) for position in range(1, 101)]
    held = LogWindow(kept=20)
    read(held, 80, 20)  # in front
    for position in range(0, 70, 10):
        assert read(held, position, 10) == log.uplinks[position : position + 10]
    asked = log.asked
    assert read(held, 80, 20) == log.uplinks[80:]
    assert log.asked == asked
