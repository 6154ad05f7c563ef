"""What is shown of errors and of others' texts is text, and nothing else."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from ui.shared.notices import WORD_JOINER, escape_markdown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain words", "plain words"),
        ("[click](x)", r"\[click\]\(x\)"),
        ("**bold** `code` $1$ :red[x]", r"\*\*bold\*\* \`code\` \$1\$ \:red\[x\]"),
        ("https://a.example", rf"https\:{WORD_JOINER}//a\.example"),
        ("WWW.a.example", rf"WWW{WORD_JOINER}\.a\.example"),
        ("me@a.example", rf"me@{WORD_JOINER}a\.example"),
        ("<b>", r"\<b\>"),
    ],
)
def test_nothing_of_a_text_is_markup(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped


def script() -> None:
    import streamlit as st

    from batch.errors import InputError
    from ui.shared import notices

    def fail() -> None:
        raise ValueError("a bug") if st.session_state.get("bug") else InputError("It is empty.", "Choose another.")

    with notices.errors_to_notice("submit"):
        fail()
    notices.draw("submit")
    notices.draw("results")
    notices.clear("submit")
    notices.draw("submit")


def test_an_error_of_ours_is_told_in_its_place_until_it_is_cleared() -> None:
    at = AppTest.from_function(script).run()
    assert [error.value for error in at.error] == [r"It is empty\. Choose another\."]
    assert not at.exception


def test_a_bug_stays_a_bug() -> None:
    at = AppTest.from_function(script)
    at.session_state["bug"] = True
    assert at.run().exception and not at.error
