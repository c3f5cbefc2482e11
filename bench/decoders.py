"""Decoding, measured: kernel, interpreter, and JavaScript in Node on the same bytes, one core each.

    .venv/bin/python bench/decoders.py [--frames N] [--rounds N]

The sides run in turns, round by round, after one warm-up each; the ratio is the median of the
rounds' own ratios, so that a busy machine slows both. The kernel fills columns (values, slots,
flags); making Reading objects from them is measured on its own line.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stadtsinn.decoders.batch import PADDING, Columns, Tables, decode_columns
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.interpreter import interpret

CODEC = Path(__file__).parent / "codecs" / "lse01.js"
DEVICE, PORT, SIZE = "dragino/lse01", 2, 11
DISTINCT = 10_000
"""Different frames; larger batches repeat them."""
BLOCK = 20_000
"""Frames of one kernel call, as a follower or an archive's row group hands them over."""
EXAMPLE = bytes.fromhex("CE2900F107A5099B6E2890")


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one run."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def kernel_round(frames: bytes, count: int) -> Callable[[], Columns]:
    """Decodes `count` frames in blocks; returns the last block's columns."""
    tables = Tables([catalogue().device(DEVICE).program])
    repeated = (frames * (BLOCK // DISTINCT + 1))[: BLOCK * SIZE]
    buffer = np.frombuffer(repeated + bytes(PADDING), np.uint8)
    offsets = np.arange(BLOCK + 1, dtype=np.int64) * SIZE
    programs, ports = np.zeros(BLOCK, np.int32), np.full(BLOCK, PORT, np.int32)

    def run() -> Columns:
        for _ in range(count // BLOCK):
            columns = decode_columns(tables, programs, ports, buffer, offsets)
        return columns

    return run


def interpreter_round(frames: bytes, count: int) -> Callable[[], None]:
    """Decodes `count` frames one by one, without names."""
    program = catalogue().device(DEVICE).program
    payloads = [frames[i * SIZE : (i + 1) * SIZE] for i in range(DISTINCT)]

    def run() -> None:
        for i in range(count):
            interpret(program, PORT, payloads[i % DISTINCT])

    return run


def node_seconds(frames: bytes, count: int) -> float:
    """One warm round of the JavaScript codec in a process of its own."""
    command = ["node", str(CODEC), str(count), "1"]
    done = subprocess.run(command, input=frames, capture_output=True, check=True)
    return float(json.loads(done.stdout)["seconds"])


def single_uplink() -> float:
    """Microseconds for one uplink with names and units, warm: the best of many short runs."""
    devices = catalogue()
    repeat = 200
    runs = [
        seconds(lambda: [devices.decode(DEVICE, PORT, EXAMPLE) for _ in range(repeat)])
        for _ in range(50)
    ]
    return min(runs) / repeat * 1e6


def main() -> None:
    """Print rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=1_000_000, help="frames per kernel round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    frames = np.random.default_rng(1).bytes(DISTINCT * SIZE)
    count = max(BLOCK, options.frames // BLOCK * BLOCK)
    few = count // 50
    with_node = shutil.which("node") is not None
    kernel, interpreter = kernel_round(frames, count), interpreter_round(frames, few)
    kernel()
    interpreter()
    rates: dict[str, list[float]] = {"kernel": [], "interpreter": [], "node": []}
    for _ in range(options.rounds):
        rates["kernel"].append(count / seconds(kernel))
        rates["interpreter"].append(few / seconds(interpreter))
        if with_node:
            rates["node"].append(count / node_seconds(frames, count))
    columns = kernel()
    made = seconds(lambda: sum(1 for _ in columns.results()))
    print(f"decoders: {DEVICE}, {count:,} frames a round, {options.rounds} rounds, one core")
    for side, values in rates.items():
        if values:
            print(f"  {side:<12}{statistics.median(values) / 1e6:10.2f} M frames/s")
    print(f"  {'rows made':<12}{len(columns) / made / 1e6:10.2f} M frames/s from columns to rows")
    print(f"  kernel / interpreter  {_ratio(rates, 'interpreter'):8.1f}")
    if with_node:
        print(f"  kernel / Node         {_ratio(rates, 'node'):8.1f}   hold: 10")
    else:
        print("  kernel / Node: Node is absent (apt-get install nodejs)", file=sys.stderr)
    print(f"  one uplink warm       {single_uplink():8.1f} µs hold: 20")


def _ratio(rates: dict[str, list[float]], other: str) -> float:
    return statistics.median(a / b for a, b in zip(rates["kernel"], rates[other], strict=True))


if __name__ == "__main__":
    main()
