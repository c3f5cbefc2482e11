"""A shift plan in a file of either kind."""

from __future__ import annotations

from stadtsinn.base.instant import Instant
from stadtsinn.base.text_files import NoText
from stadtsinn.cloud.alarms.duty.people import People
from stadtsinn.cloud.alarms.duty.plan import Plan
from stadtsinn.cloud.alarms.duty.plan_csv import read_table
from stadtsinn.cloud.alarms.duty.plan_ical import is_calendar, read_calendar
from stadtsinn.cloud.platform.lists.csv_table import text_of
from stadtsinn.cloud.platform.lists.row_errors import WrongCell


def read_plan(content: bytes, people: People, now: Instant) -> Plan:
    """The shifts of an iCalendar file or a table that are not over.

    Raises WrongCell where it is neither; what is wrong inside is in the plan's errors.
    """
    try:
        text = text_of(content)
    except NoText:
        raise WrongCell(
            "this is no text: export the plan as iCalendar (.ics) or CSV",
            "das ist kein Text: den Plan als iCalendar (.ics) oder CSV exportieren",
        ) from None
    if is_calendar(text):
        return read_calendar(text, people, now)
    if text.lstrip().startswith("<"):
        raise WrongCell(
            "this is a web page, maybe of a login: export the calendar as a file (.ics)",
            "das ist eine Webseite, vielleicht eine Anmeldung: den Kalender als Datei (.ics) "
            "exportieren",
        )
    return read_table(text, people, now)
