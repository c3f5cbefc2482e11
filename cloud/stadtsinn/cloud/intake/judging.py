"""Decides what goes into the log: who owns the device, is the time possible, what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from stadtsinn.base.instant import Instant, isoformat
from stadtsinn.cloud.intake import metrics
from stadtsinn.cloud.intake.arrival import Candidate, Rejection
from stadtsinn.cloud.intake.claims import judged_claim, plausible, read_claim
from stadtsinn.cloud.intake.decoding import GroupDecoder
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.town.directory import DeviceEntry, Directory
from stadtsinn.decoders.catalogue import Catalogue
from stadtsinn.decoders.reading import Undecoded, encode_outcome
from stadtsinn.decoders.uplink import MAX_PAYLOAD
from stadtsinn.decoders.uplink_bounds import broken


class Judge:
    """Turns candidates into entries of the log, or rejections with a reason.

    The log gets what this cloud's decoder says. What an edge says is only a claim: it stands
    alone where this cloud does not know the device type, and then it is judged (`claims`).
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._decoder = GroupDecoder(catalogue)
        self._catalogue = catalogue
        self._occasional = metrics.Occasional()

    def start(self) -> None:
        """Load the decoders' kernel in the background."""
        self._decoder.start()

    def judge(
        self, candidates: Sequence[Candidate], directory: Directory, now: Instant
    ) -> list[Entry | Rejection]:
        """One answer per candidate, in order."""
        verdicts = [_owned(candidate, directory, now) for candidate in candidates]
        taken = [
            (candidate, device)
            for candidate, device in zip(candidates, verdicts, strict=True)
            if isinstance(device, DeviceEntry)
        ]
        frames = [candidate.uplink.frame(device.device_type) for candidate, device in taken]
        outcomes = iter(self._decoder.decode(frames))
        return [
            self._entry(candidate, verdict, next(outcomes))
            if isinstance(verdict, DeviceEntry)
            else verdict
            for candidate, verdict in zip(candidates, verdicts, strict=True)
        ]

    def _entry(self, candidate: Candidate, device: DeviceEntry, decoded: bytes | None) -> Entry:
        claim = candidate.claim
        if decoded is None:
            decoded = self._of_unknown_type(candidate, device)
        elif claim is not None and memoryview(claim) != decoded:
            self._note_difference(candidate, bytes(claim), decoded)
        return Entry(
            device.tenant_id,
            candidate.received.origin.source,
            device.device_type,
            candidate.uplink,
            decoded,
        )

    def _of_unknown_type(self, candidate: Candidate, device: DeviceEntry) -> bytes:
        """The edge's word where it speaks of that type, else that nobody knows it."""
        judged = None
        if candidate.claim is not None and candidate.uplink.device_type == device.device_type:
            judged = judged_claim(
                bytes(candidate.claim), device.device_type, candidate.uplink.event_time
            )
        unknown = Undecoded("unknown_device", self._catalogue.unknown(device.device_type))
        return encode_outcome(judged or unknown)

    def _note_difference(self, candidate: Candidate, claim: bytes, decoded: bytes) -> None:
        """Older decoders may say otherwise; the same version must not."""
        theirs, ours = read_claim(claim), read_claim(decoded)
        if theirs is None or ours is None or theirs.decoder != ours.decoder or theirs == ours:
            return
        source = candidate.received.origin.source
        metrics.DIFFERENT_CLAIMS.labels(source).inc()
        self._occasional.warn(
            "edge_decodes_otherwise",
            (source, ours.decoder),
            source=source,
            decoder=ours.decoder,
            dev_eui=candidate.uplink.dev_eui,
            meaning="what this cloud decodes is logged; look whether somebody changed that edge",
        )


def _owned(candidate: Candidate, directory: Directory, now: Instant) -> DeviceEntry | Rejection:
    """The registered device of an uplink that may be logged, with its owner of that time."""
    uplink = candidate.uplink
    device = directory.device_at(uplink.dev_eui, uplink.event_time)
    if device is None:
        return _unregistered(candidate)
    if objection := _objection(candidate, device, now):
        return candidate.rejected(*objection)
    return device


def _unregistered(candidate: Candidate) -> Rejection:
    return candidate.rejected(
        Reason.UNREGISTERED_DEVICE,
        "nobody registered this device: add it ('stadtsinn registry apply' or the API), and what "
        "waits here is taken by itself",
    )


def _objection(
    candidate: Candidate, device: DeviceEntry, now: Instant
) -> tuple[Reason, str] | None:
    """Reason and detail why a registered device's uplink is not taken; None if it is."""
    uplink = candidate.uplink
    if candidate.received.origin.tenant_id not in (None, device.tenant_id):
        return (
            Reason.WRONG_TENANT,
            "device and edge (or network server) have different tenants: correct the registry",
        )
    if len(uplink.payload) > MAX_PAYLOAD:
        return (
            Reason.OVERSIZED_PAYLOAD,
            f"{len(uplink.payload)} bytes, LoRaWAN carries at most {MAX_PAYLOAD}",
        )
    if not plausible(uplink.event_time, now):
        return (
            Reason.IMPLAUSIBLE_TIME,
            f"event time {_when(uplink.event_time)}: set the clock of the machine that reported it",
        )
    if field := broken(uplink):
        return Reason.BAD_FIELD, f"{field} is out of range: no uplink of a LoRaWAN network server"
    return None


def _when(moment: Instant) -> str:
    try:
        return isoformat(moment)
    except (OverflowError, ValueError, OSError):
        return f"{moment} µs"
