"""Uplinks as the API shows them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from stadtsinn.base.berlin import isoformat, write_time
from stadtsinn.cloud.log.uplinks.history_item import HistoryItem
from stadtsinn.cloud.platform.api.times import ShownTime
from stadtsinn.decoders.reading import Decoded, Reading, Undecoded
from stadtsinn.decoders.undecoded import why_undecoded


class ReadingView(BaseModel):
    """One measured value."""

    quantity: str = Field(examples=["soil_moisture"])
    channel: str
    value: float
    quality: str = Field(examples=["good"])
    reason: str = Field(description="Why the quality is not good.")
    event_time: ShownTime | None = Field(description="Set where the value is older than its frame.")


class ReceptionView(BaseModel):
    """A gateway that heard the frame."""

    gateway_id: str
    rssi: int = Field(description="dBm")
    snr: float = Field(description="dB")


class UplinkView(BaseModel):
    """One uplink as it stands in the log."""

    position: int
    event_time: ShownTime = Field(description="When a gateway received the frame.")
    time_source: str = Field(
        description="Whose clock that is: gps, gateway, network_server, arrival, or corrected."
    )
    received_at: ShownTime
    committed_at: ShownTime
    dev_addr: str
    f_cnt: int
    f_port: int
    payload: str = Field(description="Hex digits.", examples=["ce2900f107a5099b6e2890"])
    source: str = Field(examples=["edge:rathaus"])
    decoder: str = Field(examples=["dragino/lse01@1"])
    readings: list[ReadingView]
    error: str | None = Field(description="Why the payload could not be decoded.")
    data_rate: int
    frequency: int = Field(description="Hz")
    receptions: list[ReceptionView]


def view(item: HistoryItem) -> UplinkView:
    uplink, radio = item.uplink, item.radio
    outcome = uplink.outcome
    return UplinkView(
        position=uplink.position,
        event_time=isoformat(uplink.event_time),
        time_source=uplink.time_source.value,
        received_at=isoformat(uplink.received_at),
        committed_at=isoformat(uplink.committed_at),
        dev_addr=uplink.dev_addr,
        f_cnt=uplink.f_cnt,
        f_port=uplink.f_port,
        payload=uplink.payload.hex(),
        source=uplink.source,
        decoder=outcome.decoder,
        readings=[_reading(reading) for reading in uplink.readings],
        error=None if isinstance(outcome, Decoded) else _error(outcome),
        data_rate=radio.data_rate,
        frequency=radio.frequency,
        receptions=[
            ReceptionView(gateway_id=r.gateway_id, rssi=r.rssi, snr=r.snr) for r in radio.receptions
        ],
    )


def _error(outcome: Undecoded) -> str:
    """The code, for programs, and why."""
    return f"{outcome.reason}: {why_undecoded(outcome).english}"


def _reading(reading: Reading) -> ReadingView:
    return ReadingView(
        quantity=reading.quantity,
        channel=reading.channel,
        value=reading.value,
        quality=reading.quality.value,
        reason=reading.reason,
        event_time=write_time(reading.event_time),
    )
