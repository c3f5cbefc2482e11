"""Hostile and faulty edges: no value is logged because an edge says so."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fake_arrivals import batch_arrival
from fake_uplinks import LSE01_PAYLOAD, NINE, at, register, uplink
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake import metrics
from stadtsinn.cloud.intake.arrival import Arrival
from stadtsinn.cloud.intake.claims import MAX_READINGS, judged_claim
from stadtsinn.cloud.intake.decoding import KERNEL_FROM, GroupDecoder
from stadtsinn.cloud.intake.service import Ingestor
from stadtsinn.cloud.log.uplinks.repository import read_after
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import CLOCK_WRONG
from stadtsinn.decoders.reading import Decoded, Outcome, Quality, Reading, Undecoded, encode_outcome
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.decoders.vocabulary import QUANTITIES
from stadtsinn.edge.messages.delivery import Batch, UplinkItem, batch_topic

LSE01 = catalogue().device("dragino/lse01").decoder

TRUTH = catalogue().decode("dragino/lse01", 2, LSE01_PAYLOAD)
UP = uplink(1, 0, payload=LSE01_PAYLOAD, device_type="dragino/lse01")
OWN_TYPE = "nobody/knows"

HOSTILE: list[Any] = [
    [Reading("soil_moisture", 1e300)],
    [Reading("soil_moisture", -5.0)],
    [Reading("soil_moisture", math.nan)],
    [Reading("soil_moisture", math.inf)],
    [Reading("soil_moisture", 30.0, channel="invented")],
    [Reading("gold_price", 30.0)],
    [Reading("soil_moisture", 30.0, quality=Quality.BAD, reason="out_of_range")],
    [Reading("soil_moisture", float(n % 100), channel=f"c{n}") for n in range(5_000)],
    [],
]
TELLING = ["huge", "negative", "nan", "infinite", "channel", "quantity", "quality", "many", "none"]


def batch_of(ingestor: Ingestor, *items: tuple[Uplink, Any]) -> Arrival:
    """As an edge sends it; an outcome may be anything that MessagePack can say."""
    numbered = [
        {"type": "uplink", "position": n, "uplink": up, "outcome": outcome}
        for n, (up, outcome) in enumerate(items, start=1)
    ]
    whole = {"edge_id": "rathaus", "stream": "s", "sent_at": NINE, "items": numbered}
    payload = msgspec.msgpack.encode(whole)
    topic = batch_topic("rathaus")
    return batch_arrival(topic, payload, NINE, ingestor.directory())


def outcomes(database: Database) -> list[Outcome]:
    with database.read() as connection:
        return [logged.outcome for logged in read_after(connection, 0, 10_000)]


@pytest.mark.parametrize("readings", HOSTILE, ids=TELLING)
def test_of_a_known_type_only_the_bytes_count(
    ingestor: Ingestor, database: Database, readings: list[Reading]
) -> None:
    before = metrics.DIFFERENT_CLAIMS.labels("edge:rathaus")._value.get()
    claimed = Decoded(LSE01, tuple(readings))
    assert ingestor.take([batch_of(ingestor, (UP, claimed))]).new.total() == 1
    assert outcomes(database) == [TRUTH]
    assert metrics.DIFFERENT_CLAIMS.labels("edge:rathaus")._value.get() == before + 1


@pytest.mark.parametrize(
    "nonsense", [None, 7, "text", [1, 2], {"type": "decoded"}, {"type": "guessed", "readings": []}]
)
def test_what_is_no_outcome_keeps_out_nothing(
    ingestor: Ingestor, database: Database, nonsense: Any
) -> None:
    committed = ingestor.take([batch_of(ingestor, (UP, nonsense))])
    assert (committed.new.total(), committed.rejections) == (1, ())
    assert outcomes(database) == [TRUTH]


def test_large_groups_are_decoded_again_as_well(ingestor: Ingestor, database: Database) -> None:
    """By the kernel; honest and hostile claims, a refused payload and an unknown type mixed."""
    ingestor._judge._decoder.load()
    register(database, "70b3d50000000900", device_type=OWN_TYPE)
    lie = Decoded(LSE01, (Reading("soil_moisture", 1.0),))
    items: list[tuple[Uplink, Any]] = [
        (replace(UP, f_cnt=n), TRUTH if n % 2 else lie) for n in range(KERNEL_FROM)
    ]
    items.append((replace(UP, f_cnt=100, payload=b"\x01"), lie))
    items.append((replace(UP, dev_eui="70b3d50000000900", device_type=OWN_TYPE), lie))
    ingestor.take([batch_of(ingestor, *items)])
    refused = catalogue().decode("dragino/lse01", 2, b"\x01")
    assert isinstance(refused, Undecoded)
    *known, short, unknown = outcomes(database)
    assert known == [TRUTH] * KERNEL_FROM
    assert short == refused
    assert isinstance(unknown, Undecoded)
    assert unknown.reason == "unknown_device"


def test_kernel_and_interpreter_write_the_same_bytes() -> None:
    """Every example of the catalogue."""
    known = catalogue()
    frames = [
        (kind, example.port, bytes.fromhex(example.bytes), at(0))
        for kind in known
        for example in known.device(kind).file.examples
    ]
    decoder = GroupDecoder(known)
    one_by_one = decoder.decode(frames)
    decoder.load()
    assert decoder.decode(frames) == one_by_one
    assert None not in one_by_one


def test_a_kernel_that_fails_is_not_asked_again() -> None:
    decoder = GroupDecoder(catalogue())
    calls: list[int] = []

    class Broken:
        def decode(self, frames: Any) -> Any:
            calls.append(len(frames))
            raise MemoryError

    decoder._kernel = Broken()  # type: ignore[assignment]
    frames = [UP.frame("dragino/lse01")] * KERNEL_FROM
    # The frame has a time of reception, the truth above has none: this type tells no times.
    for _ in range(2):
        assert decoder.decode(frames) == [encode_outcome(TRUTH)] * KERNEL_FROM
    assert calls == [KERNEL_FROM]


# --- types that only the edge knows ----------------------------------------------------


def judged(*readings: Reading, decoder: str = f"{OWN_TYPE}@3") -> Outcome | None:
    claim = encode_outcome(Decoded(decoder, readings))
    return judged_claim(claim, OWN_TYPE, at(3600))


def test_a_claim_that_could_be_is_taken_as_it_is() -> None:
    readings = (
        Reading("soil_moisture", 12.5, "30cm"),
        Reading("soil_moisture", 140.0, "60cm", Quality.BAD, "out_of_range"),
        Reading("soil_temperature", 3.0, quality=Quality.SUSPECT, reason="frozen"),
        Reading("soil_temperature", 4.0, event_time=at(10)),
    )
    assert judged(*readings) == Decoded(f"{OWN_TYPE}@3", readings)


@pytest.mark.parametrize("quality", [Quality.GOOD, Quality.SUSPECT])
@pytest.mark.parametrize("value", [100.1, -0.1, 1e300])
def test_what_cannot_be_is_bad_whatever_the_edge_calls_it(value: float, quality: Quality) -> None:
    reason = "" if quality is Quality.GOOD else "frozen"
    found = judged(Reading("soil_moisture", value, "30cm", quality, reason))
    bad = Reading("soil_moisture", value, "30cm", Quality.BAD, "out_of_range")
    assert found == Decoded(f"{OWN_TYPE}@3", (bad,))


@pytest.mark.parametrize(
    "readings",
    [
        [Reading("soil_moisture", math.nan)],
        [Reading("soil_moisture", math.inf)],
        [Reading("gold_price", 1.0)],
        [Reading("soil_moisture", 1.0, "x" * 41)],
        [Reading("soil_moisture", 1.0, "a,device=other")],
        [Reading("soil_moisture", 1.0, "a\0")],
        [Reading("soil_moisture", 1.0, reason="good but")],
        [Reading("soil_moisture", 1.0, quality=Quality.SUSPECT)],
        [Reading("soil_moisture", 1.0, quality=Quality.BAD, reason="Drop table\n")],
        [Reading("soil_moisture", 1.0, event_time=Instant(-1))],
        [Reading("soil_moisture", 1.0, event_time=Instant(2**62))],
        [Reading("soil_moisture", 1.0), Reading("soil_moisture", 2.0)],
        [Reading("soil_moisture", 1.0, f"c{n}") for n in range(MAX_READINGS + 1)],
    ],
)
def test_what_no_decoder_says_is_not_taken(readings: list[Reading]) -> None:
    assert judged(*readings) is None


@pytest.mark.parametrize("quality", Quality)
@pytest.mark.parametrize("time", [at(3600 + 3601), at(3600 + 26 * 3600), at(10**7), Instant(10)])
def test_a_sample_is_compared_with_its_uplink(time: Instant, quality: Quality) -> None:
    """As decoders do: what is corrected later looks for samples as far ahead as that, not more."""
    reason = "" if quality is Quality.GOOD else "frozen"
    found = judged(Reading("soil_moisture", 12.5, "", quality, reason, time))
    wrong = Reading("soil_moisture", 12.5, "", Quality.BAD, CLOCK_WRONG, time)
    assert found == Decoded(f"{OWN_TYPE}@3", (wrong,))


def test_a_late_uplink_vouches_for_no_sample_of_today(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    """The spool waited for two days: by its arrival a sample of yesterday would seem possible."""
    register(database, "70b3d50000000900", device_type=OWN_TYPE)
    waited = replace(UP, dev_eui="70b3d50000000900", device_type=OWN_TYPE)
    ahead = Reading("soil_moisture", 12.5, event_time=at(27 * 3600))
    right = Reading("soil_moisture", 13.5, event_time=at(-3600))
    clock.set(at(48 * 3600))
    ingestor.take([batch_of(ingestor, (waited, Decoded(f"{OWN_TYPE}@3", (ahead, right))))])
    (logged,) = outcomes(database)
    assert isinstance(logged, Decoded)
    assert [reading.reason for reading in logged.readings] == [CLOCK_WRONG, ""]


def test_a_claim_speaks_only_of_the_registered_type() -> None:
    reading = Reading("soil_moisture", 12.5)
    assert judged(reading, decoder=LSE01) is None
    assert judged(reading, decoder=OWN_TYPE) is None


@given(st.lists(st.tuples(st.sampled_from(sorted(QUANTITIES)), st.floats()), max_size=8))
def test_nothing_is_good_outside_its_range(values: list[tuple[str, float]]) -> None:
    outcome = judged(*(Reading(name, value, f"c{n}") for n, (name, value) in enumerate(values)))
    if any(not math.isfinite(value) for _, value in values):
        assert outcome is None
        return
    assert isinstance(outcome, Decoded)
    for reading in outcome.readings:
        quantity = QUANTITIES[reading.quantity]
        inside = quantity.low <= reading.value <= quantity.high
        assert (reading.quality is Quality.GOOD) == inside


def test_a_rejected_item_keeps_its_claim_for_the_replay(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    from stadtsinn.cloud.intake.quarantine import replay

    stranger = replace(UP, dev_eui="70b3d50000000900", device_type=OWN_TYPE)
    claimed = Decoded(f"{OWN_TYPE}@3", (Reading("soil_moisture", 12.5),))
    assert ingestor.take([batch_of(ingestor, (stranger, claimed))]).new.total() == 0
    register(database, stranger.dev_eui, device_type=OWN_TYPE)
    assert replay(database, ingestor, clock).taken == 1
    assert outcomes(database) == [claimed]


def test_what_the_cloud_reads_is_what_the_edge_writes() -> None:
    """The two forms of an item differ in nothing but the claim's type."""
    from stadtsinn.edge.messages.delivery import decode_batch, decode_claimed_batch, encode

    item = UplinkItem(1, UP, TRUTH)
    payload = encode(Batch(edge_id="rathaus", stream="s", sent_at=NINE, items=(item,)))
    (claimed,) = decode_claimed_batch(payload).items
    assert decode_batch(payload).items == (item,)
    assert (claimed.position, claimed.uplink, bytes(claimed.outcome)) == (  # type: ignore[union-attr]
        1,
        UP,
        encode_outcome(TRUTH),
    )


def test_the_reason_of_wrong_clocks_is_a_word_that_an_edge_may_use() -> None:
    reading = Reading("soil_moisture", 12.5, "", Quality.BAD, CLOCK_WRONG)
    assert judged(reading) == Decoded(f"{OWN_TYPE}@3", (reading,))
