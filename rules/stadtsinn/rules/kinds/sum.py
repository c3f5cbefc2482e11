"""The sum of amounts within a sliding span of time: rain in 15 minutes or 24 hours."""

from __future__ import annotations

from math import fsum
from operator import add
from typing import ClassVar

from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import Judgement, Past, Sample
from stadtsinn.rules.limits import span
from stadtsinn.rules.sliding import Sliding
from stadtsinn.rules.window import Window, exact


class Sum(Sliding):
    """Fires when the amounts of the last `within_s` add up to `on`, recovers at `off` or less.

    An amount belongs to the time of its sample and is never negative. For totals that go up,
    see `Increase`.
    """

    kind_name: ClassVar[str] = "sum"
    title: ClassVar[Sentence] = Sentence("sum", "Summe")
    of_stations: ClassVar[bool] = True

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
        amount = max(0.0, sample.value)
        return self.judged(Window.of(past.notes).with_sample(sample, amount, self.length, add))

    @property
    def reach(self) -> int:
        """An amount is of the time before its sample."""
        return self.length - 1

    def held(self, window: Window) -> float:
        return exact(fsum(window.since(window.reached - self.reach)))

    def measured(self, label: str, shown: str) -> str:
        return f"{label} {shown} in {span(self.within_s)}"
