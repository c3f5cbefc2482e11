"""A battery that runs low: also the best value of a whole day is low."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from stadtsinn.base.instant import SECOND
from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import NOTICE, OWN, Judgement, Noun, Past, Sample, Verdict
from stadtsinn.rules.limits import Limited, Within
from stadtsinn.rules.window import Window

_QUANTITIES = ("battery_voltage", "battery_level")


class LowBattery(Limited):
    """Fires when the highest value of `within_s` is at `on` or below: a cold night, or the moment
    of sending, lowers a voltage that is well again by noon. Recovers at `off` at once: there is a
    new battery. Another device begins anew."""

    kind_name: ClassVar[str] = "low_battery"
    title: ClassVar[Sentence] = Sentence("low battery", "Batterie schwach")
    of_stations: ClassVar[bool] = True
    noun: ClassVar[Noun] = NOTICE

    within_s: Within

    @property
    def worse_above(self) -> bool:
        return False

    def refuses(self, quantity: str, aggregate: str) -> Sentence | None:  # noqa: ARG002
        if quantity in _QUANTITIES:
            return None
        known = ", ".join(_QUANTITIES)
        return Sentence(
            f"'{quantity}' is not of a battery: use one of {known}.",
            f"'{quantity}' gehört zu keiner Batterie: möglich sind {known}.",
        )

    def spans(self, stream: int = OWN) -> Mapping[str, int]:  # noqa: ARG002 (others do)
        return {"within_s": self.within_s}

    def judge(self, sample: Sample, past: Past) -> Judgement:
        length = self.within_s * SECOND
        window, since = Window.of(past.notes), past.notes.get("since")
        if since is None or window.source != sample.source:
            window, since = Window(), sample.at
        window = window.with_sample(sample, sample.value, length, max)
        notes = {**window.notes(), "since": since}
        if self.recovered(sample.value):
            return Judgement(Verdict.RECOVERED, notes)
        known = sample.at - since >= length
        low = known and self.reached(max(window.since(sample.at - length)))
        return Judgement(Verdict.REACHED if low else Verdict.BETWEEN, notes)
