"""Something to send, one click away."""

from __future__ import annotations

import streamlit as st

from batch.requests.input_formats import LINES
from batch.samples.sample_inputs import INLINE_PROMPTS, SAMPLES, write_sample
from ui.shared import notices, temp_files
from ui.shared.app_state import get_state
from ui.submit import composer, uploader


def draw() -> None:
    """Offer the samples."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="samples"):
        st.caption("Take a sample:", width="content")
        st.button(
            "A few prompts", on_click=_use_sample_prompts, help=f"{len(INLINE_PROMPTS)} prompts to see how it works."
        )
        for sample in SAMPLES.values():
            st.button(sample.title, on_click=_use_sample_file, args=(sample.name,), help=sample.description)


def _use_sample_prompts() -> None:
    notices.clear("submit")
    composer.clear()
    st.session_state.update(mode="Inline", prompts="\n".join(INLINE_PROMPTS), split=LINES)


def _use_sample_file(name: str) -> None:
    """Lay the sample down like an upload."""
    notices.clear("submit")
    composer.clear()
    sample = SAMPLES[name]
    path = temp_files.new_path(get_state().uploads, sample.file_name)
    with path.open("wb") as stream:
        write_sample(sample, stream)
    uploader.set_file(path, sample.file_name)
    path.unlink()
    st.session_state["mode"] = "File (JSONL)"
