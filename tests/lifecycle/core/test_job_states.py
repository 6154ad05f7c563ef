"""One table says what each job state means, and it is total."""

from __future__ import annotations

from google.genai.types import JobState

from lifecycle.core import job_states
from lifecycle.core.job_states import JobAction, action_for


def test_every_state_of_the_sdk_is_in_the_table() -> None:
    for state in JobState:
        assert state.value in job_states.JOB_STATES, state


def test_partly_succeeded_is_collected_although_the_sdk_does_not_count_it_as_done() -> None:
    assert action_for("JOB_STATE_PARTIALLY_SUCCEEDED") is JobAction.COLLECT


def test_a_state_we_do_not_know_means_still_waiting_and_is_quoted() -> None:
    assert action_for("BATCH_STATE_DREAMING") is JobAction.UNKNOWN
    assert "BATCH_STATE_DREAMING" in job_states.describe_job_state("BATCH_STATE_DREAMING")
