"""An uplink: what one LoRaWAN frame carried, with its payload not decoded yet."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from stadtsinn.base.instant import Instant

MAX_PAYLOAD = 242
"""Largest application payload of any LoRaWAN region, in bytes."""


Frame = tuple[str | None, int, bytes, Instant | None]
"""What a decoder needs of an uplink: device type, fPort, payload, time of reception."""


class TimeSource(StrEnum):
    """Where an uplink's event time was taken from, best first."""

    GPS = "gps"
    """The gateway's GNSS receiver (time since GPS epoch)."""
    GATEWAY = "gateway"
    """The gateway's own clock, found plausible."""
    NETWORK_SERVER = "network_server"
    """The network server's clock at arrival: too late for a frame that the gateway buffered."""
    ARRIVAL = "arrival"
    """Our own clock when the event reached us: no other clock was plausible."""
    CORRECTED = "corrected"
    """A wrong clock at the edge, put right by the cloud's (decision 3)."""


class Reception(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One gateway that received the frame. RSSI in dBm, SNR in dB."""

    gateway_id: str
    rssi: int = 0
    snr: float = 0.0


class Uplink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One application uplink, decrypted, not decoded.

    `dev_eui` and `dev_addr` are lower-case hex (16 and 8 digits). `f_cnt` is the full 32-bit
    counter; `f_port` 0 means a frame without application data. `payload` is the decrypted
    FRMPayload. `event_time` is when a gateway received the frame, `received_at` when the first
    stadtsinn process took the event from a broker. Frequencies in Hz.
    """

    dev_eui: str
    dev_addr: str
    f_cnt: int
    f_port: int
    payload: bytes
    event_time: Instant
    time_source: TimeSource
    received_at: Instant
    deduplication_id: str = ""
    """The network server's own id of this event; equal only for a resend of the same event."""
    device_type: str | None = None
    """Catalogue id such as ``dragino/lse01``; None while it is unknown."""
    device_name: str = ""
    device_profile: str = ""
    tags: dict[str, str] = {}
    data_rate: int = 0
    frequency: int = 0
    receptions: tuple[Reception, ...] = ()

    def frame(self, device_type: str | None) -> Frame:
        """What a decoder needs of it, as a device of that type."""
        return device_type, self.f_port, self.payload, self.event_time
