"""Rows that are sent again are priced by what they, and others like them, used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch.model import Outcome
from lifecycle.planning.history.measured_rows import measured_rows
from tests.lifecycle.conftest import KEY, Bench, wait_until_ended


def results(folder: Path, rows: Sequence[tuple[str, str, int, int]]) -> Path:
    """A file of results of rows: key, outcome, prompt and output tokens; no prompt tokens where nothing was told."""
    keys, outcomes, prompts, outputs = zip(*rows, strict=True)
    zeros = [0] * len(rows)
    columns = {"key": keys, "outcome": outcomes, "prompt_tokens": pa.array([p or None for p in prompts], pa.int64())}
    columns |= {"output_tokens": outputs, "shared": [False] * len(rows)}
    columns |= dict.fromkeys(("thoughts_tokens", "unitemised_tokens", "image_tokens", "search_queries"), zeros)
    pq.write_table(pa.table(columns | {"file": zeros}), folder / "results.parquet")
    return folder / "results.parquet"


ANSWERED = [(f"a{n}", Outcome.ANSWERED, 100, 40 + n) for n in range(20)]


def test_rows_use_what_they_used_and_silent_ones_as_much_as_others(tmp_path: Path) -> None:
    odd = [("long", Outcome.INVALID_OUTPUT, 300, 500), ("error", Outcome.ERROR_TRANSIENT, 0, 0)]
    path = results(tmp_path, [*ANSWERED, *odd])
    long, error = (measured_rows(path, {key}) for key in ("long", "error"))
    assert long is not None and (long.output.expected, long.prompt.total) == (500, 300)
    assert error is not None and error.output.source == "rows"
    assert 40 <= error.output.expected <= 75 and error.prompt.total == pytest.approx(100, rel=0.1)
    for measured in (long, error):
        assert measured.output.low <= measured.output.expected <= measured.output.high <= measured.output.worst


def test_what_was_cut_off_is_longer_under_another_limit(tmp_path: Path) -> None:
    cut = [(f"c{n}", Outcome.TRUNCATED, 100, 60) for n in range(8)]
    path = results(tmp_path, [*((f"a{n}", Outcome.ANSWERED, 100, 3 * n + 3) for n in range(19)), *cut])
    keys = {key for key, *_ in cut}
    same, more, enough = (measured_rows(path, keys, cap) for cap in (None, 90, 4_096))
    assert same and more and enough
    assert same.output.expected == 60 < more.output.expected < 90 and more.output.expected < enough.output.expected


def test_rows_that_told_nothing_tell_nothing(tmp_path: Path) -> None:
    assert measured_rows(results(tmp_path, [("e", Outcome.MISSING, 0, 0)]), {"e"}) is None
    assert measured_rows(results(tmp_path, ANSWERED), set()) is None


def test_a_retry_is_quoted_at_about_what_its_rows_cost(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    prompts = [f"Describe town {n}" for n in range(12)] + ["[[emulate: error:13]] Describe another town"] * 3
    run = wait_until_ended(runner, account, bench.submit(runner, account, "\n".join(prompts)))
    assert run.actual_usd
    quoted = runner.retries.retry_forecast(account, run.id).forecast.estimate
    assert runner.retries.quote(account, run.id).usd == pytest.approx(quoted.usd.expected, rel=0.02)  # the button's
    assert quoted.rows == 3 and quoted.answers.source == "rows"
    assert quoted.usd.expected == pytest.approx(run.actual_usd / 12 * 3, rel=0.35)
    assert quoted.usd.worst is not None and quoted.usd.worst < 3 * run.actual_usd / 12 * 3
