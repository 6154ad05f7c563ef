"""An error of a row is worth another try or not, by its text and else by its code."""

from __future__ import annotations

import json

import pytest

from batch.model import Outcome, Usage
from batch.responses.outcome_tables import GRPC_CODES
from batch.responses.outcomes import classify
from batch.responses.row_errors import CANCELLED_MESSAGE, as_cancelled


@pytest.mark.parametrize("code", sorted(GRPC_CODES))
def test_every_grpc_code_keeps_its_words(code: int) -> None:
    row = classify(json.dumps({"key": "a", "error": {"code": code, "message": "because"}}).encode())
    assert (row.error_code, row.error_message, row.outcome) == (code, "because", GRPC_CODES[code][1])


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ({"code": 3, "message": "Unable to process input image. Please retry or report it."}, Outcome.ERROR_TRANSIENT),
        ({"code": 3, "message": "Unable to process input image."}, Outcome.ERROR_PERMANENT),
        (
            {"code": 9, "message": "The File x is not in an ACTIVE state and usage is not allowed."},
            Outcome.ERROR_TRANSIENT,
        ),
        ({"code": 9, "message": "Precondition check failed."}, Outcome.ERROR_PERMANENT),
        ({"code": 1}, Outcome.ERROR_TRANSIENT),
        ({"code": 1, "message": "The operation was cancelled."}, Outcome.ERROR_TRANSIENT),
        ({"code": 8, "message": "Your prepayment credits are depleted."}, Outcome.ERROR_TRANSIENT),
        ({"code": 13, "message": "The specified schema has too many states for serving."}, Outcome.ERROR_PERMANENT),
        ({"code": 99, "message": "This model is currently experiencing high demand."}, Outcome.ERROR_TRANSIENT),
        ({"message": "Please try again later."}, Outcome.ERROR_TRANSIENT),
        ({"code": 99, "message": "Something new."}, Outcome.UNKNOWN),
    ],
)
def test_the_text_of_an_error_decides_before_its_code(error: dict[str, object], outcome: Outcome) -> None:
    assert classify(json.dumps({"key": "a", "error": error}).encode()).outcome is outcome


@pytest.mark.parametrize(
    ("code", "message", "outcome"),
    [
        (3, "Unable to process the input audio. Please retry or report it.", Outcome.ERROR_TRANSIENT),
        (9, "The File abc is not in an ACTIVE state and usage is not allowed.", Outcome.ERROR_TRANSIENT),
        (5, "The model is experiencing high demand.", Outcome.ERROR_TRANSIENT),
        (3, "The input image is too large.", Outcome.ERROR_PERMANENT),
        (9, "User location is not supported for the API use.", Outcome.ERROR_PERMANENT),
    ],
)
def test_the_text_of_an_error_decides_where_it_tells(code: int, message: str, outcome: Outcome) -> None:
    row = classify(json.dumps({"key": "a", "error": {"code": code, "message": message}}).encode())
    assert (row.outcome, row.error_code) == (outcome, code)


def test_a_row_that_a_cancel_came_before_is_no_error() -> None:
    unserved = as_cancelled(classify(b'{"key":"a","error":{"code":1}}'))
    assert (unserved.outcome, unserved.error_message) == (Outcome.NO_RESPONSE, CANCELLED_MESSAGE)
    assert unserved.usage == Usage(), "nothing was billed, which is not the same as not known"
    for line in (b'{"key":"a","error":{"code":13}}', b'{"key":"a","response":{"candidates":[]}}'):
        assert as_cancelled(classify(line)) == classify(line)
