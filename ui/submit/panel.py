"""Compose requests, see what is wrong with them, and send them once."""

from __future__ import annotations

import secrets

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from batch.errors import BatchRunnerError
from batch.formatting import plural
from batch.pricing.catalog import model_id_error
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.file_drafts import KIND as FILES_KIND
from lifecycle.runner import Runner
from ui.files import uploader
from ui.files.given_input import FormContext, GivenInput, Missing, ShowChecked, show_nothing
from ui.pricing import forecasts
from ui.pricing import panel as pricing_panel
from ui.shared import browser_actions, notices, selection, session
from ui.shared.app_state import get_state
from ui.shared.format import size, truncate
from ui.shared.notices import escape_markdown
from ui.submit import composer, earlier_answers, forms, samples, shared_context, sidebar
from ui.submit.sidebar import SidebarValues

PREVIEW_ROWS = 3
INITIAL_PROBLEMS = 8


def draw(runner: Runner, values: SidebarValues) -> None:
    """Draw the composer, the button, and what the check of the input found.

    What comes and goes has a container that stays: otherwise all that follows would be made anew in the browser, and
    a click on it could be lost.
    """
    with st.container(key="submit"):
        st.header("Submit", anchor="submit")
        with st.container():
            if values.account is None:
                _draw_signed_out()
        with st.container():
            show_checked = _draw_form(runner, values)
        samples.draw()
        shared_context.draw(runner, values.account, values.model, values.generation.system_instruction)
        with st.container(key="checked"):
            checked = _draw_check(runner, values, show_checked)
            draft = earlier_answers.draw(runner, values.account, values.priced_spec(), checked)
        with st.container(key="priced"):
            validation_error = pricing_panel.draw(runner, values.account, values.priced_spec(), draft)
        with st.container(key="sending"):
            _draw_submit_button(values, validation_error)
        notices.draw("submit")


def _draw_signed_out() -> None:
    with st.container(border=True, key="sign-in"):
        st.markdown(
            "Enter a Gemini API key under Configuration (» on a narrow screen), or try it with simulated answers."
        )
        st.button("Start a rehearsal", on_click=sidebar.rehearse, key="sign-in-rehearse", type="primary")


def _draw_form(runner: Runner, values: SidebarValues) -> ShowChecked:
    """Draw the form that fits what was given."""
    try:
        return forms.current(values.mode).draw(FormContext(runner, values.model, uploader.current()))
    except BatchRunnerError as error:
        notices.draw_error(error)
        return show_nothing


def _draw_submit_button(values: SidebarValues, validation_error: BatchRunnerError | None) -> None:
    idempotency_key = st.session_state.setdefault("submit_idempotency_key", secrets.token_urlsafe(16))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input("Name of the run", key="run_name", placeholder="optional", max_chars=120, width=280)
        st.button(
            "Submit batch",
            type="primary",
            key=f"submit-{idempotency_key}",
            on_click=_submit,
            args=(idempotency_key, False),
            disabled=values.account is None or validation_error is not None,
            help=str(validation_error or "")
            or (None if values.account else "Connect a key or start a rehearsal first."),
        )


def _submit(idempotency_key: str, good_rows_only: bool) -> None:
    """Send what the composer holds, once per idempotency key; then empty it and show the new run."""
    if idempotency_key != st.session_state["submit_idempotency_key"]:
        return
    notices.clear("submit")
    values, state = sidebar.values(), get_state()
    with notices.errors_to_notice("submit"):
        model_error = model_id_error(values.model)
        if model_error is not None:
            raise model_error
        composer_input = composer.current_input(values.mode)
        if composer_input is None:
            notices.show(
                "submit", "bad", "There is nothing to send yet. Write prompts, choose a file or take a sample."
            )
            return
        draft = composer.build_draft(state.runner, composer_input, values.generation, values.model)
        if draft.problem_count and not good_rows_only:
            remedy = "Leave them out above." if _are_problems_of_files(draft) else "Correct them, or choose below."
            notices.show("submit", "bad", f"Nothing was sent: {_describe_problems(draft)} {remedy}")
            return
        account, spec = session.require_account(), values.priced_spec(_run_name(composer_input, draft))
        draft = earlier_answers.to_send(state.runner, account, spec, draft)
        spec, forecast = forecasts.final_forecast(state.runner, account, draft, spec)
        run_id = state.runner.submissions.submit(account, draft, spec, idempotency_key, forecast)
        st.session_state["submit_idempotency_key"] = secrets.token_urlsafe(16)
        composer.clear()
        selection.select(run_id)
        browser_actions.request("scroll", "monitor")


def _run_name(composer_input: GivenInput, draft: Draft) -> str:
    """The run's name: the one that was typed, the file's, or how the first prompt begins."""
    typed = str(st.session_state.get("run_name") or "").strip()
    first = draft.preview[0][1].strip().splitlines() if draft.preview else []
    return typed or composer_input.name or truncate(first[0] if first else "", 40)


def _draw_check(runner: Runner, values: SidebarValues, show_checked: ShowChecked) -> Draft | None:
    """Say what the check found: how many requests, what is wrong with which line, how the first ones read."""
    bar = st.empty()
    try:
        composer_input = composer.current_input(values.mode)
        if composer_input is None:
            return None
        draft = composer.build_draft(
            runner,
            composer_input,
            values.generation,
            values.model,
            lambda fraction: _show_progress(bar, fraction, composer_input.name or "the prompts"),
        )
    except Missing as error:
        st.caption(escape_markdown(error.describe()))
        return None
    except BatchRunnerError as error:
        notices.draw_error(error)
        return None
    finally:
        bar.empty()
    show_checked(draft)
    _draw_summary(draft)
    if draft.problem_count and not _are_problems_of_files(draft):
        _draw_problems(draft, values)
    return draft


def _are_problems_of_files(draft: Draft) -> bool:
    """Whether all that is wrong is wrong with files, which the form of a pile has shown."""
    return draft.kind == FILES_KIND and draft.files is not None and draft.files.problems == draft.problem_count


def _show_progress(bar: DeltaGenerator, fraction: float, name: str) -> None:
    bar.progress(min(1.0, fraction), text=escape_markdown(f"Checking {truncate(name, 60)}"))


def _draw_summary(draft: Draft) -> None:
    ready = draft.rows and not draft.problem_count
    with st.container(key="ready" if ready else "not-ready"):
        size_bytes = draft.size_bytes + (draft.files.size_bytes if draft.files else 0)
        st.caption(f"{plural(draft.rows, 'request')} can be sent, {size(size_bytes)}.")
    for note in draft.notes:
        st.caption(escape_markdown(note))
    if draft.preview and draft.kind != FILES_KIND:
        with st.expander("First requests", key="preview"):
            for key, prompt in draft.preview[:PREVIEW_ROWS]:
                st.caption(escape_markdown(truncate(key, 80)))
                st.code(truncate(prompt, 2000), language=None, wrap_lines=True)


def _describe_problems(draft: Draft) -> str:
    if _are_problems_of_files(draft):
        return f"{plural(draft.problem_count, 'file')} cannot be sent."
    return f"{plural(draft.problem_count, 'problem')} in {plural(draft.bad_rows, 'row')}."


def _draw_problems(draft: Draft, values: SidebarValues) -> None:
    with st.container(border=True, key="problems"):
        st.markdown(f"**{_describe_problems(draft)}** Nothing is sent until you correct them or leave those rows out.")
        if draft.rows and values.account:
            idempotency_key = st.session_state["submit_idempotency_key"]
            label = f"Submit the {plural(draft.rows, 'good row')}"
            st.button(label, key=f"submit-good-{idempotency_key}", on_click=_submit, args=(idempotency_key, True))
        listed = [str(problem) for problem in draft.problems]
        st.code("\n".join(listed[:INITIAL_PROBLEMS]), language=None, wrap_lines=True)
        if len(listed) > INITIAL_PROBLEMS:
            has_more = draft.problem_count > len(listed)
            title = (
                f"The first {len(listed)} of {draft.problem_count:,} problems"
                if has_more
                else f"All {len(listed)} problems"
            )
            with st.expander(title, key="all-problems"):
                st.code("\n".join(listed), language=None, wrap_lines=True)
