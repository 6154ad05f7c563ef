"""Clean blocks of a table of text are read as row after row would be: the same cells, lines, faults and notes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from batch.errors import InputError
from lifecycle.inputs.columns import csv_blocks
from lifecycle.inputs.tables.opening import open_table
from lifecycle.inputs.tables.reading import TableReading

CELLS = [
    "", "", "x", "soup of the day", "12", "3,5", "2026-05-01", "naïve Größe", "суп", "汤", "a\nb", "a\r\nb", "a\n\nb\n",
    'say "hi"', '"', '""', "a;b", "a,b", "a\tb", "a,b\nc,d\ne,f", " lead", "trail ", "back\\slash", "\x1f", "it's",
]  # fmt: skip
STRAY = ['"', 'x"y', '"a"b', '"open', "\r", "\0", "\x1a", "#", "a\rb", '" x "']
LINES = ["", "   ", "# a remark", "Total;;3", "lonely", ",,,", ";;;", "a,b,c,d,e,f,g,h"]


def written(chance: random.Random) -> str:
    """A table of random cells, in most places as the rule book says."""
    separator, quote = chance.choice(",;\t|"), chance.choice(['"', '"', '"', "'", ""])
    width, oddness = chance.randint(1, 5), chance.choice([0, 0, 0, 0.01, 0.05])
    end = chance.choice(["\n", "\n", "\r\n"])
    lines = [separator.join(f"name{n}" for n in range(width))]
    trailing = separator * chance.choice([0, 0, 0, 1, 2])
    for _ in range(chance.randint(0, 60)):
        if chance.random() < oddness:
            lines.append(chance.choice(LINES))
            continue
        count = width + (chance.choice([-1, 1, 2]) if chance.random() < oddness else 0)
        cells = [_cell(chance, separator, quote, oddness) for _ in range(count)]
        lines.append(separator.join(cells) + (separator if chance.random() < oddness else trailing))
    return end.join(lines) + (end if chance.random() < 0.8 else "")


def _cell(chance: random.Random, separator: str, quote: str, oddness: float) -> str:
    if chance.random() < oddness:
        return chance.choice(STRAY)
    cell = chance.choice(CELLS)
    if not quote:
        return cell.replace(separator, " ").replace("\n", " ").replace("\r", " ").replace('"', "")
    needs = any(sign in cell for sign in (separator, quote, "\n", "\r"))
    return quote + cell.replace(quote, quote * 2) + quote if needs or chance.random() < 0.2 else cell


def read(source: Path, reading: TableReading, *, glance: bool) -> Any:
    try:
        with open_table(source, "csv", reading, glance=glance) as table:
            rows, faults, progress = list[tuple[Any, ...]](), list[Any](), 0.0
            for batch in table.batches(range(len(table.names))):
                columns = [batch.texts[n].to_pylist() for n in range(len(table.names))]
                assert columns == [column.to_pylist() for column in batch.source_columns.columns]
                rows += zip(batch.lines.tolist(), *columns, strict=True)
                faults += batch.faults
                assert progress <= batch.progress <= 1
                progress = batch.progress
            return table.names, rows, faults, table.notes, table.read_as
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(6))
def test_blocks_give_what_rows_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    blocks_read = 0
    read_one = csv_blocks.CsvBlocks.read

    def counted(self: csv_blocks.CsvBlocks, line: int) -> Any:
        nonlocal blocks_read
        block = read_one(self, line)
        blocks_read += block is not None
        return block

    monkeypatch.setattr(csv_blocks.CsvBlocks, "read", counted)
    for n in range(40):
        monkeypatch.setattr(csv_blocks, "LEAST_BYTES", least := chance.choice([40, 200, 1000]))
        monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", least * chance.choice([1, 4, 1000]))
        encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1251", "gb18030"])
        source = tmp_path / f"{n}.csv"
        source.write_bytes(written(chance).encode(encoding, "replace"))
        reading = TableReading(encoding="" if encoding.startswith("utf") else encoding)
        assert read(source, reading, glance=False) == read(source, reading, glance=True), source.read_bytes()
    assert blocks_read > 20
