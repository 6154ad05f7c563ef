"""What keeps the page whole on a busy machine: mends of Streamlit 1.67, applied once before the server starts.

Each is about a moment that is short unless the machine is busy. They reach into Streamlit where it offers no other way;
requirements.txt holds its version, and each has a test that fails without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import RerunData, ScriptRunner, get_script_run_ctx
from streamlit.runtime.scriptrunner.script_runner import ScriptRunnerEvent
from streamlit.runtime.state.common import RegisterWidgetResult, WidgetMetadata
from streamlit.runtime.state.safe_session_state import SafeSessionState

Method = Callable[..., Any]
_ON_PAGE, _DRAWN = "widgets_on_page", "widgets_drawn"  # as it was last drawn to its end, and with all drawn since
_INPUTS = ("bool_value", "string_value", "string_array_value")  # components have others, and note them elsewhere
_requests: WeakKeyDictionary[AppSession, list[RerunData]] = WeakKeyDictionary()  # that wait for a runner to end
_thread = threading.local()


def apply() -> None:
    """Mend Streamlit in this process."""
    for owner, name, mended in MENDS:
        setattr(owner, name, mended(getattr(owner, name)))


def _keep_messages(clear: Method) -> Method:
    """Nothing that a whole page has said is thrown out because one of its fragments is drawn again.

    It was, where it had not been sent yet; that the page is whole was sent nevertheless, and the browser took the old
    fragment away. All behind it moved up, and the new one was drawn over its neighbour: a table was gone.
    """

    def mended(
        self: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        if fragment_ids_this_run is None:
            clear(self, retain_lifecycle_msgs)
        else:
            self._delta_index_map = {}  # what comes stands behind what is there, and is not joined with it

    return mended


def _wait_for_the_last_words(create: Method) -> Method:
    """A request that finds the runner at its end waits until all was heard that it had to say.

    Else another takes its place, and nothing more is heard of the first: the end of a page was never drawn.
    """

    def mended(self: AppSession, initial_rerun_data: RerunData) -> None:
        if self._scriptrunner is None:
            create(self, initial_rerun_data)
        else:
            _requests.setdefault(self, []).append(initial_rerun_data)

    return mended


def _go_on_with_those_that_wait(handle: Method) -> Method:
    """The other half: once a runner has ended, what waited for that is done, in its order."""

    def mended(self: AppSession, sender: ScriptRunner | None, event: ScriptRunnerEvent, *details: Any) -> None:
        handle(self, sender, event, *details)
        if event is ScriptRunnerEvent.SHUTDOWN and self._scriptrunner is None:
            for request in _requests.pop(self, []):
                _take_up(self, request)

    return mended


def _take_up(session: AppSession, request: RerunData) -> None:
    if session._state is not AppSessionState.SHUTDOWN_REQUESTED:
        runner = session._scriptrunner
        if runner is None or not runner.request_rerun(request):
            session._create_scriptrunner(request)


def _carry_out_whole(will_rerun: Method) -> Method:
    """What a click asks for is done whole before another request ends this run.

    Streamlit looks for requests at each access to the session, also before a click is heard of and between two lines
    of its callback; the rest of it was never done.
    """

    def mended(self: SafeSessionState, *given: Any, **named: Any) -> None:
        _thread.is_carrying_out = True
        try:
            will_rerun(self, *given, **named)
        finally:
            _thread.is_carrying_out = False

    return mended


def _look_for_requests_later(look: Method) -> Method:
    """The other half: no request is looked for meanwhile."""

    def mended(self: ScriptRunner) -> None:
        if not getattr(_thread, "is_carrying_out", False):
            look(self)

    return mended


def _hear_of_what_is_drawn(will_rerun: Method) -> Method:
    """What the browser says of a widget that has gone is not listened to.

    A tick that was under way when the page changed says what was in it: text that had been sent stood in its box again,
    and a drawer that was left was open on return.
    """

    def mended(self: SafeSessionState, fresh_widget_states: WidgetStates | None, **named: Any) -> None:
        if fresh_widget_states is not None and _DRAWN in self._state:
            drawn = _recall(self, _DRAWN)
            known = [
                widget
                for widget in fresh_widget_states.widgets
                if widget.id in drawn or widget.WhichOneof("value") not in _INPUTS
            ]
            fresh_widget_states = WidgetStates(widgets=known)
        will_rerun(self, fresh_widget_states, **named)

    return mended


def _tell_the_value(register: Method) -> Method:
    """A value that is kept while its widget is away is told to the browser when the widget is there again.

    Streamlit does so unless the browser has just sent one. It may have sent it before it heard that the widget is
    gone, and then forgets it: the box was empty, and what was kept was lost with the next click. Who has changed the
    value has the widget before him, and needs not to be told what may be older than what he does next.
    """

    def mended(
        self: SafeSessionState, metadata: WidgetMetadata[Any], user_key: str | None
    ) -> RegisterWidgetResult[Any]:
        result: RegisterWidgetResult[Any] = register(self, metadata, user_key)
        drawn = _recall(self, _DRAWN)
        if metadata.id not in drawn:
            self._state[_DRAWN] = drawn | {metadata.id}
        if metadata.persist_state is None or user_key is None or metadata.id in _recall(self, _ON_PAGE):
            return result
        kept = self._state._old_state.get(metadata.id, self._state._old_state.get(user_key))
        if kept != result.value or result.value == metadata.deserializer(None):
            return result
        return replace(result, value_changed=True)

    return mended


def _note_what_is_on_the_page(finish: Method) -> Method:
    """The other half: which widgets the page has, as it was last drawn to its end."""

    def mended(self: SafeSessionState, widget_ids: frozenset[str], *, remove_stale_widgets: bool = True) -> None:
        finish(self, widget_ids, remove_stale_widgets=remove_stale_widgets)
        context = get_script_run_ctx()
        if context is not None and remove_stale_widgets:
            others = _recall(self, _ON_PAGE) if context.fragment_ids_this_run else frozenset()
            self._state[_ON_PAGE] = self._state[_DRAWN] = widget_ids | others

    return mended


def _recall(session_state: SafeSessionState, name: str) -> frozenset[str]:
    state, known = session_state._state, frozenset[str]()
    if name in state:
        known = state[name]
    return known


MENDS: tuple[tuple[type, str, Callable[[Method], Method]], ...] = (
    (ForwardMsgQueue, "clear", _keep_messages),
    (AppSession, "_create_scriptrunner", _wait_for_the_last_words),
    (AppSession, "_handle_scriptrunner_event_on_event_loop", _go_on_with_those_that_wait),
    (SafeSessionState, "on_script_will_rerun", _hear_of_what_is_drawn),
    (SafeSessionState, "on_script_will_rerun", _carry_out_whole),
    (ScriptRunner, "_maybe_handle_execution_control_request", _look_for_requests_later),
    (SafeSessionState, "register_widget", _tell_the_value),
    (SafeSessionState, "on_script_finished", _note_what_is_on_the_page),
)
