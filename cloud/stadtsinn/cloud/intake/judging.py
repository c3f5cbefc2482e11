"""Decides what goes into the log: who owns the device, is the time possible, what was measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite

from stadtsinn.base.instant import MINUTE, Instant, isoformat
from stadtsinn.cloud.intake.arrival import Candidate, Rejection
from stadtsinn.cloud.intake.reading import item_original
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.town.directory import DeviceEntry, Directory
from stadtsinn.decoders.catalogue import Catalogue
from stadtsinn.decoders.reading import Decoded, Outcome
from stadtsinn.decoders.uplink import MAX_PAYLOAD
from stadtsinn.decoders.vocabulary import QUANTITIES
from stadtsinn.edge.network_servers.event_time import EARLIEST

FUTURE_TOLERANCE = 10 * MINUTE
"""An edge's own clock may be this much ahead of ours."""

_DEV_ADDR = re.compile(r"[0-9a-f]{8}")


class Judge:
    """Turns candidates into entries of the log, or rejections with a reason."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._decoders: dict[str, str | None] = {}

    def judge(
        self, candidates: Sequence[Candidate], directory: Directory, now: Instant
    ) -> list[Entry | Rejection]:
        """One answer per candidate, in order."""
        return [self._judge(candidate, directory, now) for candidate in candidates]

    def _judge(self, candidate: Candidate, directory: Directory, now: Instant) -> Entry | Rejection:
        uplink = candidate.uplink
        device = directory.devices.get(uplink.dev_eui)
        if device is None:
            return _unregistered(candidate)
        if objection := _objection(candidate, device, now):
            return _reject(candidate, *objection)
        outcome = self._of_edge(candidate, device, now)
        if outcome is None:
            # One by one: a few uplinks share a commit, and loading the batch kernel would hold
            # up the first of them for a second and cost 100 MB for 10 µs each.
            outcome = self._catalogue.decode(*uplink.frame(device.device_type))
        return Entry(device.tenant_id, candidate.origin.source, device.device_type, uplink, outcome)

    def _of_edge(self, candidate: Candidate, device: DeviceEntry, now: Instant) -> Outcome | None:
        """The edge's outcome where it is what this catalogue would say; else None."""
        outcome = candidate.outcome
        if outcome is None or candidate.uplink.device_type != device.device_type:
            return None
        ours = self._decoder_of(device.device_type)
        if ours is not None and outcome.decoder != ours:
            return None
        if isinstance(outcome, Decoded) and not all(
            isfinite(r.value)
            and r.quantity in QUANTITIES
            and (r.event_time is None or _plausible(r.event_time, now))
            for r in outcome.readings
        ):
            return None  # no decoder of ours says such a thing
        return outcome

    def _decoder_of(self, device_type: str) -> str | None:
        """``<device>@<version>`` of our catalogue, None for a type it does not know."""
        if device_type not in self._decoders:
            known = self._catalogue.find(device_type)
            self._decoders[device_type] = known.decoder if known else None
        return self._decoders[device_type]


def _unregistered(candidate: Candidate) -> Rejection:
    return _reject(
        candidate,
        "unregistered_device",
        "nobody registered this device: add it ('stadtsinn registry apply' or the API), then "
        "replay ('stadtsinn cloud quarantine replay')",
    )


def _objection(candidate: Candidate, device: DeviceEntry, now: Instant) -> tuple[str, str] | None:
    """Reason and detail why a registered device's uplink is not taken; None if it is."""
    uplink = candidate.uplink
    if candidate.origin.tenant_id not in (None, device.tenant_id):
        return (
            "wrong_tenant",
            "device and edge (or network server) have different tenants: correct the registry",
        )
    if len(uplink.payload) > MAX_PAYLOAD:
        return (
            "oversized_payload",
            f"{len(uplink.payload)} bytes, LoRaWAN carries at most {MAX_PAYLOAD}",
        )
    if not _plausible(uplink.event_time, now):
        return (
            "implausible_time",
            f"event time {_when(uplink.event_time)}: set the clock of the machine that reported it",
        )
    if not _fields_fit(candidate):
        return "bad_field", "dev_addr, f_cnt, f_port or deduplication id out of range"
    return None


def _plausible(moment: Instant, now: Instant) -> bool:
    return EARLIEST <= moment <= now + FUTURE_TOLERANCE


def _fields_fit(candidate: Candidate) -> bool:
    uplink = candidate.uplink
    return (
        _DEV_ADDR.fullmatch(uplink.dev_addr) is not None
        and 0 <= uplink.f_cnt <= 0xFFFF_FFFF
        and 0 <= uplink.f_port <= 255
        and len(uplink.deduplication_id) <= 64
        and "\0" not in uplink.deduplication_id
        and 0 <= uplink.received_at < 2**53
    )


def _when(moment: Instant) -> str:
    try:
        return isoformat(moment)
    except (OverflowError, ValueError, OSError):
        return f"{moment} µs"


def _reject(candidate: Candidate, reason: str, detail: str) -> Rejection:
    return Rejection(
        candidate.origin, item_original(candidate), reason, detail, candidate.uplink.dev_eui
    )
