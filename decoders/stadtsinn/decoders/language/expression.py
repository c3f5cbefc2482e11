"""Expressions over named items, in Python's notation, to stack operations.

Allowed: numbers, names, ``+ - * / **``, comparisons, ``a if c else b``, and the functions abs,
floor, sqrt, log, log10, exp, min, max. Whatever is not a finite number has no reading.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from stadtsinn.decoders.program import BINARY, FUNCTIONS, SELECT, STACK, UNARY

Step = tuple[str, float]
"""("const", number), ("name", register) or ("call", function)."""

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
_ONE = {"abs", "floor", "sqrt", "log", "log10", "exp"}
_TWO = {"min", "max"}


class ExpressionError(ValueError):
    """An expression outside the language; the message names the part."""


def steps(text: str, register: Callable[[str], int]) -> list[Step]:
    """Stack operations of `text`; `register` gives the register of a name or raises KeyError."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise ExpressionError(f"{text!r}: {error.msg}") from None
    out: list[Step] = []
    _walk(tree.body, text, register, out)
    return out


def check_depth(steps: list[Step], text: str) -> None:
    """Raises ExpressionError if the stack of the op tables is too short for the expression."""
    depth = 0
    for kind, number in steps:
        if kind != "call":
            depth += 1
        elif number == SELECT:
            depth -= 2
        elif len(UNARY) <= number < len(UNARY) + len(BINARY):
            depth -= 1
        if depth > STACK:
            raise ExpressionError(f"{text!r} nests too deep; name a part of it as an own value")


def _walk(node: ast.expr, text: str, register: Callable[[str], int], out: list[Step]) -> None:
    def call(name: str, *parts: ast.expr) -> None:
        for part in parts:
            _walk(part, text, register, out)
        out.append(("call", FUNCTIONS[name]))

    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            out.append(("const", float(number)))
        case ast.Name(id=name):
            try:
                out.append(("name", register(name)))
            except KeyError:
                raise ExpressionError(f"{text!r}: no item is named {name!r} before it") from None
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            call("neg", operand)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            call("not", operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            call(_OPERATORS[type(op)], left, right)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            call(_OPERATORS[type(op)], left, right)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _SWAPPED:
            call(_SWAPPED[type(op)], right, left)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            call("select", test, body, orelse)
        case ast.Call(func=ast.Name(id=name), args=[one], keywords=[]) if name in _ONE:
            call(name, one)
        case ast.Call(func=ast.Name(id=name), args=[one, two], keywords=[]) if name in _TWO:
            call(name, one, two)
        case _:
            raise ExpressionError(
                f"{text!r}: {ast.unparse(node)!r} is not part of the language; allowed: numbers, "
                "names, + - * / **, one comparison, 'a if c else b', abs floor sqrt log log10 exp "
                "min max"
            )
