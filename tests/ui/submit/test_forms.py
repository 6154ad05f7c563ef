"""What is given decides the form."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import give_files, page_text, press

LINE = b'{"key": "a", "request": {"contents": [{"parts": [{"text": "fine"}]}]}}\n'
SEEN = {
    "t.csv": (b"city,river\nBern,Aare\n", "template"),
    "r.jsonl": (LINE, "can be sent"),
}


def test_the_form_follows_what_was_given(composer: AppTest) -> None:
    for name, (data, seen) in SEEN.items():
        give_files(composer, {name: data})
        areas = [str(area.key) for area in composer.text_area]
        assert (seen in areas) or seen in page_text(composer)
        assert "prompts" not in areas and not composer.error


def test_typed_prompts_and_a_file_are_both_kept(composer: AppTest) -> None:
    composer.text_area(key="prompts").set_value("one").run()
    give_files(composer, {"r.jsonl": LINE})
    assert "r.jsonl" in page_text(composer).replace("\\", "")
    composer.session_state["mode"] = "Inline"
    composer.run()
    assert composer.text_area(key="prompts").value == "one"
    press(composer, "Use it instead")
    assert composer.session_state["mode"] == "File (JSONL)" and "1 request can be sent" in page_text(composer)


def test_in_either_mode_anything_can_be_dropped_while_nothing_is_here(composer: AppTest) -> None:
    for mode in ("Inline", "File (JSONL)"):
        composer.session_state["mode"] = mode
        composer.run()
        assert composer.get("bidi_component"), mode
