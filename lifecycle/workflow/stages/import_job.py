"""Watch a batch job that was made elsewhere, and account for what it returns.

The job is this run's only to look at: it is cancelled when the user says so, and nothing of it is ever deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from batch.errors import ApiError
from batch.formatting import plural, quoted_list
from batch.model import RunState, Stage
from gemini.wire import timestamp
from lifecycle.core.run_files import INPUTS
from lifecycle.core.run_progress import Ending, ImportedJob
from lifecycle.core.run_records import ShardRecord, ShardStage
from lifecycle.inputs import imported_rows
from lifecycle.inputs.echoed_fields import KEY, EchoedFields
from lifecycle.inputs.row_identity import AmbiguousRows, Join, find_join, identifying_field, repeated_count
from lifecycle.workflow.shards import download
from lifecycle.workflow.shards.context import StageContext, StageFailed, StageResult

IMPORTED_TRANSPORT = "imported"
_NAME_THE_FIELD = "To join by another field, delete this run and recover the job again with that field named."


def run(ctx: StageContext) -> StageResult:
    """In the place of planning: record the job as this run's only shard."""
    job = _imported_job(ctx)
    shard = ShardRecord(
        run_id=ctx.id,
        n=0,
        rows=job.requests or ctx.run.rows,
        size_bytes=0,
        tokens=0,
        transport=IMPORTED_TRANSPORT,
        groups=[],
        display_name=job.display_name[:80],
        stage=ShardStage.SUBMITTED,
        job_name=job.name,
        job_created_at=job.created_at,
    )
    ctx.store.add_shards(ctx.id, ctx.run.token, [shard])
    return StageResult(Stage.RUNNING)


def _imported_job(ctx: StageContext) -> ImportedJob:
    """What is known of the job that the run was made for."""
    if ctx.progress.imported_job is None:
        raise StageFailed("This run was not made for a job that is there already.")
    return ctx.progress.imported_job


def detach(ctx: StageContext, shards: Sequence[ShardRecord]) -> None:
    """Stop watching the job, as the user wished: nothing is cancelled, and its cost is not known here."""
    for shard in shards:
        if shard.stage == ShardStage.SUBMITTED:
            download.record_missing_rows(ctx, shard)
            ctx.progress.ending = Ending(RunState.CANCELLED)
            ctx.log_event(f"Job {shard.job_name} is left to itself: it goes on at Google, and is not watched any more.")
            ctx.save()
            ctx.set_shard(shard, stage=ShardStage.DETACHED)


def record_retention(ctx: StageContext, responses_file: str) -> None:
    """Note when Google deletes its copy of the results, if it tells: some such names are refused (issue 1759)."""
    with suppress(ApiError):
        expires_at = timestamp(ctx.client.get_file(responses_file).get("expirationTime"))
        _imported_job(ctx).results_expire_at = expires_at.timestamp() if expires_at else None


def write_inputs(ctx: StageContext, shards: Sequence[ShardRecord]) -> list[Path]:
    """Write the run's inputs as far as they can be known, and return the files of received lines.

    With the requests' own file, answers are joined to its rows by the field that identifies them; where none does,
    the file is left aside. Without it, the keys are the values of that field; lines without one get made keys, and
    requests that nothing came back for stand as rows without a name. What Google repeated of the requests becomes
    columns of the rows. May be done again after a crash.
    """
    received = [path for shard in shards if (path := ctx.received_path(shard)).exists()]
    echoed = EchoedFields(received)
    named = _imported_job(ctx).key_field
    if named and echoed.readable and named not in echoed.names:
        known = quoted_list(list(echoed.names)) if echoed.names else "none"
        ctx.log_event(f'No result has a field "{named}"; the fields of the results are: {known}.', "warning")
    if _imported_job(ctx).inputs_known:
        join = _join_to_inputs(ctx, echoed, named)
        if join is not None:
            imported_rows.add_columns(ctx.folder / INPUTS, echoed, join)
            return imported_rows.rekey_joined(received, ctx.folder / INPUTS, join)
        if not echoed.readable:
            return received
        _imported_job(ctx).inputs_known = False
    return _write_known_rows(ctx, shards, received, echoed, identifying_field(echoed, named))


def _join_to_inputs(ctx: StageContext, echoed: EchoedFields, named: str) -> Join | None:
    """How the results belong to the rows of the file that was given; None, and said why, if that cannot be told."""
    if not echoed.readable:
        return None
    try:
        join = find_join(echoed, imported_rows.id_columns(ctx.folder / INPUTS), named)
    except AmbiguousRows as reason:
        ctx.log_event(f"{reason} The file that was given is left aside. {_NAME_THE_FIELD}", "warning")
        return None
    if join is None:
        repeated = [name for name in echoed.names if name != KEY and repeated_count(echoed.column(name))]
        because = f" Not unique over the results: {quoted_list(repeated)}." if repeated else ""
        ctx.log_event(
            "No result has a key of the file that was given: it is left aside, and inputs are not shown."
            f"{because} {_NAME_THE_FIELD}",
            "warning",
        )
    elif (join.field, join.column) != (KEY, KEY):
        ctx.log_event(f'Results were joined to requests by "{join.field}" and the input\'s "{join.column}".')
    return join


def _write_known_rows(
    ctx: StageContext, shards: Sequence[ShardRecord], received: list[Path], echoed: EchoedFields, field: str
) -> list[Path]:
    """Write inputs that are no more than what the results tell, and return the files of received lines."""
    keys = imported_rows.line_keys(echoed, field)
    keyless = echoed.readable - (echoed.lines - keys.null_count)
    if field and field != KEY:
        ctx.log_event(f'The results are known by their "{field}".')
    repeated = repeated_count(echoed.column(field)) if field != KEY else 0
    if repeated:
        ctx.log_event(f'{plural(repeated, "result")} share their "{field}" with another; they are numbered.', "warning")
    if keyless > repeated:
        without = plural(keyless - repeated, "result")
        ctx.log_event(f"{without} came without a key; they are numbered as they came.", "warning")
    if keyless or field != KEY:
        received = imported_rows.rekey(received, keys)
        keys = EchoedFields(received).column(KEY)
    reported = [int((shard.stats or {}).get("requests", 0)) for shard in shards]
    known = len(keys.unique().drop_null())
    sent = max(known, *(shard.rows for shard in shards), *reported)
    imported_rows.write_inputs(ctx.folder, echoed, keys, sent - known)
    ctx.update_run(rows=sent)
    return received
