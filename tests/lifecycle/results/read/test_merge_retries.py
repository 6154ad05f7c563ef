"""Results that an earlier version wrote are read, billed and merged as before: columns they lack are empty."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from batch.model import Usage
from lifecycle.planning.retry_draft import RETRYABLE, select_keys, worth_retrying
from lifecycle.results.export.export import ExportOptions, export
from lifecycle.results.read.merge_retries import merge_retries
from lifecycle.results.read.table import Filter, ResultTable
from lifecycle.results.store.columns import EXTRA_COLUMNS, USAGE_COLUMNS
from tests.lifecycle.run_fixture import RunFixture, answer, balanced, error

NEW_COLUMNS = [*USAGE_COLUMNS[5:], *EXTRA_COLUMNS, "images"]


def as_written_before(run: RunFixture) -> RunFixture:
    """The result files without the columns, and the account without the fields, of this version."""
    for name in ("results.parquet", "others.parquet"):
        table, metadata = pq.read_table(run.folder / name), pq.read_metadata(run.folder / name).metadata
        account = json.loads(metadata.get(b"account", b"null"))
        if account:
            del account["extras"], account["kind"]
            account["usage"] = {key: account["usage"][key] for key in list(account["usage"])[:5]}
        old = table.drop_columns(NEW_COLUMNS).replace_schema_metadata({"account": json.dumps(account)})
        pq.write_table(old, run.folder / name)
    return run


@pytest.fixture
def parent(tmp_path: Path) -> RunFixture:
    run = RunFixture(tmp_path / "parent").send(["a", "b"])
    run.receive([{"key": "a", **answer("A")}, {"key": "b", **error(13)}, {"key": "z", **answer("nobody's")}])
    run.build()
    return as_written_before(run)


def test_a_result_of_before_is_billed_and_exported(parent: RunFixture, tmp_path: Path) -> None:
    table = parent.table()
    assert table.billed_usage().total == Usage(20, 0, 10)
    assert (table.totals().extras, table.detail("a").text) == ((), "A")
    assert export(table, tmp_path / "out.csv", "csv", ExportOptions()).rows == 2


def test_a_result_of_before_is_merged_with_a_retry_of_now(parent: RunFixture, tmp_path: Path) -> None:
    child = RunFixture(tmp_path / "child").send(["b"])
    line = answer("B", totalTokenCount=45)
    line["response"]["candidates"] += answer("B too")["response"]["candidates"]
    child.receive([{"key": "b", **line}])
    child.build()
    table = merge_retries(parent.folder, [child.folder])
    rows = pq.read_table(table.results).to_pylist()
    assert [(row["text"], row["unitemised_tokens"]) for row in rows] == [("A", None), ("B", 30)]
    assert table.totals().extras == ("other_answers",)
    assert table.billed_usage().total == Usage(30, 0, 15, unitemised=30)
    target = export(table, tmp_path / "out.jsonl", "jsonl", ExportOptions()).path
    written = [json.loads(one)["other_answers"] for one in target.read_text(encoding="utf-8").splitlines()]
    assert written == [None, ["B too"]]
    again = merge_retries(child.folder, [parent.folder])
    assert again.totals().extras == ("other_answers",)


def family(folder: Path) -> tuple[RunFixture, RunFixture, RunFixture]:
    """A parent of six rows and two retries: the first mends b and c, the second d and not e."""
    parent = RunFixture(folder / "parent").send("abcdef", source_columns={"city": list("123456")})
    parent.receive(
        [
            {"key": "a", **answer("A0")},
            {"key": "b", **error(13)},
            {"key": "c", **answer("C cut", finish="MAX_TOKENS", output=100)},
            {"key": "d", **error(13)},
            {"key": "e", **answer("E0")},
            {"key": "stranger", **answer("S")},
        ]
    )
    first = RunFixture(folder / "first").send("bcdf", request=lambda key: {"contents": [], "cap": 2})
    first.receive([{"key": "c", **answer("C1")}, {"key": "b", **answer("B1")}, {"key": "d", **error(14)}])
    second = RunFixture(folder / "second").send("de").receive([{"key": "d", **answer("D2")}, {"key": "e", **error(3)}])
    for run in (parent, first, second):
        run.build()
    return parent, first, second


def test_a_merged_result_shows_each_rows_newest_success(tmp_path: Path) -> None:
    parent, first, second = family(tmp_path)
    table = merge_retries(parent.folder, [first.folder, second.folder])
    page, total = table.page()
    assert total == 6
    assert list(page["key"]) == list("abcdef")
    assert list(page["text"]) == ["A0", "B1", "C1", "D2", "E0", ""]
    assert list(page["run"]) == ["parent", "first", "first", "second", "parent", "parent"]
    assert list(page["attempts"]) == [1, 2, 2, 3, 2, 0]
    assert list(page["city"]) == list("123456")
    assert table.counts() == {"answered": 5, "missing": 1}


def test_a_merged_account_counts_every_attempt_once(tmp_path: Path) -> None:
    runs = family(tmp_path)
    parent, first, second = runs
    account = merge_retries(parent.folder, [first.folder, second.folder]).totals()
    alone = [ResultTable(run.folder).totals() for run in runs]
    assert balanced(account)
    assert (account.sent, account.returned, account.unmatched) == (6, 11, 1)
    assert account.earlier == 5
    assert account.usage == sum((one.usage for one in alone), Usage())
    assert account.usd == pytest.approx(sum(one.usd or 0 for one in alone))


def test_a_merged_row_knows_its_earlier_attempts(tmp_path: Path) -> None:
    parent, first, second = family(tmp_path)
    table = merge_retries(parent.folder, [first.folder, second.folder])
    detail = table.detail("d")
    assert (detail.run, detail.text) == ("second", "D2")
    assert [(one.run, one.outcome) for one in detail.others] == [
        ("parent", "error_transient"),
        ("first", "error_transient"),
    ]
    assert json.loads(detail.response)["key"] == "d"
    assert json.loads(table.detail("b").request)["request"]["cap"] == 2
    assert table.unmatched()[1] == 1


def test_a_merged_result_is_made_once_and_anew_when_a_run_changes(tmp_path: Path) -> None:
    parent, first, second = family(tmp_path)
    table = merge_retries(parent.folder, [first.folder])
    assert merge_retries(parent.folder, [first.folder]).results == table.results
    first.receive([{"key": "f", **answer("F1")}])
    first.build()
    again = merge_retries(parent.folder, [first.folder, tmp_path / "not yet"])
    assert again.results != table.results
    assert again.counts()["answered"] == 5
    merge_retries(parent.folder, [first.folder, second.folder])
    assert len(list((parent.folder / "merged").iterdir())) == 2


def test_a_row_that_failed_often_enough_for_the_same_cause_is_told_apart(tmp_path: Path) -> None:
    """Its numbers and quotations do not make a message another cause; another outcome or message does."""
    runs = [RunFixture(tmp_path / name) for name in ("run", "first", "second")]
    messages = {"same": "state 1 is bad", "other": "state 1 is bad", "fine": "state 1 is bad"}
    for number, fixture in enumerate(runs):
        texts = {**messages, "same": f"state {number} is bad", "other": "state is worse" if number == 1 else "bad"}
        lines = [{"key": key, **error(13, text)} for key, text in texts.items() if key != "fine" or number != 1]
        lines += [{"key": "fine", **answer("fine")}] if number == 1 else []
        fixture.send(messages).receive(lines)
        fixture.build()
    merged = merge_retries(runs[0].folder, [fixture.folder for fixture in runs[1:]])
    assert list(merged.keys(Filter(failed_below=3))) == ["other", "fine"]
    assert list(merged.keys(Filter(failed_below=4))) == ["same", "other", "fine"]
    assert list(merged.keys(worth_retrying(RETRYABLE))) == ["other"]
    assert select_keys(merged, (), ()) == {"other"}
    assert select_keys(merged, ("error_transient",), ()) == {"same", "other"}, "asked for by name, it is sent"


def test_a_run_without_children_is_its_own_result(tmp_path: Path) -> None:
    parent, *_ = family(tmp_path)
    assert merge_retries(parent.folder, []).results == parent.folder / "results.parquet"


def test_a_merged_result_exports_lines_of_all_runs(tmp_path: Path) -> None:
    parent, first, second = family(tmp_path)
    table = merge_retries(parent.folder, [first.folder, second.folder])
    export(table, tmp_path / "out.jsonl", "jsonl", layout="gemini")
    lines_out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["key"] for line in lines_out] == list("abcde")
    assert lines_out[3] == {"key": "d", **answer("D2")}
