"""The command line: its verbs, in which module each is found, and the options that it takes.

Nothing is imported here that a verb works with: `--help` and a refused argument answer at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from batch.model import SendAs
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import RunSort
from terminal.arguments.options import (
    REARRANGE,
    add_output_options,
    planning_options,
    request_options,
    retry_options,
)
from terminal.arguments.values import ALL_RULES, amount, positive_int, whole_number

Parser = argparse.ArgumentParser


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """What a command line says. A mere `--rearrange` is all rules: the word after it is a file, not a rule."""
    return build_parser().parse_args([f"{REARRANGE}={ALL_RULES}" if word == REARRANGE else word for word in arguments])


def build_parser() -> Parser:
    """The parser of all verbs. What it returns names a function (`verb`) and its `module` in `terminal.verbs`."""
    parser = Parser(description="Gemini batches, safe and cheap, from a terminal.")
    verbs = Verbs(parser.add_subparsers(required=True, metavar="VERB"))
    _add_plan(verbs)
    _add_submit(verbs)
    _add_runs(verbs)
    verbs.add("show", "runs", "show one run in full, with its event log", [verbs.of_a_run])
    add_output_options(
        verbs.add("results", "runs", "write a run's merged results to a file", [verbs.of_a_run]), required=True
    )
    _add_cancel(verbs)
    _add_retry(verbs)
    _add_raise_budget(verbs)
    _add_recover(verbs)
    verbs.add("caches", "account", "list every cached content under this key, the forgotten ones too", [verbs.common])
    verbs.add("spend", "account", "say what all runs of this key have cost, by day and model", [verbs.common])
    resume = verbs.add("resume", "runs", "carry on with every unfinished run of this key", [verbs.common])
    resume.add_argument("--wait", action="store_true", help="return when all have ended")
    audit = verbs.add(
        "audit", "copies", "write who did what to which run, when and from where, as a table", [verbs.common]
    )
    audit.add_argument("--out", required=True, metavar="FILE.csv", help="where to")
    audit.set_defaults(keyless=True)
    backup = verbs.add("backup", "copies", "write a copy of all runs, results and bills, of every key", [verbs.common])
    backup.add_argument("file", metavar="FILE.tar", help="where to; it must not exist")
    backup.set_defaults(keyless=True)
    restore = verbs.add(
        "restore", "copies", "put a copy back where DATA_DIR and DATABASE_URL are empty", [verbs.common]
    )
    restore.add_argument("file", metavar="FILE.tar", help="a copy that `backup` has written")
    adopt = verbs.add(
        "adopt-folder", "copies", "take up folders of runs that the database does not know", [verbs.common]
    )
    adopt.add_argument("folders", metavar="FOLDER", nargs="+", help="a folder under DATA_DIR/runs, or a copy of one")
    page = verbs.add("page", "page", "start the page in this terminal, on this computer only", [])
    page.add_argument("--port", type=positive_int, help="where it listens; 8501 unless that is taken")
    return parser


class Verbs:
    """The verbs of a parser, and the options that all of them share."""

    def __init__(self, subparsers: argparse._SubParsersAction[Parser]) -> None:
        self._subparsers = subparsers
        self.common = Parser(add_help=False)
        self.common.add_argument(
            "--rehearse", action="store_true", help="work on the local emulator; nothing reaches Google"
        )
        self.common.add_argument("--json", action="store_true", help="one JSON document on stdout")
        self.of_a_run = Parser(add_help=False, parents=[self.common])
        self.of_a_run.add_argument("run", metavar="RUN", help="a run's id")

    def add(self, verb: str, module: str, help_line: str, parents: list[Parser]) -> Parser:
        """A verb that is the function of that name in `terminal.verbs.MODULE`."""
        subparser = self._subparsers.add_parser(verb, parents=parents, help=help_line, description=help_line)
        subparser.set_defaults(verb=verb.replace("-", "_"), module=module)
        return subparser


def _add_runs(verbs: Verbs) -> None:
    runs = verbs.add("runs", "runs", "list the runs of this key, newest first", [verbs.common])
    runs.add_argument("--sort", choices=[sort.value for sort in RunSort], default="submitted", help="the order")
    runs.add_argument("--reverse", action="store_true", help="the order turned around")
    runs.add_argument(
        "--filter", choices=[group.value.replace(" ", "-") for group in RunGroup], help="how the runs stand"
    )
    runs.add_argument("--search", default="", metavar="TEXT", help="words in name, tags, model or id")
    runs.add_argument("--limit", type=positive_int, default=200, metavar="N", help="how many at most; 200")
    rename = verbs.add("rename", "runs", "give a run another name", [verbs.of_a_run])
    rename.add_argument("name", metavar="NAME")
    tag = verbs.add("tag", "runs", "add tags to a run, and take others from it", [verbs.of_a_run])
    tag.add_argument("changes", metavar="+TAG|-TAG", nargs=argparse.REMAINDER, action=TagChanges, help="+new -old")


class TagChanges(argparse.Action):
    """Tags to add and to take away; the options of every verb may stand among them."""

    def __call__(
        self, parser: Parser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        words = [str(word) for word in values] if isinstance(values, list) else []
        for name in ("rehearse", "json"):
            if f"--{name}" in words:
                setattr(namespace, name, True)
        changes = [word for word in words if word not in ("--rehearse", "--json")]
        if not changes or any(word[:1] not in ("+", "-") or len(word) < 2 or word[:2] == "--" for word in changes):
            parser.error("say what to do with each tag: +new adds one, -old takes one away")
        namespace.changes = changes


def _add_plan(verbs: Verbs) -> None:
    plan = verbs.add(
        "plan",
        "submissions",
        "say what a file will cost and how its shared text is best cached; sends nothing but free token counts",
        [verbs.common, request_options(), planning_options()],
    )
    plan.add_argument("--groups", metavar="OUT.jsonl", help="write each row's key and group")
    plan.add_argument(
        "--try",
        dest="try_rows",
        type=positive_int,
        metavar="N",
        help="answer N rows of the file at once, at the standard price; with --rearrange both ways, side by side",
    )
    plan.add_argument("--good-rows", action="store_true", help="plan the good rows of a file that has bad ones")
    plan.set_defaults(keyless=True)


def _add_submit(verbs: Verbs) -> None:
    submit = verbs.add(
        "submit",
        "submissions",
        "send a file as a new run; with --wait, until it has ended",
        [verbs.common, request_options(), planning_options()],
    )
    submit.add_argument("--name", default="", help="what to call the run")
    submit.add_argument("--mode", choices=[m.value for m in SendAs], default="auto", help="how requests are sent")
    submit.add_argument(
        "--max-usd", type=amount, help="refuse a run that is expected to cost more, and stop sending before it does"
    )
    submit.add_argument(
        "--no-plain", action="store_true", help="stop if Google refuses caches, rather than pay in full"
    )
    submit.add_argument("--canary", type=whole_number, default=0, metavar="N", help="send N rows first")
    submit.add_argument("--good-rows", action="store_true", help="send the good rows of a file that has bad ones")
    submit.add_argument("--wait", action="store_true", help="return when the run has ended")
    add_output_options(submit, required=False)


def _add_cancel(verbs: Verbs) -> None:
    cancel = verbs.add(
        "cancel",
        "runs",
        "cancel a run and see it through: what finished is collected and everything is released",
        [verbs.of_a_run, retry_options()],
    )
    cancel.add_argument("--resubmit", action="store_true", help="and send what is left unanswered as a child run")
    cancel.add_argument("--leave-job", action="store_true", help="stop watching a recovered job; it goes on at Google")


def _add_retry(verbs: Verbs) -> None:
    retry = verbs.add(
        "retry",
        "retries",
        "send rows that did not succeed again, as a child run whose results are merged into the run's",
        [verbs.of_a_run, retry_options()],
    )
    retry.add_argument("--only", default="", metavar="OUTCOME,…", help="which outcomes; default: those worth retrying")
    retry.add_argument("--keys", nargs="+", default=[], metavar="KEY", help="which rows, by key")
    retry.add_argument("--max-output-tokens", type=positive_int, metavar="N", help="another output cap")


def _add_raise_budget(verbs: Verbs) -> None:
    raised = verbs.add(
        "raise-budget",
        "retries",
        "let a run and its retries cost more; what it left unsent at its budget is sent",
        [verbs.of_a_run],
    )
    raised.add_argument("usd", metavar="USD", type=amount, help="what it may cost all in all")
    raised.add_argument("--wait", action="store_true", help="return when the run has ended")


def _add_recover(verbs: Verbs) -> None:
    recover = verbs.add(
        "recover",
        "imported_jobs",
        "adopt a batch job made elsewhere with the same key, and collect its results; without JOB, list such jobs",
        [verbs.common],
    )
    recover.add_argument("job", metavar="JOB", nargs="?", default="", help="the batch job's name, batches/…")
    recover.add_argument("--name", default="", help="what to call the run")
    recover.add_argument("--input", default="", metavar="FILE", help="the job's requests, to stand beside the answers")
    recover.add_argument(
        "--key-field",
        default="",
        metavar="NAME",
        help="the field of the results that identifies rows; else it is found",
    )
    recover.add_argument("--wait", action="store_true", help="return when the job has ended and is collected")
    add_output_options(recover, required=False)
