"""Exchanges with functions are judged turn by turn, in time that grows with their number only."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from batch.rules.tool_history import HistoryTurn, UnsignedCall, history_turns, history_verdict

SAYS = {"role": "user", "parts": [{"text": "x"}]}
ANSWERS = {"role": "user", "parts": [{"functionResponse": {"name": "f"}}]}
CALLS = {"role": "model", "parts": [{"text": "let me see"}, {"functionCall": {"name": "f"}}]}
SIGNED = {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "c2ln"}]}


def test_turns_are_read_as_far_as_functions_matter() -> None:
    assert history_turns([SAYS, CALLS, {"parts": [*ANSWERS["parts"], {"text": "y"}]}]) == [
        HistoryTurn(is_model=False),
        HistoryTurn(is_model=True, calls=("f",)),
        HistoryTurn(is_model=False, responses=1),
    ]


def test_the_round_under_way_begins_with_what_the_user_said_last() -> None:
    _, unsigned = history_verdict(history_turns([SAYS, CALLS, ANSWERS, SAYS, CALLS, ANSWERS, SIGNED, ANSWERS, CALLS]))
    assert unsigned == [UnsignedCall(1, "f", False), UnsignedCall(4, "f", True), UnsignedCall(8, "f", True)]


@given(st.lists(st.sampled_from([[SAYS], [CALLS, ANSWERS], [SIGNED, ANSWERS]]), max_size=8))
def test_whole_exchanges_after_a_question_have_no_fault(pieces: list[list[dict[str, Any]]]) -> None:
    faults, _ = history_verdict(history_turns([SAYS, *(turn for piece in pieces for turn in piece)]))
    assert faults == []


@given(st.lists(st.sampled_from([[CALLS, ANSWERS], [SIGNED, ANSWERS]]), min_size=1, max_size=5), st.data())
def test_an_exchange_without_one_of_its_turns_has_a_fault(
    pieces: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    turns = [SAYS, *(turn for piece in pieces for turn in piece)]
    gone = data.draw(st.integers(0, len(turns) - 2))  # without its last turn, a history merely ends with a call
    del turns[gone]
    assert history_verdict(history_turns(turns))[0]
