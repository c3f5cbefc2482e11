"""An alerts follower in a process of its own, which a test can kill at a named moment."""

from __future__ import annotations

from fake_alert_town import minute, uplink
from loaded_child import run_child
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.reading import Reading


def judged_elsewhere(database: Database, crash_at: str) -> int:
    """Judge one dry reading at minute 0 and commit, then let an hour and two minutes pass.

    Returns how the process ended.
    """
    url = database.engine.url.render_as_string(hide_password=False)
    return run_child(main, url, crash_at=crash_at)


def main(url: str) -> None:
    database = open_database(url)
    follower = AlertsFollower(DirectoryCache(database), ManualClock(minute(0)))
    with database.write() as connection:
        follower.apply(connection, [uplink(1, 0, Reading("soil_moisture", 3.0))])
    crash_point("test.committed")
    with database.write() as connection:
        follower.tick(connection, minute(62))
