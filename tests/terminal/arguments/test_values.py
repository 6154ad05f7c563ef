"""What may be written as the value of an option."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from terminal.arguments import values


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.parse_model_id, " gemini-2.5-flash ", "gemini-2.5-flash"),
        (values.parse_model_id, "", ""),
        (values.positive_int, "12", 12),
        (values.amount, "0", 0.0),
        (values.amount, "1e-3", 0.001),
        (values.hours, "24", 24.0),
        (values.header_row, "none", 0),
        (values.header_row, "3", 3),
        (values.separator, "tab", "\t"),
        (values.separator, "Semicolon", ";"),
        (values.separator, "|", "|"),
        (values.whole_number, "0", 0),
    ],
)
def test_good_values(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.parse_model_id, "../models"),
        (values.positive_int, "0"),
        (values.positive_int, "-1"),
        (values.positive_int, "1.5"),
        (values.positive_int, "٣"),
        (values.amount, "-1"),
        (values.amount, "nan"),
        (values.amount, "inf"),
        (values.amount, "much"),
        (values.hours, "0"),
        (values.hours, "49"),
        (values.header_row, "first"),
        (values.separator, "ab"),
        (values.separator, '"'),
        (values.whole_number, "-1"),
    ],
)
def test_bad_values_are_refused_in_argparses_way(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises((argparse.ArgumentTypeError, ValueError)):
        parse(text)
