"""Device file → program. `full` programs also print the vendor's view; both decode alike."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from stadtsinn.decoders import program as p
from stadtsinn.decoders.compiler import values
from stadtsinn.decoders.compiler.assembler import Assembler, Label
from stadtsinn.decoders.compiler.frames import begin_frame, dispatch
from stadtsinn.decoders.compiler.needs import least_bytes, used_names
from stadtsinn.decoders.compiler.numbers import number_type
from stadtsinn.decoders.compiler.render import (
    Names,
    RenderBytes,
    RenderClose,
    RenderList,
    RenderNumber,
    RenderOpen,
    RenderText,
)
from stadtsinn.decoders.compiler.run import Run
from stadtsinn.decoders.language import expression
from stadtsinn.decoders.language import model as m
from stadtsinn.decoders.language.load import DeviceFileError
from stadtsinn.decoders.program import Program


def compile_device(device: m.DeviceFile, file: str, *, full: bool) -> Program:
    """The program of a device file; raises DeviceFileError naming file, place and remedy."""
    return _Compiler(device, file, full=full).program()


@dataclass(frozen=True)
class _Scope:
    """What an item sees: the names before it, the count ``{n}``, the record's time."""

    place: str
    names: dict[str, int] = field(default_factory=dict)
    n: int | None = None
    time: int = -1

    def inside(self, place: str, n: int | None = None) -> _Scope:
        """The scope of a nested body: names defined there stay there."""
        return replace(self, place=f"{self.place}.{place}", names=dict(self.names), n=n or self.n)


class _Compiler:
    def __init__(self, device: m.DeviceFile, file: str, *, full: bool) -> None:
        self._device = device
        self._file = file
        self._full = full
        self._out = Assembler()
        self._run = Run(self._out)
        self._unknown = Label()
        self._registers = 0
        self._used = used_names(device)

    def program(self) -> Program:
        for frame, label, otherwise, place in dispatch(self._out, self._device.frames):
            self._registers = p.PORT_REGISTER
            self._out.place(label)
            try:
                begin_frame(self._out, frame.when, otherwise)
            except ValueError as error:
                raise DeviceFileError(f"{self._file}: {place}.when: {error}") from None
            self._body(frame.body, _Scope(f"{place}.body"))
            self._run.finish()
        self._out.place(self._unknown)
        self._out.emit(p.FAIL, p.UNKNOWN_FRAME)
        return self._out.program()

    def _body(self, items: tuple[m.Item, ...], scope: _Scope) -> None:
        for index, item in enumerate(items):
            here = replace(scope, place=f"{scope.place}[{index}]")
            try:
                self._item(item, here)
            except (ValueError, KeyError) as error:
                if isinstance(error, DeviceFileError):
                    raise
                raise DeviceFileError(f"{self._file}: {here.place}: {error}") from None

    def _item(self, item: m.Item, scope: _Scope) -> None:
        match item:
            case m.FieldItem():
                self._field(item, scope)
            case m.ValueItem():
                self._value(item, scope)
            case m.SkipItem(skip="end"):
                self._run.flush()
                self._out.emit(p.REST)
            case m.SkipItem(skip=int() as size):
                self._run.byte()
                self._run.take(8 * size)
            case m.BytesItem():
                self._bytes(item, scope)
            case m.SwitchItem():
                self._switch(item, scope)
            case m.TlvItem():
                self._tlv(item, scope)
            case m.MaskItem():
                self._mask(item, scope)
            case m.RepeatItem():
                self._repeat(item, scope)
            case m.RecordItem():
                time = self._register(scope, item.time) if item.time else scope.time
                self._nested(
                    item.body, replace(scope, time=time), RenderOpen(item.record, append=True)
                )
            case m.UnderItem():
                self._nested(item.body, scope, RenderOpen(item.under, append=False))
            case m.TextItem():
                self._render(RenderText(item.vendor, item.text, self._names(item.text, scope)))
            case m.ListItem():
                registers = tuple(self._register(scope, name) for name in item.list)
                self._render(RenderList(item.vendor, registers, item.omit))

    # --- numbers

    def _field(self, item: m.FieldItem, scope: _Scope) -> None:
        number = number_type(item.type)
        where = self._where(item, number.bits, aligned=number.aligned)
        extract = values.extract(item, number, *where)
        name = self._define(item.name, scope)
        wanted = self._full and item.vendor is not None
        row = [p.FIELD, *extract.columns()]
        sentinels = self._out.sentinels(item.missing, [(f.raw, f.reason) for f in item.faults])
        own = values.scale(item, (1, 1))
        if item.quantity:
            slot, channel = self._slot(item, scope)
            low, high = slot.low, slot.high
            scale = values.scale(item, values.unit_factor(item))
            register = name if scale == own else -1
            tail = [self._out.slot(slot), register, channel, scope.time, *sentinels]
            self._run.add(row + tail, (*scale, low, high))
            name = -1 if scale == own else name
        if name >= 0 or (wanted and not item.quantity):
            self._run.add([*row, -1, name, -1, -1, 0, 0], (*own, 0.0, 0.0))
        if wanted:
            self._number(item.vendor, own, scope)

    def _where(self, item: m.FieldItem, bits: int, *, aligned: bool) -> tuple[int, int, int]:
        """(base, byte offset, bit in that byte) of a field; takes or looks at its bytes."""
        run = self._run
        if item.at is not None:
            size = -(-bits // 8)
            run.look_all(item.at + size if item.at >= 0 else -item.at)
            if item.at < 0 and -item.at < size:
                raise ValueError(f"at = {item.at} leaves no room for {item.type}")
            return (p.AT_START if item.at >= 0 else p.AT_END), item.at, 0
        if item.peek is not None:
            offset = run.byte() + item.peek
            run.look(offset + -(-bits // 8))
            return p.AT_POS, offset, 0
        if aligned:
            run.byte()
        offset, bit = divmod(run.bit, 8)
        run.take(bits)
        return p.AT_POS, offset, bit

    def _value(self, item: m.ValueItem, scope: _Scope) -> None:
        wanted = self._full and item.vendor is not None
        steps = expression.steps(item.value, lambda name: scope.names[name])
        expression.check_depth(steps, item.value)
        if not (item.quantity or wanted or item.name in self._used):
            return
        name = self._define(item.name, scope)
        for kind, number in steps:
            if kind == "const":
                self._run.add([p.PUSH, -1], (number, 0.0, 0.0, 0.0, 0.0))
            elif kind == "name":
                self._run.add([p.PUSH, int(number)])
            else:
                self._run.add([p.CALL, int(number)])
        slot_number, channel, low, high, factor = -1, -1, 0.0, 0.0, (1, 1)
        if item.quantity:
            slot, channel = self._slot(item, scope)
            slot_number, low, high = self._out.slot(slot), slot.low, slot.high
            factor = values.unit_factor(item)
        row = [p.STORE, 0, 0, 0, 0, 0, 0, 0, slot_number, name, channel, scope.time, 0, 0]
        self._run.add(row, (0.0, float(factor[0]), float(factor[1]), low, high))
        if wanted:
            self._number(item.vendor, (0.0, 1.0, 1.0), scope)

    def _slot(self, item: m.FieldItem | m.ValueItem, scope: _Scope) -> tuple[p.Slot, int]:
        channel = self._counted(item.channel, scope)
        names = values.braces(channel)
        if len(names) > 1:
            raise ValueError(f"channel {channel!r} names more than one item")
        register = self._register(scope, names[0]) if names else -1
        return values.slot(
            item, channel.replace(f"{{{names[0]}}}", "{}") if names else channel
        ), register

    def _define(self, name: str, scope: _Scope) -> int:
        if not name or not (self._full or name in self._used):
            if name:
                scope.names[name] = -1
            return -1
        self._registers += 1
        if self._registers >= p.REGISTERS:
            raise ValueError(f"more than {p.REGISTERS - 1} named items in a frame")
        scope.names[name] = self._registers
        return self._registers

    def _register(self, scope: _Scope, name: str) -> int:
        if name not in scope.names:
            raise ValueError(
                f"no item is named {name!r} before it; names: {', '.join(scope.names)}"
            )
        return scope.names[name]

    @staticmethod
    def _counted(text: str, scope: _Scope) -> str:
        if "{n}" in text and scope.n is None:
            raise ValueError(f"{text!r} uses {{n}} outside of several keys or values")
        return text.replace("{n}", str(scope.n))

    # --- vendor output

    def _names(self, text: str, scope: _Scope) -> Names:
        return tuple((name, self._register(scope, name)) for name in values.braces(text))

    def _number(
        self, vendor: str | m.Vendor | None, own: tuple[float, float, float], scope: _Scope
    ) -> None:
        spec = m.Vendor(key=vendor) if isinstance(vendor, str) else vendor
        assert spec is not None
        spec = msgspec.structs.replace(spec, key=self._counted(spec.key, scope))
        self._render(RenderNumber(spec, self._names(spec.key, scope), *own))

    def _render(self, render: object) -> None:
        if self._full:
            self._out.renders.append(render)
            self._run.add([p.RENDER, len(self._out.renders) - 1])

    def _bytes(self, item: m.BytesItem, scope: _Scope) -> None:
        key = self._counted(item.vendor, scope)
        if item.bytes == "end":
            self._run.byte()
            self._run.flush()
            if item.least:
                self._out.emit(p.NEED, item.least)
            self._render(RenderBytes(key, 0, -1, item.show))
            self._run.flush()
            self._out.emit(p.REST)
        else:
            self._render(RenderBytes(key, self._run.byte(), item.bytes, item.show))
            self._run.take(8 * item.bytes)

    # --- branches

    def _nested(self, body: tuple[m.Item, ...], scope: _Scope, opening: RenderOpen) -> None:
        self._render(opening)
        self._body(body, replace(scope, place=f"{scope.place}.body", names=dict(scope.names)))
        self._render(RenderClose())

    def _branch(self, label: Label, body: tuple[m.Item, ...], scope: _Scope, after: Label) -> None:
        self._out.place(label)
        self._body(body, scope)
        self._run.flush()
        self._out.emit(p.JUMP, target=after)

    def _switch(self, item: m.SwitchItem, scope: _Scope) -> None:
        register = self._register(scope, item.switch)
        self._run.flush()
        after, default = Label(), self._unknown if item.otherwise is None else Label()
        table: dict[int, Label] = {}
        bodies: list[tuple[Label, tuple[m.Item, ...], _Scope]] = []
        for i, case in enumerate(item.cases):
            for n, value, label in _counting(case.values, case.body):
                if value in table:
                    raise ValueError(f"the value {value} has two cases")
                table[value] = label
                if n:
                    bodies.append((label, case.body, scope.inside(f"cases[{i}].body", n)))
        self._out.switch(p.SWITCH, register, table, default)
        for label, body, inner in bodies:
            self._branch(label, body, inner, after)
        if item.otherwise is not None:
            self._branch(default, item.otherwise, scope.inside("otherwise"), after)
        self._out.place(after)

    def _tlv(self, item: m.TlvItem, scope: _Scope) -> None:
        if not 1 <= item.tlv <= 3:
            raise ValueError(f"tlv = {item.tlv}: a key has 1 to 3 bytes")
        self._run.flush()
        head, after = Label(), Label()
        table: dict[int, Label] = {}
        bodies: list[tuple[Label, tuple[m.Item, ...], _Scope]] = []
        for i, entry in enumerate(item.entries):
            keys = tuple(_key(text, item.tlv) for text in entry.keys)
            for n, key, label in _counting(keys, entry.body):
                if key in table:
                    raise ValueError(f"the key {key:0{2 * item.tlv}X} has two entries")
                table[key] = label
                if n:
                    bodies.append((label, entry.body, scope.inside(f"entries[{i}].body", n)))
        self._out.place(head)
        self._out.emit(p.JUMP_AT_END, target=after)
        self._out.switch(p.SWITCH_KEY, item.tlv, table, self._unknown)
        for label, body, inner in bodies:
            self._branch(label, body, inner, head)
        self._out.place(after)

    def _mask(self, item: m.MaskItem, scope: _Scope) -> None:
        number = number_type(item.mask)
        self._registers += 1
        register = self._registers
        extract = values.extract(m.FieldItem(type=item.mask), number, p.AT_POS, self._run.byte(), 0)
        self._run.take(number.bits)
        self._run.add([p.FIELD, *extract.columns(), -1, register, -1, -1, 0, 0], (0, 1, 1, 0, 0))
        allowed = 0
        for group in item.groups:
            allowed |= 1 << group.bit
        self._run.add([p.KNOWN_BITS, register, allowed])
        self._run.flush()
        for i, group in enumerate(item.groups):
            after = Label()
            self._out.emit(p.JUMP_BIT_CLEAR, register, group.bit, target=after)
            self._body(group.body, scope.inside(f"groups[{i}].body"))
            self._run.flush()
            self._out.place(after)

    def _repeat(self, item: m.RepeatItem, scope: _Scope) -> None:
        if least_bytes(item.body) < 1:
            raise ValueError("a repeated body must take at least one byte")
        self._run.flush()
        head, after = Label(), Label()
        if item.repeat == "end":
            self._out.place(head)
            self._out.emit(p.JUMP_AT_END, target=after)
        else:
            self._registers += 1
            counter = self._registers
            source = -1 if isinstance(item.repeat, int) else self._register(scope, item.repeat)
            count = item.repeat if isinstance(item.repeat, int) else 0
            self._out.emit(p.LOOP_SET, counter, count, source)
            self._out.place(head)
            self._out.emit(p.LOOP, counter, target=after)
        self._body(item.body, scope.inside("body"))
        self._run.flush()
        self._out.emit(p.JUMP, target=head)
        self._out.place(after)


def _counting(keys: tuple[int, ...], body: tuple[m.Item, ...]) -> list[tuple[int, int, Label]]:
    """(n, key, label) of each key; n is 0 where the body of an earlier key serves."""
    if "{n}" in repr(body):
        return [(i + 1, key, Label()) for i, key in enumerate(keys)]
    shared = Label()
    return [(1 if i == 0 else 0, key, shared) for i, key in enumerate(keys)]


def _key(text: str, size: int) -> int:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"key {text!r} is not hex") from None
    if len(raw) != size:
        raise ValueError(f"key {text!r} has {len(raw)} bytes, tlv says {size}")
    return int.from_bytes(raw, "big")
