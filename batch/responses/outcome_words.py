"""Outcomes in the words of the page, and what happened to a row in one sentence with what can be done about it. Pure.

Files, the database and the terminal's JSON keep the outcomes' own names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from batch.model import Outcome

WORDS: Mapping[Outcome, str] = {
    Outcome.ANSWERED: "answered",
    Outcome.TRUNCATED: "cut off",
    Outcome.TRUNCATED_EMPTY: "cut off, empty",
    Outcome.EMPTY: "empty",
    Outcome.THOUGHTS_ONLY: "only thoughts",
    Outcome.INVALID_OUTPUT: "not in your fields",
    Outcome.ERROR_TRANSIENT: "failed for now",
    Outcome.NO_RESPONSE: "not served",
    Outcome.MISSING: "missing",
    Outcome.PROMPT_BLOCKED: "prompt blocked",
    Outcome.ANSWER_BLOCKED: "answer blocked",
    Outcome.RECITATION: "recitation",
    Outcome.REFUSED: "refused",
    Outcome.TOOL_CALL: "asks for a tool",
    Outcome.ERROR_PERMANENT: "failed for good",
    Outcome.UNKNOWN: "unreadable",
}


class Explanation(NamedTuple):
    """What happened, and what can be done about it; "" where nothing has to be done."""

    happened: str
    remedy: str = ""


EXPLANATIONS: Mapping[Outcome, Explanation] = {
    Outcome.ANSWERED: Explanation("Gemini answered, and stopped by itself."),
    Outcome.TRUNCATED: Explanation("The answer stopped at the output limit.", "Send it again with a higher limit."),
    Outcome.TRUNCATED_EMPTY: Explanation(
        "The output limit was used up before the answer began.", "Send it again with a higher limit, or less thinking."
    ),
    Outcome.EMPTY: Explanation("Gemini stopped without a word.", "It often answers when it is sent again."),
    Outcome.THOUGHTS_ONLY: Explanation(
        "Gemini thought, and gave no answer.", "It often answers when it is sent again."
    ),
    Outcome.INVALID_OUTPUT: Explanation(
        "The answer does not have the fields or the form that you asked for.", "It often does when it is sent again."
    ),
    Outcome.ERROR_TRANSIENT: Explanation("Google could not serve it just then.", "Send it again."),
    Outcome.NO_RESPONSE: Explanation("Google gave neither an answer nor an error.", "Send it again."),
    Outcome.MISSING: Explanation("Nothing came back for this row.", "Send it again."),
    Outcome.PROMPT_BLOCKED: Explanation(
        "Gemini did not take the prompt.", "Change its text, or leave the row out; the same words are blocked again."
    ),
    Outcome.ANSWER_BLOCKED: Explanation(
        "Gemini held its own answer back.", "Change the prompt, or loosen the safety settings if they allow it."
    ),
    Outcome.RECITATION: Explanation(
        "Gemini stopped because the answer came too close to a text it knows.", "Ask for it in other words."
    ),
    Outcome.REFUSED: Explanation(
        "The answer reads like a refusal; that is a guess from its words.",
        "Read it, and change the prompt if it is one.",
    ),
    Outcome.TOOL_CALL: Explanation(
        "Gemini asks for a tool instead of answering.", "Run the tool and send its result, or leave tools out."
    ),
    Outcome.ERROR_PERMANENT: Explanation(
        "Google refused the request, and would refuse it again.", "Change the request as the message says."
    ),
    Outcome.UNKNOWN: Explanation(
        "What came back is in a form that this version does not know.", "Look at it as it was received."
    ),
}
