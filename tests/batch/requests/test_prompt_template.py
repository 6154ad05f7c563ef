"""Templates fill in cells, name what is wrong with them, and keep a shared beginning apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import InputError
from batch.requests.prompt_template import compile_template, default_template

NAMES = ["name", "Product Group", "text"]


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("Hello {{name}}!", "Hello A!"),
        ("{{ name }}{{text}}{{name}}", "ACA"),
        ("{{product group}}: {{TEXT}}", "B: C"),
        ('{"x": {"y": "{{name}}"}}', '{"x": {"y": "A"}}'),
        ("{{{{name}} is {{name}}", "{{name}} is A"),
        ("{name} {{name}}", "{name} A"),
        ("a }} b {{name}}", "a }} b A"),
        ("{{\nname\n}}", "A"),
    ],
)
def test_a_template_is_filled_in(template: str, rendered: str) -> None:
    compiled = compile_template(template, NAMES)
    assert compiled.render([["A", "B", "C"][n] for n in compiled.columns]) == rendered


def test_cells_are_never_read_as_templates() -> None:
    compiled = compile_template("{{name}} {{text}}", NAMES)
    assert compiled.render(["{{text}}", "\\1 %s {0}"]) == "{{text}} \\1 %s {0}"


@pytest.mark.parametrize(
    ("template", "fault", "remedy"),
    [
        ("{{nmae}}", 'no column "nmae"', 'Did you mean "name"?'),
        ("{{zzz}}", 'no column "zzz"', '"Product Group"'),
        ("no column at all", "names no column", "{{name}}"),
        ("only {text}", "names no column", "{{text}}"),
        ("{{name", "not closed", "}}"),
        ("{{name}} {{text", "not closed", "}}"),
        ("{{}}", 'no column ""', "columns are"),
    ],
)
def test_a_template_that_cannot_be_meant_is_refused(template: str, fault: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        compile_template(template, NAMES)
    assert fault in str(caught.value)
    assert remedy in caught.value.remedy


def test_a_long_constant_beginning_is_kept_apart_up_to_its_last_newlines() -> None:
    guide = "One rule of many.\n" * 20
    compiled = compile_template(guide + "\n\nTicket: {{name}}", NAMES)
    assert compiled.prefix_chars == len(guide) + 2
    assert compile_template("Short.\n{{name}}", NAMES).prefix_chars == 0
    assert compile_template("no newline " * 40 + "{{name}}", NAMES).prefix_chars == 0
    assert compile_template("{{name}}\n" + guide, NAMES).prefix_chars == 0


def test_the_one_obvious_column_is_the_prompt() -> None:
    assert default_template(["id", "Question", "answer"], None).columns == (1,)
    assert default_template(["anything"], None).columns == (0,)
    assert default_template(["key", "anything"], 0).columns == (1,)


@pytest.mark.parametrize("names", [["a", "b"], ["prompt", "text"], []])
def test_without_one_obvious_column_a_template_is_asked_for(names: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        default_template(names, None)
    assert "which column" in str(caught.value)
    assert all(name in caught.value.remedy for name in names)


@given(cells=st.lists(st.text(), min_size=3, max_size=3))
def test_every_cell_arrives_as_it_is(cells: list[str]) -> None:
    compiled = compile_template("<{{text}}|{{name}}|{{Product Group}}>", NAMES)
    assert compiled.render([cells[n] for n in compiled.columns]) == f"<{cells[2]}|{cells[0]}|{cells[1]}>"
