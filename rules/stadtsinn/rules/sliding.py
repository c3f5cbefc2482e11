"""What kinds share that look back over a span of time, which slides on without a sample too."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Mapping
from math import inf
from typing import Self

from pydantic import model_validator

from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.rules.kind import (
    OVER,
    OWN,
    Eased,
    Judgement,
    Mark,
    Past,
    Reach,
    Setting,
    Verdict,
)
from stadtsinn.rules.limits import Limited, Within, require_positive_off
from stadtsinn.rules.window import Window


class Sliding(Limited):
    """Fires when what the last `within_s` hold is at `on` or more, recovers at `off` or less.

    What they hold only becomes less while no sample comes, and nothing in the end.
    """

    within_s: Within

    @property
    def worse_above(self) -> bool:
        return True

    @model_validator(mode="after")
    def _ends(self) -> Self:
        require_positive_off(self.off)
        return self

    @property
    def length(self) -> int:
        return self.within_s * SECOND

    @property
    def reach(self) -> int:
        """So far back a sample may be and is still in the span."""
        return self.length

    def judged_of(self, setting: Setting) -> Reach:  # noqa: ARG002 (some do)
        return Reach(0, inf)

    def spans(self, stream: int = OWN) -> Mapping[str, int]:  # noqa: ARG002 (others do)
        return {"within_s": self.within_s}

    @abstractmethod
    def held(self, window: Window) -> float:
        """What the span holds that ends where the window has come to."""

    def shown(self, held: float) -> float:
        """The same, as messages write it."""
        return held

    def marks(self, permitted: float | None) -> tuple[Mark, ...]:  # noqa: ARG002 (others do)
        return Mark(self.shown(self.on)), Mark(self.shown(self.off), OVER)

    def judged(self, window: Window) -> Judgement:
        held = self.held(window)
        return Judgement(self.verdict(held), window.notes(), value=self.shown(held))

    def eases(self, past: Past) -> Eased | None:
        window = Window.of(past.notes)
        held = self.held(window)
        verdict = self.verdict(held)
        if verdict is Verdict.RECOVERED:
            return None
        ends = [at + self.reach + 1 for at in window.times_since(window.reached - self.reach)]
        # It only gets better, so it is found by halves.
        first = bisect_left(
            ends, True, key=lambda end: self.verdict(self.held(window.at(end))) is not verdict
        )
        if first == len(ends):
            return None
        later = self.judged(window.at(ends[first]))
        return Eased(Instant(ends[first]), replace(later, notes={**past.notes, **later.notes}))
