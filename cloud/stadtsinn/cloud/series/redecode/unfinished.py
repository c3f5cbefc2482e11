"""Whether history is being decoded again in any process: rebuilds and corrections wait for it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from stadtsinn.base.berlin import for_people, in_german
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.series.redecode.tables import redecodings


def refuse_unfinished(connection: Connection) -> None:
    """Raise RuntimeError where a run is under way or waits to be continued."""
    query = select(redecodings.c.started_at).where(redecodings.c.finished_at.is_(None)).limit(1)
    since = connection.execute(query).scalar_one_or_none()
    if since is not None:
        raise Explained(
            f"history is being decoded again since {for_people(since)}: wait for it; if it was "
            "interrupted, 'stadtsinn redecode --continue' finishes it",
            f"die Vergangenheit wird seit {in_german(since)} neu dekodiert: warten; wurde es "
            "abgebrochen, beendet es 'stadtsinn redecode --continue'",
        )
