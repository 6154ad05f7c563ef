"""Which addresses may be fetched from: public ones, judged after the name was resolved, never by the name."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from batch.errors import Fault

MOST_URL_CHARACTERS = 8_000
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NO_URL = Fault("is no address of the form https://…", "Write the whole address of the file.")
_PRIVATE = Fault("leads to a private address, which is not fetched", "Put the file itself in the input.")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Judge = Callable[[Address], bool]


class Unfetchable(Exception):
    """A file cannot be fetched. The fault goes on after the address ("answered 404")."""

    def __init__(self, fault: str, remedy: str, *, transient: bool = False) -> None:
        super().__init__(fault)
        self.fault, self.remedy, self.transient = fault, remedy, transient


class Target(NamedTuple):
    """Where to connect for one URL: the address is what was judged, and no name is looked up again."""

    scheme: str
    host: str
    address: str
    port: int
    path: str


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet; of addresses that hold another inside, that one counts."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def locate(url: str, judge: Judge = is_public) -> Target:
    """Resolve a URL, and choose an address of it that may be fetched from. Raises Unfetchable."""
    parts, host, port = _parse(url)
    for family, _, _, _, where in _resolve(host, port):
        if family in (socket.AF_INET, socket.AF_INET6):
            address = str(where[0])
            if not judge(ipaddress.ip_address(address.partition("%")[0])):
                raise Unfetchable(*_PRIVATE[:2])
            path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
            query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
            return Target(parts.scheme.lower(), host, address, port, path + query)
    raise Unfetchable("has a host that cannot be found", "Check the address.", transient=True)


def _parse(url: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port or _PORTS.get(parts.scheme.lower(), 0)
    except (ValueError, UnicodeError):
        raise Unfetchable(*_NO_URL[:2]) from None
    if not host or not port or parts.scheme.lower() not in _PORTS or len(url) > MOST_URL_CHARACTERS:
        raise Unfetchable(*_NO_URL[:2])
    if parts.username is not None:
        raise Unfetchable("holds a user name or password, which is not sent", "Use a signed address.")
    return parts, host, port


def _resolve(host: str, port: int) -> list[tuple[int, int, int, str, tuple[str, int] | tuple[object, ...]]]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        raise Unfetchable("has a host that cannot be found", "Check the address.", transient=True) from None
