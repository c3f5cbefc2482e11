"""How configuration files describe a broker."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stadtsinn.base.mqtt.broker import SESSION_DAYS, Broker, Tls
from stadtsinn.base.settings.fields import FilePath, Port
from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret


class TlsSettings(Section):
    """PEM files of a TLS connection."""

    ca: FilePath
    certificate: FilePath | None = None
    key: FilePath | None = None


class BrokerSettings(Section):
    """An MQTT broker and our account there.

    `session_days`: how long it is asked to keep our session, and what is sent meanwhile, while we
    are away.
    """

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str | None = None
    password: Secret = Secret()
    session_days: Annotated[int, Field(ge=1, le=365)] = SESSION_DAYS
    tls: TlsSettings | None = None

    def connection(self, client_id: str) -> Broker:
        """The broker for the link; raises SettingsError for an unreadable password."""
        tls = self.tls
        return Broker(
            host=self.host,
            port=self.port,
            client_id=client_id,
            tls=Tls(tls.ca, tls.certificate, tls.key) if tls else None,
            username=self.username,
            password=self.password.read(),
            session_expiry=self.session_days * 86_400,
        )
