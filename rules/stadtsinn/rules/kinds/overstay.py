"""A parking space that is taken for longer than is allowed there."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import (
    NOTICE,
    Eased,
    Judgement,
    Past,
    Phrases,
    RuleKind,
    Sample,
    Stage,
    Verdict,
)
from stadtsinn.rules.limits import span

TAKEN = 0.5
"""Above this a space is taken."""
_FREE_SINCE = "free_since"
_FREE = {"Belegt": "Frei", "Occupied": "Free"}


class Overstay(RuleKind):
    """Fires once a space has been taken for `longest_s`, without being free for `gap_s` between.

    A sensor that sees nothing for a moment, or a lorry that passes, ends no stay.
    """

    kind_name: ClassVar[str] = "overstay"
    title: ClassVar[Sentence] = Sentence("overstay", "Parkdauer")
    of_stations: ClassVar[bool] = True
    has_trend: ClassVar[bool] = False
    in_steps: ClassVar[bool] = True

    longest_s: Annotated[
        int, Field(ge=60, le=7 * 86_400, description="So long a car may stay, in seconds.")
    ]
    gap_s: Annotated[
        int, Field(ge=0, le=3_600, description="Free for so long: the car has left.")
    ] = 30

    def refuses(self, quantity: str, aggregate: str) -> Sentence | None:  # noqa: ARG002
        if quantity == "occupied":
            return None
        return Sentence(
            f"'{quantity}' does not say whether a space is taken: use the quantity 'occupied'.",
            f"'{quantity}' sagt nicht, ob ein Stellplatz belegt ist: die Größe 'occupied' nehmen.",
        )

    @property
    def hold_s(self) -> int | None:
        return self.longest_s

    def judge(self, sample: Sample, past: Past) -> Judgement:
        if sample.value > TAKEN:
            return Judgement(Verdict.REACHED, {"taken": True})
        if not past.notes.get("taken"):
            return Judgement(Verdict.RECOVERED)
        since = past.notes.get(_FREE_SINCE, sample.at)
        if sample.at - since >= self.gap_s * SECOND:
            return Judgement(Verdict.RECOVERED)
        return Judgement(Verdict.REACHED, {"taken": True, _FREE_SINCE: since})

    def eases(self, past: Past) -> Eased | None:
        since = past.notes.get(_FREE_SINCE)
        if since is None:
            return None
        return Eased(Instant(since + self.gap_s * SECOND), Judgement(Verdict.RECOVERED))

    def example(self, level: int) -> tuple[float, float]:  # noqa: ARG002 (it has one)
        return 1.0, 0.0

    def measured(self, label: str, shown: str) -> str:
        return _FREE.get(label, label) if shown == "0" else label

    def phrases(self, stage: Stage) -> Phrases:
        length = span(self.longest_s)
        german, english = f"länger als {length}", f"for more than {length}"
        return stage.say(
            NOTICE,
            (german, f"{german} belegt", f"Platz war {german} belegt"),
            (english, f"taken {english}", f"space was taken {english}"),
        )
