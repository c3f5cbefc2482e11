"""The outcome of a comparison, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

_SHOWN = 20


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question: what was expected, what was found, and what is wrong (the first of it)."""

    name: str
    ok: bool
    expected: int
    found: int
    problems: tuple[str, ...] = ()
    problem_count: int = 0
    numbers: dict[str, float] = {}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All questions. `ok` only if every one of them is."""

    ok: bool
    checks: tuple[Check, ...]
    counts: dict[str, int]

    def to_json(self) -> bytes:
        return msgspec.json.encode(self)

    def lines(self) -> list[str]:
        """For a terminal: one line per check, problems below it."""
        lines = []
        for check in self.checks:
            mark = "ok    " if check.ok else "FAILED"
            numbers = "".join(f", {name} {value:g}" for name, value in check.numbers.items())
            counted = f"{check.found} of {check.expected}"
            lines.append(f"{mark} {check.name}: {counted}{numbers}")
            lines += [f"         {problem}" for problem in check.problems]
            hidden = check.problem_count - len(check.problems)
            if hidden > 0:
                lines.append(f"         … and {hidden} more")
        return lines


def check(
    name: str,
    *,
    expected: int,
    found: int,
    problems: Sequence[str],
    numbers: dict[str, float] | None = None,
) -> Check:
    """A check that is right when nothing is wrong."""
    return Check(
        name=name,
        ok=not problems,
        expected=expected,
        found=found,
        problems=tuple(problems[:_SHOWN]),
        problem_count=len(problems),
        numbers=numbers or {},
    )


def report(checks: Sequence[Check], counts: dict[str, int]) -> Report:
    return Report(ok=all(one.ok for one in checks), checks=tuple(checks), counts=counts)
