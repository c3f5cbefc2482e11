"""Where the API listens."""

from __future__ import annotations

from ipaddress import ip_network

from pydantic import IPvAnyNetwork

from stadtsinn.base.settings.fields import Address
from stadtsinn.base.settings.reading import Section
from stadtsinn.cloud.publish.clients import Proxies

_THIS_MACHINE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class ApiSettings(Section):
    """Where HTTP is served. Who else than this machine should reach it goes through a proxy.

    `proxies` are the addresses or networks whose `X-Forwarded-For` says who asks.
    """

    bind: Address = "127.0.0.1:8000"
    proxies: tuple[IPvAnyNetwork, ...] = _THIS_MACHINE

    @property
    def trusted(self) -> Proxies:
        return Proxies(self.proxies)
