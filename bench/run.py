"""All numbers of stadtsinn: `make bench`. Each line names what it is compared with.

    .venv/bin/python bench/run.py [--quick]

The decoders run first, then redecoding, the edge agent with and without the kernel, and the whole
pipeline with real processes. The numbers are printed and not compared with limits.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller amounts, rougher numbers")
    quick = parser.parse_args().quick
    decoders = ["--frames", "400000", "--rounds", "3"] if quick else []
    pipeline = ["--uplinks", "5000", "--rounds", "1", "--seconds", "5"] if quick else []
    redecode = ["--frames", "500000"] if quick else []
    edge = ["--uplinks", "4000"] if quick else []
    runs = (
        ("decoders.py", decoders),
        ("redecode.py", redecode),
        ("edge.py", edge),
        ("pipeline.py", pipeline),
    )
    for script, arguments in runs:
        subprocess.run([sys.executable, str(BENCH / script), *arguments], check=True)


if __name__ == "__main__":
    main()
