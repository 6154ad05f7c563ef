"""A token is good once, for a while, and cannot be guessed."""

from __future__ import annotations

from ui.shared.one_time_tokens import OneTimeTokens


def test_a_token_is_good_once() -> None:
    tokens: OneTimeTokens[str] = OneTimeTokens(60)
    token = tokens.issue("value")
    assert tokens.peek(token) == "value"
    assert tokens.redeem(token) == "value"
    assert tokens.redeem(token) is None and tokens.peek(token) is None


def test_a_token_runs_out_and_is_forgotten() -> None:
    now = [0.0]
    tokens: OneTimeTokens[str] = OneTimeTokens(60, clock=lambda: now[0])
    token = tokens.issue("value")
    now[0] = 61
    assert tokens.peek(token) is None and tokens.redeem(token) is None
    tokens.issue("other")
    assert len(tokens._entries) == 1


def test_tokens_cannot_be_guessed_from_one_another() -> None:
    tokens: OneTimeTokens[int] = OneTimeTokens(60)
    assert len({tokens.issue(n) for n in range(100)}) == 100
    assert tokens.redeem("") is None and tokens.redeem("x" * 32) is None
