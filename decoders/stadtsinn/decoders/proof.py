"""The checks a device file must pass: its examples, every prefix of them, random bytes.

Used by the tests on the catalogue and by `stadtsinn decoders check` on a town's own files.
"""

from __future__ import annotations

import copy
import importlib.util
import math
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any

import msgspec

from stadtsinn.base.counted import counted
from stadtsinn.base.instant import Instant, parse
from stadtsinn.decoders.compiler.needs import bodies
from stadtsinn.decoders.device_type import DeviceType, refusal, unix_seconds
from stadtsinn.decoders.interpreter import Result, interpret
from stadtsinn.decoders.language.model import Example, Item
from stadtsinn.decoders.reading import Decoded, Quality, Reading, Undecoded
from stadtsinn.decoders.uplink import MAX_PAYLOAD

Payload = tuple[int, bytes, Instant | None]
"""fPort, bytes, time of reception."""

NOISE = 2000
"""Random payloads per device file."""


def findings(device: DeviceType, *, noise: int = NOISE) -> list[str]:
    """One text per error of a device file; empty if it passes all checks.

    Without numba the kernel is not compared with the interpreter (see kernel_is_installed).
    """
    return [
        *(found for example in device.file.examples for found in example_findings(device, example)),
        *coverage_findings(device),
        *run_findings(device, [*prefixes(device), *random_payloads(device, noise)]),
    ]


def kernel_is_installed() -> bool:
    """Whether numba is installed, so that the kernel can be compared with the interpreter."""
    return importlib.util.find_spec("numba") is not None


def received_at(example: Example) -> Instant | None:
    """When a gateway received an example; None where its readings do not depend on it."""
    return parse(example.received) if example.received else None


def calibrated(device: DeviceType, example: Example) -> DeviceType:
    """The device type with the constants of the single sensor that sent an example.

    Raises ValueError for a constant that the device type does not have.
    """
    if not example.constants:
        return device
    return DeviceType(device.id, device.text, example.constants)


def expected_readings(example: Example) -> tuple[Reading, ...]:
    """The readings that an example states."""
    return tuple(
        Reading(
            one.quantity,
            one.value,
            one.channel,
            Quality(one.quality),
            one.reason,
            parse(one.event_time) if one.event_time else None,
        )
        for one in example.readings
    )


def expected_vendor(example: Example) -> dict[str, Any]:
    """The vendor fields that an example states, with the nulls, for which TOML has no value."""
    fields = copy.deepcopy(example.vendor or {})
    for path in example.nulls:
        *outer, key = path.split(".")
        target: Any = fields
        for name in outer:
            target = target[int(name)] if isinstance(target, list) else target.setdefault(name, {})
        target[int(key) if isinstance(target, list) else key] = None
    return fields


def example_findings(device: DeviceType, example: Example) -> Iterator[str]:
    """Differences between an example's stated and decoded readings, vendor fields or error."""
    try:
        device = calibrated(device, example)
    except ValueError as error:
        yield f"{example.title}: {error}"
        return
    payload = bytes.fromhex(example.bytes)
    outcome, vendor = device.decode_with_vendor(example.port, payload, received_at(example))
    if outcome != device.decode(example.port, payload, received_at(example)):
        yield f"{example.title}: other readings with the vendor's view than without it"
    if example.error:
        if not isinstance(outcome, Undecoded) or outcome.reason != example.error:
            yield f"{example.title}: expected the error {example.error}, got {outcome}"
        return
    if not isinstance(outcome, Decoded):
        yield f"{example.title}: {outcome.message}"
        return
    yield from _differences(example, outcome.readings)
    if not same(vendor, expected_vendor(example)):
        yield f"{example.title}: the vendor's view is {vendor}"


def _differences(example: Example, readings: Sequence[Reading]) -> Iterator[str]:
    expected = expected_readings(example)
    for wanted, got in zip(expected, readings, strict=False):
        # Powers and logarithms differ in the last digit between platforms.
        near = msgspec.structs.replace(got, value=wanted.value)
        if wanted != near or not same(wanted.value, got.value):
            yield f"{example.title}: expected {wanted}, got {got}"
    if len(expected) != len(readings):
        yield (
            f"{example.title}: {counted(len(expected), 'reading', 'readings')} expected, "
            f"{len(readings)} got: {readings}"
        )


def same(ours: Any, theirs: Any) -> bool:
    """Equal in type and value; numbers may differ in the last digits of a double."""
    match ours, theirs:
        case dict(), dict():
            return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
        case list(), list():
            return len(ours) == len(theirs) and all(map(same, ours, theirs))
        case bool(), bool():
            return ours is theirs
        case (bool(), _) | (_, bool()):
            return False
        case int() | float(), int() | float():
            return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)
        case _:
            return type(ours) is type(theirs) and bool(ours == theirs)


def coverage_findings(device: DeviceType) -> Iterator[str]:
    """Ports with readings but no example, and temperatures without an example below zero."""
    frames = device.file.frames
    if not any(_measures(frame.body) for frame in frames):
        yield "no frame gives a reading; name a quantity for what is measured"
    measuring = {port for frame in frames if _measures(frame.body) for port in frame.ports}
    shown = {example.port for example in device.file.examples if not example.error}
    for port in sorted(measuring - shown):
        yield f"port {port} measures, but no example shows it"
    below = {s.quantity for s in device.fields if s.quantity.endswith("temperature") and s.low < 0}
    negative = {r.quantity for e in device.file.examples for r in e.readings if r.value < 0}
    if below and not below & negative:
        yield f"no example shows {', '.join(sorted(below))} below zero"


def _measures(items: tuple[Item, ...]) -> bool:
    return any(
        getattr(item, "quantity", "") or any(_measures(body) for body in bodies(item))
        for item in items
    )


def prefixes(device: DeviceType) -> Iterator[Payload]:
    """Every example, truncated at every byte."""
    for example in device.file.examples:
        payload = bytes.fromhex(example.bytes)
        for size in range(len(payload) + 1):
            yield example.port, payload[:size], received_at(example)


def random_payloads(device: DeviceType, count: int, seed: int = 0) -> Iterator[Payload]:
    """Random bytes, and examples with changed, missing or added bytes.

    Random bytes alone mostly fail at the first byte and reach little of the program.
    """
    random = Random(seed)  # noqa: S311 no secret
    known = [(e.port, bytes.fromhex(e.bytes), received_at(e)) for e in device.file.examples]
    for _ in range(count):
        port, payload, received = random.choice(known)
        if random.random() < 0.3:
            yield port, random.randbytes(random.randrange(MAX_PAYLOAD + 2)), received
            continue
        changed = bytearray(payload)
        for _ in range(random.randrange(4) if changed else 0):
            changed[random.randrange(len(changed))] = random.randrange(256)
        cut = random.randrange(len(changed) + 1) if random.random() < 0.3 else len(changed)
        tail = random.randbytes(random.choice((0, 0, 0, 1, 9)))
        yield port, bytes(changed[:cut]) + tail, received


def run_findings(device: DeviceType, payloads: Iterable[Payload]) -> Iterator[str]:
    """Payloads with values that are not finite, or on which two ways of decoding differ."""
    given = list(payloads)
    plain = [_interpreted(device, *payload) for payload in given]
    for (port, payload, received), result in zip(given, plain, strict=True):
        shown = f"port {port}, {payload.hex()}"
        if not all(math.isfinite(value) for _, value, *_ in result.values):
            yield f"{shown}: a value is not finite"
        outcome, _ = device.decode_with_vendor(port, payload, received)
        if outcome != device.outcome(result, port, payload):
            yield f"{shown}: other readings with the vendor's view than without it"
    if kernel_is_installed():
        for (port, payload, _), one, other in zip(
            given, plain, _by_kernel(device, given), strict=True
        ):
            if one != other:
                yield f"port {port}, {payload.hex()}: interpreter {one}, kernel {other}"


def _interpreted(device: DeviceType, port: int, payload: bytes, received: Instant | None) -> Result:
    refused = refusal(port, payload)
    if refused is not None:
        return refused
    return interpret(device.program, port, payload, unix_seconds(received))


def _by_kernel(device: DeviceType, payloads: Sequence[Payload]) -> list[Result]:
    # numba and numpy are an extra; without them only the interpreter is checked.
    from stadtsinn.decoders.batch import Tables, decode_payloads

    rows = [(0, *payload) for payload in payloads]
    return list(decode_payloads(Tables([device.program]), rows).results())
