"""Where a broker is and who we are there."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from stadtsinn.base.sentence import Unusable

SESSION_DAYS = 30
"""How long a broker is asked to keep the session of a client that is away. Mosquitto's
`persistent_client_expiration` in our files says the same."""


@dataclass(frozen=True)
class Tls:
    """Files of a TLS connection with client certificate; `certificate` and `key` may be absent."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Raises ValueError naming the file that is absent, unreadable or no PEM."""
        for path in (self.ca, self.certificate, self.key):
            if path is not None and not _readable(path):
                raise Unusable(
                    f"TLS file {path} cannot be read: check path and permissions",
                    f"TLS-Datei {path} ist nicht lesbar: Pfad und Rechte prüfen",
                )
        try:
            context = ssl.create_default_context(cafile=str(self.ca))
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate:
                context.load_cert_chain(str(self.certificate), str(self.key) if self.key else None)
        except ssl.SSLError as error:
            raise Unusable(
                f"TLS files {self.ca}, {self.certificate}, {self.key} do not fit together "
                f"({error.reason}): expected are PEM files, and the key of that certificate",
                f"die TLS-Dateien {self.ca}, {self.certificate}, {self.key} passen nicht "
                f"zusammen ({error.reason}): erwartet werden PEM-Dateien und der Schlüssel "
                "dieses Zertifikats",
            ) from error
        return context


def on_this_machine(host: str) -> bool:
    """Whether what goes to this host stays on this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Broker:
    """Where a broker is and who we are there. A fixed `client_id` keeps the session.

    `keepalive` and `session_expiry` in seconds; `receive_maximum` bounds how many messages
    the broker sends ahead of our acknowledgements (MQTT 5 only: with 3.1.1 the broker's own
    ``max_inflight_messages`` does). Attempts to connect are at most `longest_pause` seconds
    apart.
    """

    host: str
    port: int
    client_id: str
    tls: Tls | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    keepalive: int = 30
    session_expiry: int = SESSION_DAYS * 86_400
    receive_maximum: int = 2_000
    longest_pause: int = 30


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


@dataclass(frozen=True)
class Will:
    """What the broker publishes, retained, when the connection breaks (MQTT's "will")."""

    topic: str
    payload: bytes
