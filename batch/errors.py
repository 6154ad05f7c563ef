"""One family of errors, and the problems of an input. Each names what went wrong and carries what to do next.

The page and the terminal show `error.describe()`; anything outside this family is a bug.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Fault(NamedTuple):
    """A fault and its remedy, before it is known which line they belong to.

    `rule` is the id of the rule that was broken ("" where no table of rules has it).
    """

    fault: str
    remedy: str = ""
    rule: str = ""


@dataclass(frozen=True)
class Problem:
    """One fault of one line or row. `line` is 1-based (0: no line is to blame); `key` is "" where there is none."""

    line: int
    key: str
    fault: str
    remedy: str
    rule: str = ""

    def __str__(self) -> str:
        where = f"Line {self.line}: " if self.line else ""
        return f"{where}{self.fault} {self.remedy}".strip()


class BatchRunnerError(Exception):
    """Something a user can be told in plain words. `remedy` says what to do about it ("" if nothing)."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def describe(self) -> str:
        """Say what went wrong and what to do about it, in one text."""
        return f"{self} {self.remedy}".strip()


class InputError(BatchRunnerError):
    """What the user gave cannot be used as it is. `line` is 1-based, None if no line is to blame."""

    def __init__(self, message: str, remedy: str = "", line: int | None = None) -> None:
        super().__init__(message, remedy)
        self.line = line


class OverBudget(BatchRunnerError):
    """The run could cost more than the user allowed; nothing was created."""


class KeyMissing(BatchRunnerError):
    """The work needs an API key that this process does not hold."""


class NotFound(BatchRunnerError):
    """There is no such thing under this key. The same words for absent and for another's."""


class ApiError(BatchRunnerError):
    """The service answered, or failed to answer.

    `status` is the HTTP status (None if no reply arrived), `status_word` the name of the gRPC code, `reason` that of
    the body's details or, without one, the status word or a reason of ours ("NETWORK"). `service_text` is what the
    service itself said; `retry_after` seconds if it named them. `ambiguous` is true when a call may have taken
    effect although it failed: no reply, a timeout, a 5xx, an unreadable body.
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        status: int | None = None,
        reason: str = "",
        status_word: str = "",
        service_text: str = "",
        retry_after: float | None = None,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.reason = reason
        self.status_word = status_word
        self.service_text = service_text
        self.retry_after = retry_after
        self.ambiguous = ambiguous
