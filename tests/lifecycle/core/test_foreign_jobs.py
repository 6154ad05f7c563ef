"""A batch job is named as people paste it, and what is no name is refused before anybody is asked."""

from __future__ import annotations

import pytest

from batch.errors import InputError
from lifecycle.core import foreign_jobs


@pytest.mark.parametrize(
    "given", ["batches/abc-1_2", " abc-1_2\n", "https://generativelanguage.googleapis.com/v1beta/batches/abc-1_2"]
)
def test_a_job_is_named_as_people_paste_it(given: str) -> None:
    assert foreign_jobs.job_name(given) == "batches/abc-1_2"


@pytest.mark.parametrize(
    "given", ["", "batches/", "files/abc", "batches/a b", "../batches/..", "batches/a:cancel", "ä"]
)
def test_what_is_no_name_is_refused_before_anybody_is_asked(given: str) -> None:
    with pytest.raises(InputError, match="not a batch job's name"):
        foreign_jobs.job_name(given)
