"""The roles that a process can have.

Each is built by a function that imports what it needs, so that a process with only the ingest loads
no web server and no time-series client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stadtsinn.base.health import Check
from stadtsinn.base.instant import SECOND
from stadtsinn.cloud.log.followers.follower import Follower
from stadtsinn.cloud.log.followers.loop import FollowerLoop, Pace
from stadtsinn.cloud.parts import Parts
from stadtsinn.cloud.running import Running, Together
from stadtsinn.cloud.standby import Standby

if TYPE_CHECKING:
    from stadtsinn.cloud.alarms.answers.modem import ModemPost
    from stadtsinn.cloud.alarms.notify.enclosed import Enclosed, Enclosing
    from stadtsinn.cloud.operations.alarms import OperatorAlarms
    from stadtsinn.cloud.operations.disks import DiskWatch
    from stadtsinn.cloud.series.follower import SeriesFollower

Checks = Mapping[str, Callable[[], Check]]


@dataclass(frozen=True)
class Role:
    """A part that runs until it is stopped, and its health checks."""

    running: Running
    checks: Checks = field(default_factory=dict)
    alive: Checks = field(default_factory=dict)
    """Those that say whether it really runs, for the heartbeat."""


def follower(name: str, parts: Parts) -> Follower:
    """A follower by name; raises KeyError for another name."""
    return _FOLLOWERS[name](parts)


def _series_follower(parts: Parts) -> SeriesFollower:
    from stadtsinn.cloud.series.follower import SeriesFollower

    return SeriesFollower(parts.series, parts.directory, parts.clock, parts.settings.limits)


def _series(parts: Parts) -> Role:
    from stadtsinn.cloud.domains.trees.worker import TreeWorker
    from stadtsinn.cloud.erasure.keeping import RetentionJob
    from stadtsinn.cloud.series.corrections.service import Corrector
    from stadtsinn.cloud.series.corrections.worker import CorrectionWorker
    from stadtsinn.cloud.series.filling import fill_if_outdated
    from stadtsinn.cloud.series.retention.kept import KeptSeries
    from stadtsinn.cloud.series.retention.worker import RetentionWorker

    made = _series_follower(parts)

    def before_first() -> None:
        fill_if_outdated(parts.database, made, parts.clock, parts.archive)
        made.load(parts.database)

    loop = _loop(made, parts, batch=_SERIES_BATCH, before_first=before_first)
    corrector = Corrector(
        parts.database, parts.archive, parts.series, parts.directory, parts.clock, made.barrier
    )
    corrections = CorrectionWorker(corrector)
    retention = RetentionWorker(parts.series, parts.directory, parts.clock)
    keeping = RetentionJob(parts.storage, FOLLOWERS)
    kept = KeptSeries(parts.series, parts.database, parts.clock)
    trees = TreeWorker(parts.database, kept, parts.clock)
    checks = {
        "follower series": loop.check,
        "series": made.check,
        "series corrections": corrections.check,
        "series retention": retention.check,
        "retention": keeping.check,
        "trees": trees.check,
    }
    together = Together((loop, corrections, retention, keeping, trees))
    # A correction waits for the follower beside it: one in another process would write on.
    one = Standby(parts.database, "series", together)
    return Role(one, {name: one.waiting_or(check) for name, check in checks.items()})


def _live_follower(parts: Parts) -> Follower:
    from stadtsinn.cloud.domains.crowd.follower import LiveFollower

    return LiveFollower(parts.directory, parts.clock, parts.archive)


def _alerts_follower(parts: Parts) -> Follower:
    from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower

    return AlertsFollower(parts.directory, parts.clock)


_FOLLOWERS: dict[str, Callable[[Parts], Follower]] = {
    "series": _series_follower,
    "live": _live_follower,
    "alerts": _alerts_follower,
}
FOLLOWERS = tuple(_FOLLOWERS)
ROLES = ("ingest", *FOLLOWERS, "notify", "api")

_SERIES_BATCH = 12_000
"""More than for the others: the series are written outside of the database's transactions, and
the store takes few large requests faster than many small ones."""


def _ingest(parts: Parts) -> Role:
    from stadtsinn.cloud.intake.device_claims.settling import ClaimsWorker
    from stadtsinn.cloud.intake.role import build_ingest

    claims = ClaimsWorker(parts.database, parts.clock, parts.settings.claims, parts.settings.limits)
    worker = build_ingest(
        parts.settings.intake,
        parts.database,
        parts.directory,
        parts.clock,
        parts.signal,
        parts.archive,
    )
    checks = {
        **worker.checks(),
        "device claims": claims.check,
        "certificates": parts.certificates.check,
    }
    return Role(Together((worker, claims)), checks, worker.checks())


def _loop(
    following: Follower,
    parts: Parts,
    *,
    batch: int = Pace.batch,
    before_first: Callable[[], None] | None = None,
) -> FollowerLoop:
    stated = parts.settings.pace
    return FollowerLoop(
        parts.database,
        following,
        parts.clock,
        signal=parts.signal,
        window=parts.window,
        pace=Pace(batch, tick_s=stated.tick_seconds),
        before_first=before_first,
    )


def log_watch(parts: Parts) -> Role:
    """Wakes the followers of a process that does not ingest, as an ingest wakes its own."""
    from stadtsinn.cloud.log.uplinks.watch import LogWatch

    return Role(LogWatch(parts.database, parts.signal, parts.settings.pace.look_seconds))


def _live(parts: Parts) -> Role:
    """Counting, and what hand counters are told of it where that is configured."""
    counting, stated = _following("live", parts), parts.settings.clicker_totals
    if stated is None:
        return counting
    from stadtsinn.base.mqtt.link import MqttLink
    from stadtsinn.cloud.domains.crowd.clickers.worker import ClickerTotals

    broker = parts.settings.intake.broker_for("clickers", stated.broker)
    link = MqttLink(broker)
    worker = ClickerTotals(parts.database, parts.directory, parts.clock, link, stated)
    # Of two processes one tells them: the other would tell them twice.
    one = Standby(parts.database, "clickers", worker)
    checks = {**counting.checks, "clicker totals": one.waiting_or(worker.check)}
    return Role(Together((counting.running, one)), checks)


def _following(name: str, parts: Parts) -> Role:
    loop = _loop(follower(name, parts), parts)
    checks = {f"follower {name}": loop.check}
    return Role(loop, checks, checks)


def _notify(parts: Parts) -> Role:
    from stadtsinn.cloud.alarms.answers.modem import ModemPost
    from stadtsinn.cloud.alarms.answers.weekly_tests import WeeklyTests
    from stadtsinn.cloud.alarms.answers.worker import AttentionWorker
    from stadtsinn.cloud.alarms.notify.channels.sms import Sms
    from stadtsinn.cloud.alarms.notify.senders.gammu.sender import GammuSender
    from stadtsinn.cloud.alarms.notify.senders.open import open_senders
    from stadtsinn.cloud.alarms.notify.surroundings import Surroundings
    from stadtsinn.cloud.alarms.notify.worker import OutboxWorker
    from stadtsinn.cloud.alarms.watering.worker import WateringMails
    from stadtsinn.cloud.operations.heartbeat import Heartbeat

    around = Surroundings(parts.database, parts.clock, _enclosing(parts))
    senders = open_senders(parts.settings.notify, around)
    poll = parts.settings.pace.outbox_seconds
    patience = int(parts.settings.pace.delivery_seconds * SECOND)
    worker = OutboxWorker(
        *(parts.database, senders, parts.clock),
        poll_s=poll,
        patience=patience,
        public_url=parts.settings.api.public_url,
    )
    sender = senders.get(Sms.name)
    modem = None
    if isinstance(sender, GammuSender):
        modem = ModemPost(parts.database, sender, parts.clock)
    disks, operator = _operations(parts, modem)
    attention = AttentionWorker(parts.database, parts.clock)
    tests = WeeklyTests(parts.database, parts.clock)
    lists = WateringMails(parts.database, parts.clock)
    checks: dict[str, Callable[[], Check]] = {
        "outbox": worker.check,
        "reminders": attention.check,
        "test messages": tests.check,
        "watering lists": lists.check,
        "disks": disks.check,
        "operator": operator.check,
    }
    running: list[Running] = [worker, attention, tests, lists, disks, operator]
    if modem is not None:
        running.append(modem)
        checks["modem"] = modem.check
    if parts.settings.heartbeat.is_set:
        heartbeat = Heartbeat(parts.database, parts.settings.heartbeat)
        running.append(heartbeat)
        checks["heartbeat"] = heartbeat.check
    alive = {"outbox": worker.check, "reminders": attention.check}
    return Role(Together(running), checks, alive)


def _enclosing(parts: Parts) -> Enclosing:
    """What mails have beside their words. Only a mail that is sent opens the series."""
    from stadtsinn.cloud.alarms.notify.message import Kind, Message
    from stadtsinn.cloud.alarms.pictures.service import AlarmPictures
    from stadtsinn.cloud.alarms.watering.service import WateringFiles
    from stadtsinn.cloud.series.retention.kept import KeptSeries

    def series() -> KeptSeries:
        return KeptSeries(parts.series, parts.database, parts.clock)

    pictures = AlarmPictures(parts.directory, series)
    lists = WateringFiles(parts.database)

    def enclosed(message: Message) -> Enclosed:
        return (lists if message.kind is Kind.WATERING_LIST else pictures)(message)

    return enclosed


def _operations(parts: Parts, modem: ModemPost | None) -> tuple[DiskWatch, OperatorAlarms]:
    """What watches this machine and the installation for those who run it."""
    from stadtsinn.cloud.operations.alarms import OperatorAlarms, Watched
    from stadtsinn.cloud.operations.disks import DiskWatch

    settings = parts.settings.operator
    folders = parts.settings.folders
    disks = DiskWatch(folders, parts.database, parts.clock, settings.disk_days)
    modems = [] if modem is None else [modem]
    watched = Watched(parts.certificates.ends, disks.filling, disks.folders, modems)
    return disks, OperatorAlarms(parts.database, parts.clock, settings, watched)


def _api(parts: Parts, checks: Checks, beside: Sequence[str]) -> Role:
    from stadtsinn.cloud.platform.access.dependencies import Services
    from stadtsinn.cloud.publish.application import create_app
    from stadtsinn.cloud.publish.serving import ApiServer
    from stadtsinn.cloud.town.edge_authority import EdgeAuthority

    settings, api = parts.settings, parts.settings.api
    app = create_app(
        Services(parts.database, parts.clock, settings.limits),
        parts.series,
        parts.archive,
        checks,
        beside,
        api.trusted,
        web=settings.web,
        claims=settings.claims,
        edges=EdgeAuthority.read(settings.edges.authority),
    )
    return Role(ApiServer(app, api.bind, proxies=api.trusted))


def api_apart(command: Sequence[str]) -> Role:
    from stadtsinn.cloud.child import ApiProcess

    process = ApiProcess(command)
    return Role(process, {"api": process.check})


def build(name: str, parts: Parts, checks: Checks, beside: Sequence[str]) -> Role:
    if name == "ingest":
        return _ingest(parts)
    if name == "notify":
        return _notify(parts)
    if name == "api":
        return _api(parts, checks, beside)
    if name == "series":
        return _series(parts)
    if name == "live":
        return _live(parts)
    return _following(name, parts)
