"""The terminal's arguments: which options each verb takes, and what is no number."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping

from batch.model import ContextMode, SendAs
from batch.planning.duration import MAX_JOB_HOURS
from batch.pricing.catalog import model_id_error

Verb = Callable[..., int]


def build_parser(verb_functions: Mapping[str, Verb]) -> argparse.ArgumentParser:
    """The parser of all verbs, given the function of each; its docstring's first line is the verb's help."""
    parser = argparse.ArgumentParser(prog="cli.py", description="Gemini batches, safe and cheap, from a terminal.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    common_options = argparse.ArgumentParser(add_help=False)
    common_options.add_argument(
        "--rehearse", action="store_true", help="work on the local emulator; nothing reaches Google"
    )
    common_options.add_argument("--json", action="store_true", help="one JSON document on stdout")
    run_argument = argparse.ArgumentParser(add_help=False, parents=[common_options])
    run_argument.add_argument("run", metavar="RUN", help="a run's id")

    def add_verb(name: str, parents: list[argparse.ArgumentParser]) -> argparse.ArgumentParser:
        function = verb_functions[name]
        subparser = verbs.add_parser(name, parents=parents, help=(function.__doc__ or "").strip().splitlines()[0])
        subparser.set_defaults(verb=function)
        return subparser

    plan_parser = add_verb("plan", [common_options, _request_options(), _planning_options()])
    plan_parser.add_argument("--groups", metavar="OUT.jsonl", help="write each row's key and group")
    plan_parser.add_argument("--good-rows", action="store_true", help="plan the good rows of a file that has bad ones")
    plan_parser.set_defaults(keyless=True)
    submit_parser = add_verb("submit", [common_options, _request_options(), _planning_options()])
    submit_parser.add_argument("--name", default="", help="what to call the run")
    submit_parser.add_argument(
        "--mode", choices=[m.value for m in SendAs], default="auto", help="how requests are sent"
    )
    submit_parser.add_argument("--max-usd", type=amount, help="refuse a run that could cost more")
    submit_parser.add_argument(
        "--no-plain", action="store_true", help="stop if Google refuses caches, rather than pay in full"
    )
    submit_parser.add_argument("--canary", type=whole_number, default=0, metavar="N", help="send N rows first")
    submit_parser.add_argument(
        "--good-rows", action="store_true", help="send the good rows of a file that has bad ones"
    )
    submit_parser.add_argument("--wait", action="store_true", help="return when the run has ended")
    _add_output_options(submit_parser, required=False)
    add_verb("runs", [common_options])
    add_verb("show", [run_argument])
    _add_output_options(add_verb("results", [run_argument]), required=True)
    cancel_parser = add_verb("cancel", [run_argument, _retry_options()])
    cancel_parser.add_argument(
        "--resubmit", action="store_true", help="and send what is left unanswered as a child run"
    )
    cancel_parser.add_argument(
        "--leave-job", action="store_true", help="stop watching a recovered job; it goes on at Google"
    )
    retry_parser = add_verb("retry", [run_argument, _retry_options()])
    retry_parser.add_argument(
        "--only", default="", metavar="OUTCOME,…", help="which outcomes; default: those worth retrying"
    )
    retry_parser.add_argument("--keys", nargs="+", default=[], metavar="KEY", help="which rows, by key")
    retry_parser.add_argument("--max-output-tokens", type=_positive_int, metavar="N", help="another output cap")
    add_verb("caches", [common_options])
    add_verb("spend", [common_options])
    recover_parser = add_verb("recover", [common_options])
    recover_parser.add_argument("job", metavar="JOB", nargs="?", default="", help="the batch job's name, batches/…")
    recover_parser.add_argument("--name", default="", help="what to call the run")
    recover_parser.add_argument(
        "--input", default="", metavar="FILE", help="the job's requests, to stand beside the answers"
    )
    recover_parser.add_argument("--wait", action="store_true", help="return when the job has ended and is collected")
    _add_output_options(recover_parser, required=False)
    resume_parser = add_verb("resume", [common_options])
    resume_parser.add_argument("--wait", action="store_true", help="return when all have ended")
    return parser


def _request_options() -> argparse.ArgumentParser:
    """What to send: the file, the model, and settings of every request."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("file", metavar="FILE", help="JSONL, CSV, TSV, Parquet, XLSX, or .txt with one prompt a line")
    parent.add_argument("--model", required=True, type=_model_id, help="a model's id")
    parent.add_argument("--template", help="a file with a prompt template: {{column}} stands for a column")
    parent.add_argument("--temperature", type=float)
    parent.add_argument("--max-output-tokens", type=int)
    parent.add_argument("--thinking", default="", help="a level (low, medium, high) or a budget in tokens")
    parent.add_argument("--system", default="", help="a system instruction for every request")
    parent.add_argument("--schema", help="a file with a response schema as JSON")
    return parent


def _model_id(name: str) -> str:
    """A model's id, without blanks around it. "" stands for the model of before."""
    error = model_id_error(name.strip()) if name else None
    if error is not None:
        raise argparse.ArgumentTypeError(f"{error} {error.remedy}")
    return name.strip()


def _planning_options() -> argparse.ArgumentParser:
    """How shared context is paid for."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--context", choices=[m.value for m in ContextMode], default="auto")
    parent.add_argument("--hours", type=hours, help="how long the jobs are expected to take")
    parent.add_argument("--split", choices=["turn", "part", "text"], default="part", help="where a prefix may end")
    parent.add_argument("--dedupe", action="store_true", help="send exact duplicates once")
    return parent


def _retry_options() -> argparse.ArgumentParser:
    """How rows are sent again, if otherwise than before."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--model", default="", type=_model_id, help="another model for the rows that are sent again")
    parent.add_argument("--rows-per-job", type=_positive_int, default=0, metavar="N", help="smaller jobs for them")
    parent.add_argument("--wait", action="store_true", help="return when the child run has ended")
    return parent


def _add_output_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--out", required=required, help=".jsonl .json .csv .parquet .xlsx or .txt")
    parser.add_argument("--form", choices=["flat", "gemini"], default="flat", help="flat rows, or lines as received")


def _positive_int(text: str) -> int:
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


def whole_number(text: str) -> int:
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number
