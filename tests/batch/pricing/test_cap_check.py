"""A limit below what answers need is told with the share that it cuts, and a better one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from batch.pricing.cap_check import cap_warning, describe_share
from batch.pricing.output_lengths import measure
from batch.pricing.workload import OutputAssumption

LENGTHS = measure([100] * 60 + [300] * 30 + [900] * 10)
MEASURED = OutputAssumption(1, 240, "", source="runs", lengths=LENGTHS)


def estimate(*caps: tuple[int | None, int], answers: OutputAssumption = MEASURED) -> Any:
    return SimpleNamespace(answers=answers, caps=caps)


def test_the_share_that_is_cut_and_what_would_fit() -> None:
    warning = cap_warning(estimate((256, 40)), 65_536)
    assert warning is not None and 0.3 < warning.cut <= 0.45
    assert str(warning) == f"A limit of 256 tokens would cut {describe_share(warning.cut)}. 1,024 fits 99 of 100."


def test_a_guess_says_probably_and_speaks_up_later() -> None:
    guess = replace(MEASURED, source="guess")
    assert "would probably cut" in str(cap_warning(estimate((256, 40), answers=guess), None))
    assert cap_warning(estimate((512, 40)), None) and not cap_warning(estimate((512, 40), answers=guess), None)


def test_limits_with_room_and_the_models_own_are_nothing_to_say() -> None:
    assert cap_warning(estimate((1_024, 40)), 65_536) is None
    assert cap_warning(estimate((256, 40)), 256) is None and cap_warning(estimate((None, 40)), 256) is None
    assert cap_warning(estimate((256, 40), answers=replace(MEASURED, lengths=None)), None) is None


def test_no_limit_is_better_than_the_models_own() -> None:
    warning = cap_warning(estimate((256, 40)), 300)
    assert warning is not None and warning.better == 300


@pytest.mark.parametrize(
    ("share", "said"), [(1 / 3, "1 in 3"), (0.1, "1 in 10"), (0.7, "7 in 10"), (0.99, "nearly all")]
)
def test_shares_are_said_as_people_do(share: float, said: str) -> None:
    assert describe_share(share) == f"{said} answers"
