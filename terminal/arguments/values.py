"""Values of options, checked: model ids, amounts, hours, counts."""

from __future__ import annotations

import argparse
import math

from batch.arrangement.rules import Rule, parse_rules
from batch.errors import InputError
from batch.planning.duration import MAX_JOB_HOURS
from batch.pricing.catalog import model_id_error

ALL_RULES = "all"


def parse_model_id(name: str) -> str:
    """A model's id, without blanks around it. "" stands for the model of before."""
    error = model_id_error(name.strip()) if name else None
    if error is not None:
        raise argparse.ArgumentTypeError(error.describe())
    return name.strip()


def positive_int(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def amount(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not an amount")
    return number


def hours(text: str) -> float:
    if not (number := amount(text)):
        raise argparse.ArgumentTypeError("a job takes some time")
    if number > MAX_JOB_HOURS:
        raise argparse.ArgumentTypeError(f"a batch job expires after {MAX_JOB_HOURS:.0f} hours")
    return number


def header_row(text: str) -> int:
    """A row's number, 0 for none."""
    return 0 if text.casefold() in ("none", "no") else whole_number(text)


def separator(text: str) -> str:
    """What parts the cells of a table: one character, or its name."""
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
    found = named.get(text.casefold(), text)
    if len(found) > 1 or found in ('"', "\n", "\r"):
        raise argparse.ArgumentTypeError(f"{text!r} is not one character")
    return found


def whole_number(text: str) -> int:
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def rules(text: str) -> frozenset[Rule]:
    """Rules for arranging requests; none of them named stands for those that save the most."""
    if text == ALL_RULES:
        return frozenset()
    try:
        return parse_rules(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
