"""Every row that was sent is accounted for, whatever came back, in whatever order."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.errors import InputError, NotFound
from batch.model import Outcome, Usage
from batch.responses.outcomes import RANK, classify
from lifecycle.planning.retry_draft import RETRYABLE, select_keys, worth_retrying
from lifecycle.results.collect import build, match_rows, parse_lines
from lifecycle.results.export.export import ExportOptions, export
from lifecycle.results.read.compare import compare, shared_keys
from lifecycle.results.read.merge_retries import merge_retries
from lifecycle.results.read.table import Filter, ResultTable
from lifecycle.results.store.reconciliation import Reconciliation
from tests.lifecycle.hand_made_run import RunFixture, answer, error


@pytest.fixture
def run(tmp_path: Path) -> RunFixture:
    return RunFixture(tmp_path / "run")


def balanced(account: Reconciliation) -> bool:
    """The two sums that always hold."""
    rows = account.sent == account.matched + account.missing == sum(account.counts.values())
    extra = account.duplicate + account.unmatched + account.earlier
    return rows and account.returned == account.matched - account.shared + extra


# -- reconciliation --------------------------------------------------------------------------------------------


def test_a_mixed_run_is_told_row_by_row(run: RunFixture) -> None:
    run.send("abcdef").receive(
        [
            {"key": "c", **answer("C")},
            {"key": "a", **answer("A")},
            {"key": "b", **error(13)},
            {"key": "d", "response": {"promptFeedback": {"blockReason": "SAFETY"}}},
            {"key": "a", **answer("A again")},
            {"key": "zz", **answer("whose?")},
            answer("no key"),
            b"{not json",
            b"",
        ]
    )
    account = run.build()
    assert [row["outcome"] for row in run.rows()] == [
        *("answered", "error_transient", "answered", "prompt_blocked", "missing", "missing")
    ]
    assert [row["text"] for row in run.rows()] == ["A", "", "C", "", "", ""]
    assert (account.sent, account.returned, account.matched, account.missing) == (6, 8, 4, 2)
    assert (account.duplicate, account.unmatched, account.earlier) == (1, 3, 0)
    assert account.counts == {"answered": 2, "prompt_blocked": 1, "error_transient": 1, "missing": 2}
    assert balanced(account)
    assert [(row["key"], row["text"]) for row in run.others()] == [
        *(("a", "A again"), ("zz", "whose?"), (None, "no key"), (None, ""))
    ]


def test_a_row_is_never_joined_by_position(run: RunFixture) -> None:
    run.send("ab").receive([answer("first"), answer("second")])
    account = run.build()
    assert [row["outcome"] for row in run.rows()] == ["missing", "missing"]
    assert account.unmatched == 2


def test_a_job_whose_rows_all_failed_answered_nothing(run: RunFixture) -> None:
    run.send("abc").receive({"key": key, **error(3, "no such field")} for key in "cba")
    assert run.build().counts == {"error_permanent": 3}


def test_rows_that_a_cancel_came_before_cost_nothing_and_are_no_errors(run: RunFixture) -> None:
    """The served rows of a job that was cancelled while it ran are kept and billed; the others have code 1."""
    run.send(["a", "b", "c"]).receive([{"key": "a", **answer("a")}, {"key": "b", "error": {"code": 1}}])
    run.receive([{"key": "c", "error": {"code": 1}}], shard=1)
    account = run.build(cancelled=run.received[:1])
    assert [(row["outcome"], row["cost_usd"]) for row in run.rows()][1:] == [
        ("no_response", 0.0),
        ("error_transient", 0.0),
    ]
    assert account.usd == run.rows()[0]["cost_usd"] and account.unpriced == 0


def test_the_newest_success_of_a_row_counts(run: RunFixture) -> None:
    run.send("abcd")
    run.receive([{"key": "a", **error(7, "CachedContent not found")}, {"key": "b", **answer("B0")}], attempt=0)
    run.receive([{"key": "c", **answer("C0")}, {"key": "d", **error(13)}], attempt=0, shard=1)
    run.receive([{"key": "a", **answer("A1")}, {"key": "b", **error(13)}, {"key": "c", **answer("C1")}], attempt=1)
    run.receive([{"key": "d", **error(3, "newer")}], attempt=10)
    account = run.build()
    rows = run.rows()
    assert [row["text"] for row in rows] == ["A1", "B0", "C1", ""]
    assert [row["attempt"] for row in rows] == [1, 0, 1, 10]
    assert [row["attempts"] for row in rows] == [2, 2, 2, 2]
    assert rows[3]["error_message"] == "newer"
    assert (account.earlier, account.duplicate, account.cache_lost) == (4, 0, 0)
    assert balanced(account)


def test_every_attempt_is_paid_once_and_duplicates_are_not(run: RunFixture) -> None:
    run.send("ab")
    run.receive(
        [{"key": "a", **answer("cut", finish="MAX_TOKENS")}, {"key": "a", **answer("cut", finish="MAX_TOKENS")}]
    )
    run.receive([{"key": "a", **answer("whole", output=50)}, {"key": "who", **answer("stray", prompt=1000)}], attempt=1)
    account = run.build()
    assert account.usage == Usage(prompt=10 + 10 + 1000, candidates=5 + 50 + 5)
    assert account.usd == pytest.approx(1020e-6 + 60 * 2e-6)
    assert run.rows()[0]["cost_usd"] == pytest.approx(10e-6 + 100e-6)


def test_copies_take_the_answer_and_cost_nothing(run: RunFixture) -> None:
    run.send("abcd", fanout={"c": "a", "d": "b"}).receive([{"key": "a", **answer("A")}, {"key": "c", **answer("?")}])
    account = run.build()
    rows = run.rows()
    assert [row["text"] for row in rows] == ["A", "", "A", ""]
    assert [row["shared"] for row in rows] == [False, False, True, False]
    assert [row["cost_usd"] for row in rows] == [pytest.approx(20e-6), None, 0.0, None]
    assert rows[2]["prompt_tokens"] == 0
    assert (account.matched, account.missing, account.shared, account.unmatched) == (2, 2, 1, 1)
    assert account.usage == Usage(prompt=20, candidates=10)
    assert balanced(account)


def test_an_unknown_price_is_not_zero(run: RunFixture) -> None:
    run.send("ab").receive([{"key": "a", **answer("A")}, {"key": "b", **error(13)}])
    account = run.build(price=lambda usage: None)
    assert account.usd is None
    assert [row["cost_usd"] for row in run.rows()] == [None, 0.0]
    assert account.unpriced == 1


def test_rows_that_tell_no_usage_leave_a_lower_bound(run: RunFixture) -> None:
    run.send("ab").receive([{"key": "a", **answer("A")}, {"key": "b", "response": None}])
    account = run.build()
    assert account.usd == pytest.approx(20e-6)
    assert account.unpriced == 1


def test_a_run_without_results_is_all_missing(run: RunFixture) -> None:
    account = run.send("abc").build()
    assert account.counts == {"missing": 3}
    assert (account.usd, account.complete) == (0.0, False)
    assert ResultTable(run.folder).page()[1] == 3


def test_an_empty_run_has_empty_results(run: RunFixture) -> None:
    assert run.send([]).build() == Reconciliation(usd=0.0)
    page, total = ResultTable(run.folder).page()
    assert (len(page), total) == (0, 0)


def test_building_again_gives_the_same(run: RunFixture) -> None:
    run.send("abc").receive([{"key": "b", **answer("B")}])
    first = run.build(), run.rows()
    (run.folder / ".building-left").mkdir()
    (run.folder / ".building-left" / "wide.arrows").write_bytes(b"half")
    assert (run.build(), run.rows()) == first
    assert sorted(path.name for path in run.folder.iterdir()) == [
        *("inputs.parquet", "others.parquet", "received", "requests.jsonl", "results.parquet")
    ]


def test_a_build_that_dies_leaves_the_old_results(run: RunFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    run.send("ab").receive([{"key": "a", **answer("A")}])
    run.build()
    before = (run.folder / "results.parquet").read_bytes()
    run.receive([{"key": "b", **answer("B")}])

    def die(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(build, "write_results", die)
    with pytest.raises(OSError, match="full"):
        run.build()
    assert (run.folder / "results.parquet").read_bytes() == before
    assert not list(run.folder.glob(".building-*"))


def test_inputs_out_of_order_are_a_mistake(run: RunFixture) -> None:
    run.send("ab")
    table = pq.read_table(run.folder / "inputs.parquet")
    pq.write_table(table.take([1, 0]), run.folder / "inputs.parquet")
    with pytest.raises(InputError, match="input order"):
        run.build()


KEYS = st.text(max_size=6) | st.sampled_from(["a", "b", "key", " a", "A", "é", "'", '"', "\\", "1"])
BODIES = st.sampled_from(
    [
        answer("fine"),
        answer("cut", finish="MAX_TOKENS"),
        answer(""),
        error(13),
        error(3),
        error(7, "CachedContent not found"),
        {"response": None},
        {"response": {"promptFeedback": {"blockReason": "OTHER"}}},
    ]
)


@st.composite
def damaged_runs(draw: st.DrawFn) -> tuple[list[str], dict[str, str], list[list[dict[str, Any]]]]:
    """(keys sent, copies, attempts): lines shuffled, dropped, doubled and renamed."""
    keys = draw(st.lists(KEYS, unique=True, max_size=12))
    copies = {}
    for position, key in enumerate(keys):
        originals = [one for one in keys[:position] if one not in copies]
        if originals and draw(st.integers(0, 5)) == 0:
            copies[key] = draw(st.sampled_from(originals))
    attempts = []
    for number in range(draw(st.integers(0, 3))):
        asked = draw(st.lists(st.sampled_from(keys or ["none"]), max_size=14))
        returned = [{"key": key, "id": f"{number}-{i}", **draw(BODIES)} for i, key in enumerate(asked)]
        for line in returned:
            if draw(st.integers(0, 7)) == 0:
                line["key"] = draw(st.none() | st.just("renamed") | st.sampled_from(keys or ["none"]))
        attempts.append(draw(st.permutations(returned)))
    return keys, copies, attempts


def expected(
    keys: list[str], copies: dict[str, str], attempts: list[list[dict[str, Any]]]
) -> dict[str, tuple[int, int] | None]:
    """The plain model: which line (attempt, position) each row shows."""
    shown: dict[str, tuple[int, int] | None] = dict.fromkeys(keys)
    for key in keys:
        firsts = []
        for number, returned in enumerate(attempts):
            mine = [place for place, line in enumerate(returned) if line["key"] == copies.get(key, key)]
            firsts += [(number, place) for place in mine[:1]]
        worth = {place: RANK[classify(json.dumps(attempts[place[0]][place[1]]).encode()).outcome] for place in firsts}
        shown[key] = max(firsts, key=lambda place: (worth[place], place[0]), default=None)
    return shown


@settings(max_examples=60, deadline=None)
@given(damaged_runs(), st.booleans())
def test_the_joined_table_is_right_or_flags_the_damage(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[Any, Any, Any], small: bool
) -> None:
    keys, copies, attempts = made
    with pytest.MonkeyPatch.context() as patch:
        if small:  # many passes, batches and buckets, as in a run of millions
            patch.setattr(match_rows, "PASS_ROWS", 3)
            patch.setattr(parse_lines, "BATCH_ROWS", 2)
            patch.setattr(parse_lines, "YIELD_ROWS", 1)
            patch.setattr(build, "BATCH_ROWS", 3)
            patch.setattr(build, "BUCKET_ROWS", 2)
        run = RunFixture(tmp_path_factory.mktemp("run")).send(keys, fanout=copies)
        for number, returned in enumerate(attempts):
            run.receive(returned, attempt=number)
        account = run.build()
    rows, others = run.rows(), run.others()
    assert [row["key"] for row in rows] == keys
    assert balanced(account)
    files = [path.read_bytes() for path in run.received]
    for row, (key, place) in zip(rows, expected(keys, copies, attempts).items(), strict=True):
        if place is None:
            assert (row["outcome"], row["file"]) == ("missing", None)
            continue
        raw = files[row["file"]][row["position"] : row["position"] + row["length"]]
        line = attempts[place[0]][place[1]]
        assert json.loads(raw) == line
        assert row["outcome"] == classify(raw).outcome
        assert row["text"] == classify(raw).text
        assert row["shared"] == (key in copies)
    kept = {(row["file"], row["position"]) for row in rows if row["file"] is not None}
    left = [(row["file"], row["position"]) for row in others]
    assert len(kept) + len(left) == len({*kept, *left}) == account.returned == sum(map(len, attempts))


def test_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    keys = [f"k{number}" for number in range(300)]
    returned = [{"key": key, **answer(key.upper())} for key in keys]
    in_order = RunFixture(tmp_path / "one").send(keys).receive(returned)
    random.Random(5).shuffle(returned)
    shuffled = RunFixture(tmp_path / "two").send(keys).receive(returned)
    assert in_order.build() == shuffled.build()
    told = ["key", "outcome", "text", "prompt_tokens", "cost_usd"]
    one, two = (pq.read_table(run.folder / "results.parquet", columns=told) for run in (in_order, shuffled))
    assert one.equals(two)


# -- structured answers ----------------------------------------------------------------------------------------

PERSON = {
    "type": "OBJECT",
    "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER"}},
    "required": ["name"],
}


def asks_for(schema: dict[str, Any] | None, mime: str = "application/json") -> dict[str, Any]:
    config = {"responseMimeType": mime} | ({"responseSchema": schema} if schema else {})
    return {"contents": [], "generationConfig": config}


def test_an_answer_not_in_the_form_asked_for_is_invalid(run: RunFixture) -> None:
    run.send("abcdef", request=lambda key: asks_for(PERSON))
    run.receive(
        [
            {"key": "a", **answer('{"name": "Ada", "age": 36}')},
            {"key": "b", **answer('{"age": 36}')},
            {"key": "c", **answer('```json\n{"name": "Cy"}\n```')},
            {"key": "d", **answer("Sorry, I can't do that.")},
            {"key": "e", **answer('{"name": "E', finish="MAX_TOKENS")},
            {"key": "f", **answer('{"name": "F", "age": "old"}')},
        ]
    )
    account = run.build()
    rows = run.rows()
    assert [row["outcome"] for row in rows] == [
        *("answered", "invalid_output", "invalid_output", "refused", "truncated", "invalid_output")
    ]
    assert [row["parsed"] for row in rows] == ["strict", "failed", "lenient", "", "", "failed"]
    assert rows[1]["error_message"] == "not in the form asked for: $.name is missing"
    assert rows[5]["error_message"] == "not in the form asked for: $.age is not of type integer"
    assert json.loads(rows[2]["repaired"]) == {"name": "Cy"}
    assert [(field.name, field.type) for field in account.fields] == [("name", "VARCHAR"), ("age", "BIGINT")]
    assert balanced(account)


@pytest.mark.parametrize("text", ["[" * 400 + "]" * 400, "9" * 30, '"\\ud83d"'])
def test_json_that_others_would_trip_over_costs_no_other_row(run: RunFixture, text: str) -> None:
    """Neither a fenced answer that cannot be kept as JSON, nor a property of that kind, may end the collecting."""
    schema = {"type": "OBJECT", "properties": {"x": {}}}
    run.send("abc", request=lambda key: asks_for(schema))
    run.receive([{"key": "a", **answer(f'```json\n{{"x": {text}}}\n```')}, {"key": "b", **answer(f'{{"x": {text}}}')}])
    run.receive([{"key": "c", **answer('{"x": 1}')}], shard=1)
    run.build()
    assert [row["parsed"] for row in run.rows()][::2] == ["failed", "strict"]
    page, _ = run.table().page(fields=True, include_repaired=True)
    assert page["answer.x"][2] == "1"
    assert (
        export(run.table(), run.folder / "o.parquet", "parquet", ExportOptions(fields=True, include_repaired=True)).rows
        == 3
    )


def test_a_run_of_odd_lines_is_collected_shown_and_exported(run: RunFixture) -> None:
    deep = b'{"key":"deep","response":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001
    run.send(["deep", "huge", "vertex", "snake", "lost"])
    run.receive(
        [
            b"\xef\xbb\xbf" + json.dumps({"key": "huge", **answer("x" * 3_000_000)}).encode(),
            deep,
            b"   ",
            {"key": "vertex", "status": "", "request": {"contents": []}, **answer("V")},
            {
                "key": "snake",
                "response": {"candidates": [{"finish_reason": "STOP", "content": {"parts": [{"text": "S"}]}}]},
            },
            {"custom_id": "lost", **answer("under another name")},
            b"\x00\x00",
        ]
    )
    account = run.build()
    assert [row["outcome"] for row in run.rows()] == ["unknown", "answered", "answered", "answered", "missing"]
    assert (account.returned, account.unmatched, len(run.rows()[1]["text"])) == (6, 2, 3_000_000)
    assert balanced(account)
    assert run.table().detail("deep").response.encode() == deep
    for format in ("jsonl", "csv", "parquet", "xlsx", "txt"):
        assert export(run.table(), run.folder / "o", format).rows == 5
        if format == "jsonl":
            rows = [json.loads(line) for line in (run.folder / "o").read_text().splitlines()]
            assert [row["key"] for row in rows] == ["deep", "huge", "vertex", "snake", "lost"]
            assert rows[0]["response"].encode() == deep


def test_each_row_is_held_to_its_own_form(run: RunFixture) -> None:
    forms = {
        "a": asks_for(PERSON),
        "b": {"contents": []},
        "c": asks_for(None),
        "d": asks_for({"type": "STRING", "enum": ["yes", "no"]}, "text/x.enum"),
        "e": {"generation_config": {"response_json_schema": {"type": "array"}}},
    }
    run.send(forms, request=lambda key: forms[key])
    run.receive({"key": key, **answer("yes")} for key in "edcba")
    run.build()
    assert [row["outcome"] for row in run.rows()] == [
        *("invalid_output", "answered", "invalid_output", "answered", "invalid_output")
    ]


def test_the_runs_form_holds_where_a_request_names_none(run: RunFixture) -> None:
    run.send("ab", request=lambda key: asks_for(PERSON) if key == "a" else {"contents": []})
    run.receive({"key": key, **answer("[1]")} for key in "ab")
    run.build(schema={"type": "ARRAY"})
    assert [row["outcome"] for row in run.rows()] == ["invalid_output", "answered"]


# -- reading ---------------------------------------------------------------------------------------------------


@pytest.fixture
def mixed(run: RunFixture) -> RunFixture:
    """Ten rows: even ones answered, the others failed in two ways; own columns named like ours."""
    keys = [f"k{number}" for number in range(10)]
    own: dict[str, list[Any]] = {
        "text": [f"own {number}" for number in range(10)],
        "city": ["Rome", "Oslo"] * 5,
        "n_items": list(range(10)),
    }
    run.send(keys, source_columns=own)
    run.receive(
        {
            "key": key,
            **(answer(f"Answer {number}", output=number) if number % 2 == 0 else error(13 - number % 4, f"e{number}")),
        }
        for number, key in enumerate(keys)
    )
    run.build()
    return run


def test_a_page_shows_input_beside_answer(mixed: RunFixture) -> None:
    page, total = ResultTable(mixed.folder).page(limit=3, offset=2)
    assert total == 10
    assert list(page["key"]) == ["k2", "k3", "k4"]
    assert list(page["prompt"]) == ["question k2", "question k3", "question k4"]
    assert list(page["text"]) == ["Answer 2", "", "Answer 4"]
    assert list(page["text (input)"]) == ["own 2", "own 3", "own 4"]
    assert list(page["city"]) == ["Rome", "Oslo", "Rome"]


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        (Filter(search="ANSWER 4"), ["k4"]),
        (Filter(search="question k7"), ["k7"]),
        (Filter(search="100%"), []),
        (Filter(search="k_"), []),
        (Filter(outcomes=("error_transient",)), ["k3", "k7"]),
        (Filter(outcomes=("answered",), search="8"), ["k8"]),
        (Filter(keys=("k1", "k9", "zz")), ["k1", "k9"]),
        (Filter(errors=("…",)), ["k1", "k3", "k5", "k7", "k9"]),
    ],
)
def test_filters_narrow_a_page(mixed: RunFixture, where: Filter, keys: list[str]) -> None:
    table = ResultTable(mixed.folder)
    page, total = table.page(where)
    assert list(page["key"]) == keys == list(table.keys(where))
    assert total == len(keys)


@pytest.mark.parametrize(
    ("order", "descending", "first"),
    [
        ("n", True, "k9"),
        ("output_tokens", True, "k8"),
        ("city", False, "k1"),
        ("text (input)", True, "k9"),
        ("prompt", True, "k9"),
    ],
)
def test_pages_can_be_sorted(mixed: RunFixture, order: str, descending: bool, first: str) -> None:
    page, _ = ResultTable(mixed.folder).page(order=order, descending=descending, limit=1)
    assert list(page["key"]) == [first]


def test_only_columns_can_be_sorted_by(mixed: RunFixture) -> None:
    with pytest.raises(InputError):
        ResultTable(mixed.folder).page(order="key; DROP TABLE results")


def test_long_texts_are_clipped_on_request(mixed: RunFixture) -> None:
    page, _ = ResultTable(mixed.folder).page(clip=4, limit=1)
    assert (page["text"][0], page["prompt"][0], page["text (input)"][0]) == ("Answ", "ques", "own ")
    assert page["n_items"][0] == 0


def test_groups_narrow_a_page(mixed: RunFixture) -> None:
    pq.write_table(pa.table({"key": ["k1", "k2"], "group": ["g1", "g2"]}), mixed.folder / "groups.parquet")
    table = ResultTable(mixed.folder)
    assert list(table.keys(Filter(groups=("g2",)))) == ["k2"]
    assert table.groups(1).to_dict("records") == [{"group": "g1", "rows": 1, "example": "question k1"}]


def test_a_run_without_a_plan_has_no_groups(mixed: RunFixture) -> None:
    assert ResultTable(mixed.folder).groups().empty


def test_errors_of_one_kind_count_as_one(mixed: RunFixture) -> None:
    errors = ResultTable(mixed.folder).errors()
    assert list(errors["error"]) == ["…", "…"]
    assert sorted(errors["rows"]) == [2, 3]
    assert set(errors["example"]) == {"k1", "k3"}


def test_a_row_tells_everything(run: RunFixture) -> None:
    rating = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}
    body = answer("Hello")
    body["response"]["candidates"][0] |= {"safetyRatings": [rating]}
    body["response"]["candidates"][0]["content"]["parts"].insert(0, {"text": "Hmm.", "thought": True})
    run.send(["a", 'b"\\'], source_columns={"city": ["Rome", None]})
    run.receive([{"key": "a", **error(13)}]).receive([{"key": "a", **body}, {"key": "a", **body}], attempt=1)
    run.build()
    detail = ResultTable(run.folder).detail("a")
    assert (detail.text, detail.thoughts, detail.outcome) == ("Hello", "Hmm.", "answered")
    assert detail.safety == (rating,)
    assert detail.usage == Usage(prompt=10, candidates=5)
    assert json.loads(detail.request)["request"]["contents"][0]["parts"][0]["text"] == "question a"
    assert json.loads(detail.response) == {"key": "a", **body}
    assert [(one.kind, one.attempt, one.outcome) for one in detail.others] == [
        *(("earlier", 0, "error_transient"), ("duplicate", 1, "answered"))
    ]
    assert detail.source_columns == {"city": "Rome"}
    nothing = ResultTable(run.folder).detail('b"\\')
    assert (nothing.outcome, nothing.response, nothing.usage, nothing.source_columns) == (
        "missing",
        "",
        None,
        {"city": None},
    )
    assert json.loads(nothing.request)["key"] == 'b"\\'


def test_a_key_that_was_not_sent_is_not_found(mixed: RunFixture) -> None:
    with pytest.raises(NotFound):
        ResultTable(mixed.folder).detail("nobody")


def test_results_are_not_found_before_there_are_any(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        ResultTable(tmp_path)


def test_lines_that_fit_no_row_can_be_looked_at(run: RunFixture) -> None:
    run.send("a").receive([{"key": "zz", **answer("Z")}, b"{broken", {"key": "a", **answer("A")}])
    run.build()
    unmatched, total = ResultTable(run.folder).unmatched()
    assert total == 2
    assert [line.partition(",")[0] for line in unmatched] == ['{"key": "zz"', "{broken"]
    assert ResultTable(run.folder).unmatched(offset=1, clip=4)[0] == ["{bro"]


def test_many_threads_may_read_one_table(mixed: RunFixture) -> None:
    table = ResultTable(mixed.folder)
    seen: list[list[str]] = []

    def read(number: int) -> None:
        for _ in range(5):
            seen.append(list(table.page(Filter(search=f"k{number}"))[0]["key"]))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted([[f"k{number}"]] * 5 for number in range(4)) or len(seen) == 20


def test_outcome_values_in_files_are_the_models(mixed: RunFixture) -> None:
    assert {row["outcome"] for row in mixed.rows()} <= {outcome.value for outcome in Outcome}


# -- retries -----------------------------------------------------------------------------------------------------


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


# -- comparison --------------------------------------------------------------------------------------------------


def test_two_runs_are_compared_by_key(tmp_path: Path) -> None:
    def person(key: str) -> dict[str, Any]:
        return asks_for(PERSON)

    one = RunFixture(tmp_path / "one").send("abcdx", prompts=["a?", "b?", "other c?", "d?", "x?"], request=person)
    one.receive(
        [
            {"key": "a", **answer('{"name": "A"}')},
            {"key": "b", **answer('{"name": "B"}', output=50)},
            {"key": "c", **answer("{}")},
            {"key": "d", **answer('{"name": "D"}')},
            {"key": "x", **answer('{"name": "X"}')},
        ]
    )
    two = RunFixture(tmp_path / "two").send("dcbay", prompts=["d?", "c?", "b?", "a?", "y?"], request=person)
    two.receive(
        [
            {"key": "a", **answer('{"name": "A"}')},
            {"key": "b", **answer('{"name": "Bea"}')},
            {"key": "c", **answer('{"name": "C"}')},
            {"key": "d", **error(13)},
        ]
    )
    one.build()
    two.build()
    comparison = compare(ResultTable(one.folder), ResultTable(two.folder))
    assert comparison.counts == {
        "both": 4,
        "only_one": 1,
        "only_two": 1,
        "same": 1,
        "changed": 3,
        "better": 1,
        "worse": 1,
        "better_formed": 1,
        "worse_formed": 0,
        "cheaper": 2,
        "dearer": 0,
        "asked_otherwise": 1,
    }
    assert list(comparison.page("asked_otherwise")[0]["key"]) == ["c"]
    assert shared_keys(one.folder, two.folder) == shared_keys(two.folder, one.folder) == 4
    page, total = comparison.page("changed", limit=2)
    assert (total, list(page["key"])) == (3, ["b", "c"])
    assert list(page["text_one"]) == ['{"name": "B"}', "{}"]
    assert list(page["text_two"]) == ['{"name": "Bea"}', '{"name": "C"}']
    assert comparison.page("dearer")[1] == 0
    assert comparison.usd == (pytest.approx(3 * 20e-6 + 110e-6), pytest.approx(3 * 20e-6))


def test_every_kind_of_difference_is_told_from_both_sides(tmp_path: Path) -> None:
    """What is better, better formed or cheaper one way is worse, worse formed or dearer the other way."""
    one = RunFixture(tmp_path / "one").send("abc", request=lambda key: asks_for(PERSON))
    one.receive([{"key": "a", **answer("{}")}, {"key": "b", **answer('{"name": "B"}')}])
    two = RunFixture(tmp_path / "two").send("cba", request=lambda key: asks_for(PERSON))
    two.receive([{"key": "a", **answer('{"name": "A"}', output=9)}, {"key": "b", **answer('{"name": "B"}')}])
    for run in (one, two):
        run.build()
    there, back = compare(one.table(), two.table()).counts, compare(two.table(), one.table()).counts
    assert (there["better"], there["better_formed"], there["dearer"], there["same"]) == (1, 1, 1, 2)
    opposite = {"better": "worse", "better_formed": "worse_formed", "cheaper": "dearer", "only_one": "only_two"}
    for good, bad in opposite.items():
        assert (there[good], there[bad]) == (back[bad], back[good])


def test_many_rows_are_compared_while_one_waits(tmp_path: Path) -> None:
    """Half of the answers changed; what is measured is the processor's time, whatever else the computer does."""
    keys = [f"k{n:06d}" for n in range(15_000)]
    runs = [RunFixture(tmp_path / name).send(keys) for name in ("one", "two")]
    for m, run in enumerate(runs):
        run.receive({"key": key, **answer(f"{key} {n % 2 * m}")} for n, key in enumerate(keys))
        run.build()
    began = time.process_time()
    comparison = compare(*(run.table() for run in runs))
    assert (comparison.counts["both"], comparison.counts["changed"]) == (15_000, 7_500)
    page, total = comparison.page("changed", offset=7_000, limit=50)
    assert (len(page), total) == (50, 7_500)
    assert time.process_time() - began < 1.5
