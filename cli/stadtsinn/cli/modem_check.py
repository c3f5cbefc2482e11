"""`stadtsinn cloud check`: the modem of our own, through gammu-smsd's tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stadtsinn.base.counted import counted
from stadtsinn.cli.findings import Finding, warning
from stadtsinn.cli.language import in_words, text

if TYPE_CHECKING:
    from stadtsinn.base.clock import Clock
    from stadtsinn.cloud.alarms.notify.senders.gammu.examining import Examined, Found
    from stadtsinn.cloud.alarms.notify.senders.settings import GammuSettings
    from stadtsinn.cloud.settings import CloudSettings

_TABLE = "[notify.sms]"


def modem_settings(settings: CloudSettings) -> GammuSettings | None:
    from stadtsinn.cloud.alarms.notify.senders.settings import GammuSettings

    for table in settings.notify.root.values():
        if isinstance(table, GammuSettings):
            return table
    return None


def of_modem(
    settings: CloudSettings, modem: GammuSettings, clock: Clock
) -> tuple[list[tuple[str, str]], list[Finding]]:
    """What there is, and what is wrong with it; nothing is sent."""
    from sqlalchemy.exc import SQLAlchemyError

    from stadtsinn.base.logs import mask_text
    from stadtsinn.base.sentence import Explained
    from stadtsinn.cloud.alarms.notify.senders.gammu.examining import examine
    from stadtsinn.cloud.alarms.notify.senders.gammu.sender import gammu_sender
    from stadtsinn.cloud.platform.database.engine import open_database

    database = open_database(settings.database.url)
    try:
        sender = gammu_sender(modem, database, clock)
        try:
            examined = examine(sender)
        finally:
            sender.close()
    except Explained as said:
        return [], [Finding(in_words(said))]
    except (SQLAlchemyError, OSError) as error:
        reason = mask_text(str(error).splitlines()[0])
        said_so = text(
            f"{_TABLE} gammu-smsd's tables cannot be read ({reason}): check 'database'",
            f"{_TABLE} Tabellen von gammu-smsd nicht lesbar ({reason}): 'database' prüfen",
        )
        return [], [Finding(said_so)]
    finally:
        database.dispose()
    facts = [*_facts(examined)]
    return facts, [_in_words(one) for one in examined.found]


def _facts(examined: Examined) -> Iterator[tuple[str, str]]:
    for name, age, signal in examined.modems:
        shown = text("unknown", "unbekannt") if signal < 0 else f"{signal} %"
        heard = counted(age, text("second", "Sekunde"), text("seconds", "Sekunden"))
        yield (
            text("modem", "Modem"),
            text(
                f"{name or '-'}, tables {examined.version}, heard {heard} ago, signal {shown}",
                f"{name or '-'}, Tabellen {examined.version}, zuletzt vor {heard} gehört, "
                f"Empfang {shown}",
            ),
        )


def _in_words(found: Found) -> Finding:
    from stadtsinn.cloud.alarms.notify.senders.gammu.examining import Trouble

    detail = found.detail
    texts = {
        Trouble.NO_SCHEMA: (
            (
                f"{_TABLE} there is no schema '{detail}': make gammu-smsd's tables, see "
                "docs/channels.md, or change 'schema'"
            ),
            (
                f"{_TABLE} Schema '{detail}' gibt es nicht: die Tabellen von gammu-smsd "
                "anlegen, siehe "
                "docs/channels.md, oder 'schema' ändern"
            ),
        ),
        Trouble.NOT_OUR_SCHEMA: (
            (
                f"{_TABLE} the cloud may not use the schema '{detail}': "
                f"GRANT USAGE ON SCHEMA {detail}, see docs/channels.md"
            ),
            (
                f"{_TABLE} die Zentrale darf das Schema '{detail}' nicht benutzen: "
                f"GRANT USAGE ON SCHEMA {detail}, siehe docs/channels.md"
            ),
        ),
        Trouble.NO_TABLES: (
            (
                f"{_TABLE} gammu-smsd's tables are not all there ({detail}): run its pgsql.sql, "
                "see "
                "docs/channels.md"
            ),
            (
                f"{_TABLE} Tabellen von gammu-smsd fehlen ({detail}): pgsql.sql ausführen, siehe "
                "docs/channels.md"
            ),
        ),
        Trouble.NO_RIGHTS: (
            (
                f"{_TABLE} the cloud lacks rights at gammu-smsd's tables, it needs {detail}: GRANT "
                "them, see docs/channels.md"
            ),
            (
                f"{_TABLE} der Zentrale fehlen Rechte an den Tabellen von gammu-smsd, nötig ist "
                f"{detail}: mit GRANT geben, siehe docs/channels.md"
            ),
        ),
        Trouble.OLD_TABLES: (
            (
                f"{_TABLE} gammu-smsd's tables have version {detail}, too old: update "
                "gammu-smsd and "
                "its tables to version 17"
            ),
            (
                f"{_TABLE} die Tabellen von gammu-smsd haben die Version {detail}, zu alt: "
                "gammu-smsd "
                "und seine Tabellen auf Version 17 bringen"
            ),
        ),
        Trouble.NEW_TABLES: (
            (
                f"{_TABLE} gammu-smsd's tables have version {detail}, which this version does "
                "not know "
                "yet: send a test message"
            ),
            (
                f"{_TABLE} die Tabellen von gammu-smsd haben die Version {detail}, die diese "
                "Version "
                "noch nicht kennt: eine Testmeldung schicken"
            ),
        ),
        Trouble.NO_MODEM: (
            f"{_TABLE} no modem stands in the table phones"
            + (f" under the name '{detail}'" if detail else "")
            + ": does gammu-smsd run, and has it the same PhoneID as 'phone' here?",
            f"{_TABLE} in der Tabelle phones steht kein Modem"
            + (f" mit dem Namen '{detail}'" if detail else "")
            + ": läuft gammu-smsd, und hat es dieselbe PhoneID wie 'phone' hier?",
        ),
        Trouble.SILENT: (
            (
                f"{_TABLE} the modem was last heard {counted(detail, 'minute', 'minutes')} ago: "
                "'systemctl status gammu-smsd', and its log"
            ),
            (
                f"{_TABLE} vom Modem war zuletzt vor {counted(detail, 'Minute', 'Minuten')} "
                "etwas zu "
                "hören: 'systemctl status gammu-smsd' und sein Protokoll ansehen"
            ),
        ),
        Trouble.OTHER_ZONE: (
            (
                f"{_TABLE} the modem's last sign has a time {counted(detail, 'minute', 'minutes')} "
                "back: it is silent, or its session has another time zone than ours (ALTER "
                "ROLE … SET "
                "timezone)"
            ),
            (
                f"{_TABLE} das letzte Zeichen des Modems trägt eine um "
                f"{counted(detail, 'Minute', 'Minuten')} frühere Zeit: es ist stumm, oder seine "
                "Sitzung hat eine andere Zeitzone als unsere (ALTER ROLE … SET timezone)"
            ),
        ),
        Trouble.DOES_NOT_SEND: (
            f"{_TABLE} gammu-smsd does not send ('Send = no' in its configuration)",
            f"{_TABLE} gammu-smsd sendet nicht ('Send = no' in seiner Konfiguration)",
        ),
        Trouble.DOES_NOT_RECEIVE: (
            f"{_TABLE} gammu-smsd takes no answers ('Receive = no' in its configuration)",
            (
                f"{_TABLE} gammu-smsd nimmt keine Antworten an ('Receive = no' in seiner "
                "Konfiguration)"
            ),
        ),
        Trouble.WEAK: (
            f"{_TABLE} the modem's signal is weak ({detail} %): move it, or give it an antenna",
            (
                f"{_TABLE} der Empfang des Modems ist schwach ({detail} %): es anders "
                "aufstellen oder "
                "ihm eine Antenne geben"
            ),
        ),
    }
    words = text(*texts[found.trouble])
    harmless = {Trouble.NEW_TABLES, Trouble.OTHER_ZONE, Trouble.DOES_NOT_RECEIVE, Trouble.WEAK}
    return warning(words) if found.trouble in harmless else Finding(words)
