"""A child run: chosen rows of an earlier run, sent again under their own keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import orjson
import pyarrow.parquet as pq
from msgspec import Raw

from batch.errors import InputError, Problem
from batch.formatting import plural
from batch.kinds.registry import kind_of
from batch.model import Generation, Outcome, model_id
from batch.requests.generation_settings import EncodedSettings
from batch.rules.model_rules import ModelRules
from lifecycle.core.draft_links import link_media, link_shared, whole_requests
from lifecycle.core.models import RunSpec
from lifecycle.core.run_files import DRAFT, FANOUT, INPUTS, REQUESTS, shard_path
from lifecycle.inputs.drafts import Draft, open_draft
from lifecycle.planning.forecast import Forecast
from lifecycle.requests.request_file import content_digest, line_reader, open_requests
from lifecycle.requests.request_subset import copy_inputs, copy_lines, keys_in_file
from lifecycle.requests.shared_file import read_shared, write_shared
from lifecycle.results.read.table import Filter, ResultTable

RETRYABLE = (  # what may well go better next time; blocked and refused rows only when asked for
    Outcome.ERROR_TRANSIENT,
    Outcome.NO_RESPONSE,
    Outcome.MISSING,
    Outcome.EMPTY,
    Outcome.THOUGHTS_ONLY,
    Outcome.TRUNCATED,
    Outcome.TRUNCATED_EMPTY,
    Outcome.INVALID_OUTPUT,
)


MAX_SAME_FAILURES = 3  # of a row for the same cause; after that it is sent again only when asked for
NOTHING_TO_RETRY = ("No row of this run needs to be sent again.", "Choose other outcomes or rows.")


@dataclass(frozen=True)
class RetryForecast:
    """A child run as it would be sent: the parent's id, its requests, its decision, and what it will cost.

    With `replaces_run`, the id of a run under way, that one is cancelled first, and only what it leaves unanswered is
    sent: `draft` and `forecast` are then of all its rows, more than will be sent. `sibling_count` is how many retries
    there were before.
    """

    parent_id: str
    draft: Draft
    spec: RunSpec
    forecast: Forecast
    replaces_run: str = ""
    sibling_count: int = 0

    @property
    def worst_usd(self) -> float | None:
        """The most that it can cost; None if a price is unknown."""
        return self.forecast.estimate.usd.worst

    @property
    def idempotency_key(self) -> str:
        """The same for the same rows asked for at the same point of the parent's life, whoever asks."""
        digest = content_digest(self.draft.folder / REQUESTS)[:24]
        return f"retry:{self.parent_id}:{self.sibling_count}:{self.spec.model[:16]}:{digest}"


def select_keys(
    table: ResultTable, outcomes: Collection[str], keys: Collection[str], where: Filter | None = None
) -> set[str]:
    """The keys of the rows to send again: those that fit `where`, or those with these outcomes or keys.

    With none of the three: those worth retrying, without rows that have failed for the same cause often enough.

    Raises InputError for an outcome or a key that does not exist, and when nothing is chosen.
    """
    unknown = sorted(set(outcomes) - {o.value for o in Outcome})
    if unknown:
        raise InputError(f"There is no outcome {unknown[0]!r}.", f"Outcomes are: {', '.join(Outcome)}.")
    absent = [key for key in keys if not any(table.keys(Filter(keys=(key,))))]
    if absent:
        raise InputError(f"This run has no row with the key {absent[0]!r}.", "Give keys as the results show them.")
    if where is None:
        where = Filter(outcomes=tuple(outcomes), keys=tuple(keys)) if outcomes or keys else worth_retrying(RETRYABLE)
    selected = set(table.keys(where))
    if not selected:
        raise InputError(*NOTHING_TO_RETRY)
    return selected


def worth_retrying(outcomes: Iterable[Outcome]) -> Filter:
    """Rows with these outcomes that have not failed for the same cause often enough."""
    return Filter(outcomes=tuple(sorted(outcome.value for outcome in outcomes)), failed_below=MAX_SAME_FAILURES)


def keys_in_run(keys: set[str], folder: Path) -> set[str]:
    """The keys that a run has. Raises InputError if it has none of them."""
    run_keys = keys.intersection(keys_in_file(folder / REQUESTS))
    if not run_keys:
        raise InputError(*NOTHING_TO_RETRY)
    return run_keys


class RowsInFlight(InputError):
    """All of the rows are being sent again already, by the run `run_id`."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"These rows are being sent again now, by run {run_id}.", "Wait until it has ended.")
        self.run_id = run_id


def exclude_in_flight(keys: set[str], children: Iterable[tuple[str, Path]]) -> set[str]:
    """The keys that none of these runs under way, (id, folder), is sending already. Raises RowsInFlight if none
    is left.

    Sending a row again while it is being sent would pay for it twice.
    """
    remaining, in_flight_run = set(keys), ""
    for run_id, folder in children:
        count_before = len(remaining)
        remaining.difference_update(keys_in_file(folder / REQUESTS))
        in_flight_run = run_id if len(remaining) < count_before else in_flight_run
    if not remaining:
        raise RowsInFlight(in_flight_run)
    return remaining


def unsent_keys(folder: Path, shards: Iterable[int]) -> set[str]:
    """The keys of the rows in these shards of a run, with the copies that were to share their answers."""
    sent_keys = {key for shard in shards for key in keys_in_file(shard_path(folder, shard))}
    if (folder / FANOUT).exists():
        copies = pq.read_table(folder / FANOUT, columns=["key", "sent_key"])
        pairs = zip(copies["key"].to_pylist(), copies["sent_key"].to_pylist(), strict=True)
        sent_keys |= {key for key, sent_key in pairs if sent_key in sent_keys}
    return sent_keys


def prepare_child(
    parent_folder: Path, keys: Collection[str], folder: Path, max_output_tokens: int | None = None
) -> Draft:
    """Write the draft of a child run: the parent's requests with these keys, unchanged but for a new output cap."""
    source = whole_requests(parent_folder)
    rows, size = copy_lines(source, keys, folder / REQUESTS, on_disk=True)
    link_shared(source.parent, folder)
    if max_output_tokens is not None:
        size = _set_output_cap(folder / REQUESTS, max_output_tokens)
    copy_inputs(parent_folder / INPUTS, keys, folder / INPUTS)
    link_media(parent_folder, folder)
    draft = replace(
        open_draft(parent_folder),
        folder=folder,
        rows=rows,
        size_bytes=size,
        largest_bytes=0,
        alike=False,
        problems=(),
        problem_count=0,
        bad_rows=0,
        notes=(),
        reused_rows=0,
    )
    (folder / DRAFT).write_bytes(msgspec.json.encode(draft, enc_hook=str))
    return draft


def _set_output_cap(path: Path, max_output_tokens: int) -> int:
    """Give every request another output cap; returns the size of all requests in bytes.

    Where rows share settings, theirs get it, and only rows that have a cap of their own are written anew.
    """
    part, shared = path.with_suffix(".part"), read_shared(path.parent)
    if shared is not None:
        values = {**shared.fields.values, "maxOutputTokens": Raw(str(max_output_tokens).encode())}
        fields = msgspec.structs.replace(shared.fields, values=values)
        write_shared(path.parent, msgspec.structs.replace(shared, fields=fields))
    reader = line_reader(path)
    size = 0
    with path.open("rb") as lines, part.open("wb") as out:
        for line in lines:
            apart = reader.apart(line)
            written = line
            if shared is None or apart is None or b'"maxOutputTokens"' in apart:
                row = orjson.loads(reader.whole(line))
                row["request"].setdefault("generationConfig", {})["maxOutputTokens"] = max_output_tokens
                written = reader.as_sent(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            out.write(written)
            size += len(reader.whole(written))
    part.replace(path)
    return size


def require_same_kind(before: str, rules: Callable[[str], ModelRules], model: str) -> None:
    """Raises InputError where rows of one model cannot be sent again to another, whatever they hold."""
    kind, other = kind_of(rules(before).facts), kind_of(rules(model).facts)
    if kind is not other:
        raise InputError(f"{model} does not answer what {before} was asked.", "Choose a model of the same kind.")
    if kind.vectors and model_id(before) != model_id(model):
        raise InputError(
            "Vectors of two models cannot be compared, and would stand in one table.",
            "Send all rows to the other model, in a run of their own.",
        )


def require_accepted(draft: Draft, rules: ModelRules) -> None:
    """Hold a draft, which was made for other settings or another model, to the rules of a model. Raises InputError."""
    checker = kind_of(rules.facts).make_check(EncodedSettings(Generation()), rules=rules)
    refused: list[Problem] = []
    rows = 0
    with open_requests(draft.folder / REQUESTS) as lines:
        for number, line in enumerate(lines, 1):
            checked = checker.check_line(line.rstrip(b"\n"), number)
            if isinstance(checked, list):
                refused, rows = refused or checked, rows + 1
    if refused:
        first = refused[0]
        raise InputError(
            f'{plural(rows, "row")} cannot be sent to {rules.name}. "{first.key[:80]}": {first.fault}',
            f"{first.remedy} Or choose another model.",
        )
