"""No frame of one device type passes for a frame of another without anybody noticing.

Each example of each device type is given to all others. They must refuse it, flag what they read,
or read only what the frame really says (two sisters share their status frame). Pairs for which no
content tells the frames apart stand in known_confusions.toml with the reason; a pair that is not
confused any more must be taken out of it, so the list only shrinks.

    python tests/decoders/test_confusion.py  # takes pairs out that are not needed
"""

from __future__ import annotations

import math
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from device_examples import DEVICE_IDS, device_types, examples
from stadtsinn.decoders.proof import expected_readings, received_at
from stadtsinn.decoders.reading import Decoded, Quality, Reading

pytestmark = pytest.mark.slow

LIST = Path(__file__).with_name("known_confusions.toml")

Pairs = dict[str, set[str]]
"""Device types that take frames of a device type for theirs, by the sender."""


def known() -> dict[str, Pairs]:
    """The list: pairs by reason."""
    return {
        entry["reason"]: {sender: set(others) for sender, others in entry["pairs"].items()}
        for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["known"]
    }


def is_said(reading: Reading, stated: list[Reading]) -> bool:
    """Whether the frame says the same quantity with the same value in the sender's own words."""
    return any(
        one.quantity == reading.quantity
        and math.isclose(one.value, reading.value, rel_tol=1e-9, abs_tol=1e-9)
        for one in stated
    )


@cache
def confused() -> Pairs:
    """Every pair of which the second makes a good reading that the frame does not say."""
    found: Pairs = defaultdict(set)
    devices = device_types()
    for sender, example in examples():
        if example.error:
            continue
        payload, stated = bytes.fromhex(example.bytes), list(expected_readings(example))
        for other in devices:
            if other is sender or other.id in found[sender.id]:
                continue
            outcome = other.decode(example.port, payload, received_at(example))
            if isinstance(outcome, Decoded) and any(
                reading.quality is Quality.GOOD and not is_said(reading, stated)
                for reading in outcome.readings
            ):
                found[sender.id].add(other.id)
    return {sender: others for sender, others in found.items() if others}


@pytest.mark.parametrize("sender", DEVICE_IDS)
def test_frames_of_a_device_type_pass_for_no_other(sender: str) -> None:
    """Refused, flagged, or in the list."""
    listed = {other for pairs in known().values() for other in pairs.get(sender, ())}
    assert confused().get(sender, set()) - listed == set()


@pytest.mark.parametrize("sender", DEVICE_IDS)
def test_the_list_holds_no_pair_that_is_told_apart(sender: str) -> None:
    """The list shrinks with each mend."""
    listed = {other for pairs in known().values() for other in pairs.get(sender, ())}
    assert listed - confused().get(sender, set()) == set()


def test_the_list_names_each_pair_once_and_with_a_reason() -> None:
    """Of device types that exist."""
    seen: set[tuple[str, str]] = set()
    for reason, pairs in known().items():
        assert len(reason) > 40, reason
        for sender, others in pairs.items():
            assert {sender, *others} <= set(DEVICE_IDS)
            assert not seen & {(sender, other) for other in others}
            seen |= {(sender, other) for other in others}


def main() -> None:
    """Write the list anew: pairs that are confused no more leave it, none is added."""
    lines = LIST.read_text(encoding="utf-8").split("[[known]]", 1)[:1]
    for reason, pairs in known().items():
        kept = {s: sorted(o & confused().get(s, set())) for s, o in sorted(pairs.items())}
        rows = [f'"{s}" = {o}'.replace("'", '"') for s, o in kept.items() if o]
        if rows:
            lines += [f'[[known]]\nreason = "{reason}"\n\n[known.pairs]', *rows, ""]
    LIST.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
