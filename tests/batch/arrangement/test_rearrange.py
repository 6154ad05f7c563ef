"""Requests arranged otherwise say the same, with what is shared first; what cannot be told apart stays as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.arrangement.rearrange import Rearrangement
from batch.arrangement.rules import ALL_RULES, QUESTION_LABEL, REQUEST_LABEL, SYSTEM_WORD, Rule
from batch.arrangement.shared_text import SharedText
from tests.shared_layouts import LAYOUTS, Layout, batch, prose, says_the_same, shared_texts, user, written_and_best

LABELS = {label.decode() for label in (QUESTION_LABEL, REQUEST_LABEL, SYSTEM_WORD)}
SHARED = shared_texts(1200, 4)


def arranged(lines: list[bytes], rules: frozenset[Rule] = ALL_RULES) -> list[bytes]:
    return list(Rearrangement(SharedText.of(lines), rules).lines(lines))


def contents(line: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(line)["request"]["contents"]
    return found


def parts(line: bytes) -> list[str]:
    return [part.get("text", "file") for part in contents(line)[-1]["parts"]]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_the_same_is_said_and_the_shared_comes_first(layout: Layout) -> None:
    """No line of a text is lost or made up but for the labels, keys stay, and once is enough."""
    written, best = written_and_best([layout], 40, SHARED)
    done = arranged(written)
    for line, other in zip(written, done, strict=True):
        assert says_the_same(line, other, LABELS)
        assert json.loads(line)["key"] == json.loads(other)["key"] and other.endswith(b"}\n")
    beginnings = {line[line.find(b'"request"') :][:200] for line in best}
    assert len({line[line.find(b'"request"') :][:200] for line in done}) == len(beginnings)
    assert arranged(done) == done


def test_rules_that_are_refused_change_nothing() -> None:
    written, _ = written_and_best(LAYOUTS, 10, SHARED)
    assert arranged(written, frozenset()) == written


def test_a_question_stands_behind_its_document_under_a_label() -> None:
    lines = batch([{"contents": user(f"Why {n}?\nTell me.\n\n{SHARED.document(n)}")} for n in range(40)])
    assert parts(arranged(lines)[5]) == [SHARED.document(1) + "\n\n", "About the text above:\nWhy 5?\nTell me."]


def test_questions_asked_of_every_document_are_told_from_the_documents() -> None:
    """Each question and each document stands in many rows; each pair in one."""
    asked = [f"Question: what do you say of the {word}?" for word in ["price", "date", "place", "name", "rate", "sum"]]
    rows = [f"{question}\nHere is the context to be used:\n{text}" for question in asked for text in SHARED.documents]
    done = arranged(batch([{"contents": user(text)} for text in rows]))
    assert {parts(line)[1] for line in done} == {f"About the text above:\n{question}" for question in asked}


def test_what_a_template_says_first_and_last_stays_there() -> None:
    said, closing = "Answer from the document only.", "Give one word of the list yes, no, maybe:"
    rows = [f"{said}\n<q>{n} or what?</q>\n<doc>\n{SHARED.document(n)}\n</doc>\n{closing}\nAnswer:" for n in range(40)]
    first, second = parts(arranged(batch([{"contents": user(text)} for text in rows]))[6])
    assert first == f"{said}\n\n<doc>\n{SHARED.document(2)}\n</doc>\n\n"
    assert second == f"About the text above:\n<q>6 or what?</q>\n\n{closing}\nAnswer:"


def test_a_date_on_top_goes_to_the_end_without_a_label() -> None:
    lines = batch([{"contents": user(f"2026-11-{n:02d} 10:00\n{SHARED.rules}\n\nRow {n}")} for n in range(10, 30)])
    assert parts(arranged(lines)[0]) == [SHARED.rules + "\n\n", "Row 10\n\n2026-11-10 10:00"]


def test_code_whose_lines_stand_in_many_files_stays_whole() -> None:
    """Common lines inside a text are no border, nor are labels ("try:") or closers among them."""

    common = ["    def __init__(self) -> None:", "        return None", "try:", "}", "---", "    except ValueError:"]

    def code(seed: int) -> str:
        own = prose(seed, 1500).split("\n")
        return (
            "\n".join("\n".join((line, *common[n % 6 :][: n % 3])) for n, line in enumerate(own))
            + f"\nThis was file {seed} of them all."
        )

    files = [code(seed) for seed in range(5)]
    lines = batch([{"contents": user(f"What of {n}?\n\n{files[n % 5]}\n\nAnswer:")} for n in range(60)])
    for n, line in enumerate(arranged(lines)):
        assert parts(line) == [files[n % 5] + "\n\n", f"About the text above:\nWhat of {n}?\n\nAnswer:"]


@pytest.mark.parametrize(
    "change",
    [
        {"cachedContent": "cachedContents/x"},
        {"contents": [*user("Hello"), {"role": "model", "parts": [{"text": prose(1, 900)}]}]},
        {"contents": user('{"question": "why?",\n"context": "' + prose(7, 900) + '"}')},
    ],
)
def test_what_must_not_be_touched_is_not(change: dict[str, Any]) -> None:
    """Requests that name a cache, that end with a model's turn, and texts that are JSON."""
    lines = batch([{"contents": user(f"Why {n}?\n\n{SHARED.rules}"), **change} for n in range(20)])
    assert arranged(lines) == lines


def test_answers_of_functions_are_not_moved() -> None:
    exchange = [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"x": SHARED.rules}}}]},
    ]
    lines = batch([{"contents": [*user(f"Why {n}?", SHARED.rules), *exchange]} for n in range(20)])
    assert arranged(lines) == lines


def test_only_lines_that_differ_leave_a_system_instruction() -> None:
    def system(n: int) -> dict[str, Any]:
        text = f"Be kind.\nCustomer:\nAnna {n}\n{SHARED.rules}"
        return {"systemInstruction": {"parts": [{"text": text}]}, "contents": user("Why?")}

    line = json.loads(arranged(batch([system(n) for n in range(20)]))[3])["request"]
    assert line["systemInstruction"] == {"parts": [{"text": f"Be kind.\n{SHARED.rules}"}]}
    assert [part["text"] for part in line["contents"][0]["parts"]] == [
        "Why?",
        "For this request:\nCustomer:\nAnna 3",
    ]


def test_rows_of_one_batch_may_be_arranged_by_several_rules() -> None:
    written, _ = written_and_best(LAYOUTS, 20, SHARED)
    rearrangement = Rearrangement(SharedText.of(written))
    assert len(list(rearrangement.lines(written))) == len(written)
    assert set(rearrangement.moved) == ALL_RULES
