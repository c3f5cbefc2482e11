"""A forecast of rain as a file: when an hour begins, and how many millimetres fall in it."""

from __future__ import annotations

from datetime import datetime

from stadtsinn.base import berlin
from stadtsinn.base.instant import Instant, from_datetime
from stadtsinn.base.sentence import Sentence
from stadtsinn.base.text_files import NoText
from stadtsinn.cloud.domains.trees.register_cells import decimal
from stadtsinn.cloud.domains.trees.register_file import RegisterRefused
from stadtsinn.cloud.platform.lists.csv_table import Rows, plain_head, text_of
from stadtsinn.cloud.platform.lists.row_errors import RowError, WrongCell, told

_TIMES = ("time", "zeit", "datum", "datumzeit", "datetime", "timestamp", "start", "beginn")
_RAIN = (
    "mm",
    "regen",
    "regenmm",
    "rain",
    "precipitation",
    "niederschlag",
    "niederschlagmm",
    "rr1c",
)
_MOST_HOURS = 24 * 20
_MOST_MM = 200.0


def read_forecast(content: bytes) -> list[tuple[Instant, float]]:
    """The hours of a CSV; its heads name a time and the rain. Raises RegisterRefused."""
    try:
        lines = text_of(content).splitlines(keepends=True)
    except (WrongCell, NoText):
        raise RegisterRefused.of(_NO_TABLE) from None
    errors: list[RowError] = []
    rows = Rows(lines or ["\n"], 0, errors)
    heads = [plain_head(one) for one in rows.heads()]
    time = next((at for at, one in enumerate(heads) if one in _TIMES), None)
    rain = next((at for at, one in enumerate(heads) if one in _RAIN), None)
    if time is None or rain is None:
        raise RegisterRefused.of(_NO_TABLE)
    found = []
    for number, cells in rows:
        try:
            found.append((_moment(cells[time]), _millimetres(cells[rain])))
        except IndexError:
            errors.append(RowError(number, "", Sentence("is too short", "ist zu kurz")))
        except WrongCell as error:
            errors.append(RowError(number, "", error.sentence))
    if errors:
        raise RegisterRefused.of(told(errors))
    return sorted(found)[:_MOST_HOURS]


def _moment(cell: str) -> Instant:
    """With an offset, or Berlin's time; of an hour that comes twice the first."""
    written = cell.strip()
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        try:
            moment = datetime.strptime(written[:16], "%d.%m.%Y %H:%M")  # noqa: DTZ007
        except ValueError:
            raise _no_time(written) from None
    if moment.tzinfo is not None:
        return from_datetime(moment)
    possible = berlin.moments(moment)
    if not possible:
        raise _no_time(written)
    return possible[0]


def _no_time(written: str) -> WrongCell:
    shown = written[:40]
    return WrongCell(f"'{shown}' is no time", f"'{shown}' ist keine Zeit")


def _millimetres(cell: str) -> float:
    found = decimal(cell)
    if not 0 <= found <= _MOST_MM:
        raise WrongCell(
            "no such rain: give mm in an hour", "so viel Regen gibt es nicht: mm je Stunde"
        )
    return found


_NO_TABLE = Sentence(
    "this is no forecast: it needs a CSV with the columns 'time' and 'mm'.",
    "das ist keine Vorhersage: es braucht eine CSV mit den Spalten 'Zeit' und 'mm'.",
)
