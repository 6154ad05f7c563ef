"""A CSV comes back as it was, byte for byte, with answers behind its records in its own dialect."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from batch.responses.spreadsheet_text import FLAT_COLUMNS
from lifecycle.inputs.tables.reading import ReadAs
from tests.lifecycle.results.fill.given_run import filled, given_run

MOOD = {
    "type": "OBJECT",
    "properties": {"mood": {"type": "STRING"}, "score": {"type": "NUMBER"}, "ok": {"type": "BOOLEAN"}},
}
ANSWERS = [{"mood": "good", "score": 0.5, "ok": True}, {"mood": "so-so; or not", "score": 2, "ok": False}]


def csv_as(**told: Any) -> ReadAs:
    defaults: dict[str, Any] = {"encoding": "utf-8", "separator": ",", "quote": '"', "line_end": "\n"}
    return ReadAs("csv", **{**defaults, "header_row": 1, "header_rows": 1, "first_row": 2, **told})


def fill(
    folder: Path, source: bytes, told: ReadAs, lines: list[int], answers: list[Any] = ANSWERS, own: int = 2
) -> list[bytes]:
    columns = {f"own{n}": ["x"] * len(lines) for n in range(own)}
    run = given_run(folder / "run", source, told, columns, lines, answers, MOOD)
    return filled(run, "csv")[0].read_bytes().splitlines(keepends=True)


def begins(lines: list[bytes], *expected: bytes) -> None:
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start), (line, start)


@pytest.mark.parametrize(
    ("source", "told", "expected"),
    [
        (
            b'id,when\n007,1.1.24\n08,"a\nb"\n',
            {},
            [b"id,when,mood,score,ok,key,", b"007,1.1.24,good,0.5,true,", b'08,"a\n', b'b",so-so; or not,2,false,'],
        ),
        (
            b"id;w\r\n1;2,50\r\n3;4,00",
            {"separator": ";"},
            [b"id;w;mood;", b"1;2,50;good;0,5;true;", b'3;4,00;"so-so; or not";2;false;'],
        ),
        (
            "\ufeffid\tw\nä\tb\n1\t2\n".encode(),
            {"separator": "\t", "quote": ""},
            ["\ufeffid\tw\tmood\t".encode(), "ä\tb\tgood\t0.5\t".encode(), b"1\t2\tso-so; or not\t2\t"],
        ),
        (
            b'"id","w"\n"1","2"\n"3","4"\n',
            {},
            [b'"id","w","mood","score"', b'"1","2","good","0.5","true"', b'"3","4","so-so; or not"'],
        ),
        ("id,w\nÄ,b\n1,2\n".encode("cp1252"), {"encoding": "cp1252"}, [b"id,w,mood", b"\xc4,b,good", b"1,2,so"]),
        (
            b'id,w\n3,"a"""\n1,"""\n2"\n',
            {},
            [b"id,w,mood", b'3,"a""",good', b'1,"""\n', b'2",so'],
        ),
        (b"id,w,\n1,2,\n3,4\n", {}, [b"id,w,,mood", b"1,2,,good", b"3,4,,so"]),
        (b"id,w\n1,2,\n3,4,,\n", {}, [b"id,w,mood", b"1,2,good", b"3,4,so"]),
    ],
    ids=[
        "quoted",
        "german",
        "no quotes",
        "all quoted",
        "cp1252",
        "marks in cells",
        "trailing separator",
        "trailing in rows only",
    ],
)
def test_answers_stand_beside_the_records_in_their_own_dialect(
    tmp_path: Path, source: bytes, told: dict[str, Any], expected: list[bytes]
) -> None:
    begins(fill(tmp_path, source, csv_as(**told), [2, 3]), *expected)


def test_what_is_not_a_row_stays_as_it_is(tmp_path: Path) -> None:
    source = b'a "report\nsep=,\nid,w\n\n1,2\nbroken\n3,4\n# end'
    told = csv_as(header_row=3, first_row=5, skipped_lines=2)
    lines = fill(tmp_path, source, told, [5, 7])
    begins(lines, b'a "report\n', b"sep=,\n", b"id,w,mood", b"\n", b"1,2,good", b"broken\n", b"3,4,so", b"# end")


def test_rows_that_were_not_sent_get_empty_cells_and_all_have_as_many(tmp_path: Path) -> None:
    source = b'id,w\n0,\n1,2\n"a,\nb,c",d\n3,4\n9,"x,y"\n'
    rows = list(csv.reader(io.StringIO(b"".join(fill(tmp_path, source, csv_as(), [3, 6])).decode())))
    assert [row[:3] for row in rows if len(row) > 2] == [
        ["id", "w", "mood"],
        ["0", "", ""],
        ["1", "2", "good"],
        ["a,\nb,c", "d", ""],
        ["3", "4", "so-so; or not"],
        ["9", "x,y", ""],
    ]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_a_stray_mark_costs_its_own_row_alone_and_a_lone_return_ends_no_line(tmp_path: Path) -> None:
    lines = fill(tmp_path, b'id,w\n1,"a\n2,x\ry\n3,z\n', csv_as(), [3, 4])
    begins(lines, b"id,w,mood", b'1,"a\n', b"2,x\r", b"y,good", b"3,z,so")


def test_lines_that_end_with_carriage_returns(tmp_path: Path) -> None:
    lines = fill(tmp_path, b"id,w\r1,a\r2,b", csv_as(line_end="\r"), [2, 3])
    begins(lines, b"id,w,mood", b"1,a,good", b"2,b,so")


def test_utf_16_without_a_mark_and_a_packed_file(tmp_path: Path) -> None:
    text = "id,w\r\n1,ł\r\n2,b\r\n"
    lines = fill(tmp_path, text.encode("utf-16-le"), csv_as(encoding="utf-16-le"), [2, 3])
    assert b"".join(lines).decode("utf-16-le").startswith("id,w,mood,")
    assert "\r\n1,ł,good,0.5," in b"".join(lines).decode("utf-16-le")


def test_a_table_of_one_column_keeps_its_cells_apart(tmp_path: Path) -> None:
    lines = fill(tmp_path, b"text\nHello, you\nplain\n", csv_as(separator=""), [2, 3], own=1)
    begins(lines, b"text,mood", b'"Hello, you",good', b"plain,so")


def test_formulas_among_the_answers_are_neutralised_and_counted_and_own_cells_are_not(tmp_path: Path) -> None:
    source = b"a,b\n@ann hi,+49 30\n=1+1,- x\n"
    run = given_run(tmp_path / "run", source, csv_as(), {"a": ["x"] * 2, "b": ["y"] * 2}, [2, 3], ["=2+2", "\uff1dx"])
    path, result = filled(run, "csv")
    begins(
        path.read_bytes().splitlines(),
        b"a,b,text,key",
        b"@ann hi,+49 30,'=2+2,row-0",
        "=1+1,- x,'\uff1dx,row-1".encode(),
    )
    assert [note[:21] for note in result.notes] == ["2 cells beside your o"]
    path, result = filled(run, "csv", raw_cells=True)
    assert b"@ann hi,+49 30,=2+2,row-0" in path.read_bytes()
    assert result.notes == ()


def test_names_that_the_table_has_already_are_told_apart(tmp_path: Path) -> None:
    run = given_run(tmp_path / "run", b"text,key\nx,y\n", csv_as(), {"text": ["x"], "key": ["y"]}, [2], ["A"])
    rows = list(csv.DictReader(io.StringIO(filled(run, "csv")[0].read_text())))
    assert (rows[0]["text"], rows[0]["key"], rows[0]["text (answer)"]) == ("x", "y", "A")


def test_the_flat_row_stands_behind_the_answers(tmp_path: Path) -> None:
    run = given_run(tmp_path / "run", b"a\nx\ny\n", csv_as(), {"a": ["x", "y"]}, [2, 3], ["A", None])
    header, *rows = csv.reader(io.StringIO(filled(run, "csv", complete=False)[0].read_text()))
    assert header[:2] == ["a", "text"]
    assert set(header) == {"a", *FLAT_COLUMNS, "incomplete"}
    assert "nothing came back for 1 of 2 rows" in rows[0][-1]
    assert rows[1][header.index("outcome")] == "missing"
