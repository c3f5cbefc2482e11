"""Conformance: the vendors' published payloads against our vendor fields, device by device.

    make conformance        # prints a line per device type: equal, documented deviation, failing

The vectors lie beside the project (../shared/vectors); the product never needs them.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from stadtsinn.base.instant import Instant, parse
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.proof import same
from stadtsinn.decoders.reading import Undecoded

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
PROFILES = VECTORS / "_more" / "chirpstack-device-profiles.jsonl"

CALIBRATED = {
    "decentlab/dl-kl66": "f0=15383.72,k=46.4859",
    "decentlab/dl-pr21": "p_min=-1,p_max=10",
    "decentlab/dl-pr26": "p_min=0,p_max=1",
    "decentlab/dl-pr36": "kp=8192",
    "decentlab/dl-pr36ctd": "kp=8192,kec=1024",
    "decentlab/dl-tbrg": "resolution=0.1",
}
"""The single sensor whose calibration stands in the vendor's published codec."""

Verdict = Literal["equal", "documented", "failing"]


@dataclass(frozen=True)
class Vector:
    """A published payload; `expected` is None where the vendor's codec reports an error."""

    device: str
    f_port: int
    payload: bytes
    received: Instant | None
    expected: Any
    source: str


def vectors() -> Iterator[Vector]:
    """Every published payload of a catalogued device type."""
    for device in catalogue():
        file = VECTORS / f"{device}.json"
        for example in json.loads(file.read_text())["examples"] if file.exists() else ():
            received, refused = example.get("recv_time"), _refused(example)
            yield Vector(
                device,
                example["f_port"],
                bytes.fromhex(example["bytes"]),
                parse(received) if received else None,
                None if refused else example["data"],
                example["description"],
            )
    for line in PROFILES.read_text().splitlines():
        row = json.loads(line)
        device = f"{row['vendor']}/{row['codec']}"
        if device in catalogue():
            yield Vector(
                device,
                row["fPort"] or _usual_port(device),
                bytes.fromhex(row["hex"]),
                parse(row["recvTime"]) if row["recvTime"] else None,
                None if _refused(row["expected"]) else row["expected"]["data"],
                row["name"] or "ChirpStack device profile",
            )


def _usual_port(device: str) -> int:
    """For a source that names none: that of the device file's first example."""
    return catalogue().device(device).file.examples[0].port


def _refused(example: dict[str, Any]) -> bool:
    """Whether the vendor's codec reports an error, in either of the ways they do."""
    return bool(example.get("errors")) or "error" in (example.get("data") or {})


def verdict(vector: Vector) -> Verdict:
    """Equal (or refused by both), a deviation that the device file documents, or failing."""
    calibration = CALIBRATED.get(vector.device)
    device = catalogue().device(f"{vector.device}:{calibration}" if calibration else vector.device)
    outcome, ours = device.decode_with_vendor(vector.f_port, vector.payload, vector.received)
    if vector.expected is None:
        equal = isinstance(outcome, Undecoded)
    else:
        equal = not isinstance(outcome, Undecoded) and same(ours, vector.expected)
    documented = {(d.port, bytes.fromhex(d.bytes)) for d in device.file.deviations if d.why}
    if (vector.f_port, vector.payload) in documented:
        # A deviation that is none any more must be taken out of the file.
        return "failing" if equal else "documented"
    return "equal" if equal else "failing"


def main() -> None:
    """Print the report; ends with 1 when anything fails."""
    if not VECTORS.is_dir():
        sys.exit(f"no published vectors at {VECTORS}")
    verdicts: dict[str, Counter[str]] = {device: Counter() for device in catalogue()}
    for vector in vectors():
        verdicts[vector.device][verdict(vector)] += 1
    print(f"{'device':<40}{'equal':>8}{'documented':>12}{'failing':>9}")
    for device, counts in verdicts.items():
        print(f"{device:<40}{counts['equal']:>8}{counts['documented']:>12}{counts['failing']:>9}")
    total = sum(verdicts.values(), Counter())
    print(f"{len(verdicts):<40}{total['equal']:>8}{total['documented']:>12}{total['failing']:>9}")
    sys.exit(1 if total["failing"] else 0)


if __name__ == "__main__":
    main()
