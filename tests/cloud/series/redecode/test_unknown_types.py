"""Decoding again removes only what it can make again."""

from __future__ import annotations

import pyarrow as pa

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.redecode.decoding import BatchRedecoder
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import Decoded, Reading, encode_outcome

LSE01 = bytes.fromhex("ce2900f107a5099b6e2890")
NOON = Instant(1_780_000_000_000_000)


def test_what_was_logged_of_a_type_that_is_gone_stays() -> None:
    """A town's own device file was taken away, or an edge knew the type and the cloud never did."""
    logged = encode_outcome(Decoded("town/own@3", (Reading("soil_moisture", 21.0),)))
    batch = pa.record_batch(
        {
            "device_type": pa.array(["town/own", "dragino/lse01", None]).dictionary_encode(),
            "f_port": pa.array([2, 2, 2], pa.int32()),
            "payload": pa.array([LSE01] * 3, pa.large_binary()),
            "event_time": pa.array([NOON] * 3, pa.int64()),
            "outcome": pa.array([logged] * 3, pa.large_binary()),
        }
    )
    changed = BatchRedecoder(catalogue()).redecode(batch)
    assert changed.rows == [1]  # of a type that is known
