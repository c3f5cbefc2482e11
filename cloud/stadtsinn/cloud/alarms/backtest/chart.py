"""A back-test as a picture: when alarms were open, and what other limits and holds would do.

SVG in plain words of its own: a bar for each alarm on the line of its station, labelled events
behind them; below it a table whose cells are the darker, the more alarms there would be.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from stadtsinn.base.berlin import local
from stadtsinn.base.decimals import with_sign
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.backtest.service import Cell, Found, Report

_WIDTH, _LEFT, _TOP = 900, 170, 64
_LINE, _CELL_HEIGHT, _CELL_WIDTH = 22, 26, 96
_MOST_LINES = 40
_DAY_FORMS = {Language.DE: "%d.%m.%Y", Language.EN: "%Y-%m-%d"}


def drawn(report: Report) -> str:
    """The picture, as an SVG document."""
    lines = sorted(report.found, key=lambda one: -len(one.incidents))[:_MOST_LINES]
    below = _TOP + _LINE * len(lines) + 40
    grid = list(_grid(report, below + 34)) if report.cells else []
    rows = len({one.limit for one in report.cells})
    height = below + (rows + 2) * _CELL_HEIGHT + 40 if grid else below
    body = [
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        _text(12, 24, report.question.rule.name, size=16, weight="bold"),
        _text(12, 44, _summary(report), fill="#555"),
        *_events(report, len(lines)),
        *(part for row, one in enumerate(lines) for part in _line(report, one, row)),
        *_days(report, _TOP + _LINE * len(lines)),
        *grid,
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" font-family="sans-serif" font-size="12" role="img">\n'
        f"<title>{escape(report.question.rule.name)}</title>\n" + "\n".join(body) + "\n</svg>\n"
    )


def _summary(report: Report) -> str:
    form = _DAY_FORMS[report.question.language]
    first, last = report.question.start, Instant(report.question.end - 1)
    span = f"{local(first).strftime(form)} – {local(last).strftime(form)}"
    if report.question.language is Language.DE:
        return f"{span} · Meldungen: {len(report.messages)} · davon Alarme: {report.alarms}"
    return f"{span} · messages: {len(report.messages)} · alarms among them: {report.alarms}"


def _x(report: Report, at: int) -> float:
    start, end = report.question.start, report.question.end
    share = (min(max(at, start), end) - start) / (end - start)
    return round(_LEFT + share * (_WIDTH - _LEFT - 20), 2)


def _events(report: Report, lines: int) -> Iterator[str]:
    """What really happened, behind the alarms."""
    for one in report.question.labels or ():
        left, right = _x(report, one.start), _x(report, one.end)
        yield (
            f'<rect x="{left}" y="{_TOP - 6}" width="{max(1, right - left):.2f}" '
            f'height="{_LINE * lines + 6}" fill="#cfe8cf"><title>{escape(one.label)}</title></rect>'
        )


def _line(report: Report, found: Found, row: int) -> Iterator[str]:
    y = _TOP + row * _LINE
    yield _text(12, y + 12, _short(found.subject.name or found.subject.slug))
    yield f'<line x1="{_LEFT}" y1="{y + 9}" x2="{_WIDTH - 20}" y2="{y + 9}" stroke="#ddd"/>'
    for one in found.incidents:
        closed = report.question.end if one.closed_at is None else one.closed_at
        left = _x(report, one.opened_at)
        width = max(2, _x(report, closed) - left)
        colour = "#e07b00" if one.flapping else "#b3261e"
        yield f'<rect x="{left}" y="{y + 2}" width="{width:.2f}" height="14" fill="{colour}"/>'


def _days(report: Report, y: int) -> Iterator[str]:
    form = _DAY_FORMS[report.question.language]
    start, end = report.question.start, report.question.end
    count = max(1, min(5, (end - start) // DAY))
    for number in range(count + 1):
        at = Instant(start + (end - start) * number // count)
        anchor = "start" if number == 0 else "end" if number == count else "middle"
        yield _text(_x(report, at), y + 14, local(at).strftime(form), fill="#555", anchor=anchor)


def _grid(report: Report, top: int) -> Iterator[str]:
    language = report.question.language
    german = language is Language.DE
    limits = list(dict.fromkeys(one.limit for one in report.cells))
    holds = list(dict.fromkeys(one.for_s for one in report.cells))
    most = max(one.alarms for one in report.cells)
    grid = report.question.grid
    parameter = grid.parameter if grid else ""
    said = "Alarme je Grenze und Dauer (for_s)" if german else "Alarms by limit and hold (for_s)"
    if any(one.score is not None for one in report.cells):
        said += "; −: verpasst, +: falsch" if german else "; −: missed, +: false"
    yield _text(12, top - 12, said, weight="bold")
    for column, hold in enumerate(holds):
        yield _text(_LEFT + column * _CELL_WIDTH + 8, top + 16, f"{hold} s", fill="#555")
    for one in report.cells:
        row, column = limits.index(one.limit) + 1, holds.index(one.for_s)
        y = top + row * _CELL_HEIGHT
        if column == 0:
            limit = "" if one.limit is None else with_sign(f"{one.limit:g}", language)
            yield _text(12, y + 17, limit and f"{parameter} = {limit}")
        yield from _cell(one, _LEFT + column * _CELL_WIDTH, y, most)


def _cell(one: Cell, x: int, y: int, most: int) -> Iterator[str]:
    share = one.alarms / most if most else 0
    light = round(255 - 120 * share)
    border = ' stroke="#000" stroke-width="2"' if one.is_own else ' stroke="#fff"'
    yield (
        f'<rect x="{x}" y="{y}" width="{_CELL_WIDTH - 4}" height="{_CELL_HEIGHT - 4}" '
        f'fill="rgb(255,{light},{light})"{border}/>'
    )
    yield _text(x + 8, y + 15, _count(one))


def _count(one: Cell) -> str:
    if not one.possible:
        return "–"
    if one.score is None:
        return str(one.alarms)
    return f"{one.alarms} (−{len(one.score.missed)} +{len(one.score.false)})"


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 12,
    weight: str = "normal",
    fill: str = "#000",
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )
