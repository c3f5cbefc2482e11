"""The share of a group's stations in a state: 90 per cent of the spaces taken."""

from __future__ import annotations

from typing import ClassVar

from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import Stage
from stadtsinn.rules.kinds.count import Count
from stadtsinn.rules.window import exact


class Share(Count):
    """As `Count`, with `on` and `off` in per cent of the group's stations."""

    kind_name: ClassVar[str] = "share"
    title: ClassVar[Sentence] = Sentence("share of stations", "Anteil Messstellen")
    unit: ClassVar[str | None] = "%"

    def of_all(self, number: int, stations: int) -> float:
        return exact(100 * number / stations) if stations else 0.0

    def limit(self, stage: Stage) -> str:
        return _percent(self.on, stage)

    def told(self, value: float, stage: Stage) -> str:
        shown = _percent(value, stage)
        if stage.language is Language.EN:
            return f"{self.state(stage)}at {shown} of the stations"
        return f"{self.state(stage)}an {shown} der Messstellen"


def _percent(value: float, stage: Stage) -> str:
    return f"{stage.number(value)}{'%' if stage.language is Language.EN else ' %'}"
