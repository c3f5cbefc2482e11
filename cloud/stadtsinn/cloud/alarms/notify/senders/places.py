"""Where messages may go: to the internet, and to those places of this network that are allowed.

The rules of all senders that call an address which somebody entered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from stadtsinn.base.sentence import Unusable

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses behind a translator (NAT64)."""
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
"""All IPv6 addresses of the internet. Beside them lie forms of IPv4 addresses, and networks of
one's own that are no longer called so."""
_USUAL = (80, 443)
"""Ports of a place that is named without one."""


_AGAIN = (408, 409, 425, 429)


def may_change(status: int) -> bool:
    """Whether another hour may change an HTTP answer that is no success."""
    return status >= 500 or status in _AGAIN


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _TRANSLATED:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        else:
            found = found.ipv4_mapped or found.sixtofour or found
    if isinstance(found, ipaddress.IPv6Address) and found not in _GIVEN_OUT:
        return False
    return found.is_global and not found.is_multicast


def _place(text: str) -> str:
    try:
        host, port = _split(text)
    except ValueError:
        host, port = "", None
    if not host or port == 0 or set(text) & set(" /@?#\\"):
        raise Unusable(
            f"{text!r} is no place: write a name or an address, with a port unless it is 80 or "
            "443: leitstelle.intern, 10.0.0.7:8065, [fd00::7]:8065",
            f"{text!r} ist kein Ort: einen Namen oder eine Adresse schreiben, mit Port, wenn er "
            "nicht 80 oder 443 ist: leitstelle.intern, 10.0.0.7:8065, [fd00::7]:8065",
        )
    return text


Place = Annotated[str, AfterValidator(_place)]
"""A host that may be called although it is inside of this network, or without TLS:
``host`` (ports 80 and 443) or ``host:port``."""


class Allowed:
    """The places that are allowed."""

    def __init__(self, places: Iterable[str]) -> None:
        self._places: set[tuple[str, int]] = set()
        for one in places:
            host, port = _split(one)
            ports = _USUAL if port is None else (port,)
            self._places.update((host, each) for each in ports)

    def holds(self, host: str, port: int) -> bool:
        return (host.lower(), port) in self._places


def _split(place: str) -> tuple[str, int | None]:
    """Raises ValueError."""
    if place.count(":") > 1 and not place.startswith("["):
        return str(ipaddress.IPv6Address(place)), None
    parts = urlsplit(f"//{place}")
    return parts.hostname or "", parts.port
