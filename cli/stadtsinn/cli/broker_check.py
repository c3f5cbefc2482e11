"""`check --connect`: tries a broker out and names what it does not keep, with the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.command_logs import command_logs
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.language import text
from stadtsinn.cli.output import say

if TYPE_CHECKING:
    from stadtsinn.base.mqtt.broker import Broker
    from stadtsinn.base.mqtt.probe import Report

Connect = Annotated[
    bool,
    typer.Option(
        "--connect",
        help=text("Ask the servers, too.", "Auch die Server fragen."),
    ),
]


def protection(broker: Broker) -> str:
    """How what goes to a broker is kept from others' eyes."""
    from stadtsinn.base.mqtt.broker import on_this_machine

    if broker.tls:
        return "TLS"
    if on_this_machine(broker.host):
        return text("on this machine, unencrypted", "auf diesem Rechner, unverschlüsselt")
    return text("NO encryption", "KEINE Verschlüsselung")


def keeps_messages(name: str, broker: Broker, topic: str) -> bool:
    """Try a broker out and print the result; false where a fault was found."""
    from stadtsinn.base.mqtt.probe import probe

    command_logs("error")
    try:
        report = probe(broker, topic)
    except ValueError as error:
        refuse(error)
    where = f"{name} {broker.host}:{broker.port}"
    if report.fault is not None:
        say(f"{where}: {_fault(report)}")
        return False
    largest = report.maximum_packet
    limit = "" if largest is None else text(f", at most {largest} bytes", f", je {largest} Byte")
    say(
        text(
            f"{where}: keeps messages for a client that is away (MQTT {report.protocol}{limit})",
            f"{where}: bewahrt Nachrichten auf, solange ein Empfänger fort ist "
            f"(MQTT {report.protocol}{limit})",
        )
    )
    for warning in report.warnings:
        say(text(f"  warning: {warning}", f"  Warnung: {warning}"))
    return True


def _fault(report: Report) -> str:
    from stadtsinn.base.mqtt.probe import Fault

    texts = {
        Fault.UNREACHABLE: (
            "cannot connect ({}): check address, certificates, account",
            "keine Verbindung ({}): Adresse, Zertifikate und Konto prüfen",
        ),
        Fault.SUBSCRIPTION_REFUSED: (
            "refuses to let us read {}: allow it in the broker's access list",
            "verweigert das Lesen von {}: in der Zugriffsliste des Brokers erlauben",
        ),
        Fault.READ_DENIED: (
            "passes nothing on from {}: allow this account to read and write it",
            "gibt von {} nichts weiter: diesem Konto Lesen und Schreiben erlauben",
        ),
        Fault.PUBLISH_REFUSED: (
            "does not take messages ({}): allow writing in the broker's access list",
            "nimmt keine Nachrichten an ({}): Schreiben in der Zugriffsliste erlauben",
        ),
        Fault.QOS_0: (
            "grants only QoS 0 ({}) and keeps nothing while we are away: allow QoS 1",
            (
                "gewährt nur QoS 0 ({}) und bewahrt nichts auf, solange ein Empfänger fort ist: "
                "QoS 1 erlauben"
            ),
        ),
        Fault.SESSION_FORGOTTEN: (
            "forgets our session as soon as we leave: allow persistent sessions",
            "vergisst unsere Sitzung, sobald wir gehen: dauerhafte Sitzungen erlauben",
        ),
        Fault.QUEUE_LOST: (
            (
                "keeps the session and loses its messages ({}). Mosquitto 2.0.12 to 2.0.22 does "
                "so with 'per_listener_settings true': remove that line, restart the broker"
            ),
            (
                "behält die Sitzung und verliert ihre Nachrichten ({}). Mosquitto 2.0.12 bis "
                "2.0.22 tut das mit 'per_listener_settings true': diese Zeile entfernen, den "
                "Broker neu starten"
            ),
        ),
        Fault.IN_USE: (
            (
                "gives an account one connection, and another process has it: stop the agent or "
                "the ingest for the check"
            ),
            (
                "gibt einem Konto eine Verbindung, und ein anderer Prozess hat sie: Agenten oder "
                "Zentrale für die Prüfung anhalten"
            ),
        ),
    }
    english, german = texts[report.fault or Fault.UNREACHABLE]
    return text(english, german).format(report.detail)
