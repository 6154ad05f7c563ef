"""The same verbs as the page, from a terminal: `python cli.py VERB …`, for cron and CI.

With --json one JSON document on stdout; messages go to stderr. Exit 0: the run is finished (even with failed rows),
or what was asked is done; 1: failed, cancelled, or the key is missing; 2: bad input or over budget.
"""

from __future__ import annotations

import argparse
import math
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from assembly import open_runner
from batch.bills import Spent, altogether, by_day_and_model, by_model, spent
from batch.catalog import id_fault
from batch.duration import LONGEST_HOURS
from batch.errors import ApiError, BatchRunnerError, InputError, KeyMissing, OverBudget
from batch.model import ContextMode, Generation, RunState, SendAs, Stage
from batch.problems import count
from lifecycle import drafts
from lifecycle.ages import EXPIRY_SECONDS
from lifecycle.cache_desk import CacheInfo
from lifecycle.drafts import Draft
from lifecycle.plan_files import row_groups
from lifecycle.recovery import Elsewhere
from lifecycle.results.export import check_target, format_of
from lifecycle.runner import Runner
from lifecycle.views import Account, JobView, RunSpec, RunView
from settings import Settings, load

WATCH_SECONDS = 0.2
GROUPS_SHOWN = 20  # of a plan in words; --json has them all
SENT = (Stage.RUNNING, Stage.COLLECTING, Stage.RELEASING, Stage.FINISHED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load()
        runner = open_runner(settings)
        try:
            account = _account(runner, settings, options)
            return int(options.verb(runner, account, options))
        finally:
            runner.close()
    except (InputError, OverBudget) as error:
        return _complain(error, 2)
    except (ApiError, BatchRunnerError) as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        _say("Stopped here. The run goes on with `resume`, or on the page.")
        return 1
    except BrokenPipeError:  # who reads along has seen enough; what is left in the buffer must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


# -- verbs -----------------------------------------------------------------------------------------------------


def plan(runner: Runner, account: Account | None, options: argparse.Namespace) -> int:
    """Say what a file will cost and how its shared text is best cached; nothing is sent but free token counts."""
    draft = _draft(runner, options)
    found = runner.forecast(account, draft, _spec(options))
    if options.groups:
        with _opened(Path(options.groups)) as out:
            rows = row_groups(found.plan, draft.folder / "requests.jsonl")
            for key, group in rows:
                out.write(orjson.dumps({"key": key, "group": group}, option=orjson.OPT_APPEND_NEWLINE))
    document = runner.plan_document(found, options.model)
    _print(options, document, lambda: _plan_lines(document, found.card.assumptions))
    return 0


def submit(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Send a file as a new run; with --wait, until it has ended."""
    if options.out:
        check_target(Path(options.out), options.form)
    draft = _draft(runner, options)
    run_id = runner.submit(account, draft, _spec(options), secrets.token_hex(16), attended=options.wait)
    if options.json:
        print(orjson.dumps({"run_id": run_id}).decode(), flush=True)
    _say(f"Run {run_id}: {draft.rows:,} requests.")
    runner.start()
    run = _follow(runner, account, run_id, until_ended=options.wait)
    if options.out and run.has_results:
        _export(runner, account, run_id, options)
    return _report(run, options)


def runs(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """List the runs of this key, newest first."""
    found = runner.runs(account)
    _print(options, [_brief(run) for run in found], lambda: [_line(run) for run in found])
    return 0


def show(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Show one run in full, with its event log."""
    run = runner.run(account, options.run)
    events = runner.events(account, options.run)
    document = {
        **_brief(run),
        "warning": run.warning or None,
        "jobs": [_job(job) for job in run.jobs],
        "caches": [{"name": c.name, "tokens": c.tokens, "deleted_at": c.deleted_at, "usd": c.usd} for c in run.caches],
        "events": [{"at": e.at, "level": e.level, "text": e.text} for e in events],
    }
    log = [f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.text}" for event in events]
    _print(options, document, lambda: [_line(run), *filter(None, (run.note, run.warning)), *log])
    return 0


def results(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Write a run's merged results to a file."""
    _export(runner, account, options.run, options)
    return 0


def cancel(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Ask for a cancel and see it through: what finished is collected and everything is released."""
    if options.resubmit and options.leave_job:
        raise InputError("A job that goes on cannot be sent elsewhere.", "Give --resubmit or --leave-job.")
    if options.resubmit:
        return _resubmit(runner, account, options)
    (runner.leave if options.leave_job else runner.cancel)(account, options.run)
    runner.start()
    run = _follow(runner, account, options.run, until_ended=True)
    _report(run, options)
    return 0 if run.state in (RunState.CANCELLED, RunState.FINISHED) else 1


def _resubmit(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Cancel a run, and send what it leaves unanswered as a child run, elsewhere."""
    offer = runner.resubmit_forecast(account, options.run, model=options.model, rows_per_job=options.rows_per_job)
    child = runner.send_retry(account, offer, "")
    if options.json:
        print(orjson.dumps({"run_id": child}).decode(), flush=True)
    _say(f"Run {child} sends what {options.run} leaves unanswered; at worst that costs {_money(offer.worst_usd)}.")
    runner.start()
    return _report(_follow(runner, account, child, until_ended=options.wait), options)


def retry(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Send rows that did not succeed again, as a child run whose results are merged into the run's."""
    outcomes = [name.strip() for name in options.only.split(",") if name.strip()]
    child = runner.retry(
        account,
        options.run,
        "",
        outcomes=outcomes,
        keys=options.keys,
        model=options.model,
        max_output_tokens=options.max_output_tokens,
        rows_per_job=options.rows_per_job,
    )
    if options.json:
        print(orjson.dumps({"run_id": child}).decode(), flush=True)
    runner.start()
    return _report(_follow(runner, account, child, until_ended=options.wait), options)


def recover(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Adopt a batch job made elsewhere with the same key, and collect its results; without a JOB, list such jobs."""
    if not options.job:
        found = runner.jobs_elsewhere(account)
        _print(options, [asdict(job) for job in found], lambda: [_elsewhere_line(job) for job in found])
        return 0
    draft = _input(runner, options.input) if options.input else None
    recovered = runner.recover(account, options.job, name=options.name, draft=draft)
    if options.json:
        print(orjson.dumps({"run_id": recovered.run_id}).decode(), flush=True)
    _say(f"Run {recovered.run_id} {'has that job already' if recovered.known else 'has adopted the job'}.")
    runner.start()
    run = _follow(runner, account, recovered.run_id, until_ended=options.wait or recovered.ended)
    if options.out and run.has_results:
        _export(runner, account, run.id, options)
    return _report(run, options)


def caches(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """List every cached content under this key, the forgotten ones included."""
    found = runner.caches(account)
    _print(options, [asdict(cache) for cache in found], lambda: [_cache_line(cache) for cache in found])
    return 0


def spend(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Say what all runs of this key have cost, by day and model, deleted ones included."""
    bills = runner.bills(account)
    going = [run for run in runner.runs(account, limit=100_000) if not run.state.ended]
    expected: list[Any] = [run.estimate_usd for run in going]
    total = spent(bills, altogether)
    if account.rehearsal:
        _say("Rehearsed: nothing was spent, this is what it would have cost.")
    document = {
        "rehearsal": account.rehearsal,
        "total": _spent(total[0]) if total else None,
        "models": [_spent(line) for line in spent(bills, by_model)],
        "days": [_spent(line) for line in spent(bills, by_day_and_model)],
        "under_way": {"runs": len(going), "estimate_usd": None if None in expected else sum(expected)},
    }
    _print(options, document, lambda: [*map(_spent_line, spent(bills, by_day_and_model)), *map(_spent_line, total)])
    return 0


def resume(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Carry on with every unfinished run of this key: each is looked at now, and what has ended is collected."""
    open_runs = [run for run in runner.runs(account, limit=100_000) if not run.state.ended]
    for run in open_runs:
        runner.look_now(account, run.id)
    runner.start()
    ended = [_follow(runner, account, run.id, until_ended=options.wait) for run in open_runs]
    _print(options, [_brief(run) for run in ended], lambda: [_line(run) for run in ended])
    return 0 if all(run.state not in (RunState.FAILED, RunState.CANCELLED) for run in ended) else 1


# -- parts of verbs --------------------------------------------------------------------------------------------


def _draft(runner: Runner, options: argparse.Namespace) -> Draft:
    source = _existing(options.file)
    draft = runner.prepare(
        source,
        kind=drafts.kind_of(source.name),
        template=_text(options.template, "template"),
        generation=_generation(options),
        source_name=source.name,
    )
    for note in draft.notes:
        _say(note)
    for problem in draft.problems:
        _say(f"line {problem.line}: {problem.fault} {problem.remedy}")
    if draft.problem_count and not options.good_rows:
        found = f"{count(draft.problem_count, 'problem')} in {count(draft.bad_rows, 'row')}; nothing was sent."
        way_out = f", or take the {count(draft.rows, 'good row')} with --good-rows" if draft.rows else ""
        raise InputError(found, f"Correct the input{way_out}.")
    if not draft.rows:
        raise drafts.NOTHING
    return draft


def _input(runner: Runner, name: str) -> Draft:
    """The requests of a job made elsewhere, as far as they can be read."""
    source = _existing(name)
    draft = runner.prepare(source, kind=drafts.kind_of(source.name), source_name=source.name)
    if draft.problem_count:
        _say(f"{draft.bad_rows:,} rows of {name} cannot be read and are left out; their answers will fit no row.")
    return draft


def _existing(name: str) -> Path:
    if not Path(name).is_file():
        raise InputError(f"There is no file {name}.", "Check the path.")
    return Path(name)


def _text(path: str | None, what: str) -> str:
    """The text of a file that an option names, "" without one."""
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"The {what} {path} cannot be read: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"The {what} {path} is not valid UTF-8.", "Save it as UTF-8.") from error


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error


def _generation(options: argparse.Namespace) -> Generation:
    return Generation(
        temperature=options.temperature,
        max_output_tokens=options.max_output_tokens,
        thinking=options.thinking,
        system_instruction=options.system,
        response_schema=_text(options.schema, "response schema"),
    )


def _spec(options: argparse.Namespace) -> RunSpec:
    return RunSpec(
        model=options.model,
        name=getattr(options, "name", ""),
        generation=_generation(options),
        context=ContextMode(options.context),
        send_as=SendAs(getattr(options, "mode", "auto")),
        hours=options.hours,
        split=options.split,
        dedupe=options.dedupe,
        max_usd=getattr(options, "max_usd", None),
        canary=getattr(options, "canary", 0),
        allow_plain=not getattr(options, "no_plain", False),
    )


def _follow(runner: Runner, account: Account, run_id: str, *, until_ended: bool) -> RunView:
    """Watch a run until it has ended, or until all that can be sent now is sent; say what changes."""
    said = ""
    while True:
        run = runner.run(account, run_id)
        words = run.note or f"{run.words}, {run.progress.done:,} of {run.rows:,} rows done"
        if words != said:
            _say(f"{run_id}: {words}")
            said = words
        sent = run.stage in SENT or run.state is RunState.WAITING_FOR_CAPACITY
        if run.state.ended or (sent and run.is_waiting and not until_ended):
            return run
        time.sleep(WATCH_SECONDS)


def _export(runner: Runner, account: Account, run_id: str, options: argparse.Namespace) -> None:
    out = Path(options.out)
    check_target(out, options.form)
    run = runner.run(account, run_id)
    table = runner.results(account, run_id)
    try:
        written = table.export(out, format_of(out), form=options.form, complete=run.state is RunState.FINISHED)
    except OSError as error:
        words = f"{out} cannot be written: {error.strerror or error}."
        raise BatchRunnerError(words, f"Make room, then `results {run_id} --out FILE`.") from error
    for note in written.notes:
        _say(note)
    _say(f"Wrote {written.path}.")


def _report(run: RunView, options: argparse.Namespace) -> int:
    document = {
        "run_id": run.id,
        "state": run.state,
        "stage": run.stage,
        "counts": dict(run.counts),
        "cost_usd": run.actual_usd,
        "error": run.error or None,
    }
    if run.at_least:
        _say("The cost is a lower bound: more may be billed for rows that did not come back, or not with their usage.")
    _print(options, document, lambda: [_line(run)])
    return 1 if run.state in (RunState.FAILED, RunState.CANCELLED) else 0


def _brief(run: RunView) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "stage": run.stage,
        "model": run.model,
        "rows": run.rows,
        "counts": dict(run.counts),
        "estimate_usd": run.estimate_usd,
        "actual_usd": run.actual_usd,
        "actual_at_least": run.at_least,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "parent_id": run.parent_id or None,
        "note": run.note,
        "error": run.error or None,
    }


def _job(job: JobView) -> dict[str, Any]:
    expires = job.created_at and not job.ended_at and job.created_at + timedelta(seconds=EXPIRY_SECONDS)
    return {
        "name": job.name,
        "state": job.state,
        "stats": job.stats,
        "error": job.error,
        "created_at": job.created_at,
        "in_state_since": job.since,
        "ended_at": job.ended_at,
        "expires_at": expires or None,
    }


def _line(run: RunView) -> str:
    counts = ", ".join(f"{n:,} {outcome}" for outcome, n in run.counts.items() if n)
    cost = "" if run.actual_usd is None else f"  {'at least ' if run.at_least else ''}${run.actual_usd:.4f}"
    return (
        f"{run.id}  {run.words}  {run.model}  {run.rows:,} rows{cost}  {counts}{'  ' + run.error if run.error else ''}"
    )


def _cache_line(cache: CacheInfo) -> str:
    size = "size unknown" if cache.tokens is None else f"{cache.tokens:,} tokens"
    cost = "cost unknown" if cache.usd_per_hour is None else f"${cache.usd_per_hour:.4f} an hour"
    needed = f"  needed by {', '.join(cache.runs)}" if cache.runs else ""
    return f"{cache.name}  {cache.label}  {cache.model}  {size}  {cost}  until {cache.expire_at}{needed}"


def _elsewhere_line(job: Elsewhere) -> str:
    requests = "an unknown number of" if job.requests is None else f"{job.requests:,}"
    return f"{job.name}  {job.display_name}  {job.model}  {requests} requests  {job.state}  made {job.created_at}"


def _spent(line: Spent) -> dict[str, Any]:
    """`usd` is of the runs whose cost is known; null if it is known of none."""
    return {
        "day": line.day,
        "model": line.model or None,
        "runs": line.runs,
        "rows": line.rows,
        "usd": line.usd,
        "runs_of_unknown_cost": line.unknown,
        "at_least": line.at_least,
        "saved_by_caching_usd": line.by_caching,
        "saved_by_batch_usd": line.by_batching,
    }


def _spent_line(line: Spent) -> str:
    known = "cost unknown" if line.usd is None else f"{'at least ' if line.at_least else ''}{_money(line.usd)}"
    facts = [
        str(line.day or "all days"),
        line.model or "all models",
        count(line.runs, "run"),
        count(line.rows, "row"),
        known,
        f"{count(line.unknown, 'run')} of unknown cost" if line.unknown and line.usd is not None else "",
        "" if line.saved is None else f"{'saved' if line.saved >= 0 else 'lost'} {_money(abs(line.saved))}",
    ]
    return "  ".join(fact for fact in facts if fact)


def _account(runner: Runner, settings: Settings, options: argparse.Namespace) -> Account | None:
    """Who is asking; None for a verb that can do without a key when there is none."""
    if options.rehearse:
        return runner.hold_rehearsal(_rehearsal_identity(settings.data_dir))
    if not settings.gemini_api_key:
        if getattr(options, "keyless", False):
            return None
        raise KeyMissing("There is no API key.", "Set GEMINI_API_KEY, or rehearse without one: --rehearse.")
    return runner.hold_key(settings.gemini_api_key)


def _rehearsal_identity(data_dir: Path) -> str:
    """The terminal's own rehearsal identity, made once for a data folder."""
    path = data_dir / "rehearsal-identity"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"rehearsal-{secrets.token_hex(16)}", encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _plan_lines(document: dict[str, Any], assumptions: Sequence[str]) -> list[str]:
    usd, groups = document["totals"]["usd"], document["groups"]
    costs = (f"{name} {_money(usd[name])}" for name in ("plain", "implicit", "chosen"))
    first = sorted(
        groups, key=lambda group: (group["choice"] != "explicit", -group["requests"] * group["prefix_tokens"])
    )
    more = [f"… and {len(groups) - GROUPS_SHOWN:,} more shared texts"] if len(groups) > GROUPS_SHOWN else []
    whole, standard = document["estimate"]["usd"], document["estimate"]["standard_usd"]["expected"]
    caution = [document["caution"]] if document["caution"] else []
    return [
        f"{document['totals']['requests']:,} requests, input cost: {', '.join(costs)}",
        f"The whole run: {_money(whole['low'])} to {_money(whole['worst'])}, {_money(whole['expected'])} expected; "
        f"{_money(standard)} at standard price without caches",
        *caution,
        *(_group_line(group) for group in first[:GROUPS_SHOWN]),
        *more,
        *document["hints"],
        f"Planned for jobs of {document['hours']:.1f} h.",
        *assumptions,
    ]


def _group_line(group: dict[str, Any]) -> str:
    usd, hours = group["usd"], group["break_even_hours"]
    costs = ", ".join(f"{name} {_money(usd[name])}" for name in usd if usd[name] is not None)
    until = f"; a cache pays up to {hours:.1f} h" if hours else ""
    shared = f"{group['requests']:,} requests share {group['prefix_tokens']:,} tokens"
    return f"{group['id']}  {shared}: {group['choice']} ({costs}{until})"


def _money(usd: float | None) -> str:
    return "unknown" if usd is None else f"${usd:.4f}"


def _print(options: argparse.Namespace, document: object, lines: Callable[[], list[str]]) -> None:
    if options.json:
        print(orjson.dumps(document).decode(), flush=True)
    else:
        print("\n".join(lines()), flush=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _complain(error: BatchRunnerError, code: int) -> int:
    _say(f"{error} {error.remedy}".strip())
    return code


# -- arguments -------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cli.py", description="Gemini batches, safe and cheap, from a terminal.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--rehearse", action="store_true", help="work on the local emulator; nothing reaches Google")
    common.add_argument("--json", action="store_true", help="one JSON document on stdout")
    one = argparse.ArgumentParser(add_help=False, parents=[common])
    one.add_argument("run", metavar="RUN", help="a run's id")

    def verb(
        name: str, function: Callable[..., int], parents: list[argparse.ArgumentParser]
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, parents=parents, help=(function.__doc__ or "").strip().splitlines()[0])
        added.set_defaults(verb=function)
        return added

    planning = verb("plan", plan, [common, _what(), _planning()])
    planning.add_argument("--groups", metavar="OUT.jsonl", help="write each row's key and group")
    planning.add_argument("--good-rows", action="store_true", help="plan the good rows of a file that has bad ones")
    planning.set_defaults(keyless=True)
    sending = verb("submit", submit, [common, _what(), _planning()])
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
    verb("runs", runs, [common])
    verb("show", show, [one])
    _results_to(verb("results", results, [one]), required=True)
    ending = verb("cancel", cancel, [one, _elsewhere()])
    ending.add_argument("--resubmit", action="store_true", help="and send what is left unanswered as a child run")
    ending.add_argument("--leave-job", action="store_true", help="stop watching a recovered job; it goes on at Google")
    again = verb("retry", retry, [one, _elsewhere()])
    again.add_argument("--only", default="", metavar="OUTCOME,…", help="which outcomes; default: those worth retrying")
    again.add_argument("--keys", nargs="+", default=[], metavar="KEY", help="which rows, by key")
    again.add_argument("--max-output-tokens", type=_positive, metavar="N", help="another output cap")
    verb("caches", caches, [common])
    verb("spend", spend, [common])
    adopting = verb("recover", recover, [common])
    adopting.add_argument("job", metavar="JOB", nargs="?", default="", help="the batch job's name, batches/…")
    adopting.add_argument("--name", default="", help="what to call the run")
    adopting.add_argument("--input", default="", metavar="FILE", help="the job's requests, to stand beside the answers")
    adopting.add_argument("--wait", action="store_true", help="return when the job has ended and is collected")
    _results_to(adopting, required=False)
    carrying = verb("resume", resume, [common])
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


def _results_to(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--out", required=required, help=".jsonl .json .csv .parquet .xlsx or .txt")
    parser.add_argument("--form", choices=["flat", "gemini"], default="flat", help="flat rows, or lines as received")


if __name__ == "__main__":
    sys.exit(main())
