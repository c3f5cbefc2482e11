"""All numbers of stadtsinn: `make bench`. Each line names what it is compared with.

    .venv/bin/python bench/run.py [--quick] [--against REVISION]

The decoders run first, then redecoding, back-testing, the edge agent with and without the kernel,
the public answers, what one town notices of a hostile one, how fast rules are judged and alarms
sent, a large delivery brought to a network server, and the whole pipeline with real processes. The
numbers are printed and not compared with limits. With `--against` each is measured in turn
with that revision, and the ratios are printed.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
from pathlib import Path

from side import NOW, Side, sides

BENCH = Path(__file__).parent
ROUNDS = 3
_NUMBER = re.compile(r"(?<![\w/.-])\d[\d,]*(?:\.\d+)?(?![\w/-])")
"""A number, but not inside a name such as ``decentlab/dl-atm41``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller amounts, rougher numbers")
    parser.add_argument("--against", help="a revision to measure in turn with this checkout")
    given = parser.parse_args()
    quick = given.quick
    decoders = ["--frames", "400000", "--rounds", "3"] if quick else []
    pipeline = ["--uplinks", "5000", "--rounds", "1", "--seconds", "5"] if quick else []
    redecode = ["--frames", "500000"] if quick else []
    edge = ["--uplinks", "4000"] if quick else []
    public = ["--requests", "2000"] if quick else []
    isolation = ["--seconds", "15"] if quick else []
    alarms = ["--rules", "500", "--uplinks", "5000", "--seconds", "10"] if quick else []
    provisioning = ["--devices", "1000"] if quick else []
    backtest = ["--sensors", "20", "--years", "1"] if quick else []
    runs = (
        ("decoders.py", decoders),
        ("redecode.py", redecode),
        ("backtest.py", backtest),
        ("edge.py", edge),
        ("public.py", public),
        ("isolation.py", isolation),
        ("alarms.py", alarms),
        ("provisioning.py", provisioning),
        ("pipeline.py", pipeline),
    )
    with sides(given.against) as compared:
        for script, arguments in runs:
            before = compared[0].tree / "bench" / script
            if script != "pipeline.py" and given.against and before.exists():
                compare(compared, script, arguments)
                continue
            command = [sys.executable, str(BENCH / script), *arguments]
            if script == "pipeline.py" and given.against:  # it takes turns by itself
                command += ["--against", given.against]
            subprocess.run(command, check=True)


def compare(compared: list[Side], script: str, arguments: list[str]) -> None:
    """One benchmark of both sides in turn: this checkout's lines, each with its ratios."""
    measured: dict[str, dict[str, list[list[float]]]] = {side.name: {} for side in compared}
    shown: dict[str, str] = {}
    for number in range(ROUNDS):
        for side in compared if number % 2 == 0 else compared[::-1]:
            for line in side.benchmark(script, arguments).splitlines():
                label = _NUMBER.sub("#", line)
                values = [float(found.replace(",", "")) for found in _NUMBER.findall(line)]
                measured[side.name].setdefault(" ".join(label.split()), []).append(values)
                if side is NOW:
                    shown[" ".join(label.split())] = line
    before, now = (measured[side.name] for side in compared)
    for label, line in shown.items():
        print(line)
        if "#" in label and label in before:
            print("      now / before:", " ".join(_ratios(now[label], before[label])))


def _ratios(ours: list[list[float]], theirs: list[list[float]]) -> list[str]:
    """For each number of a line, its median in `ours` divided by its median in `theirs`."""
    pairs = zip(zip(*ours, strict=True), zip(*theirs, strict=True), strict=True)
    return [
        f"{statistics.median(our) / statistics.median(their):.2f}" if any(their) else "-"
        for our, their in pairs
    ]


if __name__ == "__main__":
    main()
