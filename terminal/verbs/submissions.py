"""Price a file, and send it as a new run."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from batch.pricing.cap_check import cap_warning
from batch.pricing.estimate import budget_warning
from lifecycle.core.models import Account
from lifecycle.core.run_files import REQUESTS
from lifecycle.runner import Runner
from terminal.output import lines
from terminal.output.console import print_message, print_result, print_run_id
from terminal.steps.drafts import leave_out_answered, prepare_draft, rearrange, run_spec_from
from terminal.steps.files import open_output
from terminal.steps.patience import when_there
from terminal.steps.watch import report_outcome, wait_for_run

if TYPE_CHECKING:
    from lifecycle.planning.forecast import Forecast


def plan(runner: Runner, account: Account | None, options: argparse.Namespace) -> int:
    """Say what a file will cost and how its shared text is best cached; nothing is sent but free token counts."""
    given = prepare_draft(runner, options)
    draft, rearranged = rearrange(runner, account, given, options)
    tried = None
    if options.try_rows:
        from terminal.steps.tried import try_rows

        tried = try_rows(runner, account, given, draft, run_spec_from(options), options.try_rows)
    draft, earlier = leave_out_answered(runner, account, draft, options)
    forecast = runner.forecasts.for_draft(account, draft, run_spec_from(options))
    if options.groups:
        from lifecycle.planning.plan_files import row_groups

        _write_groups(Path(options.groups), row_groups(forecast.plan, draft.folder / REQUESTS))
    document = runner.forecasts.plan_document(forecast, options.model)
    if rearranged is not None:
        document["rearranged"] = rearranged.document()
    warning = cap_warning(forecast.estimate, runner.forecasts.model_rules(options.model).facts.output_cap)
    document["cap_warning"] = str(warning) if warning else None
    if earlier is not None:
        document["earlier_answers"] = earlier.document()
    if tried is not None:
        document["tried"] = tried
    print_result(options, document, lambda: lines.plan_lines(document, forecast.estimate.assumptions))
    return 0


def _write_groups(path: Path, groups: Iterable[tuple[str, str | None]]) -> None:
    with open_output(path) as out:
        for key, group in groups:
            out.write(orjson.dumps({"key": key, "group": group}, option=orjson.OPT_APPEND_NEWLINE))


def _warn(runner: Runner, forecast: Forecast, options: argparse.Namespace) -> None:
    """Say before paying what may cut answers off or stop the run."""
    cap = cap_warning(forecast.estimate, runner.forecasts.model_rules(options.model).facts.output_cap)
    for warning in (str(cap or ""), budget_warning(forecast.estimate, options.max_usd)):
        if warning:
            print_message(warning)


def submit(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Send a file as a new run; with --wait, until it has ended."""
    if options.out:
        from terminal.steps.export import check_out

        check_out(Path(options.out), options)
    draft, _ = rearrange(runner, account, prepare_draft(runner, options), options)
    draft, _ = leave_out_answered(runner, account, draft, options)
    spec, once = run_spec_from(options, draft.rearranged), secrets.token_hex(16)
    forecast = None  # where nobody waits caches are planned to live longer: the submission makes its own
    if options.wait:
        forecast = when_there(lambda: runner.forecasts.default_forecast(account, draft, spec))
        _warn(runner, forecast, options)
    run_id = when_there(lambda: runner.submissions.submit(account, draft, spec, once, forecast, attended=options.wait))
    print_run_id(options, run_id)
    print_message(f"Run {run_id}: {draft.rows:,} requests.")
    runner.start()
    run = wait_for_run(runner, account, run_id, until_ended=options.wait)
    if options.out and run.has_results:
        from terminal.steps.export import export_results

        when_there(lambda: export_results(runner, account, run_id, options))
    return report_outcome(run, options)
