"""What a person does about outcomes: nothing, send the row again, decide, or give it up; and of whole runs. Pure.

The only place that says so: "need attention" is one number everywhere, the rows of all groups but the good one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from batch.model import Outcome, RunState


class OutcomeGroup(StrEnum):
    """What an outcome asks of a person; in the words of the page."""

    GOOD = "good"
    TRY_AGAIN = "to try again"
    DECIDE = "to decide"
    LOST = "lost"


GROUPS: Mapping[Outcome, OutcomeGroup] = {
    Outcome.ANSWERED: OutcomeGroup.GOOD,
    Outcome.TRUNCATED: OutcomeGroup.TRY_AGAIN,
    Outcome.TRUNCATED_EMPTY: OutcomeGroup.TRY_AGAIN,
    Outcome.EMPTY: OutcomeGroup.TRY_AGAIN,
    Outcome.THOUGHTS_ONLY: OutcomeGroup.TRY_AGAIN,
    Outcome.INVALID_OUTPUT: OutcomeGroup.TRY_AGAIN,
    Outcome.ERROR_TRANSIENT: OutcomeGroup.TRY_AGAIN,
    Outcome.NO_RESPONSE: OutcomeGroup.TRY_AGAIN,
    Outcome.MISSING: OutcomeGroup.TRY_AGAIN,
    Outcome.PROMPT_BLOCKED: OutcomeGroup.DECIDE,
    Outcome.ANSWER_BLOCKED: OutcomeGroup.DECIDE,
    Outcome.RECITATION: OutcomeGroup.DECIDE,
    Outcome.REFUSED: OutcomeGroup.DECIDE,
    Outcome.TOOL_CALL: OutcomeGroup.DECIDE,
    Outcome.ERROR_PERMANENT: OutcomeGroup.LOST,
    Outcome.UNKNOWN: OutcomeGroup.LOST,
}
CUT_OFF = (Outcome.TRUNCATED, Outcome.TRUNCATED_EMPTY)
CUT_OFF_SHARE = 0.1  # of a run's rows: with more of them cut off, that is what is said of the run first


class RunGroup(StrEnum):
    """Where a run stands; each is in exactly one group, so that their counts add up."""

    RUNNING = "running"
    DECIDE = "to decide"  # some of its rows are to be decided, or lost, or its budget keeps rows from being sent
    TRY_AGAIN = "to try again"
    GOOD = "good"
    ENDED_EARLY = "ended early"  # cancelled or failed


def group_of(outcome: str) -> OutcomeGroup:
    """The group of an outcome by its stored name; of a name that this version does not know, "lost"."""
    try:
        return GROUPS[Outcome(outcome)]
    except ValueError:
        return OutcomeGroup.LOST


def group_counts(counts: Mapping[str, int], rows: int = 0) -> dict[OutcomeGroup, int]:
    """Rows by group, every group named. Of an ended run's `rows`, those without an outcome are to try again."""
    groups = dict.fromkeys(OutcomeGroup, 0)
    for outcome, number in counts.items():
        groups[group_of(outcome)] += number
    groups[OutcomeGroup.TRY_AGAIN] += max(0, rows - sum(counts.values()))
    return groups


def needs_attention(counts: Mapping[str, int], rows: int = 0) -> int:
    """Rows that are anything but good: the number that page and terminal say. `rows` as in `group_counts`."""
    groups = group_counts(counts, rows)
    return sum(groups.values()) - groups[OutcomeGroup.GOOD]


def cut_off(counts: Mapping[str, int]) -> int:
    """Rows whose answer the output limit cut off."""
    return sum(counts.get(outcome, 0) for outcome in CUT_OFF)


def is_mostly_cut_off(counts: Mapping[str, int], rows: int) -> bool:
    """Whether more than a tenth of a run's rows were cut off: nobody may call that a success."""
    return cut_off(counts) > CUT_OFF_SHARE * rows


def run_group(state: RunState, counts: Mapping[str, int], rows: int, held_back: int = 0) -> RunGroup:
    """Where a run stands, by its state, its rows' newest outcomes and how many its budget keeps from being sent."""
    if not state.ended:
        return RunGroup.RUNNING
    if state is not RunState.FINISHED:
        return RunGroup.ENDED_EARLY
    if held_back:
        return RunGroup.DECIDE
    groups = group_counts(counts, rows)
    if is_mostly_cut_off(counts, rows):
        return RunGroup.TRY_AGAIN
    if groups[OutcomeGroup.DECIDE] or groups[OutcomeGroup.LOST]:
        return RunGroup.DECIDE
    return RunGroup.TRY_AGAIN if groups[OutcomeGroup.TRY_AGAIN] else RunGroup.GOOD


def ending_words(state: RunState, counts: Mapping[str, int], rows: int, error: str = "", held_back: int = 0) -> str:
    """How a run ended, in a few words: "finished", "finished, 6 to decide", "cancelled after 812 of 1,200"."""
    groups = group_counts(counts, rows)
    if state is RunState.CANCELLED:
        served = rows - sum(counts.get(outcome, 0) for outcome in (Outcome.MISSING, Outcome.NO_RESPONSE))
        return f"cancelled after {served if counts else 0:,} of {rows:,}"
    if state is RunState.FAILED:
        return f"failed: {_first_sentence(error)}" if error else "failed"
    if held_back:
        return held_back_words(held_back)
    if is_mostly_cut_off(counts, rows):
        return f"finished, {cut_off(counts):,} of {rows:,} cut off"
    for group in (OutcomeGroup.DECIDE, OutcomeGroup.LOST, OutcomeGroup.TRY_AGAIN):
        if groups[group]:
            return f"finished, {groups[group]:,} {group}"
    return "finished"


def held_back_words(rows: int) -> str:
    """How a run ended whose budget keeps so many rows from being sent."""
    return f"stopped at its budget, {rows:,} row{'' if rows == 1 else 's'} not sent"


def _first_sentence(text: str) -> str:
    """A message's first sentence, to stand behind a colon."""
    sentence = text.partition(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence
