"""Exported codecs in Node, without anything that is younger than ECMAScript 5.1."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from real_parts import require
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.export.ts013 import ts013
from stadtsinn.decoders.proof import Payload

RUNNER = Path(__file__).with_name("run_codecs.js")


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
    """Node with the runner: a codec and what to ask it go in, answers come out."""

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
