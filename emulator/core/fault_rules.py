"""Faults on request: what goes wrong, where, after how many calls and how often."""

import re
from dataclasses import dataclass, field
from typing import Any

FAULT_KINDS = ("status", "status_after", "drop_before", "drop_after", "delay", "hang", "truncate", "malformed")


@dataclass
class Fault:
    """One rule. It skips the first `after` matching calls and then fires `times` times (-1: for ever)."""

    do: str
    route: str = ""
    method: str = ""
    after: int = 0
    times: int = 1
    status: int = 503
    body: Any = None
    seconds: float = 1.0
    bytes: int | None = None
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.do not in FAULT_KINDS:
            raise ValueError(f"do is one of {', '.join(FAULT_KINDS)}")
        if not 100 <= self.status <= 599:
            raise ValueError("status is a number from 100 to 599")
        self.pattern = re.compile(self.route)

    def matches(self, method: str, path: str, query: str) -> bool:
        """Count a matching call and say whether the fault fires on it."""
        if self.method and self.method.upper() != method:
            return False
        if not self.pattern.search(path) and not self.pattern.search(f"{path}?{query}"):
            return False
        self.seen += 1
        if self.seen <= self.after or self.fired == self.times:
            return False
        self.fired += 1
        return True

    def as_dict(self) -> dict[str, Any]:
        names = ("do", "route", "method", "after", "times", "status", "body", "seconds", "bytes", "seen", "fired")
        return {name: getattr(self, name) for name in names}


class FaultRules:
    """The rules in force, in the order they came; the first that fires wins."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def add(self, documents: list[dict[str, Any]]) -> None:
        """Add rules. Raises ValueError for one that cannot be meant; then none is added."""
        try:
            self.rules += [Fault(**document) for document in documents]
        except (TypeError, re.error) as error:
            raise ValueError(str(error)) from None

    def clear(self) -> None:
        self.rules.clear()

    def match(self, method: str, path: str, query: str) -> Fault | None:
        """The fault for a call, or None. Rules after the first that fires do not see the call."""
        return next((rule for rule in self.rules if rule.matches(method, path, query)), None)
