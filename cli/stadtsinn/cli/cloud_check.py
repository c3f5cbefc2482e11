"""`stadtsinn cloud check`: what a configuration would do, and what on this machine forbids it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

from stadtsinn.base.counted import counted
from stadtsinn.base.disk import one_per_disk
from stadtsinn.base.settings.reading import secrets_in_files
from stadtsinn.cli import certificate_check, modem_check, store_check
from stadtsinn.cli.broker_check import Connect, keeps_messages, protection
from stadtsinn.cli.findings import Finding, end_with, report, warning
from stadtsinn.cli.frame import BAD_USAGE, FAILED
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, read_settings, server_errors
from stadtsinn.cli.language import text
from stadtsinn.cli.machine_check import clock_fact, of_clock, of_disk
from stadtsinn.cli.output import print_facts
from stadtsinn.cloud.settings import sqlite_file

if TYPE_CHECKING:
    from stadtsinn.base.clock import Clock
    from stadtsinn.base.mqtt.broker import Broker
    from stadtsinn.cloud.settings import CloudSettings

HELP = text(
    "Check a configuration and this machine: certificates, keys, disk, clock, database. With "
    "--connect, also the servers: may the cloud do there what it must, and do the brokers keep "
    "messages for a client that is away?\n\n"
    "Example: stadtsinn cloud check --config cloud.toml --connect",
    "Eine Konfiguration und diesen Rechner prüfen: Zertifikate, Schlüssel, Datenträger, Uhr, "
    "Datenbank. Mit --connect auch die Server: Darf die Zentrale dort, was sie muss, und bewahren "
    "die Broker Nachrichten auf, solange ein Empfänger fort ist?\n\n"
    "Beispiel: stadtsinn cloud check --config cloud.toml --connect",
)


def check(config: Config = DEFAULT_CONFIG, connect: Connect = False) -> None:
    with server_errors(config):
        from stadtsinn.base.clock import open_clock

        settings = read_settings(config)
        brokers = list(settings.intake.brokers())
        clock = open_clock(settings.clock)
        print_facts((*_summary(settings, brokers), clock_fact(clock)))
        code = report(_findings(settings, [broker for _, broker in brokers], clock))
        if connect and code != BAD_USAGE:
            code = max(code, report(store_check.of_servers(settings, clock)))
            code = max(code, report(_of_mail(settings)))
            if (modem := modem_check.modem_settings(settings)) is not None:
                facts, findings = modem_check.of_modem(settings, modem, clock)
                print_facts(facts)
                code = max(code, report(findings))
    if connect and code != BAD_USAGE and not _brokers_keep(brokers):
        code = FAILED
    end_with(code)


def _findings(settings: CloudSettings, brokers: list[Broker], clock: Clock) -> Iterator[Finding]:
    """What is wrong on this machine and in the configuration."""
    now = clock.now()
    yield from of_clock(clock)
    for broker in brokers:
        yield from certificate_check.of_broker(broker, now)
    if settings.edges.authority is not None:
        yield from certificate_check.of_file(settings.edges.authority, now)
    for path in settings.operator.certificates:
        yield from certificate_check.of_file(path, now)
    for secret in secrets_in_files(settings):
        yield from certificate_check.of_secret(secret)
    written = list(_written(settings))
    yield from (Finding(_cannot_write(path)) for path in written if not _can_write(path))
    folders = dict.fromkeys(path.parent for path in written)
    for folder in folders:
        yield from certificate_check.of_folder(folder)
    for folder in one_per_disk(folders):
        yield from of_disk(folder)
    yield from store_check.of_database_file(settings)
    yield from of_pages(settings)


def _of_mail(settings: CloudSettings) -> Iterator[Finding]:
    """Whether the mail server takes the login; nothing is sent."""
    from smtplib import SMTPException

    from stadtsinn.cloud.alarms.notify.senders.smtp import SmtpSender, SmtpSettings, said

    for table in settings.notify.root.values():
        if not isinstance(table, SmtpSettings):
            continue
        try:
            SmtpSender(table).examine()
        except (OSError, SMTPException) as error:
            yield Finding(
                text(
                    f"[notify.email] {table.host}:{table.port}: {said(error)}; check host, port, "
                    "security, ca_file and login",
                    f"[notify.email] {table.host}:{table.port}: {said(error)}; host, port, "
                    "security, ca_file und Anmeldung prüfen",
                )
            )


def of_pages(settings: CloudSettings) -> Iterator[Finding]:
    """What public pages need by law."""
    web = settings.web
    if not web.imprint_url:
        yield warning(
            text(
                "[web] imprint_url is empty: public pages need an imprint (§ 5 DDG); give the "
                "address of the town's imprint",
                "[web] imprint_url ist leer: öffentliche Seiten brauchen ein Impressum (§ 5 DDG); "
                "die Adresse des Impressums der Stadt angeben",
            )
        )
    if not web.privacy_url:
        yield warning(
            text(
                "[web] privacy_url is empty: public pages need a privacy notice (Art. 13 GDPR); "
                "give the address of the town's notice",
                "[web] privacy_url ist leer: öffentliche Seiten brauchen Hinweise zum Datenschutz "
                "(Art. 13 DSGVO); die Adresse der Hinweise der Stadt angeben",
            )
        )


def _brokers_keep(brokers: list[tuple[str, Broker]]) -> bool:
    from stadtsinn.edge.messages.delivery import CHECK_TOPIC

    tried = {
        (broker.host, broker.port, broker.username): (name, broker) for name, broker in brokers
    }
    kept = [keeps_messages(name, broker, CHECK_TOPIC) for name, broker in tried.values()]
    return all(kept)  # each is tried, whatever the one before it did


def _written(settings: CloudSettings) -> Iterator[Path]:
    """The files and folders that the cloud writes."""
    for url in (settings.database.url, settings.series.url):
        if (path := sqlite_file(url)) is not None:
            yield path
    yield settings.archive.folder.absolute()


def _where(url: str) -> str:
    """A file by its whole path; of a server the kind: its address may hold a password."""
    return str(sqlite_file(url) or url.partition(":")[0])


def _can_write(path: Path) -> bool:
    """Whether this user may write it, or make it; SQLite writes beside its file as well."""
    try:
        if path.is_file():
            return os.access(path, os.R_OK | os.W_OK) and _can_make_in(path.parent)
        return _can_make_in(path)
    except PermissionError:  # in a folder that this user may not enter
        return False


def _can_make_in(folder: Path) -> bool:
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _cannot_write(path: Path) -> str:
    user = getuser()
    return text(
        f"{user} cannot write {path}: put it below a folder that belongs to the user of the "
        "cloud, e.g. /var/lib/stadtsinn",
        f"{user} kann {path} nicht schreiben: unter einen Ordner legen, der dem Benutzer der "
        "Zentrale gehört, z. B. /var/lib/stadtsinn",
    )


def _summary(
    settings: CloudSettings, brokers: list[tuple[str, Broker]]
) -> Iterator[tuple[str, str]]:
    yield text("database", "Datenbank"), _where(settings.database.url)
    yield text("series", "Messreihen"), _where(settings.series.url)
    yield text("archive", "Archiv"), str(settings.archive.folder.absolute())
    for source, broker in brokers:
        name = text("edges", "Agenten") if source == "edges" else source
        tls = protection(broker)
        days = broker.session_expiry // 86_400
        yield (
            text(f"takes from {name}", f"nimmt von {name}"),
            text(
                f"{broker.host}:{broker.port}, {tls}, session kept for "
                f"{counted(days, 'day', 'days')}",
                f"{broker.host}:{broker.port}, {tls}, Sitzung {counted(days, 'Tag', 'Tage')} "
                "aufbewahrt",
            ),
        )
    yield text("health", "Zustand"), f"http://{settings.health.bind}/healthz, /metrics"
