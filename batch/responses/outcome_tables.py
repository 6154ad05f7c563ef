"""What each reason and code of the service means for a row, as data. Pure.

Sources: google-genai 3.4.0 `types.py` (FinishReason, BlockedReason) and google.rpc.Code.
"""

from __future__ import annotations

from batch.model import Outcome

FINISH_REASONS: dict[str, Outcome] = {
    "FINISH_REASON_UNSPECIFIED": Outcome.UNKNOWN,
    "STOP": Outcome.ANSWERED,  # the content decides: see `outcomes`
    "MAX_TOKENS": Outcome.TRUNCATED,
    "CONTINUATION": Outcome.TRUNCATED,  # paused at the per-request limit; no second request is made for it
    "SAFETY": Outcome.ANSWER_BLOCKED,
    "LANGUAGE": Outcome.ANSWER_BLOCKED,
    "OTHER": Outcome.ANSWER_BLOCKED,
    "BLOCKLIST": Outcome.ANSWER_BLOCKED,
    "PROHIBITED_CONTENT": Outcome.ANSWER_BLOCKED,
    "SPII": Outcome.ANSWER_BLOCKED,
    "IMAGE_SAFETY": Outcome.ANSWER_BLOCKED,
    "IMAGE_PROHIBITED_CONTENT": Outcome.ANSWER_BLOCKED,
    "IMAGE_OTHER": Outcome.ANSWER_BLOCKED,
    "ESCALATION": Outcome.ANSWER_BLOCKED,
    "MODEL_ARMOR": Outcome.ANSWER_BLOCKED,
    "RECITATION": Outcome.RECITATION,
    "IMAGE_RECITATION": Outcome.RECITATION,
    "NO_IMAGE": Outcome.EMPTY,
    "UNEXPECTED_TOOL_CALL": Outcome.TOOL_CALL,
    "TOO_MANY_TOOL_CALLS": Outcome.TOOL_CALL,
    "MALFORMED_FUNCTION_CALL": Outcome.INVALID_OUTPUT,
    "MALFORMED_RESPONSE": Outcome.INVALID_OUTPUT,
    "MISSING_THOUGHT_SIGNATURE": Outcome.ERROR_PERMANENT,  # the request lacks it, and would lack it again
    "PUP_LIMITED_DISABLED": Outcome.ERROR_PERMANENT,  # the account is limited
}
BLOCK_REASONS: dict[str, Outcome] = {
    "BLOCKED_REASON_UNSPECIFIED": Outcome.UNKNOWN,
    "SAFETY": Outcome.PROMPT_BLOCKED,
    "OTHER": Outcome.PROMPT_BLOCKED,
    "BLOCKLIST": Outcome.PROMPT_BLOCKED,
    "PROHIBITED_CONTENT": Outcome.PROMPT_BLOCKED,
    "IMAGE_SAFETY": Outcome.PROMPT_BLOCKED,
    "MODEL_ARMOR": Outcome.PROMPT_BLOCKED,
    "JAILBREAK": Outcome.PROMPT_BLOCKED,
}
_TRANSIENT, _PERMANENT = Outcome.ERROR_TRANSIENT, Outcome.ERROR_PERMANENT
GRPC_CODES: dict[int, tuple[str, Outcome]] = {
    0: ("OK", Outcome.UNKNOWN),
    1: ("CANCELLED", _TRANSIENT),
    2: ("UNKNOWN", _TRANSIENT),
    3: ("INVALID_ARGUMENT", _PERMANENT),
    4: ("DEADLINE_EXCEEDED", _TRANSIENT),
    5: ("NOT_FOUND", _PERMANENT),
    6: ("ALREADY_EXISTS", _PERMANENT),
    7: ("PERMISSION_DENIED", _PERMANENT),
    8: ("RESOURCE_EXHAUSTED", _TRANSIENT),
    9: ("FAILED_PRECONDITION", _PERMANENT),
    10: ("ABORTED", _TRANSIENT),
    11: ("OUT_OF_RANGE", _PERMANENT),
    12: ("UNIMPLEMENTED", _PERMANENT),
    13: ("INTERNAL", _TRANSIENT),
    14: ("UNAVAILABLE", _TRANSIENT),
    15: ("DATA_LOSS", _TRANSIENT),
    16: ("UNAUTHENTICATED", _PERMANENT),
}
GRPC_NAMES = {name: code for code, (name, _) in GRPC_CODES.items()}
# Rows carry gRPC integers (python-genai issues 1341, 2693); HTTP codes are only met in the Vertex form.
HTTP_TO_GRPC = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 429: 8, 499: 1, 500: 13, 501: 12, 503: 14, 504: 4}

LABELS: dict[Outcome, str] = {
    Outcome.ANSWERED: "answered",
    Outcome.TRUNCATED: "cut off by the output limit",
    Outcome.TRUNCATED_EMPTY: "output limit reached before any answer",
    Outcome.PROMPT_BLOCKED: "prompt blocked",
    Outcome.ANSWER_BLOCKED: "answer blocked",
    Outcome.RECITATION: "stopped as a recitation",
    Outcome.REFUSED: "reads like a refusal (a guess from its words)",
    Outcome.EMPTY: "empty answer",
    Outcome.THOUGHTS_ONLY: "thoughts without an answer",
    Outcome.TOOL_CALL: "asks for a tool",
    Outcome.INVALID_OUTPUT: "not in the form asked for",
    Outcome.ERROR_TRANSIENT: "failed; worth asking again",
    Outcome.ERROR_PERMANENT: "failed; would fail again",
    Outcome.NO_RESPONSE: "neither answer nor error came back",
    Outcome.MISSING: "nothing came back",
    Outcome.UNKNOWN: "in a form we do not know",
}
# How much a row's line is worth when several attempts answered it; ties go to the newest.
RANK: dict[Outcome, int] = {
    Outcome.ANSWERED: 3,
    Outcome.TRUNCATED: 2,
    Outcome.TOOL_CALL: 2,
    Outcome.INVALID_OUTPUT: 2,
    Outcome.REFUSED: 1,
    Outcome.THOUGHTS_ONLY: 1,
    Outcome.TRUNCATED_EMPTY: 1,
    Outcome.PROMPT_BLOCKED: 1,
    Outcome.ANSWER_BLOCKED: 1,
    Outcome.RECITATION: 1,
    Outcome.EMPTY: 1,
    Outcome.UNKNOWN: 1,
    Outcome.ERROR_TRANSIENT: 1,
    Outcome.ERROR_PERMANENT: 1,
    Outcome.NO_RESPONSE: 1,
    Outcome.MISSING: 0,
}
UNSERVED = (Outcome.MISSING, Outcome.NO_RESPONSE)  # what rows are that a cancel came before
