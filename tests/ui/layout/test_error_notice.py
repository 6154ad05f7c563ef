"""A page of which a part fails stays a page."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from ui.layout import error_notice


def _page_with_a_bug() -> None:
    import streamlit as st

    from ui.layout import error_notice

    with error_notice.section("first"):
        int("a bug")
    with error_notice.section("second"):
        st.write("the rest")


def _page_without_a_database() -> None:
    import streamlit as st

    from batch.errors import BatchRunnerError
    from ui.layout import error_notice

    try:
        with error_notice.section("first"):
            raise BatchRunnerError("The database is away.", "Wait.")
    except BatchRunnerError as error:
        error_notice.show(error)
        st.stop()


def test_what_comes_after_a_part_that_fails_is_drawn() -> None:
    at = AppTest.from_function(_page_with_a_bug).run()
    assert not at.exception
    assert at.error[0].value == error_notice.UNEXPECTED
    assert at.markdown[0].value == "the rest"


def test_a_database_that_is_away_is_told_once() -> None:
    at = AppTest.from_function(_page_without_a_database).run()
    assert not at.exception
    assert at.warning[0].value.startswith("The database is away")


@pytest.mark.parametrize(("fragments", "kept"), [(None, ["drawn"]), (["drawn"], ["drawn", "not drawn"])])
def test_what_ticked_in_a_place_that_is_gone_ticks_no_more(
    monkeypatch: pytest.MonkeyPatch, fragments: list[str] | None, kept: list[str]
) -> None:
    """A fragment that fails leaves the others alone: all of the page but itself stands."""
    stored = ["drawn", "not drawn"]

    def clear(new_fragment_ids: frozenset[str]) -> None:
        stored[:] = [name for name in stored if name in new_fragment_ids]

    ids = SimpleNamespace(snapshot=lambda: frozenset({"drawn"}))
    context = SimpleNamespace(
        fragment_ids_this_run=fragments,
        fragment_storage=SimpleNamespace(clear=clear),
        shared=SimpleNamespace(new_fragment_ids=ids),
    )
    monkeypatch.setattr(error_notice, "get_script_run_ctx", lambda: context)
    error_notice.forget_fragments_not_drawn()
    assert stored == kept
