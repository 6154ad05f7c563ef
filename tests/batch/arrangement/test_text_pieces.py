"""Pieces of long lines: cut where sentences, labels and tags are, the same wherever the text stands."""

from __future__ import annotations

import json
from random import Random

import pytest

from batch.arrangement.text_pieces import LONG_PIECE_BYTES, line_before, line_behind, split_pieces
from tests.shared_layouts import one_line, prose


def body(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()[1:-1]


def pieces_of(text: str) -> list[str]:
    pieces, starts = split_pieces(body(text))
    for piece, start in zip(pieces, starts, strict=False):
        assert body(text)[start : start + len(piece)] == piece
    assert starts == sorted(starts) and len(starts) == len(pieces) + 1
    return [json.loads(b'"%b"' % piece) for piece in pieces]


def test_short_lines_are_pieces_as_they_are() -> None:
    assert pieces_of("One. Two.\n\nContext: three") == ["One. Two.", "", "Context: three"]


def test_a_long_line_is_cut_at_sentences_labels_and_tags() -> None:
    filler = "It goes on. " * 20
    assert pieces_of(f'Why (so)? He said "no." Context: {filler}Answer:')[:3] == [
        "Why (so)?",
        'He said "no."',
        "Context:",
    ]
    assert pieces_of(f"<question>Why?</question><doc>{filler}</doc>")[:4] == [
        "<question>",
        "Why?</question>",
        "<doc>",
        "It goes on.",
    ]
    assert pieces_of("質問：なぜ？" + "契約書。" * 60)[:3] == ["質問：", "なぜ？", "契約書。"]


@pytest.mark.parametrize("letters", ["契約書請求通知期間", "ab c"])
def test_what_has_no_sentences_is_cut_by_its_letters_alike_wherever_it_stands(letters: str) -> None:
    draw = Random(5)
    text = "".join(draw.choice(letters) for _ in range(4000))
    alone, behind = pieces_of(text), pieces_of(f"No. 17 says x{text}")
    assert len(set(alone) & set(behind)) > 0.8 * len(alone) and max(map(len, alone)) < 2 * LONG_PIECE_BYTES


def test_the_same_sentences_are_found_behind_other_questions() -> None:
    text = one_line(prose(3, 600))
    first, second = (set(pieces_of(f"{asked} {text}")) for asked in ("Why?", "Say what it is about, in short."))
    assert len(first & second) >= len(first) - 1


def test_what_stands_beside_a_place_in_its_line() -> None:
    text = body("one\ntwo three\nfour")
    at = text.index(b"three")
    assert (line_before(text, at), line_behind(text, at)) == (b"two ", b"three")
