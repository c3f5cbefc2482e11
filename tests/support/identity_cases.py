"""Decision record 0005's table: which uplinks are copies, which are a counter's second run.

Each case is a list of arrivals in the order they reach the ingest; the log must hold exactly
those marked True.
"""

from __future__ import annotations

from dataclasses import dataclass

from fake_uplinks import entry, uplink
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.decoders.uplink import TimeSource

HOUR, DAY = 3600.0, 86_400.0
GPS, GATEWAY, SERVER, ARRIVAL, _ = TimeSource


def seen(
    f_cnt: int,
    seconds: float,
    by: str = "chirpstack:a",
    time: TimeSource = GATEWAY,
    *,
    payload: bytes = b"\x01",
    dev_addr: str = "01020304",
    f_port: int = 2,
    id: str | None = None,  # noqa: A002
) -> Entry:
    """A frame as one source reports it, by default with an event id of its own."""
    event_id = f"{by}/{f_cnt}/{seconds}" if id is None else id
    return entry(
        uplink(
            f_cnt,
            seconds,
            payload=payload,
            dev_addr=dev_addr,
            f_port=f_port,
            time_source=time,
            deduplication_id=event_id,
        ),
        by,
    )


def run(start: float, count: int, step: float = 60, **how: object) -> list[tuple[Entry, bool]]:
    """Frames 0..count-1 with one payload, all new."""
    return [(seen(n, start + n * step, **how), True) for n in range(count)]  # type: ignore[arg-type]


A, B, EDGE = "chirpstack:a", "chirpstack:b", "edge:rathaus"


@dataclass(frozen=True)
class Case:
    name: str
    arrivals: list[tuple[Entry, bool]]


CASES = [
    Case("two network servers, half a second apart", [
        (seen(7, 0, A), True), (seen(7, 0.5, B), False),
    ]),
    Case("two network servers, the other one first", [
        (seen(7, 0.5, B), True), (seen(7, 0, A), False),
    ]),
    Case("gateway clocks five minutes apart", [(seen(7, 0, A), True), (seen(7, 300, B), False)]),
    Case("same event again, hours later by the clock", [
        (seen(7, 0, A, SERVER, id="x"), True),
        (seen(7, 5 * HOUR, A, SERVER, id="x"), False),
    ]),
    Case("same event with another payload is no copy", [
        (seen(7, 0, A, id="x"), True),
        (seen(7, 0, A, id="x", payload=b"\x02"), True),
    ]),
    Case("same counter, other port", [(seen(7, 0, A), True), (seen(7, 1, A, f_port=3), True)]),
    Case("central first, then the edge's spool hours later with true times", [
        *run(0, 5, by=A), *[(seen(n, n * 60 + 0.1, EDGE), False) for n in range(5)],
    ]),
    Case("edge first, then central", [
        *run(0, 5, by=EDGE), *[(seen(n, n * 60 + 0.1, A), False) for n in range(5)],
    ]),
    Case("edge copy stamped at its late arrival", [
        (seen(7, 0, A), True), (seen(7, 3 * HOUR, B, SERVER), False),
    ]),
    Case("late stamp first, truth second", [
        (seen(7, 3 * HOUR, B, SERVER), True), (seen(7, 0, EDGE), False),
    ]),
    Case("backlog of a second server, stamped at arrival, in order", [
        *run(0, 5, by=A),
        *[(seen(n, 2 * HOUR + n, B, SERVER), False) for n in range(5)],
    ]),
    Case("backlog whose first frames only the second server heard", [
        (seen(5, 300, A), True),
        (seen(4, 2 * HOUR, B, SERVER), True),
        (seen(5, 2 * HOUR + 1, B, SERVER), False),
    ]),
    Case("device restarts an hour later with the same payload", [*run(0, 60), *run(HOUR, 70)]),
    Case("restart an hour later, the server's clock only", [
        *run(0, 30, time=SERVER), *run(HOUR, 40, time=SERVER),
    ]),
    Case("restart, our own clock only, without event ids", [
        *run(0, 10, time=ARRIVAL, id=""), *run(HOUR, 12, time=ARRIVAL, id=""),
    ]),
    Case("restart after three minutes", [*run(0, 3), *run(200, 6)]),
    Case("restart after three minutes, server's clock", [
        *run(0, 3, time=SERVER), *run(200, 6, time=SERVER),
    ]),
    Case("two restarts in ten minutes", [*run(0, 3), *run(200, 3), *run(400, 5)]),
    Case("restart seen by two servers counts once", [
        (seen(0, 0, A), True), (seen(0, 0.2, B), False),
        (seen(1, 60, A), True), (seen(1, 60.2, B), False),
        (seen(0, HOUR, B), True), (seen(0, HOUR - 0.2, A), False),
        (seen(1, HOUR + 60, A), True), (seen(1, HOUR + 60.2, B), False),
        (seen(2, HOUR + 120, B), True), (seen(2, HOUR + 120.2, A), False),
    ]),
    Case("spool of the first run arrives after the restart", [
        *run(0, 4, by=A), *run(HOUR, 4, by=A),
        *[(seen(n, n * 60 + 0.1, EDGE), False) for n in range(4)],
        *[(seen(n, HOUR + n * 60 + 0.1, EDGE), False) for n in range(4)],
    ]),
    Case("second server's late copy of the restarted run", [
        *run(0, 4, by=A), *run(HOUR, 4, by=A), (seen(3, 3 * HOUR, B, SERVER), False),
    ]),
    Case("rejoin starts at 0 with a new address", [
        *run(0, 3),
        (seen(0, 200, dev_addr="0a0b0c0d"), True), (seen(1, 260, dev_addr="0a0b0c0d"), True),
    ]),
    Case("repetition within seconds (confirmed uplink, counter check off)", [
        (seen(7, 0, A), True), (seen(7, 4, A), False), (seen(7, 9, A), False),
    ]),
    Case("events published in swapped order, stamped by us", [
        (seen(5, 0, A, ARRIVAL), True), (seen(6, 60, A, ARRIVAL), True),
        (seen(6, 60.1, B, ARRIVAL), False), (seen(5, 60.2, B, ARRIVAL), False),
    ]),
    Case("fast sender, the second server's gateway is half a minute ahead", [
        x for n in range(8) for x in ((seen(n, n * 5, A), True), (seen(n, n * 5 + 30, B), False))
    ]),
    Case("as before, but the second server hears some frames alone", [
        (seen(4, 40 + 30, B), True), (seen(5, 50, A), True), (seen(5, 50 + 30, B), False),
        (seen(6, 60 + 30, B), True), (seen(7, 70, A), True), (seen(7, 70 + 30, B), False),
    ]),
    Case("GPS and gateway time agree", [(seen(7, 0, A, GPS), True), (seen(7, 2, B), False)]),
    Case("a day later, both times trusted", [(seen(7, 0, A), True), (seen(7, DAY, B), True)]),
    Case("counter at its end", [(seen(2**32 - 1, 0), True), (seen(2**32 - 1, 1, B), False)]),
    Case("frames without payload are frames", [
        (seen(3, 0, payload=b"", f_port=0), True), (seen(3, 0.2, B, payload=b"", f_port=0), False),
    ]),
]  # fmt: skip
