"""Results are joined by the field that identifies rows, found by its values, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lifecycle.inputs.echoed_fields import EchoedFields
from lifecycle.inputs.row_identity import AmbiguousRows, find_join, identifying_field, repeated_count


@pytest.fixture
def echo(tmp_path: Path) -> Any:
    def written(*lines: dict[str, Any] | str) -> EchoedFields:
        path = tmp_path / "0-0.jsonl"
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return EchoedFields([path])

    return written


def metadata(*values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"metadata": value, "response": {}} for value in values]


def columns(**values: list[Any]) -> dict[str, pa.ChunkedArray]:
    rows = len(next(iter(values.values())))
    given = {"key": [f"row-{n:06d}" for n in range(1, rows + 1)], **values}
    return {name: pa.chunked_array([pa.array(list(texts), pa.string())]) for name, texts in given.items()}


JOINS = {
    "a key": ([{"key": "b"}, {"key": "a"}], columns(key=["a", "b"]), ("key", "key", [1, 0])),
    "an id of the same name": (
        metadata({"request_id": "r1", "lang": "en"}, {"request_id": "r0", "lang": "de"}),
        columns(request_id=["r0", "r1"], lang=["en", "de"]),
        ("request_id", "request_id", [1, 0]),
    ),
    "an id that is the input's key": (
        metadata({"custom_id": "b"}, {"custom_id": "a"}),
        columns(key=["a", "b"]),
        ("custom_id", "key", [1, 0]),
    ),
    "a number and its text": (metadata({"id": 7}, {"id": "8"}), columns(id=["8", "7"]), ("id", "id", [1, 0])),
    "numbers where both are ids": (
        metadata({"request_id": 2}, {"request_id": 1}),
        columns(id=["1", "2"]),
        ("request_id", "id", [1, 0]),
    ),
    "an id beside the key of a file job": (
        [{"custom_id": "b", "response": {}}, {"custom_id": "zz", "response": {}}],
        columns(custom_id=["a", "b"]),
        ("custom_id", "custom_id", [1, None]),
    ),
    "ids are believed before others": (
        metadata({"id": "x", "title": "B"}, {"id": "y", "title": "A"}),
        columns(id=["x", "y"], title=["A", "B"]),
        ("id", "id", [0, 1]),
    ),
    "one of several that agree": (
        metadata({"custom_id": "x", "doc_id": "1"}, {"custom_id": "y", "doc_id": "2"}),
        columns(custom_id=["y", "x"], doc_id=["2", "1"]),
        ("custom_id", "custom_id", [1, 0]),
    ),
    "an id is believed before keys that were made by place": (
        [{"key": "row-000001", "custom_id": "b"}, {"key": "row-000002", "custom_id": "a"}],
        columns(custom_id=["a", "b"]),
        ("custom_id", "custom_id", [1, 0]),
    ),
    "generated keys of the very input": (
        [{"key": "row-000002"}, {"key": "row-000001"}],
        columns(text=["a", "b"]),
        ("key", "key", [1, 0]),
    ),
}


@pytest.mark.parametrize(("lines", "known", "expected"), JOINS.values(), ids=list(JOINS))
def test_the_field_that_identifies_rows_is_found(echo: Any, lines: Any, known: Any, expected: Any) -> None:
    join = find_join(echo(*lines), known)
    assert join is not None and (join.field, join.column, join.rows.to_pylist()) == expected


NO_JOINS = {
    "nothing in common": (metadata({"id": "x"}), columns(id=["y"])),
    "an id that repeats in the results": (metadata({"id": "x"}, {"id": "x"}), columns(id=["x", "y"])),
    "an id that repeats in the input": (metadata({"id": "x"}, {"id": "y"}), columns(id=["x", "x"])),
    "numbers that agree by accident": (metadata({"n": 1}, {"n": 2}), columns(rank=["2", "1"])),
    "ids of which a column of another name has some": (
        metadata({"custom_id": "a"}, {"custom_id": "b"}),
        columns(name=["a", "c"]),
    ),
    "places as ids": (metadata({"tag": "row-000001"}, {"tag": "row-000002"}), columns(text=["a", "b"])),
    "no field at all": ([{"response": {}}, {"response": {}}], columns(text=["a", "b"])),
}


@pytest.mark.parametrize(("lines", "known"), NO_JOINS.values(), ids=list(NO_JOINS))
def test_nothing_is_joined_where_nothing_identifies_rows(echo: Any, lines: Any, known: Any) -> None:
    assert find_join(echo(*lines), known) is None


def test_ids_that_contradict_each_other_are_refused_unless_one_is_named(echo: Any) -> None:
    echoed = echo(*metadata({"custom_id": "a", "doc_id": "1"}, {"custom_id": "b", "doc_id": "2"}))
    known = columns(custom_id=["a", "b"], doc_id=["2", "1"])
    with pytest.raises(AmbiguousRows, match=r"`custom_id`.*`doc_id`"):
        find_join(echoed, known)
    join = find_join(echoed, known, "doc_id")
    assert join is not None and join.rows.to_pylist() == [1, 0]


def test_a_named_field_is_held_against_every_column_and_an_accident_is_refused(echo: Any) -> None:
    echoed = echo(*metadata({"n": 1}, {"n": 2}))
    join = find_join(echoed, columns(rank=["2", "1"]), "n")
    assert join is not None and (join.column, join.rows.to_pylist()) == ("rank", [1, 0])
    with pytest.raises(AmbiguousRows, match="'rank' or 'place'"):
        find_join(echoed, columns(rank=["2", "1"], place=["1", "2"]), "n")


@pytest.mark.parametrize(
    ("lines", "named", "expected"),
    [
        ([{"key": "a", "custom_id": "x"}], "", "key"),
        ([{"key": "a", "custom_id": "x"}], "custom_id", "custom_id"),
        ([{"key": "a"}], "absent", "key"),
        (metadata({"lang": "en", "request_id": "r0"}, {"lang": "de", "request_id": "r1"}), "", "request_id"),
        (metadata({"lang": "en", "docId": "r0"}, {"lang": "de", "docId": "r1"}), "", "docId"),
        (metadata({"lang": "en", "id": "same"}, {"lang": "de", "id": "same"}), "", "lang"),
        (metadata({"lang": "en"}, {"lang": "en"}), "", ""),
        ([{"metadata": {"id": "a"}}, {"response": {}}], "", ""),
        (["not json", {"id": "a"}], "", "id"),
        ([], "", ""),
    ],
)
def test_without_an_input_results_are_known_by_their_likeliest_id(
    echo: Any, lines: Any, named: str, expected: str
) -> None:
    assert identifying_field(echo(*lines), named) == expected


def test_repeated_values_are_counted_and_nulls_are_not(echo: Any) -> None:
    echoed = echo(*metadata({"id": "a"}, {"id": "a"}, {}, {"id": "b"}))
    assert repeated_count(echoed.column("id")) == 2
