"""How much a running total grew within a sliding span of time: rain of gauges that count up."""

from __future__ import annotations

from operator import add
from typing import ClassVar

from stadtsinn.base.frozen import replace
from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import Judgement, Past, Sample
from stadtsinn.rules.kinds.sum import Sum
from stadtsinn.rules.window import Window


class Increase(Sum):
    """Fires when a running total grew by `on` within `within_s`, recovers at `off` or less.

    A total that falls, or that another device counts, begins anew: what it held before is not
    known, and adds nothing.
    """

    kind_name: ClassVar[str] = "increase"
    title: ClassVar[Sentence] = Sentence("increase", "Zuwachs")

    def refuses(self, quantity: str, aggregate: str) -> Sentence | None:
        if aggregate == "counter":
            return None
        return Sentence(
            f"'{quantity}' is no running total: use the kind 'sum' or 'change'.",
            f"'{quantity}' ist kein Zählerstand: die Art 'sum' oder 'change' nehmen.",
        )

    def judge(self, sample: Sample, past: Past) -> Judgement:
        window = Window.of(past.notes)
        corrected = past.last is not None and past.last.at == sample.at
        before = past.notes.get("before" if corrected else "total")
        known = before is not None and window.source == sample.source
        grown = max(0.0, sample.value - before) if before is not None and known else 0.0
        judgement = self.judged(window.with_sample(sample, grown, self.length, add))
        mine = {"total": sample.value, "before": before if known else None}
        return replace(judgement, notes={**judgement.notes, **mine})
