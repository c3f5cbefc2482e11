"""The page for the data protection officer, made from what the tables say of themselves."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Table

from stadtsinn.cloud.erasure.page_words import (
    COLUMNS,
    DATA,
    ELSEWHERE,
    ERASING,
    FOR_EVER,
    HEADINGS,
    INTRODUCTION,
    TITLE,
    UNTIL,
    Words,
)
from stadtsinn.cloud.intake.maintenance import KEPT_DAYS
from stadtsinn.cloud.platform.privacy.kept import Data, Kept, kept_of
from stadtsinn.cloud.platform.retention.model import DEFAULTS, Retention
from stadtsinn.cloud.schema import metadata

_NAMING = (Data.PERSON, Data.TEXT, Data.FOREIGN)

Row = Sequence[Words | str]
"""Cells; a text is code."""


@dataclass(frozen=True)
class Part:
    """A table of the page below its heading."""

    heading: Words
    columns: Sequence[Words]
    rows: Sequence[Row]


def parts() -> list[Part]:
    """The page's tables."""
    return [
        _part("persons", ("table", "what", "columns", "until"), _persons()),
        _part("periods", ("period", "what", "usual"), _periods()),
        _part("tables", ("table", "what", "classes", "until"), _tables()),
        _part("elsewhere", ("where", "what", "until", "erased"), ELSEWHERE),
        _part("erasing", ("command", "what"), ERASING),
    ]


def _part(heading: str, columns: Sequence[str], rows: Iterable[Row]) -> Part:
    return Part(HEADINGS[heading], [COLUMNS[name] for name in columns], list(rows))


def _all() -> list[tuple[Table, Kept]]:
    tables = sorted(metadata.tables.values(), key=lambda one: one.name)
    return [(one, kept_of(one)) for one in tables]


def _persons() -> Iterator[Row]:
    for table, kept in _all():
        if named := kept.columns(*_NAMING):
            what = Words(kept.german, kept.english)
            yield table.name, what, ", ".join(named), _until(kept)


def _tables() -> Iterator[Row]:
    for table, kept in _all():
        found = [one for one in Data if kept.columns(one)]
        classes = Words(
            ", ".join(DATA[one].german for one in found),
            ", ".join(DATA[one].english for one in found),
        )
        yield table.name, Words(kept.german, kept.english), classes, _until(kept)


def _periods() -> Iterator[Row]:
    for name, what in Retention.of_what().items():
        days = getattr(DEFAULTS, name)
        yield name, Words(what.german, what.english), FOR_EVER if days is None else str(days)


def _until(kept: Kept) -> Words:
    said = UNTIL[kept.until]
    return Words(*(one.format(quarantine=KEPT_DAYS) for one in said))


# --- as Markdown -----------------------------------------------------------------------


def markdown() -> str:
    """The page in German, with English beside it."""
    lines = [f"# {_beside(TITLE)}", ""]
    for paragraph in INTRODUCTION:
        lines += [paragraph.german, "", f"*{paragraph.english}*", ""]
    for part in parts():
        lines += [f"## {_beside(part.heading)}", ""]
        lines.append(_line(_beside(one) for one in part.columns))
        lines.append(_line("---" for _ in part.columns))
        lines += [_line(map(_cell, row)) for row in part.rows]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Words | str) -> str:
    return f"{cell.german} · *{cell.english}*" if isinstance(cell, Words) else f"`{cell}`"


def _beside(words: Words) -> str:
    return f"{words.german} · {words.english}"


# --- as HTML ---------------------------------------------------------------------------

_STYLE = (
    "body{font:1rem/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #888;padding:.3rem .5rem;text-align:left;vertical-align:top}"
    "[lang=en]{color:#444;font-style:italic}"
)


def page_html() -> str:
    """The same page as one file without anything from elsewhere."""
    title = html.escape(_beside(TITLE))
    body = [f"<h1>{_both(TITLE)}</h1>"]
    body += [f"<p>{_both(paragraph)}</p>" for paragraph in INTRODUCTION]
    for part in parts():
        body.append(f"<h2>{_both(part.heading)}</h2>")
        heads = "".join(f'<th scope="col">{_both(one)}</th>' for one in part.columns)
        rows = "\n".join(f"<tr>{''.join(map(_data, row))}</tr>" for row in part.rows)
        body.append(f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>")
    return (
        '<!doctype html>\n<html lang="de">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _data(cell: Words | str) -> str:
    said = _both(cell) if isinstance(cell, Words) else f"<code>{html.escape(cell)}</code>"
    return f"<td>{said}</td>"


def _both(words: Words) -> str:
    german, english = html.escape(words.german), html.escape(words.english)
    return f'{german} <span lang="en">{english}</span>'


FORMATS: Mapping[str, Callable[[], str]] = {"markdown": markdown, "html": page_html}
