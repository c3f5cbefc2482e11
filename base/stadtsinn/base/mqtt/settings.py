"""How configuration files describe a broker."""

from __future__ import annotations

from stadtsinn.base.mqtt.link import Broker, Tls
from stadtsinn.base.settings.fields import FilePath, Port
from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret


class TlsSettings(Section):
    """PEM files of a TLS connection."""

    ca: FilePath
    certificate: FilePath | None = None
    key: FilePath | None = None


class BrokerSettings(Section):
    """An MQTT broker and our account there."""

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str | None = None
    password: Secret = Secret()
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
        )
