"""The sum of amounts within a sliding span of time: rain in 15 minutes or 24 hours."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from stadtsinn.base.instant import SECOND
from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import Judgement, Past, Sample
from stadtsinn.rules.limits import Limited, Within, require_positive_off, span
from stadtsinn.rules.window import Window, exact


class Sum(Limited):
    """Fires when the amounts of the last `within_s` add up to `on`, recovers at `off` or less.

    An amount belongs to the time of its sample. For totals that go up, see `Increase`.
    """

    kind_name: ClassVar[str] = "sum"
    of_stations: ClassVar[bool] = True

    within_s: Within

    @property
    def worse_above(self) -> bool:
        return True

    @model_validator(mode="after")
    def _ends(self) -> Self:
        require_positive_off(self.off)
        return self

    def refuses(self, quantity: str, aggregate: str) -> Sentence | None:
        if aggregate == "sum":
            return None
        if aggregate == "counter":
            return Sentence(
                f"'{quantity}' is a running total: use the kind 'increase'.",
                f"'{quantity}' ist ein Zählerstand: die Art 'increase' nehmen.",
            )
        return Sentence(
            f"'{quantity}' is no amount that adds up: use the kind 'threshold' or 'change'.",
            f"'{quantity}' ist keine Menge, die sich summiert: die Art 'threshold' oder "
            "'change' nehmen.",
        )

    def judge(self, sample: Sample, past: Past) -> Judgement:
        window = Window.of(past.notes).with_sample(sample, sample.value, self.within_s * SECOND)
        total = total_after(window, sample.at - self.within_s * SECOND)
        return Judgement(self.verdict(total), window.notes(), value=total)

    def measured(self, label: str, shown: str) -> str:
        return f"{label} {shown} in {span(self.within_s)}"


def total_after(window: Window, moment: int) -> float:
    """The sum of what was measured after a moment: an amount is of the time before its sample."""
    return exact(sum(one.total for one in window.entries if one.at > moment))
