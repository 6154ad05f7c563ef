"""What outcomes ask of a person, and where whole runs stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.model import Outcome, RunState
from batch.responses.outcome_groups import (
    GROUPS,
    OutcomeGroup,
    RunGroup,
    ending_words,
    group_counts,
    group_of,
    held_back_words,
    needs_attention,
    run_group,
)

COUNTS = st.dictionaries(st.sampled_from(list(Outcome)), st.integers(0, 50))


def test_every_outcome_has_one_group() -> None:
    assert set(GROUPS) == set(Outcome)
    assert group_of("a word of a later version") is OutcomeGroup.LOST


@given(counts=COUNTS, more=st.integers(0, 20))
def test_groups_add_up_to_the_rows_and_attention_is_what_is_not_good(counts: dict[str, int], more: int) -> None:
    rows = sum(counts.values()) + more
    groups = group_counts(counts, rows)
    assert sum(groups.values()) == rows
    assert needs_attention(counts, rows) == rows - counts.get(Outcome.ANSWERED, 0)
    finished = run_group(RunState.FINISHED, counts, rows)
    assert (finished is RunGroup.GOOD) == (not needs_attention(counts, rows))


@pytest.mark.parametrize(
    ("state", "counts", "rows", "group", "words"),
    [
        (RunState.FINISHED, {"answered": 320}, 320, RunGroup.GOOD, "finished"),
        (
            RunState.FINISHED,
            {"answered": 301, "truncated": 13, "refused": 4, "tool_call": 2},
            320,
            RunGroup.DECIDE,
            "finished, 6 to decide",
        ),
        (RunState.FINISHED, {"answered": 36, "empty": 4}, 40, RunGroup.TRY_AGAIN, "finished, 4 to try again"),
        (RunState.FINISHED, {"answered": 37, "error_permanent": 3}, 40, RunGroup.DECIDE, "finished, 3 lost"),
        (
            RunState.FINISHED,
            {"answered": 207, "truncated": 100, "truncated_empty": 7, "refused": 6},
            320,
            RunGroup.TRY_AGAIN,
            "finished, 107 of 320 cut off",
        ),
        (
            RunState.CANCELLED,
            {"answered": 812, "no_response": 388},
            1200,
            RunGroup.ENDED_EARLY,
            "cancelled after 812 of 1,200",
        ),
        (RunState.CANCELLED, {}, 1200, RunGroup.ENDED_EARLY, "cancelled after 0 of 1,200"),
        (RunState.FAILED, {}, 800, RunGroup.ENDED_EARLY, "failed: the API key was refused"),
        (RunState.ACTIVE, {}, 800, RunGroup.RUNNING, "finished, 800 to try again"),
    ],
)
def test_where_a_run_stands(state: RunState, counts: dict[str, int], rows: int, group: RunGroup, words: str) -> None:
    assert run_group(state, counts, rows) is group
    assert ending_words(state, counts, rows, "The API key was refused. Check it.") == words


def test_a_run_stopped_at_its_budget_says_that_first_and_is_to_be_decided() -> None:
    counts = {"answered": 301, "truncated": 100, "missing": 610}
    assert run_group(RunState.FINISHED, counts, 1011, held_back=610) is RunGroup.DECIDE
    words = ending_words(RunState.FINISHED, counts, 1011, held_back=610)
    assert words == held_back_words(610) == "stopped at its budget, 610 rows not sent"
    assert run_group(RunState.CANCELLED, counts, 1011, held_back=610) is RunGroup.ENDED_EARLY
    assert ending_words(RunState.CANCELLED, counts, 1011, held_back=610) == "cancelled after 401 of 1,011"


def test_an_error_that_begins_with_an_abbreviation_keeps_it() -> None:
    assert ending_words(RunState.FAILED, {}, 1, "API key not valid.") == "failed: API key not valid"
    assert ending_words(RunState.FAILED, {}, 1) == "failed"
