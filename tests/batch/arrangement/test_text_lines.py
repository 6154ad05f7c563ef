"""Lines of texts as their JSON has them: escapes stay whole, labels and closers are known by how they look."""

from __future__ import annotations

import json

import pytest

from batch.arrangement.text_lines import NEWLINE, is_closer, is_data, is_label, line_starts, split_lines, strip_newlines


def body(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()[1:-1]


@pytest.mark.parametrize(
    "text", ["", "one", "one\ntwo\n\nthree", "C:\\new\\names\nend", "\\\n\\\\n\n", 'say "x"\n', "\\n", "\\\\\n"]
)
def test_lines_are_those_of_the_text(text: str) -> None:
    lines = split_lines(body(text))
    assert [json.loads(b'"%b"' % line) for line in lines] == text.split("\n")
    assert NEWLINE.join(lines) == body(text)
    assert [body(text)[start:][: len(line)] for start, line in zip(line_starts(lines), lines, strict=False)] == lines


@pytest.mark.parametrize("text", ["\n\none\n\n", "one\\n", "\r\none\r\n", "\n", "one\\\n", "C:\\new"])
def test_newlines_at_the_ends_are_taken_off(text: str) -> None:
    assert json.loads(b'"%b"' % strip_newlines(body(text))) == text.strip("\r\n")


def test_what_opens_and_what_closes() -> None:
    labels = ["Context:", "<document>", "## Text", "```json", "---", '"""', "**Question:**", "问题：", "[DOC]"]
    assert all(is_label(body(line)) for line in labels)
    assert all(is_closer(body(line)) for line in ["</document>", "```", "---", '"""', "[/DOC]"])
    assert not any(is_label(body(line)) for line in ["What is it?", "</document>", "A: b", "x" * 90 + ":"])


def test_a_date_or_a_number_is_no_question() -> None:
    assert all(is_data(body(text)) for text in ["2026-11-29T10:00:00Z id=7", "Request 12", "Name: Anna\nAge: 7"[-6:]])
    assert not any(
        is_data(body(text)) for text in ["", "Is it 7?", "Say what the contract of 2026 is about in general"]
    )
