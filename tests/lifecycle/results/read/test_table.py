"""A page of results: input beside answer, filtered, sorted, and read by many at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch.errors import InputError, NotFound
from batch.kinds.image import IMAGE
from batch.model import Outcome
from lifecycle.results.read.table import Filter, ResultTable, open_table
from tests.lifecycle.results.collect.test_picture_files import answer as picture_answer
from tests.lifecycle.results.collect.test_picture_files import picture
from tests.lifecycle.run_fixture import RunFixture, answer, error


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
        (Filter(search="k."), []),
        (Filter(search="k[7"), []),
        (Filter(search="k7\\E"), []),
        (Filter(search="k\0"), []),
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


@pytest.mark.parametrize("name", ["file", "Length", "position", "error", "images", "repaired", "received_file"])
def test_own_columns_may_be_called_as_results_are_stored(run: RunFixture, name: str) -> None:
    run.send(["a", "b"], source_columns={name: ["x", "y"]})
    run.receive([{"key": "a", **answer("yes")}, {"key": "b", **error(13)}])
    run.build()
    table = ResultTable(run.folder)
    shown = table.source_columns[name]
    page, _ = table.page(Filter(errors=("it broke",)), order=shown, descending=True)
    assert list(page["key"]) == ["b"] and list(page[shown]) == ["y"] and list(page["run"]) == [run.folder.name]


def test_only_columns_can_be_sorted_by(mixed: RunFixture) -> None:
    with pytest.raises(InputError):
        ResultTable(mixed.folder).page(order="key; DROP TABLE results")


def test_a_search_reads_signs_as_signs_and_knows_no_case(run: RunFixture) -> None:
    texts = ["Größe (XL) costs 3.50 $", "GRÖSSE xl", "a+b\\c^", "line one\nline two", "Ärger?"]
    run.send([f"k{n}" for n in range(len(texts))])
    run.receive([{"key": f"k{n}", **answer(text)} for n, text in enumerate(texts)]).build()
    asked = {
        "größe (xl)": ["k0"],
        "3.50 $": ["k0"],
        "3x50": [],
        "A+B\\C^": ["k2"],
        "ONE\nLINE": ["k3"],
        "ärger?": ["k4"],
    }
    assert {text: list(run.table().page(Filter(search=text))[0]["key"]) for text in asked} == asked


def test_rows_are_paged_by_number_whatever_their_numbers_are(run: RunFixture) -> None:
    run.send([f"k{n}" for n in range(9)]).receive([{"key": f"k{n}", **answer("x")} for n in range(9)]).build()
    assert list(run.table().page(offset=3, limit=2)[0]["key"]) == ["k3", "k4"]
    assert list(run.table().page(offset=1, limit=2, descending=True)[0]["key"]) == ["k7", "k6"]
    assert list(run.table().page(Filter(search="k"), offset=1, limit=2, descending=True)[0]["key"]) == ["k7", "k6"]
    for name in ("inputs.parquet", "results.parquet"):
        table = pq.read_table(run.folder / name)
        spread = table.set_column(0, "n", pa.array([n * n for n in range(9)]))
        account = {
            key: value for key, value in pq.read_metadata(run.folder / name).metadata.items() if key == b"account"
        }
        pq.write_table(spread.replace_schema_metadata(account), run.folder / name)
    assert list(run.table().page(offset=3, limit=2)[0]["key"]) == ["k3", "k4"]


def test_a_table_stays_open_while_its_files_are_the_same(mixed: RunFixture) -> None:
    table = open_table(mixed.folder)
    page, _ = table.page(clip=20)
    page["text"] = "changed"
    assert open_table(mixed.folder) is table
    assert "changed" not in set(table.page(clip=20)[0]["text"])
    assert table.page(Filter(keys=("k4",)))[0]["text"][0] == "Answer 4" and table.detail("k4").text == "Answer 4"
    mixed.build()
    assert open_table(mixed.folder) is not table


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


def test_pictures_are_told_by_row_and_counted(tmp_path: Path) -> None:
    lines: dict[str, dict[str, Any]] = {
        "one": picture_answer(picture("red")),
        "two": picture_answer(picture("blue"), {"text": "and"}, picture("green")),
        "none": {"response": {"candidates": [{"content": {}, "finishReason": "NO_IMAGE"}]}},
    }
    run = RunFixture(tmp_path / "r").send(list(lines))
    run.receive([{"key": key, **line} for key, line in lines.items()])
    run.build(kind=IMAGE)
    table = ResultTable(run.folder)
    pictures = table.pictures([0, 1, 2])
    assert {n: len(found) for n, found in pictures.items()} == {0: 1, 1: 2} and table.picture_count() == 3
    assert table.pictures([2]) == {} and table.pictures([]) == {}
    rows, _ = table.page()
    assert (table.folder_of(rows["run"][1]) / pictures[1][0]["file"]).is_file()
