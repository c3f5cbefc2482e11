"""Who a request comes from: an address, or what a proxy of ours says of it."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_OF_ONE_CLIENT = 64
"""Bits of an IPv6 address that name a connection to the internet; the others are its owner's."""


class Proxies:
    """The addresses whose `X-Forwarded-For` is believed."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self.networks = tuple(networks)

    def __contains__(self, host: object) -> bool:
        address = _address(str(host))
        return address is not None and any(address in network for network in self.networks)


NO_PROXIES = Proxies(())
"""Nobody is believed."""


def client_of(host: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    address = _address(host)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _OF_ONE_CLIENT), strict=False))
    return host[:64] if address is None else str(address)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        # A link-local address names the interface after a per cent sign.
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
