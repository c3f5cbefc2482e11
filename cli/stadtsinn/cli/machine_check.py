"""`edge check` and `cloud check`: the disk and the clock of this machine."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from stadtsinn.base.counted import counted
from stadtsinn.base.instant import MINUTE, Instant, from_datetime
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.cli.findings import Finding, warning
from stadtsinn.cli.language import text
from stadtsinn.cli.times import shown_moment

if TYPE_CHECKING:
    from stadtsinn.base.clock import Clock

_UNSYNCHRONISED = 5
"""What adjtimex(2) answers then: TIME_ERROR."""
_TOLERANCE = 5 * MINUTE
_ANSWER_S = 10.0


def of_disk(path: Path, needed: int = 0) -> Iterator[Finding]:
    """Whether there is room for what is kept there; `needed` bytes may still be asked for."""
    from stadtsinn.base.disk import MEGABYTE, space_of

    try:
        space = space_of(path)
    except OSError:
        return  # that it cannot be written is said elsewhere
    free = space.free // MEGABYTE
    if space.is_full:
        yield Finding(
            text(
                f"the disk of {path} is full, {free} MB are free: make room",
                f"der Datenträger von {path} ist voll, {free} MB sind frei: Platz schaffen",
            )
        )
    elif space.free < needed:
        yield warning(
            text(
                f"{path} may grow by {needed // MEGABYTE} MB, and {free} MB are free: make room, "
                "or lower max_megabytes",
                f"{path} kann um {needed // MEGABYTE} MB wachsen, und {free} MB sind frei: Platz "
                "schaffen oder max_megabytes senken",
            )
        )
    elif space.is_little:
        yield warning(
            text(
                f"{free} MB ({space.share:.0%}) of the disk of {path} are free: make room",
                f"{free} MB ({space.share:.0%}) des Datenträgers von {path} sind frei: Platz "
                "schaffen",
            )
        )


def clock_fact(clock: Clock) -> tuple[str, str]:
    """The time of this machine, and whether a time server keeps it right."""
    kept = (
        text("kept by a time server", "von einem Zeitserver gestellt")
        if _is_synchronised()
        else text("no time server keeps it right", "kein Zeitserver stellt sie")
    )
    return text("clock", "Uhr"), f"{shown_moment(clock.now())}, {kept}"


def of_clock(clock: Clock) -> Iterator[Finding]:
    """Whether the time can be right."""
    from stadtsinn.base.clock import plausible

    now = clock.now()
    if not plausible(now):
        shown = shown_moment(now)
        yield Finding(
            text(
                f"this machine's clock shows {shown}, which cannot be: set it ('timedatectl'), "
                "and see that a time server is reached",
                f"die Uhr dieses Rechners zeigt {shown}, das kann nicht sein: stellen "
                "('timedatectl') und dafür sorgen, dass ein Zeitserver erreicht wird",
            )
        )


def of_clock_against(clock: Clock, whose: str, other: Instant) -> Iterator[Finding]:
    """Whether this machine and another agree about the time, as far as it matters."""
    ahead = clock.now() - other
    if abs(ahead) <= _TOLERANCE:
        return
    minutes = abs(ahead) // MINUTE
    english, german = ("ahead of", "vor") if ahead > 0 else ("behind", "nach")
    yield Finding(
        text(
            f"this machine's clock is {counted(minutes, 'minute', 'minutes')} {english} that of "
            f"{whose}: set the wrong "
            "one ('timedatectl')",
            f"die Uhr dieses Rechners geht {counted(minutes, 'Minute', 'Minuten')} {german} "
            f"gegenüber {whose}: die "
            "falsche stellen ('timedatectl')",
        )
    )


def time_of(url: str) -> Instant:
    """The time that a web server says with any answer. Raises Explained, OSError."""
    if not url.startswith(("http://", "https://")):
        raise Unusable(
            f"{url}: write an address beginning with https://",
            f"{url}: eine Adresse schreiben, die mit https:// beginnt",
        )
    try:
        with urlopen(Request(url, method="HEAD"), timeout=_ANSWER_S) as answer:  # noqa: S310
            said = answer.headers.get("Date", "")
    except HTTPError as error:  # an answer as well
        said = error.headers.get("Date", "")
    except URLError as error:
        raise Explained(
            f"{url} does not answer: {error.reason}",
            f"{url} antwortet nicht ({error.reason}): Adresse prüfen, und ob der Server läuft",
        ) from None
    if not said:
        raise Explained(
            f"{url} does not say what time it is (no header Date)",
            f"{url} sagt nicht, wie spät es ist (Kopfzeile Date fehlt)",
        )
    return from_datetime(parsedate_to_datetime(said))


def _is_synchronised() -> bool:
    """As the kernel knows from whatever program sets its clock."""
    room = ctypes.create_string_buffer(1024)  # more than struct timex; zeros only ask
    try:
        return bool(ctypes.CDLL(None).adjtimex(room) != _UNSYNCHRONISED)
    except (AttributeError, OSError):
        return False
