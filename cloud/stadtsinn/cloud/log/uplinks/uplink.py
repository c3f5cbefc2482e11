"""An uplink as it stands in the log."""

from __future__ import annotations

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.decoders.reading import Decoded, Outcome, Reading
from stadtsinn.decoders.uplink import Reception, TimeSource


class Radio(msgspec.Struct, frozen=True, gc=False):
    """Radio facts of an uplink: data rate index, frequency in Hz, who heard it how."""

    data_rate: int
    frequency: int
    receptions: tuple[Reception, ...]

    @property
    def best(self) -> Reception | None:
        """Of the gateway that heard it best; None where none is known."""
        return max(self.receptions, key=lambda one: (one.snr, one.rssi), default=None)


class LoggedUplink(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a follower gets to see of an uplink."""

    position: int
    tenant_id: str
    dev_eui: str
    dev_addr: str
    generation: int
    f_cnt: int
    f_port: int
    payload: bytes
    event_time: Instant
    time_source: TimeSource
    received_at: Instant
    committed_at: Instant
    source: str
    device_type: str | None
    outcome: Outcome

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The readings, none where the payload could not be decoded."""
        return self.outcome.readings if isinstance(self.outcome, Decoded) else ()
