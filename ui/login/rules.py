"""How people log in, and who of them is let in. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

OIDC, PROXY = "oidc", "proxy"


@dataclass(frozen=True)
class LoginRules:
    """`mode` is OIDC, PROXY or "" for no login. `allowed` are users, "@domain" or "*"; for a proxy none means all.

    `header` is where a proxy at one of the `proxies` names its user.
    """

    mode: str = ""
    header: str = "X-Forwarded-User"
    allowed: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")

    def is_allowed(self, user: str) -> bool:
        """Whether this user may come in."""
        name = user.casefold()
        if not name or not self.mode:
            return False
        if not self.allowed:
            return self.mode == PROXY
        return any(_matches(name, rule.casefold()) for rule in self.allowed)

    def trusts(self, address: str) -> bool:
        """Whether a connection comes from a proxy that may name users."""
        try:
            peer = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(peer in ipaddress.ip_network(proxy, strict=False) for proxy in self.proxies)


def _matches(name: str, rule: str) -> bool:
    if rule == "*":
        return True
    return name.partition("@")[2] == rule[1:] if rule.startswith("@") else name == rule
