"""Numbers and names as sentences have them."""

from __future__ import annotations


def plural(number: int, noun: str, plural_form: str = "") -> str:
    """A number with its noun: "1 row", "2,000 rows"."""
    return f"{number:,} {noun if number == 1 else plural_form or noun + 's'}"


def quoted_list(names: list[str] | tuple[str, ...], limit: int = 12) -> str:
    """Names in quotation marks, the long tail cut."""
    quoted = ", ".join(f'"{name}"' for name in names[:limit])
    return f"{quoted}, …" if len(names) > limit else quoted
