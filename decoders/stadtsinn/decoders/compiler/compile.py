"""Device file → program. `full` programs also produce the vendor's fields; readings are equal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from stadtsinn.base.explaining import explained
from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders import program as p
from stadtsinn.decoders.compiler import branches, values
from stadtsinn.decoders.compiler.assembler import Assembler, Label
from stadtsinn.decoders.compiler.frames import begin_frame, dispatch
from stadtsinn.decoders.compiler.needs import used_names
from stadtsinn.decoders.compiler.numbers import number_type
from stadtsinn.decoders.compiler.render import (
    RenderBytes,
    RenderClose,
    RenderList,
    RenderNumber,
    RenderOpen,
    RenderText,
)
from stadtsinn.decoders.compiler.run import Run
from stadtsinn.decoders.compiler.scope import Scope
from stadtsinn.decoders.compiler.template import template
from stadtsinn.decoders.language import expression
from stadtsinn.decoders.language import model as m
from stadtsinn.decoders.language.load import DeviceFileError
from stadtsinn.decoders.program import Program


def compile_device(
    device: m.DeviceFile, file: str, constants: Mapping[str, float], *, full: bool
) -> Program:
    """The program of a device file; raises DeviceFileError naming file, place and remedy.

    `constants` are those of the file, or a single sensor's.
    """
    return _Compiler(device, file, constants, full=full).program()


class _Compiler:
    def __init__(
        self, device: m.DeviceFile, file: str, constants: Mapping[str, float], *, full: bool
    ) -> None:
        self._device = device
        self._file = file
        self._full = full
        self._constants = constants
        self.out = Assembler()
        self.run = Run(self.out)
        self.unknown = Label()
        self._registers = 0
        self._used = used_names(device)

    def program(self) -> Program:
        """The op tables of all frames."""
        for frame, label, otherwise, place in dispatch(self.out, self._device.frames):
            self._registers = len(p.BUILT_IN) - 1
            self.out.place(label)
            try:
                begin_frame(self.out, frame.when, otherwise)
            except ValueError as error:
                raise DeviceFileError(self._file, f"{place}.when", explained(error)) from None
            self.body(frame.body, Scope(f"{place}.body"))
            self.run.finish()
        self.out.place(self.unknown)
        self.out.emit(p.FAIL, p.UNKNOWN_FRAME)
        return self.out.program()

    def body(self, items: m.Body, scope: Scope) -> None:
        """A body's items in order. Its registers are free again at its end."""
        registers = self._registers
        for index, item in enumerate(items):
            item_scope = scope.at(index)
            try:
                self._item(item, item_scope)
            except (ValueError, KeyError) as error:
                if isinstance(error, DeviceFileError):
                    raise
                raise DeviceFileError(self._file, item_scope.place, explained(error)) from None
        self._registers = registers

    def new_register(self) -> int:
        """A register that nothing else in scope uses; raises ValueError if none is left."""
        self._registers += 1
        if self._registers >= p.REGISTERS:
            raise Unusable(
                f"more than {p.REGISTERS - len(p.BUILT_IN)} named items in a frame",
                f"mehr als {p.REGISTERS - len(p.BUILT_IN)} benannte Einträge in einem Frame",
            )
        return self._registers

    def _item(self, item: m.Item, scope: Scope) -> None:
        match item:
            case m.FieldItem():
                self._field(item, scope)
            case m.ValueItem():
                self._value(item, scope)
            case m.SkipItem():
                self._skip(item, scope)
            case m.BytesItem():
                self._bytes(item, scope)
            case m.SwitchItem():
                branches.switch(self, item, scope)
            case m.RefuseItem():
                phase = self.run.split()
                self.out.refusal(item.refuse)
                self.run.begin(phase)
            case m.TlvItem():
                branches.tlv(self, item, scope)
            case m.MaskItem():
                branches.mask(self, item, scope)
            case m.OptionalItem():
                branches.optional(self, item, scope)
            case m.RepeatItem():
                branches.repeat(self, item, scope)
            case m.RecordItem():
                time = scope.register(item.time) if item.time else scope.time
                opening = RenderOpen(item.record, "first" if item.first else "record")
                self._nested(item.body, replace(scope, time=time), opening)
            case m.TimedItem():
                inner = scope.inside("body")
                self.body(item.body, replace(inner, time=scope.register(item.timed)))
            case m.UnderItem():
                kind = "list" if item.under.endswith("[]") else "object"
                path = item.under.removesuffix("[]")
                self._nested(item.body, scope, RenderOpen(path, kind))  # type: ignore[arg-type]
            case m.TextItem():
                parts = template(scope.counted(item.text), scope, item.maps)
                self._render(RenderText(scope.counted(item.vendor), parts, item.append))
            case m.ListItem():
                registers = tuple(scope.register(name) for name in item.list)
                self._render(RenderList(scope.counted(item.vendor), registers, item.omit))

    # --- numbers

    def _field(self, item: m.FieldItem, scope: Scope) -> None:
        item = self._calibrated(item)
        number = number_type(item.type)
        where = self._where(item, number.bits, aligned=number.aligned)
        extract = values.extract(item, number, *where)
        name = self._define(item.name, scope)
        wanted = self._full and item.vendor is not None
        row = [p.FIELD, *extract.columns()]
        faults = [(f.raw, p.Fault(f.reason, f.quality)) for f in item.faults]
        sentinels = self.out.sentinels(item.missing, faults)
        own = values.scale(item, (1, 1))
        # A constant that is not known is nan: then there is no reading instead of a wrong one.
        if item.quantity and math.isfinite(sum(own)):
            slot, channel = self._slot(item, scope)
            low, high = slot.low, slot.high
            scale = values.scale(item, values.unit_factor(item))
            register = name if scale == own else -1
            tail = [self.out.slot(slot), register, channel, scope.time, *sentinels]
            self.run.add(row + tail + self._doubt(item.doubt, scope), (*scale, low, high))
            name = -1 if scale == own else name
        if name >= 0 or (wanted and not (item.quantity and math.isfinite(sum(own)))):
            self.run.add([*row, -1, name, -1, -1], (*own, 0.0, 0.0))
        if wanted:
            self._number(item.vendor, own, scope)

    def _calibrated(self, item: m.FieldItem) -> m.FieldItem:
        """The item with the values of the constants that add, mul and div name."""
        named = {key: getattr(item, key) for key in ("add", "mul", "div")}
        named = {key: name for key, name in named.items() if isinstance(name, str)}
        foreign = sorted(set(named.values()) - self._constants.keys())
        if foreign:
            raise Unusable(
                f"no constant is named {foreign[0]!r}; write it into [constants]",
                f"eine Konstante {foreign[0]!r} gibt es nicht; sie in [constants] schreiben",
            )
        return msgspec.structs.replace(item, **{k: self._constants[n] for k, n in named.items()})

    def _where(self, item: m.FieldItem, bits: int, *, aligned: bool) -> tuple[int, int, int]:
        """(base, byte offset, bit in that byte) of a field; consumes or requires its bytes."""
        run = self.run
        if item.at is not None:
            size = -(-bits // 8)
            run.look_all(item.at + size if item.at >= 0 else -item.at)
            if item.at < 0 and -item.at < size:
                raise Unusable(
                    f"at = {item.at} leaves no room for {item.type}",
                    f"at = {item.at} lässt keinen Platz für {item.type}",
                )
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

    def _value(self, item: m.ValueItem, scope: Scope) -> None:
        wanted = self._full and item.vendor is not None
        steps = expression.steps(item.value, scope.names.__getitem__, self._constants)
        expression.check_depth(steps, item.value)
        if not (item.quantity or wanted or {item.name, item.set} & self._used):
            return
        name = scope.register(item.set) if item.set else self._define(item.name, scope)
        for step in steps:
            self.run.add(*values.row_of(step))
        slot_number, channel, low, high, factor = -1, -1, 0.0, 0.0, (1, 1)
        if item.quantity:
            slot, channel = self._slot(item, scope)
            slot_number, low, high = self.out.slot(slot), slot.low, slot.high
            factor = values.unit_factor(item)
        row = [p.STORE, 0, 0, 0, 0, 0, 0, 0, slot_number, name, channel, scope.time, 0, 0]
        row += self._doubt(item.doubt, scope)
        self.run.add(row, (0.0, float(factor[0]), float(factor[1]), low, high))
        if wanted:
            self._number(item.vendor, (0.0, 1.0, 1.0), scope)

    def _slot(self, item: m.FieldItem | m.ValueItem, scope: Scope) -> tuple[p.Slot, int]:
        channel = scope.counted(item.channel)
        names = values.braces(channel)
        if len(names) > 1:
            raise Unusable(
                f"channel {channel!r} names more than one item",
                f"der Kanal {channel!r} meint mehr als einen Eintrag",
            )
        register = scope.register(names[0]) if names else -1
        return values.slot(
            item, channel.replace(f"{{{names[0]}}}", "{}") if names else channel
        ), register

    def _doubt(self, doubt: m.Doubt | None, scope: Scope) -> list[int]:
        """Columns 14 and 15 of FIELD and STORE."""
        if doubt is None:
            return [0, 0]
        register = scope.register(doubt.item)
        if register == p.PORT_REGISTER:
            raise Unusable(
                "a doubt cannot hang on the port",
                "ein Zweifel kann nicht am Port hängen",
            )
        return [register, self.out.fault(p.Fault(doubt.reason, doubt.quality))]

    def _define(self, name: str, scope: Scope) -> int:
        if not name or not (self._full or name in self._used):
            if name:
                scope.names[name] = -1
            return -1
        scope.names[name] = self.new_register()
        return scope.names[name]

    # --- vendor output

    def _number(
        self, vendor: str | m.Vendor | None, own: tuple[float, float, float], scope: Scope
    ) -> None:
        spec = m.Vendor(key=vendor) if isinstance(vendor, str) else vendor
        assert spec is not None
        key = template(scope.counted(spec.key), scope, {})
        self._render(RenderNumber(spec, key, *own))

    def _render(self, render: object) -> None:
        if self._full:
            self.out.renders.append(render)
            self.run.add([p.RENDER, len(self.out.renders) - 1])

    def _nested(self, body: m.Body, scope: Scope, opening: RenderOpen) -> None:
        self._render(opening)
        self.body(body, replace(scope.inside("body"), time=scope.time))
        self._render(RenderClose())

    # --- bytes without a reading: skipped, or printed by the vendor only

    def _skip(self, item: m.SkipItem, scope: Scope) -> None:
        if item.skip == "end":
            self.run.flush()
            self.out.emit(p.REST)
        elif isinstance(item.skip, str):
            self.run.flush()
            self.out.emit(p.SKIP_BY, scope.register(item.skip))
        else:
            self.run.byte()
            self.run.take(8 * item.skip)

    def _bytes(self, item: m.BytesItem, scope: Scope) -> None:
        show = (item.show, item.separator, item.before, item.after)
        key = scope.counted(item.vendor)
        if item.bytes == "payload":
            self._render(RenderBytes(key, 0, -1, *show, whole=True))
        elif item.bytes == "end":
            self.run.byte()
            self.run.flush()
            if item.least:
                self.out.emit(p.NEED, item.least)
            self._render(RenderBytes(key, 0, -1, *show))
            self.run.flush()
            self.out.emit(p.REST)
        elif isinstance(item.bytes, str):
            register = scope.register(item.bytes)
            self.run.flush()
            self._render(RenderBytes(key, 0, -1, *show, register=register))
            self.run.flush()
            self.out.emit(p.SKIP_BY, register)
        else:
            self._render(RenderBytes(key, self.run.byte(), item.bytes, *show))
            self.run.take(8 * item.bytes)
