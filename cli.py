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
from batch.formatting import plural
from batch.model import ContextMode, Generation, RunState, SendAs, Stage
from batch.pricing.costs import by_day_and_model, by_model, overall, sum_spend
from lifecycle.core.models import Account, RunSpec, RunView
from lifecycle.inputs import drafts
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.plan_files import row_groups
from lifecycle.results.export.export import ExportOptions, check_target, export, format_of
from lifecycle.runner import Runner
from settings import Settings, load
from terminal import output
from terminal.arguments import build_parser

POLL_SECONDS = 0.2
SENT_STAGES = (Stage.RUNNING, Stage.COLLECTING, Stage.RELEASING, Stage.FINISHED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    options = build_parser(VERBS).parse_args(arguments)
    try:
        settings = load()
        runner = open_runner(settings)
        try:
            account = _account_of_caller(runner, settings, options)
            return int(options.verb(runner, account, options))
        finally:
            runner.close()
    except (InputError, OverBudget) as error:
        return _print_error(error, 2)
    except (ApiError, BatchRunnerError) as error:
        return _print_error(error, 1)
    except KeyboardInterrupt:
        _print_message("Stopped here. The run goes on with `resume`, or on the page.")
        return 1
    except BrokenPipeError:  # who reads along has seen enough; what is left in the buffer must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


# -- verbs -----------------------------------------------------------------------------------------------------


def plan(runner: Runner, account: Account | None, options: argparse.Namespace) -> int:
    """Say what a file will cost and how its shared text is best cached; nothing is sent but free token counts."""
    draft = _prepare_draft(runner, options)
    forecast = runner.forecasts.for_draft(account, draft, _run_spec_from(options))
    if options.groups:
        with _open_output(Path(options.groups)) as out:
            rows = row_groups(forecast.plan, draft.folder / "requests.jsonl")
            for key, group in rows:
                out.write(orjson.dumps({"key": key, "group": group}, option=orjson.OPT_APPEND_NEWLINE))
    document = runner.forecasts.plan_document(forecast, options.model)
    _print_result(options, document, lambda: output.plan_lines(document, forecast.estimate.assumptions))
    return 0


def submit(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Send a file as a new run; with --wait, until it has ended."""
    if options.out:
        check_target(Path(options.out), options.form)
    draft = _prepare_draft(runner, options)
    run_id = runner.submissions.submit(
        account, draft, _run_spec_from(options), secrets.token_hex(16), attended=options.wait
    )
    if options.json:
        print(orjson.dumps({"run_id": run_id}).decode(), flush=True)
    _print_message(f"Run {run_id}: {draft.rows:,} requests.")
    runner.start()
    run = _wait_for_run(runner, account, run_id, until_ended=options.wait)
    if options.out and run.has_results:
        _export_results(runner, account, run_id, options)
    return _report_outcome(run, options)


def runs(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """List the runs of this key, newest first."""
    run_views = runner.runs.list_recent(account)
    _print_result(
        options, [output.run_document(run) for run in run_views], lambda: [output.run_line(run) for run in run_views]
    )
    return 0


def show(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Show one run in full, with its event log."""
    run = runner.runs.get(account, options.run)
    events = runner.runs.events(account, options.run)
    document = {
        **output.run_document(run),
        "warning": run.warning or None,
        "jobs": [output.job_document(job) for job in run.jobs],
        "caches": [{"name": c.name, "tokens": c.tokens, "deleted_at": c.deleted_at, "usd": c.usd} for c in run.caches],
        "events": [{"at": e.at, "level": e.level, "text": e.text} for e in events],
    }
    log = [f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.text}" for event in events]
    _print_result(options, document, lambda: [output.run_line(run), *filter(None, (run.note, run.warning)), *log])
    return 0


def results(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Write a run's merged results to a file."""
    _export_results(runner, account, options.run, options)
    return 0


def cancel(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Ask for a cancel and see it through: what finished is collected and everything is released."""
    if options.resubmit and options.leave_job:
        raise InputError("A job that goes on cannot be sent elsewhere.", "Give --resubmit or --leave-job.")
    if options.resubmit:
        return _resubmit(runner, account, options)
    (runner.runs.detach if options.leave_job else runner.runs.cancel)(account, options.run)
    runner.start()
    run = _wait_for_run(runner, account, options.run, until_ended=True)
    _report_outcome(run, options)
    return 0 if run.state in (RunState.CANCELLED, RunState.FINISHED) else 1


def _resubmit(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Cancel a run, and send what it leaves unanswered as a child run, elsewhere."""
    forecast = runner.retries.resubmit_forecast(
        account, options.run, model=options.model, rows_per_job=options.rows_per_job
    )
    child_id = runner.retries.submit_retry(account, forecast, "")
    if options.json:
        print(orjson.dumps({"run_id": child_id}).decode(), flush=True)
    _print_message(
        f"Run {child_id} sends what {options.run} leaves unanswered; at worst that costs {output.money(forecast.worst_usd)}."
    )
    runner.start()
    return _report_outcome(_wait_for_run(runner, account, child_id, until_ended=options.wait), options)


def retry(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Send rows that did not succeed again, as a child run whose results are merged into the run's."""
    outcomes = [name.strip() for name in options.only.split(",") if name.strip()]
    child_id = runner.retries.retry(
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
        print(orjson.dumps({"run_id": child_id}).decode(), flush=True)
    runner.start()
    return _report_outcome(_wait_for_run(runner, account, child_id, until_ended=options.wait), options)


def recover(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Adopt a batch job made elsewhere with the same key, and collect its results; without a JOB, list such jobs."""
    if not options.job:
        jobs = runner.imports.list_foreign_jobs(account)
        _print_result(options, [asdict(job) for job in jobs], lambda: [output.foreign_job_line(job) for job in jobs])
        return 0
    draft = _prepare_job_input(runner, options.input) if options.input else None
    imported = runner.imports.import_job(account, options.job, name=options.name, draft=draft)
    if options.json:
        print(orjson.dumps({"run_id": imported.run_id}).decode(), flush=True)
    _print_message(
        f"Run {imported.run_id} {'has that job already' if imported.already_known else 'has adopted the job'}."
    )
    runner.start()
    run = _wait_for_run(runner, account, imported.run_id, until_ended=options.wait or imported.job_ended)
    if options.out and run.has_results:
        _export_results(runner, account, run.id, options)
    return _report_outcome(run, options)


def caches(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """List every cached content under this key, the forgotten ones included."""
    cache_infos = runner.caches.list_all(account)
    _print_result(
        options, [asdict(cache) for cache in cache_infos], lambda: [output.cache_line(cache) for cache in cache_infos]
    )
    return 0


def spend(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Say what all runs of this key have cost, by day and model, deleted ones included."""
    costs = runner.billing.run_costs(account)
    active_runs = [run for run in runner.runs.list_recent(account, limit=100_000) if not run.state.ended]
    estimates: list[Any] = [run.estimate_usd for run in active_runs]
    overall_spend = sum_spend(costs, overall)
    if account.rehearsal:
        _print_message("Rehearsed: nothing was spent, this is what it would have cost.")
    document = {
        "rehearsal": account.rehearsal,
        "total": output.spend_document(overall_spend[0]) if overall_spend else None,
        "models": [output.spend_document(line) for line in sum_spend(costs, by_model)],
        "days": [output.spend_document(line) for line in sum_spend(costs, by_day_and_model)],
        "under_way": {"runs": len(active_runs), "estimate_usd": None if None in estimates else sum(estimates)},
    }
    _print_result(
        options,
        document,
        lambda: [*map(output.spend_line, sum_spend(costs, by_day_and_model)), *map(output.spend_line, overall_spend)],
    )
    return 0


def resume(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Carry on with every unfinished run of this key: each is looked at now, and what has ended is collected."""
    open_runs = [run for run in runner.runs.list_recent(account, limit=100_000) if not run.state.ended]
    for run in open_runs:
        runner.runs.poll_now(account, run.id)
    runner.start()
    ended = [_wait_for_run(runner, account, run.id, until_ended=options.wait) for run in open_runs]
    _print_result(options, [output.run_document(run) for run in ended], lambda: [output.run_line(run) for run in ended])
    return 0 if all(run.state not in (RunState.FAILED, RunState.CANCELLED) for run in ended) else 1


VERBS = {
    verb.__name__: verb for verb in (plan, submit, runs, show, results, cancel, retry, recover, caches, spend, resume)
}


# -- parts of verbs --------------------------------------------------------------------------------------------


def _prepare_draft(runner: Runner, options: argparse.Namespace) -> Draft:
    source = _existing_file(options.file)
    draft = runner.forecasts.prepare_draft(
        source,
        kind=drafts.kind_of(source.name),
        template=_read_option_file(options.template, "template"),
        generation=_generation_from(options),
        source_name=source.name,
    )
    for note in draft.notes:
        _print_message(note)
    for problem in draft.problems:
        _print_message(f"line {problem.line}: {problem.fault} {problem.remedy}")
    if draft.problem_count and not options.good_rows:
        message = f"{plural(draft.problem_count, 'problem')} in {plural(draft.bad_rows, 'row')}; nothing was sent."
        alternative = f", or take the {plural(draft.rows, 'good row')} with --good-rows" if draft.rows else ""
        raise InputError(message, f"Correct the input{alternative}.")
    if not draft.rows:
        raise drafts.EMPTY_DRAFT
    return draft


def _prepare_job_input(runner: Runner, name: str) -> Draft:
    """The requests of a job made elsewhere, as far as they can be read."""
    source = _existing_file(name)
    draft = runner.forecasts.prepare_draft(source, kind=drafts.kind_of(source.name), source_name=source.name)
    if draft.problem_count:
        _print_message(
            f"{draft.bad_rows:,} rows of {name} cannot be read and are left out; their answers will fit no row."
        )
    return draft


def _existing_file(name: str) -> Path:
    if not Path(name).is_file():
        raise InputError(f"There is no file {name}.", "Check the path.")
    return Path(name)


def _read_option_file(path: str | None, description: str) -> str:
    """The text of a file that an option names, "" without one."""
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"The {description} {path} cannot be read: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"The {description} {path} is not valid UTF-8.", "Save it as UTF-8.") from error


def _open_output(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error


def _generation_from(options: argparse.Namespace) -> Generation:
    return Generation(
        temperature=options.temperature,
        max_output_tokens=options.max_output_tokens,
        thinking=options.thinking,
        system_instruction=options.system,
        response_schema=_read_option_file(options.schema, "response schema"),
    )


def _run_spec_from(options: argparse.Namespace) -> RunSpec:
    return RunSpec(
        model=options.model,
        name=getattr(options, "name", ""),
        generation=_generation_from(options),
        context=ContextMode(options.context),
        send_as=SendAs(getattr(options, "mode", "auto")),
        hours=options.hours,
        split=options.split,
        dedupe=options.dedupe,
        max_usd=getattr(options, "max_usd", None),
        canary=getattr(options, "canary", 0),
        allow_plain=not getattr(options, "no_plain", False),
    )


def _wait_for_run(runner: Runner, account: Account, run_id: str, *, until_ended: bool) -> RunView:
    """Watch a run until it has ended, or until all that can be sent now is sent; say what changes."""
    last_message = ""
    while True:
        run = runner.runs.get(account, run_id)
        message = run.note or f"{run.status_text}, {run.progress.done:,} of {run.rows:,} rows done"
        if message != last_message:
            _print_message(f"{run_id}: {message}")
            last_message = message
        sent = run.stage in SENT_STAGES or run.state is RunState.WAITING_FOR_CAPACITY
        if run.state.ended or (sent and run.is_waiting and not until_ended):
            return run
        time.sleep(POLL_SECONDS)


def _export_results(runner: Runner, account: Account, run_id: str, options: argparse.Namespace) -> None:
    out = Path(options.out)
    check_target(out, options.form)
    run = runner.runs.get(account, run_id)
    table = runner.runs.results(account, run_id)
    try:
        exported = export(
            table, out, format_of(out), ExportOptions(complete=run.state is RunState.FINISHED), layout=options.form
        )
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror or error}."
        raise BatchRunnerError(message, f"Make room, then `results {run_id} --out FILE`.") from error
    for note in exported.notes:
        _print_message(note)
    _print_message(f"Wrote {exported.path}.")


def _report_outcome(run: RunView, options: argparse.Namespace) -> int:
    if run.cost_is_lower_bound:
        _print_message(
            "The cost is a lower bound: more may be billed for rows that did not come back, or not with their usage."
        )
    _print_result(options, output.report_document(run), lambda: [output.run_line(run)])
    return 1 if run.state in (RunState.FAILED, RunState.CANCELLED) else 0


def _account_of_caller(runner: Runner, settings: Settings, options: argparse.Namespace) -> Account | None:
    """Who is asking; None for a verb that can do without a key when there is none."""
    if options.rehearse:
        return runner.accounts.register_rehearsal(_rehearsal_account_secret(settings.data_dir))
    if not settings.gemini_api_key:
        if getattr(options, "keyless", False):
            return None
        raise KeyMissing("There is no API key.", "Set GEMINI_API_KEY, or rehearse without one: --rehearse.")
    return runner.accounts.register_key(settings.gemini_api_key)


def _rehearsal_account_secret(data_dir: Path) -> str:
    """The terminal's own rehearsal identity, made once for a data folder."""
    path = data_dir / "rehearsal-identity"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"rehearsal-{secrets.token_hex(16)}", encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _print_result(options: argparse.Namespace, document: object, lines: Callable[[], list[str]]) -> None:
    if options.json:
        print(orjson.dumps(document).decode(), flush=True)
    else:
        print("\n".join(lines()), flush=True)


def _print_message(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print_error(error: BatchRunnerError, code: int) -> int:
    _print_message(f"{error} {error.remedy}".strip())
    return code


if __name__ == "__main__":
    sys.exit(main())
