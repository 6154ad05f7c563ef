"""A typed line of fields is read as a person means it, and what was understood can be told back."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batch.fields.answer_field import AnswerField, FieldType
from batch.fields.field_line import read_line
from batch.fields.line_writer import write_line
from batch.fields.parse import parse_fields
from batch.fields.type_words import LIST_OF, ONE_OF

LIST, WHOLE, NUMBER, CHOICE, DATE = FieldType.LIST, FieldType.WHOLE, FieldType.NUMBER, FieldType.CHOICE, FieldType.DATE


def choice(name: str, *choices: str, **others: Any) -> AnswerField:
    return AnswerField(name, CHOICE, choices, **others)


A_NUMBER = AnswerField("", NUMBER)
MOOD = AnswerField("mood", FieldType.CHOICE, ("good", "bad"))
SCALE = AnswerField("urgency", FieldType.WHOLE, minimum=1, maximum=5)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("mood: good | bad; urgency: 1..5; product", [MOOD, SCALE, AnswerField("product")]),
        ("mood: good|bad, urgency: 1-5, product", [MOOD, SCALE, AnswerField("product")]),
        ("- mood: good | bad\n- urgency (1..5)\n\n3. product: text", [MOOD, SCALE, AnswerField("product")]),
        ("mood, product", [AnswerField("mood"), AnswerField("product")]),
        ("mood: good, bad", [MOOD]),
        ("mood: good or bad, x", [MOOD, AnswerField("x")]),
        ("mood: one of good or bad", [MOOD]),
        ("mood: good/bad", [MOOD]),
        ("mood = good | bad", [MOOD]),
        ("mood (good | bad)", [MOOD]),
        ('mood: "good" | "bad"', [MOOD]),
        ('m: "a; b" | "c, d" | e', [choice("m", "a; b", "c, d", "e")]),
        ("m: a, b, or c", [choice("m", "a", "b", "c")]),
        ("m: a, b or c, urgency 1..5", [choice("m", "a", "b", "c"), SCALE]),
        ("mood: good (praise) | bad", [choice("mood", "good", "bad", note="good: praise")]),
        ("mood: good | bad (of the customer)", [choice("mood", "good", "bad", note="of the customer")]),
        ("ok: yes/no; b: true | false; c: yes or no", [AnswerField(n, FieldType.YES_NO) for n in ("ok", "b", "c")]),
        ("due: date; i: integer", [AnswerField("due", DATE), AnswerField("i", WHOLE)]),
        ("share: number from 0 to 1", [AnswerField("share", NUMBER, minimum=0, maximum=1)]),
        ("share: 0.0..1.0", [AnswerField("share", NUMBER, minimum=0, maximum=1)]),
        ("n: >= 3; m: at most 7", [AnswerField("n", WHOLE, minimum=3), AnswerField("m", WHOLE, maximum=7)]),
        ("u: 1 | 2 | 3", [AnswerField("u", WHOLE, minimum=1, maximum=3)]),
        ("u: 10 | 20", [choice("u", "10", "20")]),
        ("tags: list; t: list of text; u: text[]", [AnswerField(n, LIST) for n in ("tags", "t", "u")]),
        ("t: list of whole number", [AnswerField("t", LIST, items=AnswerField("", WHOLE))]),
        ("t: list of (a | b), 1..3", [AnswerField("t", LIST, items=choice("", "a", "b"), minimum=1, maximum=3)]),
        ("p?; q: text or empty; r: text, optional", [AnswerField(name, required=False) for name in "pqr"]),
        ("s: date?", [AnswerField("s", DATE, required=False)]),
        ("m: a | b | null", [choice("m", "a", "b", required=False)]),
        ("p - the customer's own words", [AnswerField("p", note="the customer's own words")]),
        ("p: text at most 20 words", [AnswerField("p", note="at most 20 words")]),
        ("p: the name of the product", [AnswerField("p", note="the name of the product")]),
        ("Größe: Zahl; 人数: ganze Zahl", [AnswerField("Größe", NUMBER), AnswerField("人数", WHOLE)]),
        ("t: Liste von Texten; am: Datum", [AnswerField("t", LIST), AnswerField("am", DATE)]),
        ("t: list of list of numbers", [AnswerField("t", LIST, items=AnswerField("", LIST, items=A_NUMBER))]),
        ("m: Auswahl aus a | b", [choice("m", "a", "b")]),
        ("u: von 1 bis 5", [AnswerField("u", WHOLE, minimum=1, maximum=5)]),
        ("s: 0,5..9,5", [AnswerField("s", NUMBER, minimum=0.5, maximum=9.5)]),
        ("s: 0,5 bis 1", [AnswerField("s", NUMBER, minimum=0.5, maximum=1)]),
        ("p: 0-100 %", [AnswerField("p", WHOLE, minimum=0, maximum=100)]),
        ("p: between 1 and 3", [AnswerField("p", WHOLE, minimum=1, maximum=3)]),
        ("name\te-mail\tphone number", [AnswerField("name"), AnswerField("e-mail"), AnswerField("phone number")]),
        ("land: " + " | ".join(f"Land {n}" for n in range(300)), [choice("land", *(f"Land {n}" for n in range(300)))]),
    ],
)  # fmt: skip
def test_a_line_is_read_as_it_is_meant(text: str, fields: list[AnswerField]) -> None:
    assert read_line(text)[0] == fields


@pytest.mark.parametrize(
    ("text", "fault", "remedy"),
    [
        ("urgency: nubmer", '"urgency" has the type "nubmer"', 'Did you mean "number"?'),
        ("tags: list of nubmer", 'the type "nubmer"', "number"),
        ("good | bad", 'The choices "good | bad" have no name', "name: good | bad"),
        (": text", "There is no name", "before the colon"),
        ("a: (b", "A bracket is not closed", '")"'),
        ('a: "b | c', "A quotation is not closed", '"'),
        ("a; A", 'Two fields are called "A"', "Rename"),
        ("a: x | ", 'A choice of "a" is empty', "first | second"),
        ("a: x | x", 'has the choice "x" twice', "Keep one"),
        ("a: 5..1", "goes from 5 down to 1", "1..5"),
        ("a: 1..9999999999999999", "too large", "Leave it out"),
        ("a" * 90, "too long", "note"),
        ("; ".join(f"f{n}" for n in range(101)), "101 fields", "100 at most"),
        ("", "There are no fields", "sentiment"),
    ],
)
def test_a_problem_names_the_place_and_the_remedy(text: str, fault: str, remedy: str) -> None:
    reading = parse_fields(text)
    assert not reading.schema
    assert fault in reading.problems[0].fault
    assert remedy in reading.problems[0].remedy


def test_what_was_guessed_is_said() -> None:
    assert "its choices" in read_line("mood: good, bad")[1][0]
    assert "is its note" in read_line("p: the name")[1][0]
    assert 'end a field with ";"' in read_line("mood: a | b - as he feels, urgency: 1..5")[1][0]


def test_understanding_is_told_in_words() -> None:
    reading = parse_fields("mood: good | bad - how he feels; n: 1..5; tags: list of text, 1..3; due: date?")
    assert reading.describe() == [
        "mood: one of good, bad (how he feels)",
        "n: whole number from 1 to 5",
        "tags: list with 1 to 3 of text",
        "due: date (YYYY-MM-DD), may be empty",
    ]


WORD = st.text(st.characters(blacklist_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=12).map(
    lambda text: " ".join(text.split())
).filter(lambda text: text and not set(text) & set("\"`«»"))  # fmt: skip
NAME = WORD.filter(lambda name: name.isprintable())
BOUNDS = st.tuples(st.none() | st.integers(-50, 0), st.none() | st.integers(1, 50))
NOTE = st.sampled_from(["", "what the customer wants", "5 is the worst, 1 the best"])


def scalar(name: str) -> st.SearchStrategy[AnswerField]:
    plain = st.sampled_from([FieldType.TEXT, FieldType.DATE, FieldType.YES_NO, FieldType.NUMBER])
    number = st.builds(
        lambda kind, bounds: AnswerField(name, kind, minimum=bounds[0], maximum=bounds[1]),
        st.sampled_from([FieldType.NUMBER, FieldType.WHOLE]),
        BOUNDS,
    )
    choice = st.lists(
        WORD.filter(lambda word: word.casefold() not in ("null", "none", "empty", "nil", "undefined")),
        min_size=1,
        max_size=4,
        unique_by=str.casefold,
    ).filter(
        lambda words: (
            {w.casefold() for w in words} not in ({"yes", "no"}, {"true", "false"}, {"y", "n"})
            and not all(w.isdigit() for w in words)
        )
    )
    return st.one_of(
        plain.map(lambda kind: AnswerField(name, kind)),
        number,
        choice.map(lambda words: AnswerField(name, FieldType.CHOICE, tuple(words))),
    )


FIELD = NAME.flatmap(
    lambda name: st.one_of(
        scalar(name),
        st.builds(
            lambda held, bounds: AnswerField(
                name,
                FieldType.LIST,
                items=None if held == AnswerField("") else held,
                minimum=bounds and 1,
                maximum=bounds,
            ),
            scalar(""),
            st.none() | st.integers(1, 9),
        ),
    )
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@example([AnswerField("a", FieldType.CHOICE, ("EINE VON", "or"))], "", False)
@given(st.lists(FIELD, min_size=1, max_size=5, unique_by=lambda field: field.name.casefold()), NOTE, st.booleans())
def test_fields_written_as_a_line_are_read_the_same(fields: list[AnswerField], note: str, required: bool) -> None:
    fields[-1] = replace(fields[-1], note=note, required=required)
    assert read_line(write_line(fields))[0] == fields


@pytest.mark.parametrize("words", [*ONE_OF, *LIST_OF])
def test_a_choice_that_is_called_like_the_beginning_of_a_type_is_a_choice(words: str) -> None:
    fields = [choice("a", words.strip(), "b"), choice("c", words.strip().upper(), "d", required=False)]
    assert read_line(write_line(fields))[0] == fields


@given(st.text(st.sampled_from("ab:;|,()[]{}<>\"'`-=?./ \n1x")))
def test_no_text_is_an_exception(text: str) -> None:
    reading = parse_fields(text)
    assert bool(reading.problems) == (not reading.schema)


@pytest.mark.parametrize(
    "piece", ["'", '"', "(", ")", "a|", "a,", "a:", "- ", "('", "a/", "1..", " or ", "[", "list of ", "{a:"]
)
def test_reading_takes_time_in_proportion_to_the_text(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    started = time.process_time()
    parse_fields(text)
    assert time.process_time() - started < 3
