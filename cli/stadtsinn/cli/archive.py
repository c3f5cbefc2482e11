"""`stadtsinn archive`: old days of the uplink log out of the database, into Parquet files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.base.sentence import Unusable
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import grouped, in_words, text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_json, say
from stadtsinn.cli.times import read_day, shown_day

if TYPE_CHECKING:
    from stadtsinn.cloud.log.archive_files.archiving import Kept, Moved


def archive(
    before: Annotated[
        str,
        typer.Option(
            help=text(
                "Days (UTC) before this one, e.g. 2026-10-01.",
                "Tage (UTC) vor diesem, z. B. 2026-10-01.",
            )
        ),
    ],
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    with installation(config) as opened:
        from stadtsinn.base.instant import from_datetime
        from stadtsinn.cloud.log.archive_files.archive import day_of
        from stadtsinn.cloud.log.archive_files.archiving import archive_before
        from stadtsinn.cloud.roles import FOLLOWERS

        day = read_day("--before", before)
        moment = from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))
        if moment > day_of(opened.clock.now()):
            raise Unusable(
                f"--before {before}: only days that are over can be archived; today (UTC) is "
                "the latest",
                f"--before {before}: nur vergangene Tage lassen sich verlagern; der heutige "
                "Tag (UTC) ist der späteste",
            )
        found = False
        for one in archive_before(opened.database, opened.archive, moment, FOLLOWERS, opened.clock):
            found = True
            if json_lines:
                print_json(_fields(one))
            else:
                say(_line(one))
        if not found and not json_lines:
            say(
                text(
                    f"No days before {before} in the database: nothing to do.",
                    f"Keine Tage vor dem {before} in der Datenbank: nichts zu tun.",
                )
            )


archive.__doc__ = text(
    "Move whole old days of the uplink log into Parquet files; safe to repeat.\n\n"
    "Example: stadtsinn archive --before 2026-10-01",
    "Ganze alte Tage des Uplink-Logs in Parquet-Dateien verlagern; beliebig wiederholbar.\n\n"
    "Beispiel: stadtsinn archive --before 2026-10-01",
)


def _fields(one: Moved | Kept) -> dict[str, object]:
    from stadtsinn.cloud.log.archive_files.archive import day_name
    from stadtsinn.cloud.log.archive_files.archiving import Kept

    shown: dict[str, object] = {"day": day_name(one.day), "uplinks": one.uplinks}
    if isinstance(one, Kept):
        return {**shown, "archived": False, "reason": one.reason.english}
    return {**shown, "archived": True, "in_file": one.in_file, "file": one.file, "bytes": one.size}


def _line(one: Moved | Kept) -> str:
    from stadtsinn.base.instant import to_datetime
    from stadtsinn.cloud.log.archive_files.archiving import Kept

    day = shown_day(to_datetime(one.day).date())
    if isinstance(one, Kept):
        return f"{day}  {text('not yet', 'noch nicht')}: {in_words(one.reason)}"
    size = grouped(one.size / 1024)
    return text(
        f"{day}  {counted(one.uplinks, 'uplink', 'uplinks')} moved, {one.in_file} in {one.file} "
        f"({size} KiB)",
        f"{day}  {counted(one.uplinks, 'Uplink', 'Uplinks')} verlagert, {one.in_file} in "
        f"{one.file} ({size} KiB)",
    )
