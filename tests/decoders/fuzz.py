"""The nightly target: millions of random payloads through interpreter and kernel.

    make fuzz            # or: .venv/bin/python tests/decoders/fuzz.py --frames 20000 --seed 7

Every device type gets that many payloads, from a seed that is printed: random bytes, and examples
with changed, missing or added bytes. Ends with 1 when a result differs, raises, or is not finite.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.proof import random_payloads, run_findings

_BLOCK = 5000


def main() -> None:
    """Fuzz the whole catalogue."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=20_000, help="payloads of each device type")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    wrong = tried = 0
    for device in catalogue():
        for block in range(0, options.frames, _BLOCK):
            count = min(_BLOCK, options.frames - block)
            payloads = random_payloads(catalogue().device(device), count, options.seed + block)
            for found in run_findings(catalogue().device(device), payloads):
                print(f"{device}: {found}")
                wrong += 1
            tried += count
    print(f"{tried:,} payloads, {wrong} findings")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
