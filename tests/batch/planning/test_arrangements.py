"""A batch under rules is read with stand-ins for what rows share, and comes out as if its lines were read whole."""

from __future__ import annotations

from functools import partial
from io import BytesIO

import numpy as np
import pytest

from batch.arrangement import stand_ins
from batch.arrangement.rearrange import Rearrangement
from batch.arrangement.rules import ALL_RULES
from batch.arrangement.shared_text import SharedText
from batch.planning.arrangements import ArrangedLines
from batch.prefixes.forest import find_prefixes
from batch.prefixes.locate import lines_at
from tests.shared_layouts import LAYOUTS, shared_texts, written_and_best

SHARED = shared_texts(1200, 4)


@pytest.mark.parametrize("split", ["part", "text"])
@pytest.mark.parametrize("room", [1 << 25, 9_000])
def test_lines_with_stand_ins_have_the_prefixes_of_whole_lines(
    split: str, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_ins, "MOST_BYTES", room)
    stood_in = 0
    for layout in LAYOUTS:
        written, _ = written_and_best([layout], 60, SHARED)
        rearrangement = Rearrangement(SharedText.of(written)).with_rules(ALL_RULES)
        arranged = ArrangedLines(partial(BytesIO, b"".join(written)), rearrangement)
        found = find_prefixes(arranged, split)
        moved = dict(rearrangement.moved)
        whole = list(arranged())
        assert rearrangement.moved == moved
        expected = find_prefixes(whole.copy, split)
        for name in vars(expected.forest):
            assert np.array_equal(getattr(found.forest, name), getattr(expected.forest, name)), (layout, name)
        assert np.array_equal(found.tokens, expected.tokens)
        assert np.array_equal(found.duplicate_of, expected.duplicate_of)
        assert list(lines_at(arranged(), found.offset.tolist())) == whole
        stood_in += sum(map(len, whole)) > 2 * int(found.offset[-1])
    assert stood_in > len(LAYOUTS) / 3 or room < 1 << 25
