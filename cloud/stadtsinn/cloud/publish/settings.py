"""Where the API listens."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, IPvAnyNetwork

from stadtsinn.base.sentence import Unusable
from stadtsinn.base.settings.fields import Address
from stadtsinn.base.settings.reading import Section
from stadtsinn.cloud.publish.clients import Proxies

_THIS_MACHINE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def _public_url(text: str) -> str:
    """Without a stroke at its end."""
    if text and (not text.startswith(("https://", "http://")) or set(text) & set(" '\"<>?#\r\n")):
        raise Unusable(
            "write where people reach the API, e.g. https://daten.musterstadt.de",
            "schreiben, wo die API erreichbar ist, z. B. https://daten.musterstadt.de",
        )
    return text.rstrip("/")


PublicUrl = Annotated[str, AfterValidator(_public_url)]


class ApiSettings(Section):
    """Where HTTP is served. Who else than this machine should reach it goes through a proxy.

    `proxies` are the addresses or networks whose `X-Forwarded-For` says who asks. `public_url` is
    where people reach it, for links in messages; without it they have none.
    """

    bind: Address = "127.0.0.1:8000"
    public_url: PublicUrl = ""
    proxies: tuple[IPvAnyNetwork, ...] = _THIS_MACHINE

    @property
    def trusted(self) -> Proxies:
        return Proxies(self.proxies)
