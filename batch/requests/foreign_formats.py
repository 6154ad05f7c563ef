"""Recognise lines that are no requests at all, or none that can be converted, and say what they are."""

from __future__ import annotations

from typing import Any

from batch.errors import Fault

_OUR_FORMAT = 'Here a line is {"key": "…", "request": {"contents": [{"role": "user", "parts": [{"text": "…"}]}]}}.'
_NEEDS_REQUEST_FILE = "Give the file of requests."
_ENVELOPE_FIELDS = {"key", "request", "metadata", "id"}

# The names that give a form away, what it is, and what to do. The first that fits decides.
_FORMS: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"custom_id", "response"}), "This is a line of OpenAI's results, not a request.", _NEEDS_REQUEST_FILE),
    (frozenset({"custom_id", "result"}), "This is a line of Anthropic's results, not a request.", _NEEDS_REQUEST_FILE),
    (frozenset({"processed_time"}), "This is a line of Vertex AI's results, not a request.", _NEEDS_REQUEST_FILE),
    (frozenset({"request", "response"}), "This is a line of results, not a request.", _NEEDS_REQUEST_FILE),
    (frozenset({"key", "response"}), "This is a line of results, not a request.", _NEEDS_REQUEST_FILE),
    (frozenset({"key", "error"}), "This is a line of results, not a request.", _NEEDS_REQUEST_FILE),
    (frozenset({"candidates"}), "This is an answer of Gemini's, not a request.", _NEEDS_REQUEST_FILE),
    (frozenset({"text_input"}), "This is a line for tuning, not a request.", _OUR_FORMAT),
    (frozenset({"content"}), "This is a request for an embedding.", f"Only generateContent is sent. {_OUR_FORMAT}"),
)  # fmt: skip


def detect_other_api(members: dict[str, Any]) -> Fault | None:
    """Name the API that a line was made for, if it was not made for Gemini's batches."""
    names = members.keys()
    if names <= _ENVELOPE_FIELDS:
        return None
    for field_names, description, remedy in _FORMS:
        if field_names <= names and not ("contents" in names and "request" not in names):
            return Fault(description, remedy)
    return None
