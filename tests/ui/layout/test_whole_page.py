"""On a busy machine a page keeps all its parts, what was clicked, and what was typed."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import MagicMock

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.script_data import ScriptData
from streamlit.runtime.scriptrunner.script_runner import ScriptRunnerEvent
from streamlit.testing.v1 import AppTest

from ui.layout import whole_page

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def mended(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name, mend in whole_page.MENDS:
        monkeypatch.setattr(owner, name, mend(getattr(owner, name)))


def message(text: str, *path: int, fragment: str = "") -> ForwardMsg:
    said = ForwardMsg()
    said.metadata.delta_path.extend(path)
    said.delta.fragment_id = fragment
    said.delta.new_element.text.body = text
    return said


def bodies(queue: ForwardMsgQueue) -> list[str]:
    return [said.delta.new_element.text.body for said in queue.flush()]


def test_a_fragment_that_is_drawn_again_takes_nothing_of_the_whole_page_away() -> None:
    queue = ForwardMsgQueue()
    queue.enqueue(message("of the page", 0, 1))
    queue.enqueue(message("of the fragment", 0, 2, fragment="ticking"))
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["ticking"])
    queue.enqueue(message("a newer one", 0, 2, fragment="ticking"))
    assert bodies(queue) == ["of the page", "of the fragment", "a newer one"]


def test_a_page_that_is_drawn_again_takes_the_place_of_what_was_not_sent() -> None:
    queue = ForwardMsgQueue()
    queue.enqueue(message("of the page", 0, 1))
    queue.clear(retain_lifecycle_msgs=True)
    assert bodies(queue) == []


class Runner:
    """A script runner that does nothing by itself."""

    made: ClassVar[list[Runner]] = []

    def __init__(self, *, initial_rerun_data: Any, **_: Any) -> None:
        self.requests, self.has_ended = [initial_rerun_data], False
        self.on_event = SimpleNamespace(connect=lambda receiver: None)
        Runner.made.append(self)

    def start(self) -> None:
        pass

    def request_stop(self) -> None:
        raise AssertionError("a second thread would be on the same session")

    def request_rerun(self, request: Any) -> bool:
        if not self.has_ended:
            self.requests.append(request)
        return not self.has_ended


@pytest.fixture
def runners(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Runner]]:
    monkeypatch.setattr(app_session, "ScriptRunner", Runner)
    Runner.made = []
    yield Runner.made


def test_requests_wait_in_their_order_for_the_last_words_of_a_runner_that_has_ended(runners: list[Runner]) -> None:
    async def talk() -> list[str]:
        session = AppSession(ScriptData("page.py", True), MagicMock(), MagicMock(), None, {})
        session.request_rerun(ClientState(query_string="first"))
        (first,) = runners
        first.has_ended = True
        session.request_rerun(ClientState(query_string="second"))
        session.request_rerun(ClientState(query_string="third"))
        say = session._handle_scriptrunner_event_on_event_loop
        say(first, ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, message("the last words", 0, 1))  # type: ignore[arg-type]
        say(first, ScriptRunnerEvent.SHUTDOWN)  # type: ignore[arg-type]
        said = bodies(session._browser_queue)
        session._scriptrunner = None
        return said

    assert "the last words" in asyncio.run(talk())
    assert [[request.query_string for request in runner.requests] for runner in runners] == [
        ["first"],
        ["second", "third"],
    ]


def test_a_session_has_one_thread_at_a_time() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["runner"]["fastReruns"] is False


def click_while_another_comes() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    def carry_out() -> None:
        context = get_script_run_ctx()
        assert context is not None and context.script_requests is not None
        context.script_requests.request_rerun(RerunData())  # of another click, a moment later
        st.session_state["begun"] = True
        st.session_state["done"] = True

    st.button("Do it", on_click=carry_out)


def test_what_a_click_asks_for_is_done_whole_though_another_comes_meanwhile() -> None:
    at = AppTest.from_function(click_while_another_comes).run()
    at.button[0].click().run()
    assert not at.exception and "done" in at.session_state


def two_places() -> None:
    import streamlit as st

    if st.session_state.get("away"):
        st.caption("Another place")
    else:
        st.text_input("Find", key="find", persist_state="session")
    if st.session_state.get("cut"):
        st.stop()  # before its end, as by another request


def typed_and_gone(text: str) -> tuple[AppTest, WidgetStates]:
    """A page whose box is away, and what the browser has sent before it heard of that."""
    at = AppTest.from_function(two_places).run()
    at.text_input[0].set_value(text).run()
    assert not at.text_input[0].proto.set_value
    sent = at._tree.get_widget_states()
    at.session_state["away"] = True
    at.run()
    return at, sent


def come_back(at: AppTest, *, cut: bool) -> AppTest:
    """Open the place of the box again, for a page that is `cut` before its end."""
    at.session_state["away"], at.session_state["cut"] = False, cut
    return at.run()


def test_what_was_typed_is_told_to_the_browser_where_its_box_is_there_again() -> None:
    """The browser has sent it, and forgets it as soon as it hears that the box has gone."""
    at, sent = typed_and_gone("tents")
    come_back(at, cut=True)
    at.session_state["cut"] = False
    at._run(sent)
    assert (at.text_input[0].proto.set_value, at.text_input[0].proto.value) == (True, "tents")
    at.run()
    assert not at.text_input[0].proto.set_value


def test_who_types_is_not_told_what_he_typed_before() -> None:
    at, sent = typed_and_gone("tents")
    come_back(at, cut=True)
    sent.widgets[0].string_value = "lanterns"
    at._run(sent)
    assert (at.text_input[0].proto.set_value, at.text_input[0].value) == (False, "lanterns")


def test_what_a_late_tick_says_of_a_box_that_has_gone_is_not_listened_to() -> None:
    at, late = typed_and_gone("tents")
    at.session_state["find"] = ""  # it was sent
    at._run(late)
    assert at.session_state["find"] == ""
