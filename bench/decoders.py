"""Decoding, measured: the kernel against JavaScript in Node on the same bytes, one core each.

    make bench-decoders        # or: .venv/bin/python bench/decoders.py [--frames N] [--rounds N]

Eight device types, each with plain JavaScript (bench/codecs) that decodes and then runs
JSON.stringify, as every network server does. The sides run in turns, round by round, after one
warm-up each; a ratio is the median of the ratios per round, so that other load affects both.
The kernel fills columns (values, slots, flags); decoding to objects is measured as `1 uplink`.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stadtsinn.decoders.batch import NEVER, PADDING, Columns, Tables, decode_columns
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.interpreter import interpret
from stadtsinn.decoders.program import OK

CODECS = Path(__file__).parent / "codecs"
DISTINCT = 5_000
"""Different frames of a device; larger batches repeat them."""
BLOCK = 20_000
"""Frames of one kernel call, as many as a follower's batch or an archive's row group has."""
HOLD, HOLD_EACH = 10, 4


@dataclass(frozen=True)
class Case:
    """A device type, its port, and payloads as it usually sends them."""

    device: str
    port: int
    payloads: tuple[str, ...]

    @property
    def codec(self) -> Path:
        return CODECS / f"{self.device.replace('/', '-')}.js"


CASES = (
    Case("dragino/lse01", 2, ("CE2900F107A5099B6E2890",)),
    Case("decentlab/dl-trs12", 1, ("0210D300035FB47FDE00580C58",)),
    Case(
        "decentlab/dl-atm41",
        1,
        ("02035A0003800A8000800080008009812B8014810880B4A57C820C810980027FE88056800880040BF5",),
    ),
    Case(
        "milesight/em500-smtc",
        85,
        ("01755F0367D9FF04CA2B07057F1E00", "01756403671901046873057FF000"),
    ),
    Case(
        "milesight/vs133",
        85,
        (
            "03D24800000004D2C800000006D20000000007D20000000009D2000000000AD2000000000CD2B41400000DD28D1A0000",
            "05CC0000000008CC000000000BCC000000000ECC05000700",
            "0FE302100709",
        ),
    ),
    Case("barani/meteohelix-iot-pro", 1, ("68DB4533BB2C000001FF5B",)),
    Case(
        "elsys/elsys",
        5,
        ("0100E202290400270506060308", "110215372A070E2E", "030127050A11010B000A0011"),
    ),
    Case(
        "sensecap/s2104-s2105",
        1,
        ("01011098530000010210A87A0000AF51", "0106101EFBFFFF0107107C470000010C10A401000035C4"),
    ),
)


def frames_of(case: Case) -> list[bytes]:
    """Its payloads with changed bytes, if they still decode to the same slots."""
    random = np.random.default_rng(1)
    device = catalogue().device(case.device)
    known = [bytes.fromhex(payload) for payload in case.payloads]
    shapes = [_shape(device, case.port, payload) for payload in known]
    found: list[bytes] = []
    while len(found) < DISTINCT:
        which = len(found) % len(known)
        changed = bytearray(known[which])
        for _ in range(4):
            changed[int(random.integers(len(changed)))] = int(random.integers(256))
        if _shape(device, case.port, bytes(changed)) == shapes[which]:
            found.append(bytes(changed))
    return found


def _shape(device: DeviceType, port: int, payload: bytes) -> tuple[int, list[int]]:
    """Status of a payload and the slots that it filled."""
    result = interpret(device.program, port, payload)
    return result.status, [slot for slot, *_ in result.values]


@dataclass(frozen=True)
class Batch:
    """The arrays of one kernel call."""

    tables: Tables
    programs: np.ndarray
    ports: np.ndarray
    received: np.ndarray
    buffer: np.ndarray
    offsets: np.ndarray

    def decode(self) -> Columns:
        return decode_columns(
            self.tables, self.programs, self.ports, self.received, self.buffer, self.offsets
        )


def batch_of(cases: list[tuple[Case, list[bytes]]]) -> Batch:
    """BLOCK frames of all cases, alternating."""
    tables = Tables([catalogue().device(case.device).program for case, _ in cases])
    rows = [(i % len(cases), (i // len(cases)) % DISTINCT) for i in range(BLOCK)]
    payloads = [cases[which][1][number] for which, number in rows]
    return Batch(
        tables,
        np.array([which for which, _ in rows], np.int32),
        np.array([cases[which][0].port for which, _ in rows], np.int32),
        np.full(BLOCK, NEVER, np.int64),
        np.frombuffer(b"".join(payloads) + bytes(PADDING), np.uint8),
        np.cumsum([0, *map(len, payloads)]).astype(np.int64),
    )


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one run."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def repeat(work: Callable[[], object], times: int) -> None:
    """Run it so many times."""
    for _ in range(times):
        work()


def node_seconds(case: Case, frames: list[bytes], count: int) -> float:
    """One warm round of the JavaScript codec, JSON.stringify included, in a process of its own."""
    lines = "\n".join(f"{case.port} {frame.hex()}" for frame in frames)
    command = ["node", str(CODECS / "run.js"), str(case.codec), str(count), "1"]
    done = subprocess.run(command, input=lines.encode(), capture_output=True, check=True)
    return float(json.loads(done.stdout)["seconds"])


def compare(case: Case, count: int, rounds: int, *, with_node: bool) -> float | None:
    """Print a device's rates; returns kernel / Node."""
    frames = frames_of(case)
    batch = batch_of([(case, frames)])
    columns = batch.decode()
    assert (columns.status == OK).all()
    kernel: list[float] = []
    node: list[float] = []
    few = max(DISTINCT, count // 10)
    for _ in range(rounds):
        kernel.append(count / seconds(lambda: repeat(batch.decode, count // BLOCK)))
        if with_node:
            node.append(few / node_seconds(case, frames, few))
    ratio = statistics.median(a / b for a, b in zip(kernel, node, strict=True)) if node else None
    shown = (
        f"{statistics.median(node) / 1e6:10.2f}{ratio:10.1f}" if ratio else f"{'-':>10}{'-':>10}"
    )
    print(
        f"  {case.device:<28}{statistics.median(kernel) / 1e6:10.2f}{shown}"
        f"{len(columns.values) / BLOCK:9.1f}{single_uplink(case, frames):12.1f}"
    )
    return ratio


def single_uplink(case: Case, frames: list[bytes]) -> float:
    """Microseconds for one uplink with names and units, warm: the best of many short runs."""
    devices = catalogue()
    some = frames[:100]
    runs = [
        seconds(lambda: [devices.decode(case.device, case.port, frame) for frame in some])
        for _ in range(30)
    ]
    return min(runs) / len(some) * 1e6


FIRST_DECODE = """
import time
begin = time.perf_counter()
from stadtsinn.decoders.catalogue import catalogue
frame = ("dragino/lse01", 2, bytes.fromhex("CE2900F107A5099B6E2890"), None)
outcomes = catalogue().decode_batch([frame] * 128)
assert len(outcomes[0].readings) == 5
print(time.perf_counter() - begin)
"""


def first_decode() -> float:
    """Seconds from nothing imported to the first batch decoded, with a warm cache."""
    runs = [float(subprocess.check_output([sys.executable, "-c", FIRST_DECODE])) for _ in range(4)]
    return min(runs[1:])


def memory(frames: int) -> tuple[int, int]:
    """Peak resident MiB after a tenth of the frames and after all; frames of all cases mixed."""
    batch = batch_of([(case, frames_of(case)) for case in CASES])

    def run(count: int) -> int:
        repeat(batch.decode, count // BLOCK)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    return run(frames // 10), run(frames)


def main() -> None:
    """Print rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=2_000_000, help="frames per kernel round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with_node = shutil.which("node") is not None
    count = max(BLOCK, options.frames // BLOCK * BLOCK)
    print(f"decoders: {count:,} frames a round, {options.rounds} rounds, one core, M frames/s")
    print(
        f"  {'device':<28}{'kernel':>10}{'Node':>10}{'ratio':>10}{'values':>9}{'1 uplink µs':>12}"
    )
    ratios = [compare(case, count, options.rounds, with_node=with_node) for case in CASES]
    known = [ratio for ratio in ratios if ratio is not None]
    if known:
        mean = statistics.geometric_mean(known)
        print(f"  kernel / Node   geometric mean {mean:5.1f} (hold: {HOLD})")
        print(f"                  least          {min(known):5.1f} (hold: {HOLD_EACH})")
    else:
        print("  kernel / Node: Node is absent (apt-get install nodejs)", file=sys.stderr)
    print("  1 uplink: with names and units, warm (hold: 20 µs)")
    print(f"  import and first batch, warm cache  {first_decode():5.2f} s (hold: 1)")
    after_some, after_all = memory(count * 5)
    print(f"  resident after {count // 2:,} mixed frames {after_some} MiB, ", end="")
    print(f"after {count * 5:,} {after_all} MiB")


if __name__ == "__main__":
    main()
