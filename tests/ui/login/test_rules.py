"""Who is let in: names as the rules have them, in any case, and nobody by accident."""

from __future__ import annotations

import pytest

from ui.login.rules import LoginRules


@pytest.mark.parametrize(
    ("mode", "allowed", "user", "enters"),
    [
        ("proxy", (), "ann", True),
        ("proxy", (), "", False),
        ("proxy", ("ann",), "bea", False),
        ("oidc", (), "ann@firm.test", False),
        ("oidc", ("*",), "ann@firm.test", True),
        ("oidc", ("*",), "", False),
        ("oidc", ("@firm.test",), "Ann@Firm.test", True),
        ("oidc", ("@firm.test",), "ann@sub.firm.test", False),
        ("oidc", ("@firm.test",), "ann@firm.test.evil.example", False),
        ("oidc", ("@firm.test",), "ann@evil.example@firm.test", False),
        ("oidc", ("ann@firm.test", "bea@firm.test"), "bea@firm.test", True),
        ("oidc", ("ann@firm.test",), "xann@firm.test", False),
        ("", ("*",), "ann", False),
    ],
)
def test_rules_of_who_may_come_in(mode: str, allowed: tuple[str, ...], user: str, enters: bool) -> None:
    assert LoginRules(mode, allowed=allowed).is_allowed(user) is enters


@pytest.mark.parametrize(
    ("address", "trusted"),
    [("127.0.0.1", True), ("10.1.2.3", True), ("11.0.0.1", False), ("::1", True), ("testclient", False), ("", False)],
)
def test_only_the_proxys_address_may_name_users(address: str, trusted: bool) -> None:
    assert LoginRules("proxy", proxies=("127.0.0.1", "::1", "10.0.0.0/8")).trusts(address) is trusted
