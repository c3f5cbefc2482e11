"""What other limits and other holds would have done: the same rule, with a few numbers changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from pydantic import ValidationError

from stadtsinn.base.counted import counted
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.rules.kind import RuleKind

_VARIED = ("on", "high", "alarm_percent", "unchanged_s", "silent_s")
"""By what a kind is set first."""
_TOGETHER = {
    "on": ("off",),
    "high": (),
    "alarm_percent": ("warn_percent", "off_percent"),
    "unchanged_s": (),
    "silent_s": (),
}
"""What keeps its distance from it."""
_FACTORS = (0.9, 0.95, 1.0, 1.05, 1.1)
_HOLDS = (0, 600, 1_800, 3_600)
MOST = 100


@dataclass(frozen=True)
class Variation:
    """One cell: the rule with another limit and another hold; None: no such rule can be."""

    limit: float | None
    """Of `Grid.parameter`."""
    for_s: int
    rule: Rule | None
    is_own: bool = False
    """It is the rule as it was given."""


@dataclass(frozen=True)
class Grid:
    """What is tried besides the rule itself; `parameter` is what varies, empty: only the hold."""

    parameter: str
    variations: tuple[Variation, ...]


def varied_of(kind: RuleKind) -> str:
    """The parameter by which a kind is set first; empty where it has none."""
    return next((name for name in _VARIED if name in type(kind).model_fields), "")


def grid_of(
    rule: Rule, limits: Sequence[float] = (), holds: Sequence[int] = (), most: int = MOST
) -> Grid:
    """Limits × holds; without any those around the rule's own. Raises Unusable."""
    parameter = varied_of(rule.parameters)
    own = getattr(rule.parameters, parameter) if parameter else None
    tried: Sequence[float | None] = sorted({*limits, own}) if limits and own is not None else ()
    if not tried:
        tried = _around(rule, own)
    spans = sorted({*(holds or _HOLDS), rule.for_s})
    if len(tried) * len(spans) > most:
        count = len(tried) * len(spans)
        raise Unusable(
            f"limits and holds together make {counted(count, 'rule', 'rules')}, at most {most} are "
            "tried: name fewer",
            f"Grenzen und Dauern ergeben zusammen {counted(count, 'Regel', 'Regeln')}, höchstens "
            f"{most} werden probiert: weniger nennen",
        )
    return Grid(
        parameter, tuple(_variation(rule, parameter, *one) for one in product(tried, spans))
    )


def _around(rule: Rule, own: float | None) -> Sequence[float | None]:
    if own is None:
        return [None]
    if isinstance(own, int):
        return sorted({max(60, round(own * factor / 60) * 60) for factor in _FACTORS} | {own})
    # Around zero a part of the limit is nothing: then by its distance from where it ends.
    distance = abs(own - getattr(rule.parameters, "off", 0.0))
    step = max(abs(own), distance) / 20
    return sorted({round(own + number * step, 6) for number in (-2, -1, 1, 2)} | {own})


def _variation(rule: Rule, parameter: str, limit: float | None, for_s: int) -> Variation:
    changed: dict[str, object] = {"for_s": for_s}
    own = getattr(rule.parameters, parameter) if parameter else None
    if limit is not None and own is not None:
        changed[parameter] = limit
        for name in _TOGETHER[parameter]:
            beside = getattr(rule.parameters, name, None)
            if beside is not None:
                changed[name] = round(beside + limit - own, 6)
    is_own = for_s == rule.for_s and (limit is None or limit == own)
    try:
        varied = Rule.model_validate({**rule.model_dump(), **changed})
    except ValidationError:
        return Variation(limit, for_s, None, is_own)
    return Variation(limit, for_s, varied, is_own)
