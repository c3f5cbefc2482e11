"""Compiling the items that branch: switch, tlv, mask, optional, repeat."""

from __future__ import annotations

from typing import Protocol

from stadtsinn.base.counted import counted
from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders import program as p
from stadtsinn.decoders.compiler import values
from stadtsinn.decoders.compiler.assembler import Assembler, Label
from stadtsinn.decoders.compiler.needs import (
    FOREIGN_CHANNEL,
    FOREIGN_TYPE,
    FOREIGN_WITHIN,
    least_bytes,
)
from stadtsinn.decoders.compiler.numbers import is_number_type, number_type
from stadtsinn.decoders.compiler.run import Run
from stadtsinn.decoders.compiler.scope import Scope
from stadtsinn.decoders.language import model as m

_MOST_EMPTY_REPEATS = 64
"""How often a body that takes no bytes may be repeated."""

Bodies = list[tuple[Label, m.Body, Scope]]


class Compiler(Protocol):
    """The part of the compiler that branches use."""

    out: Assembler
    run: Run
    unknown: Label

    def body(self, items: m.Body, scope: Scope) -> None:
        """Compile a nested body."""

    def new_register(self) -> int:
        """A register that nothing else in scope uses."""


def switch(compiler: Compiler, item: m.SwitchItem, scope: Scope) -> None:
    """A branch by a named item."""
    register = scope.register(item.switch)
    phase = compiler.run.split()
    after, default = Label(), compiler.unknown if item.otherwise is None else Label()
    table: dict[int, Label] = {}
    bodies: Bodies = []
    for i, case in enumerate(item.cases):
        for n, value, label in _counting(case.values, case.body):
            if value in table:
                raise Unusable(
                    f"the value {value} has two cases",
                    f"für den Wert {value} gibt es zwei Fälle",
                )
            if not 0 <= value < 1 << 32:
                raise Unusable(
                    f"{value} cannot be a case; read the item unsigned for it",
                    f"{value} kann kein Fall sein; den Eintrag dafür ohne Vorzeichen lesen",
                )
            table[value] = label
            if n:
                bodies.append((label, case.body, scope.inside(f"cases[{i}].body", n)))
    compiler.out.switch(p.SWITCH, register, table, default)
    if item.otherwise is not None:
        bodies.append((default, item.otherwise, scope.inside("otherwise")))
    compiler.run.begin(_branches(compiler, bodies, after, phase))
    compiler.out.place(after)


def tlv(compiler: Compiler, item: m.TlvItem, scope: Scope) -> None:
    """Records that start with a key, to the end of the payload."""
    if not 1 <= item.tlv <= 3:
        raise Unusable(
            f"tlv = {item.tlv}: a key has 1 to 3 bytes",
            f"tlv = {item.tlv}: ein Schlüssel hat 1 bis 3 Byte",
        )
    compiler.run.flush()
    head, after, default = Label(), Label(), Label()
    table: dict[int, Label] = {}
    bodies: Bodies = []
    for i, entry in enumerate(item.entries):
        keys = tuple(_key(text, item.tlv) for text in entry.keys)
        for n, key, label in _counting(keys, entry.body):
            if key in table:
                raise Unusable(
                    f"the key {key:0{2 * item.tlv}X} has two entries",
                    f"für den Schlüssel {key:0{2 * item.tlv}X} gibt es zwei Einträge",
                )
            table[key] = label
            if n:
                bodies.append((label, entry.body, scope.inside(f"entries[{i}].body", n)))
    compiler.out.place(head)
    compiler.out.emit(p.JUMP_AT_END, 0, item.tail, target=after)
    otherwise = item.otherwise if item.foreign is None else _foreign(item, item.foreign)
    if otherwise is None:
        compiler.out.switch(p.SWITCH_KEY, item.tlv, table, compiler.unknown)
    else:
        compiler.out.switch(p.SWITCH_KEY, item.tlv, table, default, takes=1)
        place = "foreign" if item.foreign else "otherwise"
        bodies.append((default, otherwise, scope.inside(place)))
    if _branches(compiler, bodies, head):
        raise Unusable(
            "a record of a tlv must end with a byte; fill up with a ubits item",
            "ein Satz eines tlv muss auf einer Bytegrenze enden; mit einem ubits-Eintrag auffüllen",
        )
    compiler.out.place(after)


def _foreign(item: m.TlvItem, foreign: m.Foreign) -> m.Body:
    """The body that skips a foreign record by its type, and refuses a type of no known length."""
    types: dict[int, list[int]] = {}
    for text, size in foreign.lengths.items():
        types.setdefault(size, []).append(_key(text, 1))
    cases = tuple(
        m.Case(values=tuple(numbers), body=(m.SkipItem(skip=size),) if size else ())
        for size, numbers in sorted(types.items())
    )
    skip = m.SwitchItem(switch=FOREIGN_TYPE, cases=cases, otherwise=item.otherwise)
    read = m.FieldItem(type="u8", peek=-1, name=FOREIGN_TYPE)
    if foreign.channels is None:
        return (read, skip)
    if item.tlv < 2:
        raise Unusable(
            "foreign.channels: a key of one byte has no channel before its type",
            "foreign.channels: ein Schlüssel aus einem Byte hat keinen Kanal vor seinem Typ",
        )
    first, last = (_key(text, 1) for text in foreign.channels)
    within = m.ValueItem(value=f"{first} <= {FOREIGN_CHANNEL} <= {last}", name=FOREIGN_WITHIN)
    outside = m.SwitchItem(
        switch=FOREIGN_WITHIN,
        cases=(m.Case(values=(1,), body=(read, skip)),),
        otherwise=item.otherwise,
    )
    return (m.FieldItem(type="u8", peek=-2, name=FOREIGN_CHANNEL), within, outside)


def mask(compiler: Compiler, item: m.MaskItem, scope: Scope) -> None:
    """Groups whose bit is set in a number read at this position, or in a named item."""
    register = _mask_register(compiler, item.mask, scope)
    groups = [(i, group, *bit) for i, group in enumerate(item.groups) for bit in _bits(group)]
    if item.others == "refuse":
        allowed = sum({1 << bit for *_, bit in groups})
        compiler.run.add([p.KNOWN_BITS, register, allowed])
    compiler.run.flush()
    for i, group, n, bit in groups:
        after = Label()
        compiler.out.emit(p.JUMP_BIT_CLEAR, register, bit, target=after)
        compiler.body(group.body, scope.inside(f"groups[{i}].body", n))
        compiler.run.flush()
        compiler.out.place(after)


def _mask_register(compiler: Compiler, text: str, scope: Scope) -> int:
    if not is_number_type(text):
        return scope.register(text)
    register = compiler.new_register()
    extract = values.extract(
        m.FieldItem(type=text), number_type(text), p.AT_POS, compiler.run.byte(), 0
    )
    compiler.run.take(number_type(text).bits)
    compiler.run.add([p.FIELD, *extract.columns(), -1, register, -1, -1], (0, 1, 1, 0, 0))
    return register


def _bits(group: m.Group) -> list[tuple[int | None, int]]:
    if (group.bit is None) == (not group.bits):
        raise Unusable(
            "a group needs either bit or bits",
            "eine Gruppe braucht entweder bit oder bits",
        )
    bits = group.bits if group.bit is None else (group.bit,)
    if not all(0 <= bit < 31 for bit in bits):
        raise Unusable(
            f"bits {list(bits)}: a mask has bits 0 to 30",
            f"bits {list(bits)}: eine Maske hat die Bits 0 bis 30",
        )
    return [(None if group.bit is not None else n, bit) for n, bit in enumerate(bits, start=1)]


def optional(compiler: Compiler, item: m.OptionalItem, scope: Scope) -> None:
    """A body that is present only if bytes are left."""
    after = Label()
    compiler.run.flush()
    compiler.out.emit(p.JUMP_AT_END, 0, 0, target=after)
    compiler.body(item.optional, scope.inside("optional"))
    compiler.run.flush()
    compiler.out.place(after)


def repeat(compiler: Compiler, item: m.RepeatItem, scope: Scope) -> None:
    """A body several times."""
    unbounded = not isinstance(item.repeat, int) or item.repeat > _MOST_EMPTY_REPEATS
    if unbounded and least_bytes(item.body) < 1:
        raise Unusable(
            "a repeated body must take at least one byte",
            "ein wiederholter Rumpf muss mindestens ein Byte lesen",
        )
    compiler.run.flush()
    head, after = Label(), Label()
    if item.repeat == "end":
        compiler.out.place(head)
        compiler.out.emit(p.JUMP_AT_END, 0, item.tail, target=after)
    else:
        counter = compiler.new_register()
        source = -1 if isinstance(item.repeat, int) else scope.register(item.repeat)
        count = item.repeat if isinstance(item.repeat, int) else 0
        compiler.out.emit(p.LOOP_SET, counter, count, source)
        compiler.out.place(head)
        compiler.out.emit(p.LOOP, counter, target=after)
    compiler.body(item.body, scope.inside("body"))
    compiler.run.flush()
    compiler.out.emit(p.JUMP, target=head)
    compiler.out.place(after)


def _branches(compiler: Compiler, bodies: Bodies, after: Label, phase: int = 0) -> int:
    """Each body, followed by a jump; returns how many bits of a byte all of them end with."""
    ends: set[int] = set()
    for label, body, scope in bodies:
        compiler.out.place(label)
        compiler.run.begin(phase)
        compiler.body(body, scope)
        ends.add(compiler.run.split())
        compiler.out.emit(p.JUMP, target=after)
    if len(ends) > 1:
        raise Unusable(
            "its branches end at different bits of a byte; fill up with ubits items",
            "die Zweige enden an verschiedenen Bits eines Bytes; mit ubits-Einträgen auffüllen",
        )
    return ends.pop() if ends else phase


def _counting(keys: tuple[int, ...], body: m.Body) -> list[tuple[int, int, Label]]:
    """(n, key, label) of each key; n is 0 for a key that shares the body of an earlier one."""
    if "{n}" in repr(body):
        return [(i + 1, key, Label()) for i, key in enumerate(keys)]
    shared = Label()
    return [(1 if i == 0 else 0, key, shared) for i, key in enumerate(keys)]


def _key(text: str, size: int) -> int:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise Unusable(
            f"key {text!r} is not hex",
            f"der Schlüssel {text!r} ist nicht hexadezimal",
        ) from None
    if len(raw) != size:
        raise Unusable(
            f"key {text!r} has {counted(len(raw), 'byte', 'bytes')}, tlv says {size}",
            f"der Schlüssel {text!r} hat {len(raw)} Byte, tlv sagt {size}",
        )
    return int.from_bytes(raw, "big")
