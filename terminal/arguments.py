"""The terminal's arguments: which options each verb takes, and what is no number."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping

from batch.model import ContextMode, SendAs
from batch.planning.duration import LONGEST_HOURS
from batch.pricing.catalog import id_fault

Verb = Callable[..., int]


def parser_of(functions: Mapping[str, Verb]) -> argparse.ArgumentParser:
    """The parser of all verbs, given the function of each; its docstring's first line is the verb's help."""
    parser = argparse.ArgumentParser(prog="cli.py", description="Gemini batches, safe and cheap, from a terminal.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--rehearse", action="store_true", help="work on the local emulator; nothing reaches Google")
    common.add_argument("--json", action="store_true", help="one JSON document on stdout")
    one = argparse.ArgumentParser(add_help=False, parents=[common])
    one.add_argument("run", metavar="RUN", help="a run's id")

    def verb(name: str, parents: list[argparse.ArgumentParser]) -> argparse.ArgumentParser:
        function = functions[name]
        added = verbs.add_parser(name, parents=parents, help=(function.__doc__ or "").strip().splitlines()[0])
        added.set_defaults(verb=function)
        return added

    planning = verb("plan", [common, _what(), _planning()])
    planning.add_argument("--groups", metavar="OUT.jsonl", help="write each row's key and group")
    planning.add_argument("--good-rows", action="store_true", help="plan the good rows of a file that has bad ones")
    planning.set_defaults(keyless=True)
    sending = verb("submit", [common, _what(), _planning()])
    sending.add_argument("--name", default="", help="what to call the run")
    sending.add_argument("--mode", choices=[m.value for m in SendAs], default="auto", help="how requests are sent")
    sending.add_argument("--max-usd", type=amount, help="refuse a run that could cost more")
    sending.add_argument(
        "--no-plain", action="store_true", help="stop if Google refuses caches, rather than pay in full"
    )
    sending.add_argument("--canary", type=whole_number, default=0, metavar="N", help="send N rows first")
    sending.add_argument("--good-rows", action="store_true", help="send the good rows of a file that has bad ones")
    sending.add_argument("--wait", action="store_true", help="return when the run has ended")
    _results_to(sending, required=False)
    verb("runs", [common])
    verb("show", [one])
    _results_to(verb("results", [one]), required=True)
    ending = verb("cancel", [one, _elsewhere()])
    ending.add_argument("--resubmit", action="store_true", help="and send what is left unanswered as a child run")
    ending.add_argument("--leave-job", action="store_true", help="stop watching a recovered job; it goes on at Google")
    again = verb("retry", [one, _elsewhere()])
    again.add_argument("--only", default="", metavar="OUTCOME,…", help="which outcomes; default: those worth retrying")
    again.add_argument("--keys", nargs="+", default=[], metavar="KEY", help="which rows, by key")
    again.add_argument("--max-output-tokens", type=_positive, metavar="N", help="another output cap")
    verb("caches", [common])
    verb("spend", [common])
    adopting = verb("recover", [common])
    adopting.add_argument("job", metavar="JOB", nargs="?", default="", help="the batch job's name, batches/…")
    adopting.add_argument("--name", default="", help="what to call the run")
    adopting.add_argument("--input", default="", metavar="FILE", help="the job's requests, to stand beside the answers")
    adopting.add_argument("--wait", action="store_true", help="return when the job has ended and is collected")
    _results_to(adopting, required=False)
    carrying = verb("resume", [common])
    carrying.add_argument("--wait", action="store_true", help="return when all have ended")
    return parser


def _what() -> argparse.ArgumentParser:
    """What to send: the file, the model, and settings of every request."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("file", metavar="FILE", help="JSONL, CSV, TSV, Parquet, XLSX, or .txt with one prompt a line")
    parent.add_argument("--model", required=True, type=_model, help="a model's id")
    parent.add_argument("--template", help="a file with a prompt template: {{column}} stands for a column")
    parent.add_argument("--temperature", type=float)
    parent.add_argument("--max-output-tokens", type=int)
    parent.add_argument("--thinking", default="", help="a level (low, medium, high) or a budget in tokens")
    parent.add_argument("--system", default="", help="a system instruction for every request")
    parent.add_argument("--schema", help="a file with a response schema as JSON")
    return parent


def _model(name: str) -> str:
    """A model's id, without blanks around it. "" stands for the model of before."""
    fault = id_fault(name.strip()) if name else None
    if fault is not None:
        raise argparse.ArgumentTypeError(f"{fault} {fault.remedy}")
    return name.strip()


def _planning() -> argparse.ArgumentParser:
    """How shared context is paid for."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--context", choices=[m.value for m in ContextMode], default="auto")
    parent.add_argument("--hours", type=hours, help="how long the jobs are expected to take")
    parent.add_argument("--split", choices=["turn", "part", "text"], default="part", help="where a prefix may end")
    parent.add_argument("--dedupe", action="store_true", help="send exact duplicates once")
    return parent


def _elsewhere() -> argparse.ArgumentParser:
    """How rows are sent again, if otherwise than before."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--model", default="", type=_model, help="another model for the rows that are sent again")
    parent.add_argument("--rows-per-job", type=_positive, default=0, metavar="N", help="smaller jobs for them")
    parent.add_argument("--wait", action="store_true", help="return when the child run has ended")
    return parent


def _results_to(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--out", required=required, help=".jsonl .json .csv .parquet .xlsx or .txt")
    parser.add_argument("--form", choices=["flat", "gemini"], default="flat", help="flat rows, or lines as received")


def _positive(text: str) -> int:
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
    if number > LONGEST_HOURS:
        raise argparse.ArgumentTypeError(f"a batch job expires after {LONGEST_HOURS:.0f} hours")
    return number


def whole_number(text: str) -> int:
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number
