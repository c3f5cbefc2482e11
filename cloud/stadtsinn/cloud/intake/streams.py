"""How far the spool of an edge is committed without a gap: what an acknowledgement may say.

An edge deletes everything up to the acknowledged position, so that may never pass an item that
did not arrive. Batches come in order, but a broker may lose one and several ingests may share
the work, so later ones are remembered as `ahead` until the gap closes.

A gap that never closes is real, too: this cloud was restored from a backup, or the edge's
earlier items went to another cloud. The edge always resends from its oldest unacknowledged
item on; when it has begun `PROOFS` times (each sent at another time) above the gap, the
items below no longer exist there, and waiting for them would stop the edge for ever.

Agents since the second version say more (`Sender`): which run of which agent sends, and from where
on it holds its items. So a gap that it no longer holds is given up at once, and each run is
acknowledged only what it has sent itself. That matters where one stream is in two hands: a copied
card, or one from the past. Their positions are the same, their uplinks are not.

An agent since the third version also says from where on it still holds what was acknowledged. Of
that nothing is given up: where this cloud lacks it, its database was restored, and each answer asks
for it until the edge sends it again (decision 23). It is a run of its own that does so.

Items that their edge is to keep (decision 21) count as arrived. They are remembered until the
edge says that it has read the acknowledgement that names them: that one may be lost.
"""

from __future__ import annotations

import msgspec

from stadtsinn.base.batches import batched
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.arrival import Progress
from stadtsinn.edge.messages.delivery import Sender

FIRST_POSITION = 1
"""Where the spool of a new stream begins."""

PROOFS = 3
_RANGES_KEPT = 256
_RUNS_KEPT = 4

Ranges = tuple[tuple[int, int], ...]
"""(first, last) each, in order and apart."""


class RunState(msgspec.Struct, frozen=True):
    """What one run of an agent has sent of a stream: committed without a gap up to `position`."""

    id: str
    position: int
    ahead: Ranges = ()
    kept: Ranges = ()
    """Of what it still holds, what it is to keep."""


class StreamState(msgspec.Struct, frozen=True):
    """What is committed of one stream. `ahead` holds (first, last) ranges above a gap."""

    position: int = FIRST_POSITION - 1
    ahead: Ranges = ()
    begun: int = 0
    """How often the edge began to send above the gap; `begun_at`: its clock when it last did."""
    begun_at: Instant = Instant(0)
    skipped: int = 0
    """Positions given up, over the life of the stream."""
    runs: tuple[RunState, ...] = ()
    """The runs that sent last, the latest at the end."""


class Answer(msgspec.Struct, frozen=True):
    """What a run of an agent is told about its stream; `begin_anew`, `again` as in `Ack`."""

    edge_id: str
    stream: str
    sender: str
    position: int
    begin_anew: bool
    kept: Ranges = ()
    again: int | None = None


def answered(state: StreamState, batch: Progress, sender: Sender) -> tuple[StreamState, Answer]:
    """The state after a batch of an agent that names itself, and what it is told."""
    state, run, past = advance_run(
        state, sender, batch.first, batch.last, batch.sent_at, batch.kept
    )
    again = state.position if state.position < sender.acknowledged else None
    answer = Answer(batch.edge_id, batch.stream, sender.id, run.position, past, run.kept, again)
    return state, answer


def _holds_after(sender: Sender) -> int:
    """Nobody holds anything of the stream up to here."""
    return sender.acknowledged if sender.holds is None else min(sender.holds, sender.acknowledged)


def advance_run(
    state: StreamState,
    sender: Sender,
    first: int,
    last: int,
    sent_at: Instant,
    kept: tuple[int, ...] = (),
) -> tuple[StreamState, RunState, bool]:
    """The state after items `first`..`last` of this run were committed, of which it is to keep
    those at the positions `kept`; the run's own state; and whether its spool is from the past: the
    stream was further on than the spool when opened."""
    if state == StreamState():
        # What it held before the stream began is not known here either.
        state = StreamState(position=min(sender.begins, _holds_after(sender)))
    runs = {run.id: run for run in state.runs}
    run = runs.pop(sender.id, None)
    newest = max(sender.opened, sender.begins)
    past = run is None and not sender.again and newest < state.position
    state = _given_up(state, _holds_after(sender))
    state = advance(state, first, last, sent_at, gives_up=False)
    run = _advanced(run or RunState(sender.id, sender.acknowledged), sender, first, last)
    if sender.keeps and (kept or run.kept):
        run = msgspec.structs.replace(run, kept=_to_keep(run.kept, sender, first, last, kept))
    latest = (*runs.values(), run)[-_RUNS_KEPT:]
    return msgspec.structs.replace(state, runs=latest), run, past


def _given_up(state: StreamState, upto: int) -> StreamState:
    """Nobody holds what is up to there: what of it never came will not come."""
    if upto <= state.position:
        return state
    arrived = sum(min(last, upto) - first + 1 for first, last in state.ahead if first <= upto)
    missing = upto - state.position - arrived
    ahead = tuple((first, last) for first, last in state.ahead if last > upto)
    state = msgspec.structs.replace(state, skipped=state.skipped + missing, ahead=ahead)
    return _close(state, upto)


def _advanced(run: RunState, sender: Sender, first: int, last: int) -> RunState:
    ranges = _merged([*run.ahead, (first, last)])[:_RANGES_KEPT]
    position, ahead = _joined(max(run.position, sender.acknowledged), ranges)
    return RunState(run.id, position, ahead, run.kept)


def _to_keep(
    before: Ranges, sender: Sender, first: int, last: int, positions: tuple[int, ...]
) -> Ranges:
    """What was to be kept before, as far as the edge still holds it and this batch does not judge
    it anew, and what this batch adds.

    Of very many ranges neighbours are joined: the edge then keeps some that were taken, which
    count once when it sends them again.
    """
    parts = [(one, one) for one in positions]
    for low, high in before:
        begin = max(low, sender.acknowledged + 1)
        parts += [(begin, min(high, first - 1)), (max(begin, last + 1), high)]
    ranges = _merged([(low, high) for low, high in parts if low <= high])
    while len(ranges) > _RANGES_KEPT:
        ranges = tuple((pair[0][0], pair[-1][1]) for pair in batched(ranges, 2))
    return ranges


def advance(
    state: StreamState, first: int, last: int, sent_at: Instant, *, gives_up: bool = True
) -> StreamState:
    """The state after items `first`..`last` were committed. `gives_up`: proofs close a gap, which
    an agent that says what it holds need not give."""
    if first <= state.position + 1:
        return _close(state, max(state.position, last))
    begins = not state.ahead or first <= state.ahead[0][0]
    begun, begun_at = state.begun, state.begun_at
    if begins and (begun == 0 or first < state.ahead[0][0]):
        begun, begun_at = 1, sent_at
    elif begins and sent_at != begun_at:  # not "later": the edge's clock may have been set back
        begun, begun_at = begun + 1, sent_at
    if gives_up and begun >= PROOFS and begins:
        skipped = state.skipped + first - state.position - 1
        return _close(msgspec.structs.replace(state, skipped=skipped), last)
    ranges = _merged([*state.ahead, (first, last)])[:_RANGES_KEPT]
    return msgspec.structs.replace(state, ahead=ranges, begun=begun, begun_at=begun_at)


def _close(state: StreamState, position: int) -> StreamState:
    """Move on to `position` and over the ranges that now follow without a gap."""
    position, ahead = _joined(position, state.ahead)
    return StreamState(position, ahead, skipped=state.skipped, runs=state.runs)


def _joined(position: int, ranges: Ranges) -> tuple[int, Ranges]:
    """How far it goes without a gap from `position` on, and the ranges above that."""
    remaining = list(ranges)
    while remaining and remaining[0][0] <= position + 1:
        position = max(position, remaining.pop(0)[1])
    return position, tuple(remaining)


def _merged(ranges: list[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)
