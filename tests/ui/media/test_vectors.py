"""Vectors are told by number and length, and a row's nearest stand in order."""

from __future__ import annotations

from dataclasses import replace

from lifecycle.results.read.vectors import Neighbour, VectorFacts
from ui.media import vectors

FACTS = VectorFacts(count=120, dimensions=768, model="gemini-embedding-2", task="", normalised=True, zero_vectors=0)


def test_what_matters_in_a_search_is_said() -> None:
    assert vectors.describe(FACTS) == ["Each has length one."]
    odd = replace(FACTS, task="CLUSTERING", normalised=False, zero_vectors=2)
    assert vectors.describe(odd) == [
        "Made for the task CLUSTERING.",
        "They do not have length one; the exports can make it so.",
        "2 vectors are all zeros, near nothing.",
    ]


def test_the_nearest_come_first_and_no_likeness_is_below_none() -> None:
    frame = vectors.nearest_frame([Neighbour(1, "b", "text " * 200, 0.9), Neighbour(2, "c", "other", -0.2)])
    assert frame["Likeness"].tolist() == [0.9, 0.0] and frame["Key"].tolist() == ["b", "c"]
    assert len(frame["Text"][0]) <= vectors.PROMPT_CHARACTERS
