"""The sidebar: account, model, modes and generation settings."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Literal

import streamlit as st

from batch.model import Generation, SendAs, SendFiles
from batch.pricing.catalog import model_id_error
from lifecycle.core.models import Account, ModelChoice, RunSpec
from ui.pricing import forecasts
from ui.shared import model_list, notices, preferences, selection, session
from ui.shared.app_state import get_state
from ui.shared.cookie_crypto import COOKIE_DAYS
from ui.shared.notices import escape_markdown
from ui.submit import generation_settings, shared_context

Mode = Literal["Inline", "File (JSONL)"]
MODES: tuple[Mode, ...] = ("Inline", "File (JSONL)")
FORGET_HELP = (
    "Removes the key from this browser and from the server, at once. Runs under way wait until it is entered again."
)
MODE_HELP = """
**Inline**: write the prompts here, one per line or in blocks. Good for up to a few hundred.

**File (JSONL)**: give a file of requests, one JSON object per line with `key` and `request`, or a CSV, TSV, Parquet or
XLSX table with a prompt template. Good for any number.

Either way the rows become a batch job at half the price of single calls, done within 24 hours, usually sooner.

**Context** is text that every request shares. Without caching it is sent, and paid, with every request.
"""
TRY_FIRST_KEY = "try_first_usd"
SEND_AS = {SendAs.AUTO: "Auto", SendAs.INLINE: "Inline", SendAs.FILE: "File"}
SEND_FILES = {SendFiles.AUTO: "Auto", SendFiles.INLINE: "Inside the requests", SendFiles.UPLOAD: "Upload first"}


@dataclass(frozen=True)
class SidebarValues:
    """What the sidebar says: everything a submission needs except the requests."""

    account: Account | None
    model: str
    mode: Mode
    generation: Generation
    send_as: SendAs
    send_files: SendFiles = SendFiles.AUTO

    def spec(self, name: str) -> RunSpec:
        """The decision for one submission."""
        return RunSpec(
            model=self.model,
            name=name,
            generation=self.generation,
            context=shared_context.mode(),
            send_as=self.send_as,
            send_files=self.send_files,
        )

    def priced_spec(self, name: str = "") -> RunSpec:
        """The decision with all that is chosen beside the price."""
        return forecasts.with_user_choices(self.spec(name), chosen_cache=shared_context.chosen_cache())


def draw() -> SidebarValues:
    """Draw the sidebar and return what it says."""
    with st.sidebar:
        st.header("Configuration", anchor=False)
        if selection.current() is not selection.Place.NEW:
            st.caption("For the next run")
        notices.draw("configuration")
        with st.container():
            _connection()
        _model()
        _mode()
        shared_context.draw_mode()
        generation_settings.draw(values().model)
        _send_as()
    return values()


def values() -> SidebarValues:
    """What the sidebar says now; callbacks ask this, because they run before the page is drawn again."""
    state = st.session_state
    model = (state.get("model") or "").strip()
    return SidebarValues(
        account=session.account(),
        model=model,
        mode=state.get("mode") or MODES[0],
        generation=generation_settings.values(model),
        send_as=state.get("send_as") or SendAs.AUTO,
        send_files=state.get("send_files") or SendFiles.AUTO,
    )


def restore(spec: RunSpec) -> None:
    """Set what an earlier run had."""
    for name, value in asdict(spec.generation).items():
        st.session_state[name] = value
    st.session_state["model"] = spec.model
    st.session_state["context"] = spec.context
    forecasts.restore(spec)
    st.session_state["send_as"] = spec.send_as
    st.session_state["send_files"] = spec.send_files


def _connection() -> None:
    account = session.account()
    if account is None:
        _key_form()
        st.button("Rehearse without a key", on_click=rehearse, width="stretch", key="rehearse")
    elif account.rehearsal:
        st.markdown("**Rehearsing.** Answers are simulated.")
        st.button("Leave rehearsal", on_click=_leave_rehearsal, width="stretch")
    else:
        _connected(account)


def _key_form() -> None:
    with st.form("key-form", border=False):
        st.text_input(
            "Gemini API key", type="password", key="typed_key", autocomplete="off", placeholder="Paste your key here"
        )
        st.checkbox(
            "Remember on this browser",
            key="typed_remember",
            help=f"Keeps the key in an encrypted cookie that scripts cannot read, for {COOKIE_DAYS} days. "
            "Not for computers that you share.",
        )
        st.form_submit_button("Check key", on_click=_check_key, type="primary", width="stretch")
    st.caption("Checked with calls that cost nothing. Get a key at aistudio.google.com/apikey.")


def _check_key() -> None:
    notices.clear("configuration")
    key = st.session_state.get("typed_key", "").strip()
    if not key:
        notices.show("configuration", "bad", "Paste a Gemini API key first, or rehearse without one.")
        return
    with notices.errors_to_notice("configuration"):
        check = session.connect(key, remember=bool(st.session_state.get("typed_remember")))
        notices.show("configuration", "good" if check.ok else "bad", f"{check.message} {check.remedy}".strip())
        if check.ok:
            st.session_state.pop("typed_key", None)


def _connected(account: Account) -> None:
    st.markdown(f"Connected with {escape_markdown(account.label)}.")
    if session.from_environment():
        st.caption("The key comes from this installation's settings.")
    else:
        st.checkbox(
            "Remember on this browser", value=session.remembered(), key="keep_key", on_change=_update_remembered_key
        )
        st.button("Forget", on_click=_forget, width="stretch", help=FORGET_HELP)
    st.button("Rehearse without a key", on_click=rehearse, width="stretch", key="rehearse")


def _update_remembered_key() -> None:
    session.remember_key(bool(st.session_state["keep_key"]))


def _forget() -> None:
    session.forget()
    selection.close_run()
    notices.show(
        "configuration",
        "note",
        "The key is forgotten. Runs under way wait for it; enter it again to go on and to see them.",
    )


def rehearse() -> None:
    """Enter rehearsal; also the callback of the same button in Submit."""
    notices.clear("configuration")
    with notices.errors_to_notice("configuration"):
        session.rehearse()
        selection.close_run()


def _leave_rehearsal() -> None:
    notices.clear("configuration")
    session.leave_rehearsal()
    selection.close_run()


def _model() -> None:
    choices = {model.id: model for model in model_list.available_models(session.account())}
    remembered = preferences.recall("model")
    names = list(choices) + ([remembered] if remembered and remembered not in choices else [])
    st.session_state.setdefault("model", remembered or _default_model(choices))
    selected = st.selectbox(
        "Model",
        names,
        key="model",
        persist_state="session",
        accept_new_options=True,
        on_change=_remember_choices,
        format_func=lambda name: choices[name].label if name in choices else name,
        help="Models that can batch. You can also type a model id.",
    )
    error = model_id_error((selected or "").strip())
    if error is not None:
        notices.draw_error(error)
    else:
        choice = choices.get(selected or "")
        known = _describe(choice) if choice else _describe_by_catalog(selected or "")
        called = f"{choice.id}: " if choice and choice.label != choice.id else ""
        st.caption(escape_markdown(f"{called}{known}"))


def _describe(choice: ModelChoice) -> str:
    """What a model costs in a batch, and what it answers with where that is not text."""
    if choice.kind == "image":
        price = generation_settings.describe_picture_price(choice.id)
        return f"Draws pictures, {price} in a batch. Also {choice.note}." if price else _describe_by_catalog(choice.id)
    return f"Makes vectors of texts, {choice.note}." if choice.kind == "embedding" else choice.note


def _describe_by_catalog(model: str) -> str:
    """What is known of a model without a price for all that it does, or that is not in the service's list."""
    runner = get_state().runner
    facts = runner.forecasts.model_rules(model).facts
    if not facts.label:
        return "Not in the catalog: price and limits unknown."
    does = {"image": "Draws pictures.", "embedding": "Makes vectors of texts."}.get(facts.kind, "")
    price = "" if runner.forecasts.tariff(model) else "Price unknown."
    note = f"{facts.note.rstrip('.')}." if facts.note else ""
    return " ".join(filter(None, (does, price, note)))


def _default_model(names: Collection[str]) -> str:
    """The first model of the catalog that the service has: the service's own list begins with any."""
    catalog = (choice.id for choice in model_list.available_models(None))
    return next((name for name in catalog if name in names), next(iter(names), ""))


def _mode() -> None:
    remembered = preferences.recall("mode")
    st.session_state.setdefault("mode", remembered if remembered in MODES else MODES[0])
    st.segmented_control(
        "Batch mode",
        MODES,
        key="mode",
        required=True,
        persist_state="session",
        on_change=_remember_choices,
        help=MODE_HELP,
        width="stretch",
    )


def _remember_choices() -> None:
    """Keep what the user chose, and never what was only offered."""
    preferences.remember(mode=values().mode)
    if model_id_error(values().model) is None:
        preferences.remember(model=values().model)


def _send_as() -> None:
    with st.expander("Advanced", key="advanced"):
        st.session_state.setdefault("send_as", SendAs.AUTO)
        st.segmented_control(
            "Send as",
            list(SEND_AS),
            key="send_as",
            required=True,
            persist_state="session",
            format_func=SEND_AS.__getitem__,
            help="How the rows travel to the API: inside the call that creates the job, or as an uploaded file. "
            "Auto decides by size.",
            width="stretch",
        )
        st.session_state.setdefault("send_files", SendFiles.AUTO)
        st.selectbox(
            "Documents and pictures",
            list(SEND_FILES),
            key="send_files",
            format_func=SEND_FILES.__getitem__,
            persist_state="session",
            help="How files travel: inside the requests, where nothing can expire; or uploaded first, once each, and "
            "deleted when the run ends. Auto uploads what many requests share, or what is too large.",
        )
        st.session_state.setdefault(TRY_FIRST_KEY, _remembered_try_first())
        st.number_input(
            "Try a few rows first from, USD",
            min_value=0.0,
            step=1.0,
            format="%.2f",
            key=TRY_FIRST_KEY,
            persist_state="session",
            on_change=_remember_try_first,
            help="From this expected cost on, a few rows are tried before all are sent, unless you choose otherwise. "
            "0 means never.",
        )


def try_first_usd() -> float:
    """From which expected cost on a few rows are tried first; 0 is never."""
    value = st.session_state.get(TRY_FIRST_KEY)
    return _remembered_try_first() if value is None else float(value)


def _remembered_try_first() -> float:
    """What this browser remembers, else the installation's setting; anyone can edit a cookie."""
    try:
        usd = float(preferences.recall(TRY_FIRST_KEY))
    except ValueError:
        return get_state().try_first_usd
    return usd if 0 <= usd < math.inf else get_state().try_first_usd


def _remember_try_first() -> None:
    preferences.remember(**{TRY_FIRST_KEY: f"{try_first_usd():g}"})
