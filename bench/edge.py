"""The edge agent with the kernel and without it: groups of each size, then the whole agent.

    .venv/bin/python bench/edge.py [--uplinks N]

The first table shows from which group size on the kernel is faster (KERNEL_FROM in the agent's
decoding.py), with packing and all objects included. Then the same events go through an agent with
numba and one without, as with the extra edge-small.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pipeline
from installation import Installation, SecureBroker
from side import NOW, ROOT, Side
from traffic import make_uplinks

import real_parts
from stadtsinn.base.clock import SystemClock
from stadtsinn.decoders.uplink import Frame
from stadtsinn.edge.agent.decoding import KERNEL_FROM, Decode, decode_one_by_one, load_kernel
from stadtsinn.simulator.demo.mosquitto import Mosquitto, find_mosquitto

SIZES = (1, 4, 8, 12, 16, 20, 32, 50, 100, 500)
ROUNDS = 15
DEVICES = 1000
NO_NUMBA = "import sys\nsys.modules['numba'] = sys.modules['llvmlite'] = None\n"


@dataclasses.dataclass(frozen=True)
class WithoutNumba(Side):
    """This checkout, in processes that cannot import numba."""

    hook: Path = Path()
    """A folder with a `sitecustomize.py`."""

    @property
    def environment(self) -> dict[str, str]:
        known = super().environment
        return {**known, "PYTHONPATH": f"{self.hook}{os.pathsep}{known['PYTHONPATH']}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--uplinks", type=int, default=10_000)
    given = parser.parse_args()
    groups()
    with tempfile.TemporaryDirectory(prefix="stadtsinn-bench-") as name:
        hook = Path(name, "hook")
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(NO_NUMBA)
        sides = [
            dataclasses.replace(NOW, name="with-kernel"),
            WithoutNumba("without-numba", NOW.tree, hook),
        ]
        agents(sides, Path(name), given.uplinks)


def groups() -> None:
    kernel = load_kernel(threading.Event())
    made = make_uplinks(DEVICES, SystemClock().now(), max(SIZES), "00000001")
    frames = [uplink.frame(uplink.device_type) for uplink in made]
    print(f"\nOne group, µs (median of {ROUNDS}); the agent uses the kernel from {KERNEL_FROM}")
    print(f"  {'frames':>8}{'interpreter':>14}{'kernel':>10}{'ratio':>8}")
    for size in SIZES:
        group = frames[:size]
        plain, fast = (microseconds(decode, group) for decode in (decode_one_by_one, kernel))
        print(f"  {size:8}{plain:14.0f}{fast:10.0f}{plain / fast:8.2f}")


def microseconds(decode: Decode, group: Sequence[Frame]) -> float:
    calls = max(1, 500 // len(group))
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(calls):
            decode(group)
        took.append((time.perf_counter() - began) / calls)
    return sorted(took)[ROUNDS // 2] * 1e6


def agents(sides: Sequence[Side], folder: Path, uplinks: int) -> None:
    program = find_mosquitto(ROOT / ".cache")
    amounts = argparse.Namespace(uplinks=5 * uplinks, devices=DEVICES)
    with (
        SecureBroker(program, folder) as broker,
        Mosquitto(program, folder / "local", port=real_parts.free_port()) as local,
    ):
        for side in sides:
            place = Installation(side, folder / side.name, broker.port, DEVICES, None)
            place.start()
            try:
                pipeline.edge_agent(place, local, broker, amounts)
            finally:
                place.close()


if __name__ == "__main__":
    main()
