"""What is wrong with an input, said so that its author can put it right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Problem:
    """One fault of one line or row. `line` is 1-based (0: no line is to blame); `key` is "" where there is none."""

    line: int
    key: str
    fault: str
    remedy: str

    def __str__(self) -> str:
        where = f"Line {self.line}: " if self.line else ""
        return f"{where}{self.fault} {self.remedy}".strip()


class Fault(NamedTuple):
    """A fault and its remedy, before it is known which line they belong to."""

    fault: str
    remedy: str = ""


def plural(number: int, noun: str, plural_form: str = "") -> str:
    """A number with its noun: "1 row", "2,000 rows"."""
    return f"{number:,} {noun if number == 1 else plural_form or noun + 's'}"


def quoted_list(names: list[str] | tuple[str, ...], limit: int = 12) -> str:
    """Names in quotation marks, the long tail cut."""
    quoted = ", ".join(f'"{name}"' for name in names[:limit])
    return f"{quoted}, …" if len(names) > limit else quoted
