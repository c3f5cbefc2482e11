"""Devices that are not the sender's: its edge keeps their uplinks, and the others go on."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from fake_arrivals import batch_arrival
from fake_uplinks import NINE, UNDECODED, at, register, uplink
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.repository import quarantined
from stadtsinn.cloud.intake.service import Ingestor
from stadtsinn.cloud.intake.streams import Answer, StreamState, advance_run
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.edge.messages.delivery import Batch, Sender, UplinkItem, batch_topic, encode

MINE, NOBODYS, THEIRS = "70b3d50000000100", "70b3d50000000900", "70b3d50000000200"


def sender(acknowledged: int = 0, *, keeps: bool = True) -> Sender:
    return Sender(id="run", begins=0, opened=0, acknowledged=acknowledged, keeps=keeps)


def take(
    ingestor: Ingestor, dev_euis: Sequence[str], says: Sender, *, first: int = 1
) -> tuple[Answer, ...]:
    """One batch, whose items are uplinks of these devices."""
    items = tuple(
        UplinkItem(first + n, uplink(first + n, n, dev_eui=one), UNDECODED)
        for n, one in enumerate(dev_euis)
    )
    batch = Batch(edge_id="rathaus", stream="s", sent_at=at(60), items=items, sender=says)
    arrival = batch_arrival(batch_topic("rathaus"), encode(batch), NINE, ingestor.directory())
    return ingestor.take([arrival]).answers


def test_they_are_named_and_everything_else_is_acknowledged(
    ingestor: Ingestor, database: Database
) -> None:
    (answer,) = take(ingestor, [MINE, THEIRS, NOBODYS, MINE, THEIRS], sender())
    assert (answer.position, answer.kept) == (5, ((2, 3), (5, 5)))
    with database.read() as connection:
        assert head(connection) == 2
        assert len(quarantined(connection)) == 3, "the operator sees them as well"


def test_an_edge_cannot_tell_anothers_device_from_nobodys(ingestor: Ingestor) -> None:
    (theirs,) = take(ingestor, [MINE, THEIRS], sender())
    (nobodys,) = take(ingestor, [MINE, NOBODYS], sender(acknowledged=2), first=3)
    shifted = tuple((low - 2, high - 2) for low, high in nobodys.kept)
    assert (nobodys.position - 2, shifted) == (theirs.position, theirs.kept)


def test_they_are_named_until_the_edge_has_read_it(ingestor: Ingestor) -> None:
    """The acknowledgement of the first batch is lost: that of the second names them again."""
    take(ingestor, [MINE, THEIRS], sender())
    (answer,) = take(ingestor, [MINE, THEIRS], sender(), first=3)
    assert (answer.position, answer.kept) == (4, ((2, 2), (4, 4)))
    (answer,) = take(ingestor, [MINE], sender(acknowledged=4), first=5)
    assert (answer.position, answer.kept) == (5, ())


def test_a_resend_after_the_registration_is_taken(ingestor: Ingestor, database: Database) -> None:
    take(ingestor, [MINE, NOBODYS], sender())
    register(database, NOBODYS)
    (answer,) = take(ingestor, [MINE, NOBODYS], sender())
    assert (answer.position, answer.kept) == (2, ())
    with database.read() as connection:
        assert head(connection) == 2


def test_sent_again_at_another_position_it_is_one_row_of_the_quarantine(
    ingestor: Ingestor, database: Database
) -> None:
    kept = uplink(7, 0, dev_eui=THEIRS)
    for position in (1, 2, 3):
        item = UplinkItem(position, kept, UNDECODED)
        says = sender(position - 1)
        batch = Batch(edge_id="rathaus", stream="s", sent_at=at(60), items=(item,), sender=says)
        topic = batch_topic("rathaus")
        ingestor.take([batch_arrival(topic, encode(batch), NINE, ingestor.directory())])
    with database.read() as connection:
        (row,) = quarantined(connection)
    assert row.times == 3


def test_an_agent_that_cannot_keep_is_not_told_to(ingestor: Ingestor, database: Database) -> None:
    """An agent of an earlier version: the quarantine keeps them, as before."""
    (answer,) = take(ingestor, [MINE, THEIRS], sender(keeps=False))
    assert (answer.position, answer.kept) == (2, ())
    with database.read() as connection:
        (row,) = quarantined(connection)
    assert (row.reason, row.never) == ("wrong_tenant", None)


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=6), min_size=1, max_size=8))
def test_what_is_to_be_kept_is_never_acknowledged_without_its_name(
    batches: list[list[bool]],
) -> None:
    """Whatever is lost of the acknowledgements, the last one names every kept item."""
    state, first, expected = StreamState(), 1, set[int]()
    for taken in batches:
        kept = tuple(first + n for n, one in enumerate(taken) if not one)
        last = first + len(taken) - 1
        state, run, _ = advance_run(state, sender(), first, last, Instant(first), kept)
        expected |= set(kept)
        first = last + 1
    named = {one for low, high in run.kept for one in range(low, high + 1)}
    assert (run.position, named) == (first - 1, expected)


def test_very_many_gaps_are_bounded_and_none_is_lost() -> None:
    state = StreamState()
    for n in range(40):
        first = n * 100 + 1
        kept = tuple(range(first, first + 100, 2))
        state, run, _ = advance_run(state, sender(), first, first + 99, Instant(n), kept)
    named = {one for low, high in run.kept for one in range(low, high + 1)}
    assert len(run.kept) <= 256
    assert set(range(1, 4001, 2)) <= named
