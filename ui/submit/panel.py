"""Compose requests, see what is wrong with them, and send them once."""

from __future__ import annotations

import secrets
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from batch.errors import BatchRunnerError
from batch.formatting import count
from batch.pricing.catalog import id_fault
from batch.requests.input_formats import kind_of
from lifecycle.inputs.drafts import Draft
from lifecycle.runner import Runner
from ui.pricing import forecasts
from ui.pricing import panel as pricing_panel
from ui.shared import browser_actions, notices, selection, session
from ui.shared.app_state import get_state
from ui.shared.format import clipped, size
from ui.shared.notices import plain
from ui.submit import composer, samples, shared_context, sidebar, uploader
from ui.submit.composer import Source
from ui.submit.sidebar import Choice

PREVIEWED = 3
PROBLEMS_AT_FIRST = 8


def draw(runner: Runner, choice: Choice) -> None:
    """Draw the composer, the button, and what the check of the input found.

    What comes and goes has a container that stays: otherwise all that follows would be made anew in the browser, and
    a click on it could be lost.
    """
    with st.container(key="submit"):
        st.header("Submit", anchor="submit")
        with st.container():
            if choice.account is None:
                _way_in()
        samples.draw()
        with st.container():
            _inline() if choice.mode == "Inline" else _file()
        shared_context.draw(runner, choice.account, choice.model, choice.generation.system_instruction)
        with st.container(key="checked"):
            draft = _check(runner, choice)
        with st.container(key="priced"):
            refused = pricing_panel.draw(runner, choice.account, choice.priced_spec(), draft)
        with st.container(key="sending"):
            _button(choice, refused)
        notices.draw("submit")


def _way_in() -> None:
    with st.container(border=True, key="way-in"):
        st.markdown(
            "Enter a Gemini API key under Configuration (» on a narrow screen), or try it with simulated answers."
        )
        st.button("Start a rehearsal", on_click=sidebar.rehearse, key="way-in-rehearse", type="primary")


def _inline() -> None:
    st.text_area(
        "Prompts",
        key="prompts",
        height=180,
        max_chars=composer.MOST_CHARACTERS,
        placeholder="Name three uses of a paper clip.\nTranslate into French: good morning.",
        persist_state="session",
    )
    st.session_state.setdefault("split", "lines")
    st.segmented_control(
        "Split by",
        list(composer.SPLITS),
        key="split",
        required=True,
        format_func=composer.SPLITS.__getitem__,
        label_visibility="collapsed",
        persist_state="session",
    )


def _file() -> None:
    found = uploader.current()
    if found is None:
        uploader.draw()
        return
    path, name = found
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(clipped(name, 80))}** · {size(path.stat().st_size)}", width="content")
        st.button("Remove", on_click=uploader.dismiss, key="remove-file")
    _template(path, name)


def _template(path: Path, name: str) -> None:
    """For a table: how a row becomes a prompt."""
    try:
        columns = composer.columns_of(path, kind_of(name))
    except BatchRunnerError as error:
        st.error(plain(f"{error} {error.remedy}".strip()))
        return
    if not columns:
        return
    st.text_area(
        "Prompt template",
        key="template",
        height=120,
        max_chars=200_000,
        placeholder="Summarise in one sentence: {{text}}",
        help="{{column}} stands for a row's value in that column.",
        persist_state="session",
    )
    st.caption(plain("Columns: " + ", ".join(f"{{{{{clipped(column, 60)}}}}}" for column in columns[:40])))


def _button(choice: Choice, refused: BatchRunnerError | None) -> None:
    ticket = st.session_state.setdefault("submit_ticket", secrets.token_urlsafe(16))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input("Name of the run", key="run_name", placeholder="optional", max_chars=120, width=280)
        st.button(
            "Submit batch",
            type="primary",
            key=f"submit-{ticket}",
            on_click=_submit,
            args=(ticket, False),
            disabled=choice.account is None or refused is not None,
            help=str(refused or "") or (None if choice.account else "Connect a key or start a rehearsal first."),
        )


def _submit(ticket: str, good_rows_only: bool) -> None:
    """Send what the composer holds, once per ticket; then empty it and show the new run."""
    if ticket != st.session_state["submit_ticket"]:
        return
    notices.hush("submit")
    choice, state = sidebar.current(), get_state()
    with notices.telling("submit"):
        unfit = id_fault(choice.model)
        if unfit is not None:
            raise unfit
        given = composer.source(choice.mode)
        if given is None:
            notices.tell(
                "submit", "bad", "There is nothing to send yet. Write prompts, choose a file or take a sample."
            )
            return
        draft = composer.draft(state.runner, given, choice.generation)
        if draft.problem_count and not good_rows_only:
            notices.tell("submit", "bad", f"Nothing was sent: {_problem_words(draft)} Correct them, or choose below.")
            return
        account, spec = session.required(), choice.priced_spec(_name(given, draft))
        spec, found = forecasts.for_submission(state.runner, account, draft, spec)
        run_id = state.runner.submissions.submit(account, draft, spec, ticket, found)
        st.session_state["submit_ticket"] = secrets.token_urlsafe(16)
        composer.clear()
        selection.select(run_id)
        browser_actions.post("scroll", "monitor")


def _name(given: Source, draft: Draft) -> str:
    """The run's name: the one that was typed, the file's, or how the first prompt begins."""
    typed = str(st.session_state.get("run_name") or "").strip()
    first = draft.preview[0][1].strip().splitlines() if draft.preview else []
    return typed or given.name or clipped(first[0] if first else "", 40)


def _check(runner: Runner, choice: Choice) -> Draft | None:
    """Say what the check found: how many requests, what is wrong with which line, how the first ones read."""
    bar = st.empty()
    try:
        given = composer.source(choice.mode)
        if given is None:
            return None
        draft = composer.draft(
            runner, given, choice.generation, lambda share: _show_progress(bar, share, given.name or "the prompts")
        )
    except BatchRunnerError as error:
        st.error(plain(f"{error} {error.remedy}".strip()))
        return None
    finally:
        bar.empty()
    _found(draft)
    if draft.problem_count:
        _problems(draft, choice)
    return draft


def _show_progress(bar: DeltaGenerator, share: float, name: str) -> None:
    bar.progress(min(1.0, share), text=plain(f"Checking {clipped(name, 60)}"))


def _found(draft: Draft) -> None:
    ready = draft.rows and not draft.problem_count
    with st.container(key="ready" if ready else "not-ready"):
        st.caption(f"{count(draft.rows, 'request')} can be sent, {size(draft.size_bytes)}.")
    for note in draft.notes:
        st.caption(plain(note))
    if draft.preview:
        with st.expander("First requests", key="preview", expanded=bool(draft.columns)):
            for key, prompt in draft.preview[:PREVIEWED]:
                st.caption(plain(clipped(key, 80)))
                st.code(clipped(prompt, 2000), language=None, wrap_lines=True)


def _problem_words(draft: Draft) -> str:
    return f"{count(draft.problem_count, 'problem')} in {count(draft.bad_rows, 'row')}."


def _problems(draft: Draft, choice: Choice) -> None:
    with st.container(border=True, key="problems"):
        st.markdown(f"**{_problem_words(draft)}** Nothing is sent until you correct them or leave those rows out.")
        if draft.rows and choice.account:
            ticket = st.session_state["submit_ticket"]
            label = f"Submit the {count(draft.rows, 'good row')}"
            st.button(label, key=f"submit-good-{ticket}", on_click=_submit, args=(ticket, True))
        listed = [str(problem) for problem in draft.problems]
        st.code("\n".join(listed[:PROBLEMS_AT_FIRST]), language=None, wrap_lines=True)
        if len(listed) > PROBLEMS_AT_FIRST:
            more = draft.problem_count > len(listed)
            title = (
                f"The first {len(listed)} of {draft.problem_count:,} problems"
                if more
                else f"All {len(listed)} problems"
            )
            with st.expander(title, key="all-problems"):
                st.code("\n".join(listed), language=None, wrap_lines=True)
