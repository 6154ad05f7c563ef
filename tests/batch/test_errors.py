"""What a user is told of an error."""

from __future__ import annotations

import pytest

from batch.errors import BatchRunnerError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (BatchRunnerError("The key is not valid.", "Check it."), "The key is not valid. Check it."),
        (BatchRunnerError("There is no such run."), "There is no such run."),
    ],
)
def test_an_error_is_described_with_its_remedy_if_there_is_one(error: BatchRunnerError, text: str) -> None:
    assert error.describe() == text
