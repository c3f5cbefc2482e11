"""Prints what a back-test found: messages, events, what other settings would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.counted import counted
from stadtsinn.base.csv_text import write_csv
from stadtsinn.cli import alert_words
from stadtsinn.cli.language import decimal, in_words, text
from stadtsinn.cli.output import print_table, say, say_as_it_is, say_json
from stadtsinn.cli.times import shown_moment

if TYPE_CHECKING:
    from stadtsinn.cloud.alarms.backtest.messages import Message, Told
    from stadtsinn.cloud.alarms.backtest.service import Cell, Report


def print_report(report: Report, form: str) -> None:
    """As text, JSON or CSV: of CSV a row for each message and recipient."""
    if form == "json":
        from stadtsinn.cloud.alarms.backtest.schemas import view

        say_json(view(report).model_dump_json())
    elif form == "csv":
        say_as_it_is(_csv(report).decode().replace("\r\n", "\n"))
    else:
        _print_text(report)


def _csv(report: Report) -> bytes:
    heading = ("at", "station", "kind", "level", "opened_at", "recipient", "group", "text")
    rows = (
        (
            isoformat(one.at),
            found.subject.slug,
            one.kind.value,
            one.level,
            "" if one.opened_at is None else isoformat(one.opened_at),
            told.person,
            told.group or "",
            one.text,
        )
        for found, one in report.messages
        for told in one.to
    )
    return write_csv(heading, rows)


def _print_text(report: Report) -> None:
    for note in report.notes:
        say(text("note: ", "Hinweis: ") + in_words(note), error=True)
    _print_messages(report)
    _print_totals(report)
    _print_events(report)
    _print_cells(report)


def _print_messages(report: Report) -> None:
    rows = [
        [
            shown_moment(one.at),
            found.subject.slug,
            alert_words.in_words(one.kind.value),
            _to(one),
            one.text,
        ]
        for found, one in report.messages
    ]
    if rows:
        heads = [
            text("When", "Wann"),
            text("Where", "Wo"),
            text("Message", "Meldung"),
            text("To", "An"),
            "Text",
        ]
        print_table(heads, rows)
    else:
        say(text("no message would have been sent", "es wäre keine Meldung verschickt worden"))


def _to(message: Message) -> str:
    return ", ".join(_told(one) for one in message.to) or text("nobody", "niemand")


def _told(one: Told) -> str:
    group = f" ({one.group})" if one.group else ""
    if one.waits_until is None:
        return one.person + group
    until = shown_moment(one.waits_until)
    return one.person + group + text(f", not before {until}", f", nicht vor {until}")


def _print_totals(report: Report) -> None:
    values = sum(one.values for one in report.found)
    incidents = [one for found in report.found for one in found.incidents]
    flapping = sum(one.flapping for one in incidents)
    say(
        text(
            f"{counted(values, 'value', 'values')}, {counted(len(incidents), 'alarm', 'alarms')}"
            f", {flapping} of them on and off, "
            f"{counted(len(report.messages), 'message', 'messages')}",
            f"{counted(values, 'Wert', 'Werte')}, {counted(len(incidents), 'Alarm', 'Alarme')}"
            f", davon schwankend: {flapping}, "
            f"{counted(len(report.messages), 'Meldung', 'Meldungen')}",
        )
    )


def _print_events(report: Report) -> None:
    score = report.score
    if score is None:
        return
    say(
        text(
            f"{counted(score.events, 'event', 'events')}: {score.met} with an alarm, "
            f"{len(score.missed)} missed; false alarms: {len(score.false)}",
            f"{counted(score.events, 'Ereignis', 'Ereignisse')}: {score.met} mit Alarm, "
            f"{len(score.missed)} verpasst; Fehlalarme: {len(score.false)}",
        )
    )
    for event in score.missed:
        said = f"{shown_moment(event.start)} – {shown_moment(event.end)} {event.label}".rstrip()
        say(text(f"missed: {said}", f"verpasst: {said}"))
    for station, incident in score.false:
        said = f"{shown_moment(incident.opened_at)} {station}"
        say(text(f"false alarm: {said}", f"Fehlalarm: {said}"))


def _print_cells(report: Report) -> None:
    if not report.cells or report.question.grid is None:
        return
    holds = list(dict.fromkeys(one.for_s for one in report.cells))
    by_limit: dict[float | None, list[Cell]] = {}
    for one in report.cells:
        by_limit.setdefault(one.limit, []).append(one)
    rows = [
        ["" if limit is None else decimal(f"{limit:g}"), *(_cell(one) for one in cells)]
        for limit, cells in by_limit.items()
    ]
    say(
        text(
            "Alarms by limit and hold; * the rule as it is; (missed, false)",
            "Alarme je Grenze und Dauer; * die Regel, wie sie ist; (verpasst, falsch)",
        )
        if report.score
        else text(
            "Alarms by limit and hold; * the rule as it is",
            "Alarme je Grenze und Dauer; * die Regel, wie sie ist",
        )
    )
    print_table([report.question.grid.parameter, *(f"{hold} s" for hold in holds)], rows)


def _cell(one: Cell) -> str:
    if not one.possible:
        return "–"
    own = "*" if one.is_own else ""
    if one.score is None:
        return f"{one.alarms}{own}"
    return f"{one.alarms}{own} ({len(one.score.missed)}, {len(one.score.false)})"
