"""Tables of text as they come from spreadsheets, programs and people: read, or asked about in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batch.errors import InputError
from lifecycle.inputs.drafts import prepare
from lifecycle.inputs.tables.opening import open_table, table_preview
from lifecycle.inputs.tables.reading import NO_QUOTE, TableReading


def rows_of(source: Path | str, reading: TableReading | None = None) -> tuple[list[str], list[tuple[str, ...]]]:
    """The names and all rows of a table that has no faults."""
    with open_table(source, "csv", reading) as table:
        rows: list[tuple[str, ...]] = []
        for batch in table.batches(range(len(table.names))):
            assert not batch.faults
            rows += zip(*(batch.texts[n].to_pylist() for n in range(len(table.names))), strict=True)
        return table.names, rows


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        (b"dish,n\nsoup,1,\ncake,2,\n", ["dish", "n"], [("soup", "1"), ("cake", "2")]),
        (b"dish;n\r\nsoup;1,5\r\n", ["dish", "n"], [("soup", "1,5")]),
        (b"dish,n\rsoup,1\rcake,2\r", ["dish", "n"], [("soup", "1"), ("cake", "2")]),
        (b"dish,n\r\nsoup,1\ncake,2\r\n", ["dish", "n"], [("soup", "1"), ("cake", "2")]),
        (b'dish,n\n"soup\nof the day",1\n', ["dish", "n"], [("soup\nof the day", "1")]),
        (b"# menu\n# of May\ndish;n\nsoup;1\n# by Ann\ncake;2\n", ["dish", "n"], [("soup", "1"), ("cake", "2")]),
        (b"day,dish,n\nMon,soup,1\nTue,cake,2\nTotal,,3\n", ["day", "dish", "n"], [("Mon", "soup", "1"),
         ("Tue", "cake", "2")]),
        (b"dish,n\nsoup,1\ncake,2\n\0\0\0\0", ["dish", "n"], [("soup", "1"), ("cake", "2")]),
        (b"dish,n\nsoup,1\n\x1a", ["dish", "n"], [("soup", "1")]),
        (b"dish,dish,\nsoup,1,x\n", ["dish", "dish (2)", "column 3"], [("soup", "1", "x")]),
        (b"1,soup\n2,cake\n", ["column 1", "column 2"], [("1", "soup"), ("2", "cake")]),
        (b"a\x01b\nx\x01y\n", ["a", "b"], [("x", "y")]),
        (b'pipe\tn\n5" wide\t3\n"odd\t2\n', ["pipe", "n"], [('5" wide', "3"), ('"odd', "2")]),
        (b",sales,,returns,\nregion,q1,q2,q1,q2\nnorth,1,2,0,1\nsouth,3,4,1,0\neast,5,1,1,1\n",
         ["region", "sales q1", "sales q2", "returns q1", "returns q2"],
         [("north", "1", "2", "0", "1"), ("south", "3", "4", "1", "0"), ("east", "5", "1", "1", "1")]),
        (b"dish | n\n--- | :-:\nsoup | 1\ncake | 2\n", ["dish", "n"], [("soup ", " 1"), ("cake ", " 2")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdish,n\nsoup,1\n", ["dish", "n"], [("soup", "1")]),
        (b'a,b\n"""x, y""",1\n', ["a", "b"], [('"x, y"', "1")]),
        (b'a,b\n"say \\"x, y\\"",1\n', ["a", "b"], [('say "x, y"', "1")]),
        ("dish,n\nsoup,1\n".encode("utf-16-le"), ["dish", "n"], [("soup", "1")]),
        ("блюдо;n\nсуп;1\n".encode("cp1251"), ["блюдо", "n"], [("суп", "1")]),
    ],
)  # fmt: skip
def test_it_is_read_as_a_person_reads_it(
    tmp_path: Path, content: bytes, names: list[str], rows: list[tuple[str, ...]]
) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(content)
    assert rows_of(source) == (names, rows)


@pytest.mark.parametrize(
    ("content", "said", "remedy"),
    [
        (b"a   bb  c\nxx  y   1\nx   yy  2\n", "spaces", "separator"),
        (b"a\n\x81\xff\xfe\x8d\x90\x02\n", "encoding is not clear", "encoding"),
        (b"What is love?\nWho are you?\n", "not clear whether", "header row"),
        (b"a,b,c,d\n1,2\n3,4,5\n6\n7,8\n9,1,2,3,4\n", "not the same number of times", "separator"),
    ],
)
def test_what_is_not_clear_can_be_looked_at_but_not_sent(
    tmp_path: Path, content: bytes, said: str, remedy: str
) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(content)
    assert said in table_preview(source, "csv").read_as.question
    with pytest.raises(InputError, match=said) as caught:
        prepare(source, tmp_path / "draft", kind="csv", template="{{a}}")
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "wanted", "names", "first"),
    [
        (b"a,b;c\n1,2;3\n", {"separator": ";"}, ["a,b", "c"], ("1,2", "3")),
        (b"a\tb\n1\t2\n", {"separator": "tab"}, ["a", "b"], ("1", "2")),
        (b"x\ny\nz,n\n1,2\n", {"header_row": 3}, ["z", "n"], ("1", "2")),
        (b"a,b\nc,d\ne,f\n", {"header_row": 1, "header_rows": 2}, ["a c", "b d"], ("e", "f")),
        (b"a,b\n1,2\n", {"header_row": 0}, ["column 1", "column 2"], ("a", "b")),
        (b'"a",b\n"x",2\n', {"quote": NO_QUOTE}, ['"a"', "b"], ('"x"', "2")),
        ("é\nü\n".encode("cp850"), {"encoding": "DOS-850"}, ["é"], ("ü",)),
        (b"What is love?\nWho are you?\n", {"header_row": 0}, ["column 1"], ("What is love?",)),
    ],
)
def test_what_the_user_chose_wins(
    tmp_path: Path, content: bytes, wanted: dict[str, Any], names: list[str], first: tuple[str, ...]
) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(content)
    found, rows = rows_of(source, TableReading(**wanted))
    assert (found, rows[0]) == (names, first)
    assert table_preview(source, "csv", TableReading(**wanted)).read_as.question == ""


def test_how_it_was_read_is_said_in_one_line(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes("Меню\n\nблюдо;n\nсуп;1\nпирог;2\n".encode("cp1251"))
    assert table_preview(source, "csv").read_as.summary == (
        "semicolons, Windows-1251, header in row 3, 1 above it left out"
    )


def test_bytes_without_meaning_in_the_chosen_encoding_cost_their_row(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"a,b\nx,1\n\x81,2\ny,3\n")
    with open_table(source, "csv", TableReading(encoding="windows-1252")) as table:
        (batch,) = table.batches([0])
    assert (batch.texts[0].to_pylist(), [line for line, _ in batch.faults]) == (["x", "y"], [3])


def test_a_stray_quotation_mark_that_swallows_rows_costs_its_own(tmp_path: Path) -> None:
    lines = [
        '"a","b"',
        *(f'"x{n}",{n}' for n in range(9)),
        '"odd,7',
        "c,8",
        "d,9",
        'e",1',
        *(f"y{n},{n}" for n in range(9)),
    ]
    with open_table("\n".join(lines), "csv") as table:
        (batch,) = table.batches([0])
    assert [line for line, _ in batch.faults] == [11]
    assert batch.texts[0].to_pylist()[9:12] == ["c", "d", 'e"']
