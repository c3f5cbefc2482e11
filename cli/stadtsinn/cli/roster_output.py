"""How `stadtsinn roster` says who is on duty, and what an import changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from stadtsinn.base import berlin
from stadtsinn.base.counted import counted
from stadtsinn.base.instant import DAY, HOUR, MINUTE
from stadtsinn.cli.language import german, text
from stadtsinn.cli.output import print_json, print_list, say

if TYPE_CHECKING:
    from stadtsinn.base.calendar import Span
    from stadtsinn.cloud.alarms.duty.coverage import Coverage, Gap
    from stadtsinn.cloud.alarms.duty.importing import PlanChange
    from stadtsinn.cloud.alarms.duty.model import DutyGroup
    from stadtsinn.cloud.alarms.duty.repository import StoredSubstitution
    from stadtsinn.cloud.alarms.duty.roster import Overlap, Planned, Roster, Skipped, Turn

_SHOWN = 20
_DAYS = (
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
)

Names = Mapping[str, str]


def say_now_and_next(
    group: DutyGroup, roster: Roster, week: Span, names: Names, *, is_list: bool, as_json: bool
) -> None:
    """Who is on duty at the beginning of the week, and then."""
    now, turns = roster.on_duty(week.start), roster.turns(week)
    if as_json:
        print_json(
            {
                "group": group.slug,
                "at": berlin.isoformat(week.start),
                "is_list": is_list,
                "on_duty": [_turn(one) for one in now],
                "week": [_turn(one) for one in turns],
                "nobody": [_span(one) for one in ([] if is_list else roster.gaps(week))],
            }
        )
        return
    say(f"{group.name} ({group.slug})")
    if is_list:
        everybody = _people([one.recipient for one in group.members], names)
        say(
            text(
                f"  nobody has shifts: every message goes to all ({everybody})",
                f"  niemand hat Schichten: jede Meldung geht an alle ({everybody})",
            )
        )
        return
    for turn in now:
        until = when(turn.span.end)
        say(
            text(
                f"  on duty: {_who(turn, names)}, until {until}",
                f"  Dienst hat: {_who(turn, names)}, bis {until}",
            )
        )
    if not now:
        everybody = _people([one.recipient for one in group.members], names)
        say(
            text(
                f"  NOBODY is on duty: messages go to all ({everybody})",
                f"  NIEMAND hat Dienst: Meldungen gehen an alle ({everybody})",
            )
        )
    say()
    rows = [(one.span, _who(one, names)) for one in turns]
    rows += [(span, text("NOBODY", "NIEMAND")) for span in roster.gaps(week)]
    print_list(
        sorted(rows),
        {
            text("From", "Von"): lambda one: when(one[0].start),
            text("To", "Bis"): lambda one: when(one[0].end),
            text("On duty", "Dienst"): lambda one: one[1],
        },
        lambda one: one,
        as_json=False,
        empty="",
    )
    say()


def say_coverage(group: DutyGroup, found: Coverage, names: Names, *, as_json: bool) -> None:
    """Whether every minute is covered, and what else is worth knowing."""
    if as_json:
        print_json(
            {
                "group": group.slug,
                **_span(found.whole),
                "is_list": found.is_list,
                "covered": not found.gaps,
                "gaps": [{**_span(one.span), "holidays": one.holiday} for one in found.gaps],
                "overlaps": [{**_span(one.span), "on_duty": one.people} for one in found.overlaps],
                "skipped_times": [
                    {"clock": one.shown.isoformat(), "on_duty": one.person} for one in found.skipped
                ],
            }
        )
        return
    say(f"{group.name} ({group.slug})")
    until = when(found.whole.end)
    if found.is_list:
        say(
            text(
                "  nobody has shifts: every message goes to all members",
                "  niemand hat Schichten: jede Meldung geht an alle Mitglieder",
            )
        )
        return
    if not found.gaps:
        say(
            text(
                f"  somebody is on duty in every minute until {until}",
                f"  in jeder Minute bis {until} hat jemand Dienst",
            )
        )
    else:
        _say_some([_gap(one) for one in found.gaps], text("gaps", "Lücken"))
        say(
            text(
                "  In these times messages go to all members.",
                "  In diesen Zeiten gehen Meldungen an alle Mitglieder.",
            )
        )
    _say_some(
        [_overlap(one, names) for one in found.overlaps], text("overlaps", "Überschneidungen")
    )
    _say_some([_skipped(one, names) for one in found.skipped], text("times", "Zeiten"))


def say_change(made: PlanChange, names: Names, *, dry_run: bool, as_json: bool) -> None:
    """What an import changed, or would change."""
    if as_json:
        for kind, some in (("removed", made.gone), ("added", made.new)):
            for one in some:
                print_json(
                    {"change": kind, "on_duty": one.person, **_span(one.span), "dry_run": dry_run}
                )
        return
    for note in made.notes:
        say(text(f"note: {note.english}", f"Hinweis: {note.german}"), error=True)
    for sign, some in (("-", made.gone), ("+", made.new)):
        for one in some:
            say(f"{sign} {_shift(one, names)}")
    counts = (len(made.new), len(made.gone), made.same)
    if not made.new and not made.gone:
        say(
            text(
                f"nothing changes: {counted(made.same, 'known shift', 'known shifts')}",
                "nichts ändert sich: "
                f"{counted(made.same, 'bekannte Schicht', 'bekannte Schichten')}",
            )
        )
    elif dry_run:
        say(
            text(
                "would add {}, remove {}, leave {} as they are; nothing was changed",
                "{} kämen hinzu, {} entfielen, {} blieben; nichts geändert",
            ).format(*counts)
        )
    else:
        say(
            text(
                "{} added, {} removed, {} as they were: 'stadtsinn roster check' looks for gaps",
                "{} hinzugekommen, {} entfallen, {} wie zuvor: 'stadtsinn roster check' sucht "
                "Lücken",
            ).format(*counts)
        )


def say_stand_ins(found: Sequence[StoredSubstitution], names: Names, *, as_json: bool) -> None:
    print_list(
        found,
        {
            text("Number", "Nummer"): lambda one: str(one.id),
            text("Away", "Fort"): lambda one: names.get(one.absent, one.absent),
            text("Stands in", "Vertretung"): lambda one: names.get(one.stand_in, one.stand_in),
            text("From", "Von"): lambda one: when(one.span.start),
            text("To", "Bis"): lambda one: when(one.span.end),
        },
        lambda one: {
            "id": one.id,
            "absent": one.absent,
            "stand_in": one.stand_in,
            **_span(one.span),
        },
        as_json=as_json,
        empty=text("nobody stands in for anybody", "niemand vertritt jemanden"),
    )


def when(instant: int) -> str:
    """``Do 14.05.2026 08:00``, with MESZ or MEZ in the hour that comes twice."""
    local = berlin.local(instant)
    shown = f"{_DAYS[german()][local.weekday()]} {local:%d.%m.%Y %H:%M}"
    return f"{shown} {berlin.clock_name(instant)}" if berlin.comes_twice(instant) else shown


def _length(span: Span) -> str:
    whole = span.end - span.start
    if whole >= 2 * DAY:
        days = whole // DAY
        return text(f"{days} days", f"{days} Tage")
    hours, minutes = divmod(whole // MINUTE, HOUR // MINUTE)
    parts = [f"{hours} h"] if hours else []
    return " ".join([*parts, *([f"{minutes} min"] if minutes or not hours else [])])


def _gap(one: Gap) -> str:
    start, end = when(one.span.start), when(one.span.end)
    why = f"; {', '.join(one.holiday)}" if one.holiday else ""
    if one.ends_plan:
        return text(
            f"  nobody is on duty from {start} on: the plan ends there",
            f"  ab {start} hat niemand Dienst: dort endet der Plan",
        )
    return text(
        f"  nobody is on duty from {start} to {end} ({_length(one.span)}{why})",
        f"  von {start} bis {end} hat niemand Dienst ({_length(one.span)}{why})",
    )


def _overlap(one: Overlap, names: Names) -> str:
    start, end = when(one.span.start), when(one.span.end)
    people = _people(one.people, names)
    return text(
        f"  allowed: several are on duty from {start} to {end}: {people}",
        f"  erlaubt: von {start} bis {end} haben mehrere Dienst: {people}",
    )


def _skipped(one: Skipped, names: Names) -> str:
    person = names.get(one.person, one.person)
    shown = f"{one.shown:%d.%m.%Y %H:%M}"
    return text(
        f"  {shown} does not exist, clocks go from 2 to 3: a shift of {person} has its edge there, "
        "at the moment of the change",
        f"  {shown} gibt es nicht, die Uhr springt von 2 auf 3: eine Schicht von {person} hat dort "
        "ihre Grenze, im Augenblick der Umstellung",
    )


def _say_some(lines: Sequence[str], what: str) -> None:
    for line in lines[:_SHOWN]:
        say(line)
    if (more := len(lines) - _SHOWN) > 0:
        say(
            text(
                f"  … and {more} more {what}; --json shows all",
                f"  … und {more} weitere {what}; --json zeigt alle",
            )
        )


def _who(one: Turn, names: Names) -> str:
    person = names.get(one.person, one.person)
    if one.instead_of is None:
        return person
    other = names.get(one.instead_of, one.instead_of)
    return text(f"{person} (for {other})", f"{person} (für {other})")


def _people(slugs: Iterable[str], names: Names) -> str:
    return ", ".join(names.get(slug, slug) for slug in slugs)


def _shift(one: Planned, names: Names) -> str:
    return f"{when(one.span.start)} – {when(one.span.end)} {names.get(one.person, one.person)}"


def _turn(one: Turn) -> dict[str, object]:
    return {"on_duty": one.person, "instead_of": one.instead_of, **_span(one.span)}


def _span(span: Span) -> dict[str, object]:
    return {"start": berlin.isoformat(span.start), "end": berlin.isoformat(span.end)}
