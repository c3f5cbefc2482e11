"""Where a key or a password for a sensor comes from: a file of this user, standard input, or the
imported delivery. Never an argument, which every process of the machine sees."""

from __future__ import annotations

import sys
from pathlib import Path

from stadtsinn.base.bounded_files import read_whole_text
from stadtsinn.base.private_files import open_to_others
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.cli.asking import asked_secretly
from stadtsinn.cli.language import text


class NotInTheDelivery(Explained):
    """There is no key of this device."""

    def __init__(self, dev_eui: str) -> None:
        super().__init__(
            f"no key of {dev_eui} is kept here: import the supplier's list ('stadtsinn device "
            "import'; keys are kept until 'device apply'), or give --app-key-file",
            f"für {dev_eui} ist hier kein Schlüssel aufgehoben: die Liste des Lieferanten "
            "importieren ('stadtsinn device import'; Schlüssel liegen hier bis 'device apply') "
            "oder --app-key-file angeben",
        )


def secret_in(path: Path) -> str:
    """The content of a file that only its owner can read. Raises Unusable, OSError."""
    if open_to_others(path):
        raise Unusable(
            f"{path} can be read by others: 'chmod 600 {path}'",
            f"{path} ist für andere lesbar: 'chmod 600 {path}'",
        )
    found = read_whole_text(path).strip()
    if not found:
        raise Unusable(
            f"{path} is empty: write the secret into it", f"{path} ist leer: hineinschreiben"
        )
    return found


def secret_from_input(question: str) -> str:
    """Asked for without showing it at a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        return asked_secretly(question)
    return sys.stdin.readline().strip()


def password_from_person() -> str | None:
    """None where nobody sits there, or nothing was typed."""
    if not sys.stdin.isatty():
        return None
    return secret_from_input(text("The sensor's password", "Passwort des Sensors")) or None


def keys_of_delivery(config: Path, tenant: str | None, dev_eui: str) -> tuple[str, str]:
    """JoinEUI (empty where the list has none) and AppKey of a device as 'device import' keeps them.
    Raises NotInTheDelivery."""
    from stadtsinn.cli.installation import installation
    from stadtsinn.cli.town_choice import scope_of_town
    from stadtsinn.cloud.provisioning.order import OrderFile

    with installation(config, reading=True) as opened:
        with opened.database.read() as connection:
            town = scope_of_town(connection, tenant, opened.settings.limits).tenant_id
        rows = OrderFile(opened.settings.provisioning.folder, town).read().rows
    for row in rows:
        if row.dev_eui.lower() == dev_eui.lower() and row.app_key:
            return row.join_eui, row.app_key
    raise NotInTheDelivery(dev_eui)
