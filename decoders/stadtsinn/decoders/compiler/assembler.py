"""Collects ops, resolves labels, builds switch tables."""

from __future__ import annotations

from stadtsinn.decoders import program as p
from stadtsinn.decoders.program import FLOAT_COLUMNS, OP_COLUMNS, Fault, Program, Slot

NO_FLOATS = (0.0,) * FLOAT_COLUMNS
_TARGET_COLUMN = {
    p.SWITCH: 6,
    p.SWITCH_KEY: 6,
    p.JUMP: 1,
    p.JUMP_AT_END: 1,
    p.JUMP_BIT_CLEAR: 3,
    p.LENGTH: 3,
    p.MATCH: 5,
    p.LOOP: 2,
}


class Label:
    """A jump target; `at` is its op index, -1 until it is placed."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = -1


class Assembler:
    """Emits ops of one program."""

    def __init__(self) -> None:
        self._ops: list[list[int]] = []
        self._floats: list[tuple[float, ...]] = []
        self._jumps: list[tuple[int, int, Label]] = []
        self._keys: list[int] = []
        self._targets: list[Label | None] = []
        self._sentinels: list[int] = []
        self._actions: list[int] = []
        self._faults: list[Fault] = []
        self._refusals: list[str] = []
        self._slots: list[Slot] = []
        self.renders: list[object] = []

    def emit(self, code: int, *columns: int, target: Label | None = None) -> None:
        """One op; a target goes into the code's target column."""
        self.emit_row([code, *columns], NO_FLOATS)
        if target is not None:
            self._jumps.append((len(self._ops) - 1, _TARGET_COLUMN[code], target))

    def emit_row(self, columns: list[int], floats: tuple[float, ...]) -> None:
        """One op with floats."""
        self._ops.append(columns + [0] * (OP_COLUMNS - len(columns)))
        self._floats.append(floats)

    def place(self, label: Label) -> None:
        """Set `label` to the next op."""
        label.at = len(self._ops)

    def slot(self, slot: Slot) -> int:
        """The number of a slot; equal ones share it."""
        if slot not in self._slots:
            self._slots.append(slot)
        return self._slots.index(slot)

    def fault(self, fault: Fault) -> int:
        """The flag of a fault; equal ones share it."""
        if fault not in self._faults:
            self._faults.append(fault)
        return p.FIRST_FAULT + self._faults.index(fault)

    def refusal(self, why: str) -> None:
        """A FAIL that says why; equal reasons share their text."""
        if why not in self._refusals:
            self._refusals.append(why)
        self.emit(p.FAIL, p.UNKNOWN_FRAME, -1 - self._refusals.index(why))

    def sentinels(
        self, missing: tuple[int, ...], faults: list[tuple[int, Fault]]
    ) -> tuple[int, int]:
        """Rows of the sentinel table: (first, count)."""
        first = len(self._sentinels)
        for raw in missing:
            self._sentinels.append(raw)
            self._actions.append(p.MISSING)
        for raw, fault in faults:
            self._sentinels.append(raw)
            self._actions.append(self.fault(fault))
        return first, len(self._sentinels) - first

    def switch(
        self, code: int, source: int, table: dict[int, Label], default: Label, takes: int = 0
    ) -> None:
        """A jump by value through a collision-free hash table."""
        size_bits, multiplier = _perfect_hash(list(table))
        first = len(self._keys)
        self._keys += [-1] * (1 << size_bits)
        self._targets += [None] * (1 << size_bits)
        shift = 32 - size_bits
        for key, label in table.items():
            row = first + hash_row(key, multiplier, shift, (1 << size_bits) - 1)
            self._keys[row] = key
            self._targets[row] = label
        columns = (source, first, (1 << size_bits) - 1, multiplier, shift, 0, takes)
        self.emit(code, *columns, target=default)

    def program(self) -> Program:
        """The finished program."""
        for row, column, label in self._jumps:
            assert label.at >= 0, "a label was never placed"
            self._ops[row][column] = label.at
        return Program(
            ops=tuple(map(tuple, self._ops)),
            floats=tuple(self._floats),
            switch_keys=tuple(self._keys),
            switch_targets=tuple(0 if label is None else label.at for label in self._targets),
            sentinels=tuple(self._sentinels),
            actions=tuple(self._actions),
            slots=tuple(self._slots),
            faults=tuple(self._faults),
            refusals=tuple(self._refusals),
            renders=tuple(self.renders),
        )


def hash_row(key: int, multiplier: int, shift: int, mask: int) -> int:
    """Row of a key: the high bits of a 32-bit product, as the kernel computes it."""
    return ((key * multiplier & 0xFFFFFFFF) >> shift) & mask


def _perfect_hash(keys: list[int]) -> tuple[int, int]:
    """Size in bits of the smallest table, and a multiplier, without a collision of keys."""
    for bits in range(max(1, (len(keys) - 1).bit_length()), 16):
        multiplier = 0x1E3779B1
        for _ in range(2000):
            if not _collide(keys, bits, multiplier):
                return bits, multiplier
            multiplier = (multiplier * 1103515245 + 12345) & 0x7FFFFFFF | 1
    raise ValueError(f"no table for the keys {keys}")


def _collide(keys: list[int], bits: int, multiplier: int) -> bool:
    shift, mask = 32 - bits, (1 << bits) - 1
    taken = set()
    for key in keys:
        row = hash_row(key, multiplier, shift, mask)
        if row in taken:
            return True
        taken.add(row)
    return False
