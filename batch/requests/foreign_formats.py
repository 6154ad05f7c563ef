"""Recognise lines that were made for another API, and say what they are."""

from __future__ import annotations

from typing import Any

from batch.formatting import Fault

_OURS = 'Here a line is {"key": "…", "request": {"contents": [{"role": "user", "parts": [{"text": "…"}]}]}}.'
_SENT = "Give the file of requests."
_PLAIN = {"key", "request", "metadata", "id"}

# The names that give a form away, what it is, and what to do. The first that fits decides.
_FORMS: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"custom_id", "body"}), "This is OpenAI's batch form.", _OURS),
    (frozenset({"custom_id", "params"}), "This is Anthropic's batch form.", _OURS),
    (frozenset({"method", "url", "body"}), "This is OpenAI's batch form.", _OURS),
    (frozenset({"messages"}), "This is the form of a chat API such as OpenAI's.", _OURS),
    (frozenset({"instances"}), "This is Vertex AI's prediction form.", _OURS),
    (frozenset({"processed_time"}), "This is a line of Vertex AI's results, not a request.", _SENT),
    (frozenset({"request", "response"}), "This is a line of results, not a request.", _SENT),
    (frozenset({"key", "response"}), "This is a line of results, not a request.", _SENT),
    (frozenset({"key", "error"}), "This is a line of results, not a request.", _SENT),
    (frozenset({"candidates"}), "This is an answer of Gemini's, not a request.", _SENT),
    (frozenset({"text_input"}), "This is a line for tuning, not a request.", _OURS),
    (frozenset({"content"}), "This is a request for an embedding.", "Only generateContent is sent from here. " + _OURS),
)  # fmt: skip


def foreign_form(members: dict[str, Any]) -> Fault | None:
    """Name the API that a line was made for, if it was not made for Gemini's batches."""
    names = members.keys()
    if names <= _PLAIN:
        return None
    for marks, what, remedy in _FORMS:
        if marks <= names and not ("contents" in names and "request" not in names):
            return Fault(what, remedy)
    return None
