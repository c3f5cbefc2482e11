"""Selects the frame of a payload by port, length, prefix and tested bytes."""

from __future__ import annotations

from collections.abc import Iterator

from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders import program as p
from stadtsinn.decoders.compiler.assembler import Assembler, Label
from stadtsinn.decoders.language.model import Frame, Test, When

_CHUNK = 3
"""Bytes that one MATCH compares: mask and value must fit into int32 columns."""


def dispatch(
    out: Assembler, frames: tuple[Frame, ...]
) -> Iterator[tuple[Frame, Label, Label, str]]:
    """Emits the jump by port; yields (frame, its label, label if it does not match, place).

    Ports with the same list of possible frames share their code.
    """
    chains: dict[tuple[int, ...], Label] = {}
    table: dict[int, Label] = {}
    ports = sorted({port for frame in frames for port in frame.ports})
    for port in ports:
        chain = tuple(i for i, f in enumerate(frames) if port in f.ports or not f.ports)
        table[port] = chains.setdefault(chain, Label())
    rest = tuple(i for i, f in enumerate(frames) if not f.ports)
    unknown_port = Label()
    default = chains.setdefault(rest, Label()) if rest else unknown_port
    if table:
        out.switch(p.SWITCH, p.PORT_REGISTER, table, default)
    else:
        out.emit(p.JUMP, target=default)
    for chain, label in chains.items():
        current = label
        for index in chain:
            following = Label()
            yield frames[index], current, following, f"frames[{index}]"
            current = following
        out.place(current)
        out.emit(p.NO_FRAME)
    out.place(unknown_port)
    out.emit(p.FAIL, p.UNKNOWN_PORT)


def begin_frame(out: Assembler, when: When, otherwise: Label) -> None:
    """Emits the frame's tests; they jump to `otherwise` if the payload is another frame.

    Raises ValueError for an invalid test.
    """
    tests = when.tests
    if when.prefix:
        tests = (Test(at=0, equals=when.prefix), *tests)
    for test in tests:
        _match(out, test, otherwise)
    # After the tests: a payload that passes them and is too short is this frame, truncated.
    if when.length is not None:
        least, most = (when.length,) * 2 if isinstance(when.length, int) else when.length
        if not 1 <= least <= most:
            raise Unusable(
                f"length {when.length} is empty; write a length or [least, most]",
                f"die Länge {when.length} ist leer; eine Länge oder [kleinste, größte] schreiben",
            )
        out.emit(p.LENGTH, least, most, target=otherwise)


def _match(out: Assembler, test: Test, otherwise: Label) -> None:
    equals = bytes.fromhex(test.equals)
    mask = bytes.fromhex(test.mask) if test.mask else b"\xff" * len(equals)
    if not equals or len(mask) != len(equals) or test.at < 0:
        raise Unusable(
            f"test at {test.at}: equals and mask must be hex of equal length",
            f"test bei {test.at}: equals und mask müssen gleich lange Hexadezimalzahlen sein",
        )
    for start in range(0, len(equals), _CHUNK):
        part, bits = equals[start : start + _CHUNK], mask[start : start + _CHUNK]
        wanted = int.from_bytes(part, "big") & int.from_bytes(bits, "big")
        out.emit(
            p.MATCH,
            test.at + start,
            len(part),
            int.from_bytes(bits, "big"),
            wanted,
            target=otherwise,
        )
