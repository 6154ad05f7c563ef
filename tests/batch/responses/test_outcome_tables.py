"""The tables know every reason and code there is."""

from __future__ import annotations

from google.genai import types

from batch.model import Outcome
from batch.responses.outcome_tables import BLOCK_REASONS, FINISH_REASONS, GRPC_CODES, LABELS, RANK


def test_every_finish_reason_of_the_sdk_has_a_class() -> None:
    assert set(FINISH_REASONS) == {reason.value for reason in types.FinishReason}


def test_every_block_reason_of_the_sdk_has_a_class() -> None:
    assert set(BLOCK_REASONS) == {reason.value for reason in types.BlockedReason}


def test_every_grpc_code_is_transient_or_permanent() -> None:
    assert set(GRPC_CODES) == set(range(17))
    assert all(
        outcome in (Outcome.ERROR_TRANSIENT, Outcome.ERROR_PERMANENT) for _, outcome in list(GRPC_CODES.values())[1:]
    )


def test_every_outcome_has_words_and_a_worth() -> None:
    assert set(LABELS) == set(RANK) == set(Outcome)
    assert max(RANK, key=lambda outcome: RANK[outcome]) is Outcome.ANSWERED
    assert min(RANK, key=lambda outcome: RANK[outcome]) is Outcome.MISSING
