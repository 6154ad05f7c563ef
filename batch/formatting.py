"""Numbers and names as sentences have them."""

from __future__ import annotations

import math


def plural(number: int, noun: str, plural_form: str = "") -> str:
    """A number with its noun: "1 row", "2,000 rows"."""
    return f"{number:,} {noun if number == 1 else plural_form or noun + 's'}"


def quoted_list(names: list[str] | tuple[str, ...], limit: int = 12) -> str:
    """Names in quotation marks, the long tail cut."""
    quoted = ", ".join(f'"{name}"' for name in names[:limit])
    return f"{quoted}, …" if len(names) > limit else quoted


def money(usd: float | None) -> str:
    """USD for people, small sums to two figures: "$1,234.50", "$0.034", "$0.00012". "not known" is never zero."""
    if usd is None:
        return "not known"
    amount = abs(usd)
    decimals = 2 if amount >= 0.1 or not amount else min(8, 1 - math.floor(math.log10(amount)))
    return f"{'-' if usd < 0 else ''}${amount:,.{decimals}f}"
