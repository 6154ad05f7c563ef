"""The command line's verbs lead to functions."""

from __future__ import annotations

import importlib

import pytest

from batch.arrangement.rules import Rule
from terminal.arguments.parser import build_parser, read_arguments

SENT = ["prompts.txt", "--model", "gemini-3.8-flash"]
VERBS = {"plan": SENT, "submit": SENT, "show": ["R"], "results": ["R", "--out", "r.csv"], "cancel": ["R"]}
VERBS |= {"retry": ["R"], "recover": [], "runs": [], "caches": [], "spend": [], "resume": [], "page": []}
VERBS |= {"backup": ["c.tar"], "restore": ["c.tar"], "adopt-folder": ["F"], "audit": ["--out", "a.csv"]}
VERBS |= {"rename": ["R", "name"], "tag": ["R", "+a", "-b"]}
VERBS |= {"raise-budget": ["R", "5"]}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_a_function_of_its_module(verb: str) -> None:
    options = build_parser().parse_args([verb, *VERBS[verb]])
    module = importlib.import_module(f"terminal.verbs.{options.module}")
    assert callable(getattr(module, options.verb))


def test_no_verb_is_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["no-such-verb"])
    choices = capsys.readouterr().err.rpartition("choose from")[2]
    assert {word.strip(" '\")\n") for word in choices.split(",")} == VERBS.keys()


def test_tags_are_added_and_taken_by_their_sign(capsys: pytest.CaptureFixture[str]) -> None:
    options = build_parser().parse_args(["tag", "R", "+a", "--json", "-b c"])
    assert (options.run, options.changes, options.json, options.rehearse) == ("R", ["+a", "-b c"], True, False)
    for wrong in (["R"], ["R", "a"], ["R", "+"], ["R", "--b"]):
        with pytest.raises(SystemExit):
            build_parser().parse_args(["tag", *wrong])
    assert "+new adds one" in capsys.readouterr().err


def test_a_file_behind_the_word_rearrange_is_no_rule() -> None:
    assert read_arguments(["plan", *SENT]).rearrange is None
    options = read_arguments(["plan", "--rearrange", *SENT])
    assert (options.rearrange, options.paths) == (frozenset(), ["prompts.txt"])
    assert read_arguments(["plan", "--rearrange=part-first", *SENT]).rearrange == {Rule.PART_FIRST}
    with pytest.raises(SystemExit):
        read_arguments(["plan", "--rearrange=fast", *SENT])
