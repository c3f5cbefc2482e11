"""Compiles expressions over named items, in Python's notation, to stack operations.

Allowed: numbers, names, ``+ - * / % **``, comparisons (also chained), ``and or not``,
``a if c else b``, ``nan`` (no value), and the functions abs, floor, trunc, round (halves up), sqrt,
log, log10, exp, min, max, and unix(year, month, day, hour, minute, second). A result that is not
finite gives no reading.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders.program import FUNCTIONS, SELECT, STACK


@dataclass(frozen=True, slots=True)
class Constant:
    """A number of the expression itself."""

    number: float


@dataclass(frozen=True, slots=True)
class Register:
    """A named item."""

    number: int


Leaf = Constant | Register


@dataclass(frozen=True, slots=True)
class Call:
    """A function of its arguments, in their order: leaves, or None for one on the stack."""

    function: int
    arguments: tuple[Leaf | None, ...]


Step = Leaf | Call
"""A leaf is pushed onto the stack."""

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}
_SWAPPED: dict[type[ast.AST], str] = {ast.Gt: "lt", ast.GtE: "le"}
_JOINS: dict[type[ast.AST], str] = {ast.And: "min", ast.Or: "max"}
_ONE = {"abs", "floor", "sqrt", "log", "log10", "exp"}
_TWO = {"min", "max"}

_DAYS = (
    "365 * (y - (m <= 2)) + floor((y - (m <= 2)) / 4) - floor((y - (m <= 2)) / 100)"
    " + floor((y - (m <= 2)) / 400) + floor((153 * ((m + 9) % 12) + 2) / 5) + d - 719469"
)
"""Days from 1970 to a day of the Gregorian calendar, whose years are counted from March."""
_VALID_DATE = "1 <= m <= 12 and 1 <= d <= 31 and hour < 24 and minute < 60 and second < 60"
_DERIVED: dict[str, tuple[tuple[str, ...], str]] = {
    "trunc": (("x",), "-floor(-x) if x < 0 else floor(x)"),
    "round": (("x",), "floor(x + 0.5)"),
    "mod": (("a", "b"), "a - floor(a / b) * b"),
    "unix": (
        ("y", "m", "d", "hour", "minute", "second"),
        f"86400 * ({_DAYS}) + 3600 * hour + 60 * minute + second if {_VALID_DATE} else nan",
    ),
}
"""Functions defined by an expression of the others: parameters and expression."""


class ExpressionError(Unusable):
    """An expression with a construct that is not supported; the message names it."""


def steps(text: str, register: Callable[[str], int], constants: Mapping[str, float]) -> list[Step]:
    """Stack operations of `text`; `register` gives the register of a name or raises KeyError.

    Names in `constants` stand for their numbers.
    """
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise ExpressionError(
            f"{text!r}: {error.msg}",
            f"{text!r}: kein Ausdruck ({error.msg})",
        ) from None
    out: list[Step] = []
    _Walk(text, register, constants, out).visit(tree.body)
    return out


def check_depth(steps: list[Step], text: str) -> None:
    """Raises ExpressionError if the expression needs more stack than the op tables have."""
    depth = 0
    for step in steps:
        depth += 1
        if isinstance(step, Call):
            depth -= step.arguments.count(None)
        if depth > STACK:
            raise ExpressionError(
                f"{text!r} nests too deep; name a part of it as an own value",
                f"{text!r} ist zu tief verschachtelt; einen Teil davon als eigenen Wert benennen",
            )


class _Walk:
    """Walks the syntax tree of one expression and appends its stack operations to `out`."""

    def __init__(
        self,
        text: str,
        register: Callable[[str], int],
        constants: Mapping[str, float],
        out: list[Step],
    ) -> None:
        self._text = text
        self._register = register
        self._constants = constants
        self._out = out

    def visit(self, node: ast.expr) -> None:
        leaf = self._leaf(node)
        if leaf is not None:
            self._out.append(leaf)
            return
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                self._call("neg", operand)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._call("not", operand)
            case ast.BinOp(left=left, op=ast.Mod(), right=right):
                self.visit(_expanded("mod", [left, right]))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                self._call(_OPERATORS[type(op)], left, right)
            case ast.Compare(left=left, ops=ops, comparators=rights):
                self._compare(node, [left, *rights], ops)
            case ast.BoolOp(op=op, values=values):
                self._truth(values[0])
                for value in values[1:]:
                    self._truth(value)
                    self._out.append(Call(FUNCTIONS[_JOINS[type(op)]], (None, None)))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                for part in (test, body, orelse):
                    self.visit(part)
                self._out.append(Call(SELECT, (None, None, None)))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
                len(args) == 1 and name in _ONE
            ) or (len(args) == 2 and name in _TWO):
                self._call(name, *args)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
                name in _DERIVED and len(args) == len(_DERIVED[name][0])
            ):
                self.visit(_expanded(name, args))
            case _:
                self._refuse(node)

    def _call(self, name: str, *parts: ast.expr) -> None:
        leaves = tuple(map(self._leaf, parts))
        for part, leaf in zip(parts, leaves, strict=True):
            if leaf is None:
                self.visit(part)
        self._out.append(Call(FUNCTIONS[name], leaves))

    def _leaf(self, node: ast.expr) -> Leaf | None:
        """A number or name; None for a node that must be computed first."""
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return Constant(float(number))
            case ast.Name(id=name):
                return self._named(name)
            case _:
                return None

    def _named(self, name: str) -> Leaf:
        if name == "nan" or name in self._constants:
            return Constant(math.nan if name == "nan" else self._constants[name])
        try:
            return Register(self._register(name))
        except KeyError:
            raise ExpressionError(
                f"{self._text!r}: no item is named {name!r} before it",
                f"{self._text!r}: davor heißt kein Eintrag {name!r}",
            ) from None

    def _compare(self, node: ast.expr, terms: list[ast.expr], ops: list[ast.cmpop]) -> None:
        for i, op in enumerate(ops):
            if type(op) in _OPERATORS:
                self._call(_OPERATORS[type(op)], terms[i], terms[i + 1])
            elif type(op) in _SWAPPED:
                self._call(_SWAPPED[type(op)], terms[i + 1], terms[i])
            else:
                self._refuse(node)
            if i:
                self._out.append(Call(FUNCTIONS["min"], (None, None)))

    def _truth(self, node: ast.expr) -> None:
        """Makes the operand of `and` or `or` 1 or 0."""
        self.visit(node)
        if not isinstance(node, ast.Compare | ast.BoolOp):
            self._out.append(Call(FUNCTIONS["ne"], (None, Constant(0.0))))

    def _refuse(self, node: ast.expr) -> None:
        raise ExpressionError(
            f"{self._text!r}: {ast.unparse(node)!r} is not part of the language; allowed: numbers, "
            "names, + - * / % **, comparisons, and or not, 'a if c else b', nan, abs floor trunc "
            "round sqrt log log10 exp min max unix(year, month, day, hour, minute, second)",
            f"{self._text!r}: {ast.unparse(node)!r} gehört nicht zur Sprache; möglich: Zahlen, "
            "Namen, + - * / % **, Vergleiche, and or not, 'a if c else b', nan, abs floor trunc "
            "round sqrt log log10 exp min max unix(year, month, day, hour, minute, second)",
        )


@cache
def _parsed(name: str) -> ast.expr:
    return ast.parse(_DERIVED[name][1], mode="eval").body


def _expanded(name: str, args: list[ast.expr]) -> ast.expr:
    """The expression that defines a derived function, with its parameters replaced by `args`."""
    arguments = dict(zip(_DERIVED[name][0], args, strict=True))
    return _substituted(_parsed(name), arguments)


def _substituted(node: ast.expr, arguments: Mapping[str, ast.expr]) -> ast.expr:
    class Substitution(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            return arguments.get(name.id, name)

    # NodeTransformer changes the tree in place, so it gets a copy.
    copy = ast.parse(ast.unparse(node), mode="eval").body
    substituted: ast.expr = Substitution().visit(copy)
    return substituted
