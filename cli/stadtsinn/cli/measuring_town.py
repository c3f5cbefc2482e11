"""What commands need that ask what a town measures now: its database, series and clock."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from stadtsinn.cli.installation import installation
from stadtsinn.cli.town_choice import scope_of_town

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stadtsinn.base.instant import Instant
    from stadtsinn.cloud.platform.access.scope import Scope
    from stadtsinn.cloud.platform.database.engine import Database
    from stadtsinn.cloud.series.stores.store import SeriesReader


@contextmanager
def measuring_town(
    config: Path, tenant: str | None
) -> Iterator[tuple[Database, SeriesReader, Scope, Instant]]:
    """A town that is only read."""
    from stadtsinn.cloud.series.retention.kept import KeptSeries

    with installation(config, reading=True) as opened:
        with opened.database.read() as connection:
            scope = scope_of_town(connection, tenant, opened.settings.limits)
        kept = KeptSeries(opened.series, opened.database, opened.clock)
        yield opened.database, kept, scope, opened.clock.now()
