"""A run of ops between two branches: one bounds check for all its fields."""

from __future__ import annotations

from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders import program as p
from stadtsinn.decoders.compiler.assembler import NO_FLOATS, Assembler


class Run:
    """Buffers ops and counts the bytes they need, so that one NEED before them is enough."""

    def __init__(self, out: Assembler) -> None:
        self._out = out
        self._clear()

    def _clear(self) -> None:
        self.bit = 0
        self._need = 0
        self._need_all = 0
        self._rows: list[tuple[list[int], tuple[float, ...]]] = []

    def add(self, columns: list[int], floats: tuple[float, ...] = NO_FLOATS) -> None:
        """One op that does not move pos."""
        self._rows.append((columns, floats))

    def byte(self) -> int:
        """The cursor in bytes from pos; raises ValueError inside a byte."""
        if self.bit % 8:
            raise Unusable(
                f"starts {self.bit % 8} bits into a byte; fill up with a ubits item before it",
                f"beginnt {self.bit % 8} Bit innerhalb eines Bytes; davor mit einem "
                "ubits-Eintrag auffüllen",
            )
        return self.bit // 8

    def take(self, bits: int) -> None:
        """Consume bits."""
        self.bit += bits
        self.look(-(-self.bit // 8))

    def look(self, up_to: int) -> None:
        """Require bytes up to this offset from pos, without consuming them."""
        self._need = max(self._need, up_to)

    def look_all(self, size: int) -> None:
        """Require so many bytes in the whole payload."""
        self._need_all = max(self._need_all, size)

    def flush(self) -> None:
        """Write the run out and move pos behind it; raises ValueError inside a byte."""
        self.byte()
        self.split()

    def split(self) -> int:
        """As flush, but allowed inside a byte; returns how many bits of that byte are consumed."""
        size, phase = divmod(self.bit, 8)
        plain = self._plain()
        if self._need_all:
            self._out.emit(p.NEED_ALL, self._need_all)
        if self._need:
            self._out.emit(p.NEED, self._need, plain, size if plain == len(self._rows) else 0)
        self._write()
        if size:
            self._out.emit(p.ADVANCE, size)
        self._clear()
        self.bit = phase
        return phase

    def begin(self, phase: int) -> None:
        """A branch begins with so many bits of the byte at pos consumed."""
        self.bit = phase

    def finish(self) -> None:
        """As flush, at the end of a frame: nothing may follow."""
        size = self.byte()
        if size == 0 or size != self._need:
            self.flush()
            self._out.emit(p.END)
            return
        plain = self._plain()
        if self._need_all:
            self._out.emit(p.NEED_ALL, self._need_all)
        self._out.emit(p.EXACT, self._need, plain, int(0 < plain == len(self._rows)))
        self._write()
        self._out.emit(p.DONE)
        self._clear()

    def _plain(self) -> int:
        """The number of plain fields at the start of the run."""
        for count, (columns, _) in enumerate(self._rows):
            if not p.is_plain(columns):
                return count
        return len(self._rows)

    def _write(self) -> None:
        for columns, floats in self._rows:
            self._out.emit_row(columns, floats)
