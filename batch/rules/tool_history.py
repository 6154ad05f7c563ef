"""Exchanges with functions in the turns of a request: calls by the model, and the responses that belong to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from batch.errors import Fault
from batch.formatting import plural
from batch.rules.rule_table import broken


class HistoryTurn(NamedTuple):
    """One turn as far as functions matter: names of calls, whether the first is signed, how many responses.

    `speaks` says whether a user's turn holds anything beside responses: with it a new round begins.
    """

    is_model: bool
    calls: tuple[str, ...] = ()
    signed: bool = False
    responses: int = 0
    speaks: bool = True


class UnsignedCall(NamedTuple):
    """A step whose first call has no thoughtSignature; `current` if it belongs to the round under way."""

    turn: int
    name: str
    current: bool


def history_turns(contents: Sequence[Mapping[str, Any]]) -> list[HistoryTurn]:
    """The turns of canonical contents, decoded."""
    turns = []
    for content in contents:
        parts = content.get("parts") or []
        calls = [part for part in parts if "functionCall" in part]
        responses = sum("functionResponse" in part for part in parts)
        turns.append(
            HistoryTurn(
                is_model=content.get("role") == "model",
                calls=tuple(str(part["functionCall"].get("name", "")) for part in calls),
                signed=bool(calls and calls[0].get("thoughtSignature")),
                responses=responses,
                speaks=responses < len(parts),
            )
        )
    return turns


def history_verdict(turns: Sequence[HistoryTurn]) -> tuple[list[Fault], list[UnsignedCall]]:
    """What is wrong with the exchanges whatever the model, and the steps without a signature."""
    faults: list[Fault] = []
    if turns and turns[0].is_model:
        faults.append(broken("first_turn"))
    # A round begins with what the user says; responses to calls, even beside a text, belong to the round before.
    starts = [n for n, turn in enumerate(turns) if not turn.is_model and turn.speaks and not turn.responses]
    current_from = max(starts, default=0)
    unsigned = []
    for number, turn in enumerate(turns):
        called = turns[number - 1].calls if number else ()
        if turn.responses and not called:
            faults.append(broken("response_without_call", turn=number))
        if turn.calls and number + 1 < len(turns) and turns[number + 1].responses != len(turn.calls):
            given = plural(turns[number + 1].responses, "response")
            faults.append(
                broken("response_count", turn=number, calls=plural(len(turn.calls), "function"), responses=given)
            )
        if turn.is_model and turn.calls and not turn.signed:
            unsigned.append(UnsignedCall(number, turn.calls[0], number > current_from))
    return faults, unsigned
