"""An edge whose batches are not taken is told why, and nothing of anybody else."""

from __future__ import annotations

import msgspec
import pytest

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.arrival import Kind, Origin, Original, Rejection
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.intake.refusing import Refusals
from stadtsinn.edge.messages.delivery import (
    Ack,
    Refusal,
    Refused,
    ack_topic,
    batch_topic,
    decode_ack,
    decode_answer,
    encode,
)


class Edges:
    def __init__(self) -> None:
        self.told: list[tuple[str, Refused]] = []

    def refuse(self, edge_id: str, why: Refused) -> None:
        self.told.append((edge_id, why))


def rejection(
    edge: str, reason: Reason = Reason.UNKNOWN_EDGE, kind: Kind = Kind.BATCH
) -> Rejection:
    original = Original(kind, Origin(f"edge:{edge}", None), batch_topic(edge), b"", 0, Instant(1))
    return Rejection(original, reason, "no edge 'nachbar-7' …")


def test_each_edge_is_told_once_a_minute() -> None:
    now = [0.0]
    refusals, edges = Refusals(lambda: now[0]), Edges()
    refusals.tell([rejection("a"), rejection("a"), rejection("b")], edges)
    assert edges.told == [("a", Refused.UNKNOWN_EDGE), ("b", Refused.UNKNOWN_EDGE)]
    now[0] = 59
    refusals.tell([rejection("a"), rejection("a", Reason.MALFORMED_BATCH)], edges)
    assert edges.told[2:] == [("a", Refused.UNREADABLE)]  # another reason is news
    now[0] = 60
    refusals.tell([rejection("a")], edges)
    assert edges.told[3:] == [("a", Refused.UNKNOWN_EDGE)]


def test_whoever_invents_edges_is_not_answered_without_end() -> None:
    refusals, edges = Refusals(lambda: 0.0), Edges()
    refusals.tell([rejection(f"edge-{n}") for n in range(5_000)], edges)
    assert len(edges.told) == 1_000


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Reason.UNREGISTERED_DEVICE, Kind.ITEM),  # its Ack says so
        (Reason.WRONG_TENANT, Kind.ITEM),
        (Reason.MALFORMED_JSON, Kind.EVENT),
        (Reason.TOO_LARGE, Kind.EVENT),
        (Reason.INTERNAL_ERROR, Kind.BATCH),
    ],
)
def test_only_a_batch_that_is_not_answered_is_refused(reason: Reason, kind: Kind) -> None:
    edges = Edges()
    Refusals().tell([rejection("a", reason, kind)], edges)
    assert edges.told == []


def test_the_answer_holds_one_word_and_is_no_ack() -> None:
    payload = encode(Refusal(refused=Refused.UNKNOWN_EDGE))
    assert b"nachbar" not in payload
    assert decode_answer(payload) == Refusal(refused="unknown_edge")
    with pytest.raises(msgspec.ValidationError):
        decode_ack(payload)  # what an agent that knows no refusal does: it passes it over
    ack = Ack(stream="s", position=3)
    assert decode_answer(encode(ack)) == ack
    assert ack_topic("a") == "stadtsinn/edge/a/ack"
    for neither in (b"\x80", b"", b"\xc1"):
        with pytest.raises(msgspec.DecodeError):
            decode_answer(neither)
