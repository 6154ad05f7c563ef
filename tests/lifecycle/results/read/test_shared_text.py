"""What prompts have in common at their ends is left out, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.results.read.shared_text import SharedText, shared_text
from lifecycle.results.read.table import DIFFERING, Filter
from tests.ui.small_results import small_results

BEGINS, ENDS = "Translate into German, politely: ", " Answer in one line."
CASES = {
    "nothing": ((), SharedText()),
    "one prompt": ((BEGINS,), SharedText()),
    "a template": ([f"{BEGINS}word {n * 37}{ENDS}" for n in range(20)], SharedText(f"{BEGINS}word ", ENDS)),
    "an odd one out": ([f"{BEGINS}{n * 37}" for n in range(20)] + ["Else"], SharedText(BEGINS)),
    "numbers are not torn": ([f"{BEGINS}100{n}" for n in range(9)], SharedText(BEGINS)),
    "too short to matter": ([f"Say: {n}" for n in range(9)], SharedText()),
    "two halves": ([BEGINS, ENDS] * 5, SharedText()),
}


@pytest.mark.parametrize(("prompts", "shared"), CASES.values(), ids=CASES)
def test_only_what_most_prompts_share_is_left_out(prompts: list[str], shared: SharedText) -> None:
    assert shared_text(prompts) == shared


def test_a_page_shows_what_differs_and_the_whole_prompt_of_who_is_unlike(tmp_path: Path) -> None:
    prompts = {f"k{n}": f"{BEGINS}it's {n * 37}{ENDS}" for n in range(30)} | {"other": "Else"}
    table = small_results(tmp_path / "run", dict.fromkeys(prompts, "ok"), prompts)
    rows, _ = table.page(limit=40, clip=6)
    assert list(rows[DIFFERING])[:3] == ["0", "37", "74"] and rows[DIFFERING].iloc[-1] == "Else"
    whole, _ = table.page(Filter(keys=("k1",)))
    assert whole["prompt"][0] == prompts["k1"] and whole[DIFFERING][0] == "37"
