"""From the files and options of a command line to a checked draft and a run's settings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from batch.errors import InputError, KeyMissing
from batch.formatting import plural
from batch.model import ContextMode, EmptyCells, Generation, SendAs, SendFiles
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs import drafts
from lifecycle.inputs.attachments import FileAccess
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.file_drafts import FileInput
from lifecycle.inputs.files.file_entry import FileTotals, read_entries
from lifecycle.inputs.files.gather import expand
from lifecycle.inputs.tables.reading import TableReading
from lifecycle.reuse.answers import EarlierAnswers
from lifecycle.runner import Runner
from terminal.output.console import print_message
from terminal.steps.answer_fields import read_answer_fields, response_schema
from terminal.steps.files import existing_file, names_files, read_template

if TYPE_CHECKING:
    from lifecycle.planning.rearranged_draft import RearrangedDraft


def prepare_draft(runner: Runner, options: argparse.Namespace) -> Draft:
    """Check what the command line names: one input of requests, or files with an instruction."""
    for line in read_answer_fields(options).describe():
        print_message(f"Answer field: {line}")
    if names_files(options.paths, bool(options.prompt and not options.file_columns)):
        draft = _prepare_files(runner, options)
    else:
        draft = _prepare_requests(runner, options, existing_file(options.paths[0]))
    return _accept(draft, good_rows=options.good_rows)


def leave_out_answered(
    runner: Runner, account: Account | None, draft: Draft, options: argparse.Namespace
) -> tuple[Draft, EarlierAnswers | None]:
    """With `--only-new`, the rows that no earlier run has answered, and what was found; else the draft as it is."""
    if not options.only_new:
        return draft, None
    if account is None:
        raise KeyMissing("--only-new looks through the runs of a key.", "Set GEMINI_API_KEY, or add --rehearse.")
    earlier = runner.earlier_answers.find(account, draft, run_spec_from(options))
    print_message(earlier.describe())
    for share in earlier.shares:
        print_message(f"  {plural(share.rows, 'row')} answered in run {share.run.id} of {share.run.day}")
    return runner.earlier_answers.use(earlier), earlier


def rearrange(
    runner: Runner, account: Account | None, draft: Draft, options: argparse.Namespace
) -> tuple[Draft, RearrangedDraft | None]:
    """With `--rearrange`, the draft with what its requests share first, and what was done; else the draft as it is."""
    if options.rearrange is None:
        return draft, None
    forecast = runner.forecasts.for_draft(account, draft, run_spec_from(options), exact=False)
    done = runner.forecasts.rearrange(draft, forecast.plan, options.rearrange or None)
    print_message(done.describe())
    if done.example is not None:
        print_message(f"One of them, {done.example.key}, before:")
        print_message("\n---\n".join(done.example.before))
        print_message("And as it is sent:")
        print_message("\n---\n".join(done.example.after))
    return done.draft, done


def _prepare_requests(runner: Runner, options: argparse.Namespace, source: Path) -> Draft:
    return runner.forecasts.prepare_draft(
        source,
        kind=drafts.file_kind(source),
        template=read_template(options.template) or options.prompt,
        generation=_generation_from(options),
        source_name=source.name,
        model=options.model,
        reading=_reading_from(options),
        empty_cells=EmptyCells(options.empty_cells),
        access=FileAccess(source.parent, pass_urls=options.pass_urls),
    )


def _prepare_files(runner: Runner, options: argparse.Namespace) -> Draft:
    files = FileInput(expand(options.paths), options.prompt, options.pages)
    draft = runner.forecasts.prepare_files(files, generation=_generation_from(options), model=options.model)
    print_message(_file_totals(draft))
    for entry in read_entries(draft.folder):
        if entry.state == "mended":
            print_message(f"{entry.name}: {entry.words}")
    return draft


def _accept(draft: Draft, *, good_rows: bool) -> Draft:
    """Say what is to be said of a draft. Raises InputError where it cannot be sent as it is."""
    for note in draft.notes:
        print_message(note)
    for problem in draft.problems:
        line = f"line {problem.line}: " if problem.line else ""
        print_message(f"{line}{problem.fault} {problem.remedy}")
    if draft.problem_count and not good_rows:
        message = f"{plural(draft.problem_count, 'problem')} in {plural(draft.bad_rows, 'row')}; nothing was sent."
        alternative = f", or take the {plural(draft.rows, 'good row')} with --good-rows" if draft.rows else ""
        raise InputError(message, f"Correct the input{alternative}.")
    if not draft.rows:
        raise drafts.EMPTY_DRAFT
    return draft


def prepare_job_input(runner: Runner, name: str) -> Draft:
    """The requests of a job made elsewhere, as far as they can be read."""
    source = existing_file(name)
    draft = runner.forecasts.prepare_draft(source, kind=drafts.file_kind(source), source_name=source.name)
    if draft.problem_count:
        print_message(
            f"{draft.bad_rows:,} rows of {name} cannot be read and are left out; their answers will fit no row."
        )
    return draft


def run_spec_from(options: argparse.Namespace, rearranged: tuple[str, ...] = ()) -> RunSpec:
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
        send_files=SendFiles(options.send_files),
        canary=getattr(options, "canary", 0),
        allow_uncached=not getattr(options, "no_plain", False),
        rearrange=rearranged,
    )


def _reading_from(options: argparse.Namespace) -> TableReading:
    return TableReading(
        sheet=options.sheet,
        header_row=options.header_row,
        separator=options.separator,
        encoding=options.encoding,
        key_column=options.key_column,
        file_columns=tuple(name.strip() for name in options.file_columns.split(",") if name.strip()),
    )


def _generation_from(options: argparse.Namespace) -> Generation:
    return Generation(
        temperature=options.temperature,
        max_output_tokens=options.max_output_tokens,
        thinking=options.thinking,
        system_instruction=options.system,
        response_schema=response_schema(options),
        aspect_ratio=options.aspect_ratio,
        image_size=options.image_size,
        dimensions=options.dimensions,
        task_type=options.task_type.upper(),
        media_resolution=options.media_resolution,
    )


def _file_totals(draft: Draft) -> str:
    """How many files there are and what became of them."""
    totals = draft.files or FileTotals()
    pieces = [plural(totals.files, "file"), f"{totals.size_bytes / 1e6:,.1f} MB"]
    pieces += [f"{totals.pages:,} pages"] if totals.pages else []
    pieces += [f"{totals.mended:,} mended"] if totals.mended else []
    pieces += [plural(totals.problems, "problem")] if totals.problems else []
    return f"{', '.join(pieces)}: {plural(draft.rows, 'request')}."
