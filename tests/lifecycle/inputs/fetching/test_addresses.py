"""Only public addresses are fetched from, whatever they are called."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from lifecycle.inputs.fetching.addresses import Target, Unfetchable, is_public, locate


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1",
    ],
)  # fmt: skip
def test_private_loopback_and_link_local_addresses_are_refused_in_every_dress(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def resolved_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_the_address_that_was_judged_is_the_one_to_connect_to(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved_to(monkeypatch, "8.8.8.8")
    assert locate("HTTPS://Example.org/a b/ü.png?sig=a%2Fb#top") == Target(
        "https", "example.org", "8.8.8.8", 443, "/a%20b/%C3%BC.png?sig=a%2Fb"
    )
    assert locate("http://example.org:8080").port == 8080


def test_a_name_that_means_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved_to(monkeypatch, "169.254.169.254")
    with pytest.raises(Unfetchable, match="private address"):
        locate("https://innocent.example/latest/meta-data")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.example/x", "https://", "https://[::1", "https://a.example:99999/", "x", "//a/b"],
)
def test_other_schemes_and_nonsense_are_refused(url: str) -> None:
    with pytest.raises(Unfetchable, match="no address of the form"):
        locate(url)


def test_passwords_in_an_address_are_refused_and_names_of_nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unfetchable, match="password"):
        locate("https://user:secret@example.org/x")

    def nothing(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(Unfetchable, match="cannot be found"):
        locate("https://nowhere.example/x")
