"""The same verbs as the page, from a terminal: `python cli.py VERB …`, for cron and CI.

With --json one JSON document on stdout; messages go to stderr. Exit 0: the run is finished (even with failed rows),
or what was asked is done; 1: failed, cancelled, or the key is missing; 2: bad input or over budget.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from assembly import open_runner
from batch.errors import ApiError, BatchRunnerError, InputError, KeyMissing, OverBudget
from batch.formatting import count
from batch.model import ContextMode, Generation, RunState, SendAs, Stage
from batch.pricing.costs import altogether, by_day_and_model, by_model, spent
from lifecycle.core.models import Account, RunSpec, RunView
from lifecycle.inputs import drafts
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.plan_files import row_groups
from lifecycle.results.export.export import Choice, check_target, export, format_of
from lifecycle.runner import Runner
from settings import Settings, load
from terminal import output
from terminal.arguments import parser_of

WATCH_SECONDS = 0.2
SENT = (Stage.RUNNING, Stage.COLLECTING, Stage.RELEASING, Stage.FINISHED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    options = parser_of(VERBS).parse_args(arguments)
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
    found = runner.forecasts.forecast(account, draft, _spec(options))
    if options.groups:
        with _opened(Path(options.groups)) as out:
            rows = row_groups(found.plan, draft.folder / "requests.jsonl")
            for key, group in rows:
                out.write(orjson.dumps({"key": key, "group": group}, option=orjson.OPT_APPEND_NEWLINE))
    document = runner.forecasts.plan_document(found, options.model)
    _print(options, document, lambda: output.plan_lines(document, found.card.assumptions))
    return 0


def submit(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Send a file as a new run; with --wait, until it has ended."""
    if options.out:
        check_target(Path(options.out), options.form)
    draft = _draft(runner, options)
    run_id = runner.submissions.submit(account, draft, _spec(options), secrets.token_hex(16), attended=options.wait)
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
    found = runner.runs.runs(account)
    _print(options, [output.run_document(run) for run in found], lambda: [output.run_line(run) for run in found])
    return 0


def show(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Show one run in full, with its event log."""
    run = runner.runs.run(account, options.run)
    events = runner.runs.events(account, options.run)
    document = {
        **output.run_document(run),
        "warning": run.warning or None,
        "jobs": [output.job_document(job) for job in run.jobs],
        "caches": [{"name": c.name, "tokens": c.tokens, "deleted_at": c.deleted_at, "usd": c.usd} for c in run.caches],
        "events": [{"at": e.at, "level": e.level, "text": e.text} for e in events],
    }
    log = [f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.text}" for event in events]
    _print(options, document, lambda: [output.run_line(run), *filter(None, (run.note, run.warning)), *log])
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
    (runner.runs.leave if options.leave_job else runner.runs.cancel)(account, options.run)
    runner.start()
    run = _follow(runner, account, options.run, until_ended=True)
    _report(run, options)
    return 0 if run.state in (RunState.CANCELLED, RunState.FINISHED) else 1


def _resubmit(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Cancel a run, and send what it leaves unanswered as a child run, elsewhere."""
    offer = runner.retries.resubmit_forecast(
        account, options.run, model=options.model, rows_per_job=options.rows_per_job
    )
    child = runner.retries.send_retry(account, offer, "")
    if options.json:
        print(orjson.dumps({"run_id": child}).decode(), flush=True)
    _say(
        f"Run {child} sends what {options.run} leaves unanswered; at worst that costs {output.money(offer.worst_usd)}."
    )
    runner.start()
    return _report(_follow(runner, account, child, until_ended=options.wait), options)


def retry(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Send rows that did not succeed again, as a child run whose results are merged into the run's."""
    outcomes = [name.strip() for name in options.only.split(",") if name.strip()]
    child = runner.retries.retry(
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
        found = runner.imports.jobs_elsewhere(account)
        _print(options, [asdict(job) for job in found], lambda: [output.elsewhere_line(job) for job in found])
        return 0
    draft = _input(runner, options.input) if options.input else None
    recovered = runner.imports.recover(account, options.job, name=options.name, draft=draft)
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
    found = runner.caches.caches(account)
    _print(options, [asdict(cache) for cache in found], lambda: [output.cache_line(cache) for cache in found])
    return 0


def spend(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Say what all runs of this key have cost, by day and model, deleted ones included."""
    bills = runner.billing.bills(account)
    going = [run for run in runner.runs.runs(account, limit=100_000) if not run.state.ended]
    expected: list[Any] = [run.estimate_usd for run in going]
    total = spent(bills, altogether)
    if account.rehearsal:
        _say("Rehearsed: nothing was spent, this is what it would have cost.")
    document = {
        "rehearsal": account.rehearsal,
        "total": output.spent_document(total[0]) if total else None,
        "models": [output.spent_document(line) for line in spent(bills, by_model)],
        "days": [output.spent_document(line) for line in spent(bills, by_day_and_model)],
        "under_way": {"runs": len(going), "estimate_usd": None if None in expected else sum(expected)},
    }
    _print(
        options,
        document,
        lambda: [*map(output.spent_line, spent(bills, by_day_and_model)), *map(output.spent_line, total)],
    )
    return 0


def resume(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Carry on with every unfinished run of this key: each is looked at now, and what has ended is collected."""
    open_runs = [run for run in runner.runs.runs(account, limit=100_000) if not run.state.ended]
    for run in open_runs:
        runner.runs.look_now(account, run.id)
    runner.start()
    ended = [_follow(runner, account, run.id, until_ended=options.wait) for run in open_runs]
    _print(options, [output.run_document(run) for run in ended], lambda: [output.run_line(run) for run in ended])
    return 0 if all(run.state not in (RunState.FAILED, RunState.CANCELLED) for run in ended) else 1


VERBS = {
    verb.__name__: verb for verb in (plan, submit, runs, show, results, cancel, retry, recover, caches, spend, resume)
}


# -- parts of verbs --------------------------------------------------------------------------------------------


def _draft(runner: Runner, options: argparse.Namespace) -> Draft:
    source = _existing(options.file)
    draft = runner.forecasts.prepare(
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
    draft = runner.forecasts.prepare(source, kind=drafts.kind_of(source.name), source_name=source.name)
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
        run = runner.runs.run(account, run_id)
        news = run.note or f"{run.words}, {run.progress.done:,} of {run.rows:,} rows done"
        if news != said:
            _say(f"{run_id}: {news}")
            said = news
        sent = run.stage in SENT or run.state is RunState.WAITING_FOR_CAPACITY
        if run.state.ended or (sent and run.is_waiting and not until_ended):
            return run
        time.sleep(WATCH_SECONDS)


def _export(runner: Runner, account: Account, run_id: str, options: argparse.Namespace) -> None:
    out = Path(options.out)
    check_target(out, options.form)
    run = runner.runs.run(account, run_id)
    table = runner.runs.results(account, run_id)
    try:
        written = export(table, out, format_of(out), Choice(complete=run.state is RunState.FINISHED), form=options.form)
    except OSError as error:
        why = f"{out} cannot be written: {error.strerror or error}."
        raise BatchRunnerError(why, f"Make room, then `results {run_id} --out FILE`.") from error
    for note in written.notes:
        _say(note)
    _say(f"Wrote {written.path}.")


def _report(run: RunView, options: argparse.Namespace) -> int:
    if run.at_least:
        _say("The cost is a lower bound: more may be billed for rows that did not come back, or not with their usage.")
    _print(options, output.report_document(run), lambda: [output.run_line(run)])
    return 1 if run.state in (RunState.FAILED, RunState.CANCELLED) else 0


def _account(runner: Runner, settings: Settings, options: argparse.Namespace) -> Account | None:
    """Who is asking; None for a verb that can do without a key when there is none."""
    if options.rehearse:
        return runner.accounts.hold_rehearsal(_rehearsal_identity(settings.data_dir))
    if not settings.gemini_api_key:
        if getattr(options, "keyless", False):
            return None
        raise KeyMissing("There is no API key.", "Set GEMINI_API_KEY, or rehearse without one: --rehearse.")
    return runner.accounts.hold_key(settings.gemini_api_key)


def _rehearsal_identity(data_dir: Path) -> str:
    """The terminal's own rehearsal identity, made once for a data folder."""
    path = data_dir / "rehearsal-identity"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"rehearsal-{secrets.token_hex(16)}", encoding="ascii")
    return path.read_text(encoding="ascii").strip()


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


if __name__ == "__main__":
    sys.exit(main())
