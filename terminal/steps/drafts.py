"""From the files and options of a command line to a checked draft and a run's settings."""

from __future__ import annotations

import argparse

from batch.errors import InputError
from batch.formatting import plural
from batch.model import ContextMode, Generation, SendAs
from lifecycle.core.models import RunSpec
from lifecycle.inputs import drafts
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.tables.reading import TableReading
from lifecycle.runner import Runner
from terminal.output.console import print_message
from terminal.steps.files import existing_file, read_option_file


def prepare_draft(runner: Runner, options: argparse.Namespace) -> Draft:
    source = existing_file(options.file)
    draft = runner.forecasts.prepare_draft(
        source,
        kind=drafts.kind_of(source.name),
        template=read_option_file(options.template, "template"),
        generation=_generation_from(options),
        source_name=source.name,
        model=options.model,
        reading=_reading_from(options),
    )
    for note in draft.notes:
        print_message(note)
    for problem in draft.problems:
        print_message(f"line {problem.line}: {problem.fault} {problem.remedy}")
    if draft.problem_count and not options.good_rows:
        message = f"{plural(draft.problem_count, 'problem')} in {plural(draft.bad_rows, 'row')}; nothing was sent."
        alternative = f", or take the {plural(draft.rows, 'good row')} with --good-rows" if draft.rows else ""
        raise InputError(message, f"Correct the input{alternative}.")
    if not draft.rows:
        raise drafts.EMPTY_DRAFT
    return draft


def prepare_job_input(runner: Runner, name: str) -> Draft:
    """The requests of a job made elsewhere, as far as they can be read."""
    source = existing_file(name)
    draft = runner.forecasts.prepare_draft(source, kind=drafts.kind_of(source.name), source_name=source.name)
    if draft.problem_count:
        print_message(
            f"{draft.bad_rows:,} rows of {name} cannot be read and are left out; their answers will fit no row."
        )
    return draft


def run_spec_from(options: argparse.Namespace) -> RunSpec:
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
        allow_uncached=not getattr(options, "no_plain", False),
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
        response_schema=read_option_file(options.schema, "response schema"),
        aspect_ratio=options.aspect_ratio,
        image_size=options.image_size,
        dimensions=options.dimensions,
        task_type=options.task_type.upper(),
    )
