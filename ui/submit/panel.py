"""Compose requests, see what is wrong with them, and send them once."""

from __future__ import annotations

import streamlit as st

from batch.errors import BatchRunnerError
from batch.formatting import plural
from batch.requests.input_formats import TABLE_KINDS
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.file_drafts import KIND as FILES_KIND
from lifecycle.runner import Runner
from ui.answers import example, tried_view, tries
from ui.files import check_progress, uploader
from ui.files.given_input import FormContext, Missing, ShowChecked, show_nothing
from ui.pricing import panel as pricing_panel
from ui.pricing import rearranged
from ui.shared import notices
from ui.shared.format import size, truncate
from ui.shared.notices import escape_markdown
from ui.submit import composer, earlier_answers, forms, samples, send_bar, sending, shared_context, sidebar
from ui.submit.sidebar import SidebarValues

PREVIEW_ROWS = 3
INITIAL_PROBLEMS = 8


def draw(runner: Runner, values: SidebarValues, *, first_visit: bool = False) -> None:
    """Draw the composer, the button, and what the check of the input found; to a first visitor, what all this does.

    What comes and goes has a container that stays: otherwise all that follows would be made anew in the browser, and
    a click on it could be lost.
    """
    tries.collect()
    with st.container(key="submit"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header("Submit", anchor="submit", width="stretch")
            st.text_input(
                "Name of the run",
                key="run_name",
                placeholder="Name of the run",
                max_chars=120,
                width=220,
                label_visibility="collapsed",
                persist_state="session",
            )
        with st.container():
            if first_visit and uploader.current() is None:
                st.markdown(example.SENTENCE)
            if values.account is None:
                _draw_signed_out()
        with st.container():
            show_checked = _draw_form(runner, values, beside_example=first_visit)
        samples.draw()
        shared_context.draw(runner, values.account, values.model, values.generation.system_instruction)
        with st.container(key="checked"):
            checked, missing = _draw_check(runner, values, show_checked)
            arranged = rearranged.draw(runner, values.account, values.priced_spec(), checked)
            draft = earlier_answers.draw(runner, values.account, values.priced_spec(), arranged)
            tries.follow(draft, arranged)
        with st.container(key="priced"):
            priced = pricing_panel.draw(runner, values.account, values.priced_spec(), draft, given=checked)
        send_bar.draw(values, draft, priced, missing)
        notices.draw("submit")


def summary() -> str:
    """What the line says while another place is open."""
    upload = uploader.current()
    if upload is not None:
        return f"{truncate(upload.name, 60)} is here, not sent yet."
    return "Drop a file here, or write prompts." if composer.is_empty() else "Prompts are here, not sent yet."


def _draw_signed_out() -> None:
    with st.container(key="sign-in", horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            "Enter a Gemini API key under Configuration (» on a narrow screen), or try it with simulated answers.",
            width="content",
        )
        st.button("Start a rehearsal", on_click=sidebar.rehearse, key="sign-in-rehearse")


def _draw_form(runner: Runner, values: SidebarValues, *, beside_example: bool) -> ShowChecked:
    """Draw the form that fits what was given; beside an empty one, if wanted, an example of what comes back."""
    form = forms.current(values.mode)
    context = FormContext(runner, values.model, uploader.current())
    try:
        if not beside_example or form not in (forms.START, forms.PROMPTS):
            return form.draw(context)
        left, right = st.columns([6, 5], gap="medium")
        with right:
            example.draw()
        with left:
            return form.draw(context)
    except BatchRunnerError as error:
        notices.draw_error(error)
        return show_nothing


def _draw_check(runner: Runner, values: SidebarValues, show_checked: ShowChecked) -> tuple[Draft | None, str]:
    """Say what the check found: how many requests, what is wrong with which line, how the first ones read.

    Returns the draft, or what is still missing for one.
    """
    progress = check_progress.CheckProgress()
    try:
        composer_input = composer.current_input(values.mode)
        if composer_input is None:
            return None, ""
        if check_progress.is_stopped(composer_input):
            check_progress.draw_stopped(composer_input)
            return None, "The check was stopped"
        draft = composer.build_draft(
            runner, composer_input, values.generation, values.model, progress.of(composer_input)
        )
    except Missing as error:
        return None, error.describe()
    except BatchRunnerError as error:
        notices.draw_error(error)
        return None, "The problem above comes first"
    finally:
        progress.clear()
    show_checked(draft)
    _draw_summary(draft)
    if draft.problem_count and not sending.are_problems_of_files(draft):
        _draw_problems(draft, values)
    if draft.kind not in TABLE_KINDS:  # a table shows its tries where its rows are
        _draw_tries(runner, values)
    return draft, ""


def _draw_tries(runner: Runner, values: SidebarValues) -> None:
    """What was tried; the form of a table shows it itself."""
    if tried := tries.of_source(composer.current_source()):
        tried_view.draw(tried, runner.forecasts.model_rules(values.model).facts.output_cap)


def _draw_summary(draft: Draft) -> None:
    ready = draft.rows and not draft.problem_count
    with st.container(key="ready" if ready else "not-ready"):
        size_bytes = draft.size_bytes + (draft.files.size_bytes if draft.files else 0)
        st.caption(f"{plural(draft.rows, 'request')} can be sent, {size(size_bytes)}.")
    for note in draft.notes:
        if note == draft.empty_cells_note and draft.kind in TABLE_KINDS:
            continue  # the table's form has it, with a choice
        st.caption(escape_markdown(note))
    if draft.preview and draft.kind != FILES_KIND:
        with st.expander("First requests", key="preview"):
            for key, prompt in draft.preview[:PREVIEW_ROWS]:
                st.caption(escape_markdown(truncate(key, 80)))
                st.code(truncate(prompt, 2000), language=None, wrap_lines=True)


def _draw_problems(draft: Draft, values: SidebarValues) -> None:
    with st.container(border=True, key="problems"):
        described = sending.describe_problems(draft)
        st.markdown(f"**{described}** Nothing is sent until you correct them or leave those rows out.")
        if draft.rows and values.account:
            idempotency_key = st.session_state["submit_idempotency_key"]
            label = f"Submit the {plural(draft.rows, 'good row')}"
            key = f"submit-good-{idempotency_key}"
            st.button(label, key=key, on_click=sending.submit, args=(idempotency_key, True))
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
