"""Blocks: long stretches that other texts have, too, cut where they are not together any more."""

from __future__ import annotations

import json

from batch.arrangement.line_counts import LineCounts
from batch.arrangement.shared_blocks import BlockFinder
from batch.arrangement.text_lines import split_lines
from tests.shared_layouts import prose


def blocks_of(texts: list[str], which: int, repeat: int = 1) -> list[str]:
    bodies = [json.dumps(text)[1:-1].encode() for text in texts]
    counts = LineCounts()
    for body in bodies:
        lines = split_lines(body)
        counts.add(list(map(hash, lines)), list(map(len, lines)))
    counts.flush()
    finder = BlockFinder(counts, len(texts))
    for _ in range(repeat):
        layout = finder.layout(bodies[which])
    return [json.loads(b'"%b"' % bodies[which][block.start : block.end]) for block in layout.blocks]


def test_a_block_is_found_and_known_again() -> None:
    document = prose(1, 1000)
    texts = [f"Question {n}: what is it?\n\n{document}\nAnd so on, {n}." for n in range(5)]
    assert blocks_of(texts, 2) == blocks_of(texts, 2, repeat=2) == [document]


def test_what_no_other_text_has_is_none() -> None:
    assert blocks_of([prose(seed, 1000) for seed in range(5)], 0) == []


def test_short_stretches_are_none() -> None:
    assert blocks_of([f"{prose(seed, 1000)}\n{prose(99, 300)}" for seed in range(5)], 0) == []


def test_a_text_that_more_rows_have_is_a_block_of_its_own() -> None:
    rules = prose(99, 1000)
    texts = [f"{prose(n % 4, 1000)}\n\n{rules}\n\nRow {n}" for n in range(40)]
    assert blocks_of(texts, 5) == [prose(1, 1000), rules]
    turned = [f"{rules}\n{prose(n % 4, 1000)}\n\nRow {n}" for n in range(40)]
    assert blocks_of(turned, 5) == [rules, prose(1, 1000)]
