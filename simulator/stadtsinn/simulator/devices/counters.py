"""The gates' counters: Milesight VS133 with four lines and Parametric PCR2 radar."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.simulator.devices.encoders import pcr2, vs133
from stadtsinn.simulator.market_day.calendar import DayPlan
from stadtsinn.simulator.market_day.town import VS133
from stadtsinn.simulator.market_day.visitors import Gate, Visitors
from stadtsinn.simulator.radio.transmission import ExpectedReading, Transmission, report_times
from stadtsinn.simulator.randomness import stream

_INTERVAL_S = 60
_PERIOD_EVERY = 10
_PERIOD_AFTER = 7 * SECOND
"""The VS133 sends totals each minute and, some seconds after every tenth, its period counts."""

_PAVEMENT_PER_MINUTE = 1.5


def counter_transmissions(visitors: Visitors, plan: DayPlan, seed: int) -> Iterator[Transmission]:
    """All that the counters send, gate after gate."""
    for gate in visitors.gates:
        if gate.plan.device_type == VS133:
            yield from _camera(gate, plan, seed)
        else:
            yield from _radar(gate, plan, seed)


@dataclass(frozen=True)
class _Camera:
    """A VS133: passages of its lines up to a moment."""

    gate: Gate
    pavement: tuple[Instant, ...]
    """Passers-by in front of the gate, on a line that is no gate."""

    def lines(self, moment: Instant) -> list[vs133.Passages]:
        """Totals of the four lines."""
        counting = int(self.gate.plan.channel.removeprefix("line_"))
        inwards, outwards = self.gate.counted.count(moment)
        lines = [vs133.Passages()] * vs133.LINES
        passed = bisect_right(self.pavement, moment)
        lines[0] = vs133.Passages(passed, passed // 2)
        lines[counting - 1] = vs133.Passages(
            self.gate.plan.start_in + inwards, self.gate.plan.start_out + outwards
        )
        return lines


def _camera(gate: Gate, plan: DayPlan, seed: int) -> Iterator[Transmission]:
    chance = stream(seed, f"camera {gate.plan.dev_eui}")
    camera = _Camera(gate, tuple(_pavement(plan, seed)) if gate.plan.channel != "line_1" else ())
    before = camera.lines(plan.span.start)
    times = report_times(plan.span, _INTERVAL_S, chance)
    for number, moment in enumerate(times, start=1):
        yield _totals(gate.plan.dev_eui, moment, camera.lines(moment))
        if number % _PERIOD_EVERY == 0:
            later = Instant(moment + _PERIOD_AFTER)
            now = camera.lines(later)
            yield _periods(gate.plan.dev_eui, later, before, now)
            before = now


def _pavement(plan: DayPlan, seed: int) -> Iterator[Instant]:
    chance = stream(seed, "pavement")
    moment = float(plan.span.start)
    while moment < plan.span.end:
        moment += chance.expovariate(_PAVEMENT_PER_MINUTE / 60) * SECOND
        yield Instant(int(moment))


def _totals(dev_eui: str, moment: Instant, lines: list[vs133.Passages]) -> Transmission:
    return Transmission(
        time=moment,
        dev_eui=dev_eui,
        device_type=VS133,
        f_port=vs133.PORT,
        payload=vs133.encode_totals(lines),
        readings=_both_ways(lines, "people_in_total", "people_out_total"),
    )


def _periods(
    dev_eui: str, moment: Instant, before: list[vs133.Passages], now: list[vs133.Passages]
) -> Transmission:
    lines = [
        vs133.Passages(new.inwards - old.inwards, new.outwards - old.outwards)
        for old, new in zip(before, now, strict=True)
    ]
    return Transmission(
        time=moment,
        dev_eui=dev_eui,
        device_type=VS133,
        f_port=vs133.PORT,
        payload=vs133.encode_periods(lines),
        readings=_both_ways(lines, "people_in", "people_out"),
    )


def _both_ways(
    lines: list[vs133.Passages], inwards: str, outwards: str
) -> tuple[ExpectedReading, ...]:
    return tuple(
        ExpectedReading(quantity, count, f"line_{number}")
        for number, line in enumerate(lines, start=1)
        for quantity, count in ((inwards, line.inwards), (outwards, line.outwards))
    )


def _radar(gate: Gate, plan: DayPlan, seed: int) -> Iterator[Transmission]:
    chance = stream(seed, f"radar {gate.plan.dev_eui}")
    before = _radar_sums(gate, plan.span.start)
    for moment in report_times(plan.span, _INTERVAL_S, chance):
        now = _radar_sums(gate, moment)
        frame = pcr2.RadarFrame(
            left_to_right=now[0] - before[0],
            right_to_left=now[1] - before[1],
            left_to_right_sum=now[0],
            right_to_left_sum=now[1],
            battery=round(chance.gauss(7_180, 12)),
            solar_panel=round(chance.uniform(150, 900)),
            temperature=round(chance.gauss(24, 2), 1),
        )
        yield _radar_report(gate.plan.dev_eui, gate.plan.device_type, moment, frame)
        before = now


def _radar_sums(gate: Gate, moment: Instant) -> tuple[int, int]:
    """Sums left-to-right and right-to-left; hung up back to front, left-to-right is out."""
    inwards, outwards = gate.counted.count(moment)
    inwards, outwards = gate.plan.start_in + inwards, gate.plan.start_out + outwards
    return (outwards, inwards) if gate.plan.swapped else (inwards, outwards)


def _radar_report(
    dev_eui: str, device_type: str, moment: Instant, frame: pcr2.RadarFrame
) -> Transmission:
    wrap = 1 << pcr2.COUNTER_BITS
    return Transmission(
        time=moment,
        dev_eui=dev_eui,
        device_type=device_type,
        f_port=pcr2.PORT,
        payload=pcr2.encode(frame),
        readings=(
            ExpectedReading("people_in", frame.left_to_right),
            ExpectedReading("people_out", frame.right_to_left),
            ExpectedReading("people_in_total", frame.left_to_right_sum % wrap),
            ExpectedReading("people_out_total", frame.right_to_left_sum % wrap),
            ExpectedReading("battery_voltage", frame.battery / 1000),
            ExpectedReading("solar_panel_power", frame.solar_panel / 1000),
            ExpectedReading("device_temperature", frame.temperature),
        ),
    )
