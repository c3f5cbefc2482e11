"""Exported codecs in Node, without anything that is younger than ECMAScript 5.1."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from real_parts import require
from stadtsinn.base.instant import Instant, isoformat, parse
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.export.ts013 import ts013
from stadtsinn.decoders.proof import Payload
from stadtsinn.decoders.reading import Reading, Undecoded
from stadtsinn.decoders.vocabulary import QUANTITIES

RUNNER = Path(__file__).with_name("run_codecs.js")
LAST_INSTANT = parse("9999-12-31T23:59:59Z")


@contextmanager
def running_codecs() -> Iterator[Codecs]:
    """One Node process for many codecs."""
    command = [str(require("node")), str(RUNNER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        yield Codecs(process)
        assert process.stdin is not None
        process.stdin.close()


class Codecs:
    """Node with the runner: it reads a codec and questions, and writes the answers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def _ask(self, **request: Any) -> list[Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        # JavaScript writes large doubles without exponent: not to be read as whole numbers.
        answer = json.loads(stdout.readline(), parse_int=float)
        assert "failed" not in answer, answer["failed"]
        assert sorted(answer["made"]) == [
            "STADTSINN",
            "STADTSINN_DEVICE",
            "decodeUplink",
            "normalizeUplink",
        ]
        answers: list[Any] = answer["answers"]
        return answers

    def decode(self, device: DeviceType, payloads: list[Payload]) -> list[Any]:
        """What decodeUplink answers to each payload."""
        uplinks = [
            (port, payload.hex(), None if time is None else time / 1e6)
            for port, payload, time in payloads
        ]
        return self._ask(source=ts013(device), uplinks=uplinks)

    def evaluate(self, device: DeviceType, *expressions: str) -> list[Any]:
        """What JavaScript expressions give beside the codec."""
        return self._ask(source=ts013(device), ask=expressions)


def expected(device: DeviceType, port: int, payload: bytes, time: Instant | None) -> Any:
    """What decodeUplink must answer."""
    outcome, vendor = device.decode_with_vendor(port, payload, time)
    if isinstance(outcome, Undecoded):
        return {"errors": [outcome.message]}
    readings = [shown_reading(reading) for reading in outcome.readings]
    data = {**vendor, "stadtsinn": {"decoder": device.decoder, "readings": readings}}
    return {"data": data, "warnings": [_warning(r) for r in outcome.readings if r.reason]}


def shown_reading(reading: Reading) -> dict[str, Any]:
    """As `stadtsinn decode --json` says it; no text is for years after 9999."""
    shown: dict[str, Any] = {
        "quantity": reading.quantity,
        "value": reading.value,
        "unit": QUANTITIES[reading.quantity].unit,
        "channel": reading.channel,
        "quality": reading.quality.value,
    }
    if reading.reason:
        shown["reason"] = reading.reason
    if reading.event_time is not None:
        shown["event_time"] = isoformat(min(reading.event_time, LAST_INSTANT))
    return shown


def _warning(reading: Reading) -> str:
    name = f"{reading.quantity} {reading.channel}".strip()
    return f"{name}: {reading.quality.value}, {reading.reason}"


def same(wanted: Any, got: Any, digits: float) -> bool:
    """Equal in type and value; numbers within `digits` of their size."""
    match wanted, got:
        case dict(), dict():
            return wanted.keys() == got.keys() and all(
                same(wanted[key], got[key], digits) for key in wanted
            )
        case list(), list():
            pairs = zip(wanted, got, strict=False)
            return len(wanted) == len(got) and all(same(one, two, digits) for one, two in pairs)
        case (bool(), _) | (_, bool()):
            return wanted is got
        case int() | float(), int() | float():
            return math.isclose(wanted, got, rel_tol=digits, abs_tol=0.0)
        case _:
            return type(wanted) is type(got) and bool(wanted == got)
