"""Writes what Mosquitto needs to be the town's broker: configuration, access list, passwords."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from stadtsinn.base.bounded_files import LISTS, read_whole, read_whole_text
from stadtsinn.base.mqtt.broker import SESSION_DAYS
from stadtsinn.base.private_files import private_folder
from stadtsinn.base.whole_files import write_secret
from stadtsinn.cloud.broker.authority import Authority, Refused
from stadtsinn.edge.messages.delivery import CHECK_TOPIC, TOPIC_ROOT
from stadtsinn.edge.messages.edge_id import EVENTS, INGEST
from stadtsinn.edge.network_servers.formats import FORMATS

MAX_PACKET_SIZE = 1024 * 1024
"""Bytes of the largest packet that the broker takes."""
MAX_QUEUED_BYTES = 256 * 1024 * 1024
MAX_CONNECTIONS = 400
"""Below the 1024 files that Debian lets the broker open."""

CONFIGURATION = "stadtsinn.conf"
PASSWORD_ACCOUNTS = (INGEST, *FORMATS)
"""Who may come in on the broker's own machine, by password."""

# Mosquitto's own number. A password of 256 random bits is not found by trying.
_ROUNDS = 101


@dataclass(frozen=True)
class Listening:
    """Ports: `port` for certificates from anywhere, `local_port` for passwords on this machine.
    `max_connections` of the first; `session_days` is the same number as in the other files."""

    port: int = 8883
    local_port: int = 1883
    session_days: int = SESSION_DAYS
    max_connections: int = MAX_CONNECTIONS


def configuration(folder: Path, listening: Listening) -> str:
    """The file for Mosquitto's conf.d; all that it names is in `folder`."""
    if any(character.isspace() for character in str(folder)):
        raise Refused(
            f"{folder}: Mosquitto takes no blanks in the names of its files",
            f"{folder}: Mosquitto nimmt keine Leerzeichen in Dateinamen",
        )
    template = Template(_text("mosquitto.conf"))
    return template.substitute(
        folder=folder,
        max_packet_size=MAX_PACKET_SIZE,
        max_queued_bytes=MAX_QUEUED_BYTES,
        port=listening.port,
        local_port=listening.local_port,
        session_days=listening.session_days,
        max_connections=listening.max_connections,
    )


def access_list() -> str:
    """The access list: each account has the topics of its role, in its direction."""
    return "\n".join((_text("access.acl"), *_accounts()))


def _accounts() -> Iterator[str]:
    uplinks = [topic for known in FORMATS.values() for topic in known.topics()]
    yield "# The ingest: takes batches, answers them, tells edges their devices."
    yield f"user {INGEST}"
    yield f"topic read {TOPIC_ROOT}/+/batch"
    yield f"topic read {TOPIC_ROOT}/+/status"
    yield f"topic write {TOPIC_ROOT}/+/ack"
    yield f"topic write {TOPIC_ROOT}/+/config"
    yield from (f"topic read {topic}" for topic in uplinks)
    yield f"topic readwrite {CHECK_TOPIC}"
    yield ""
    yield "# A second connection of an ingest on another machine, for events only."
    yield f"user {EVENTS}"
    yield from (f"topic read {topic}" for topic in uplinks)
    yield f"topic readwrite {CHECK_TOPIC}"
    for known in FORMATS.values():
        yield ""
        yield f"# {known.title}: publishes uplinks. Other events are refused: nobody reads them."
        yield f"user {known.name}"
        yield from (f"topic write {topic}" for topic in known.topics())
    yield ""


def password_entry(account: str, password: str) -> str:
    """A line of Mosquitto's password file, as `mosquitto_passwd` writes it."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    parts = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"{account}:$7${_ROUNDS}${'$'.join(parts)}\n"


def own_passwords(folder: Path) -> dict[str, str]:
    """The password of each account, from its file in `folder`; one that has none gets one."""
    private_folder(folder)
    passwords = {}
    for account in PASSWORD_ACCOUNTS:
        path = folder / f"{account}.password"
        if not path.exists():
            write_secret(path, f"{secrets.token_urlsafe(32)}\n".encode())
        passwords[account] = read_whole_text(path).strip()
    return passwords


def write_broker(folder: Path, authority: Authority, passwords: Mapping[str, str]) -> list[Path]:
    """Write all that `configuration` names into `folder`; what was written, the folder first.

    Raises Refused where the authority has no certificate for the broker.
    """
    server = authority.server
    private_folder(folder)
    entries = "".join(password_entry(account, word) for account, word in passwords.items())
    contents = {
        "ca.pem": read_whole(authority.ca),
        "revoked.pem": read_whole(authority.revocations, LISTS),
        "server.pem": read_whole(server.certificate),
        "server.key": read_whole(server.key),
        "passwords": entries.encode(),
        "acl": access_list().encode(),
    }
    for name, content in contents.items():
        write_secret(folder / name, content)
    return [folder, *(folder / name for name in contents)]


def _text(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
