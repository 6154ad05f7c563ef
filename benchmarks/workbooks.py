"""A workbook of many rows given back with its answers, and the same cells written by XlsxWriter alone.

`python -m benchmarks.workbooks [--rows 300000] [--dir DIR]`; XlsxWriter is to be installed for it. The workbook has
five columns of its own (number, two texts, date, amount) and gets an answer of three. Both are timed in processes of
their own, in seconds of the clock and of the processor; the better of two turns counts.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from lifecycle.results.workbook.fill_workbook import AddedColumns, AddedSheet, Place, fill_workbook

TURNS = 2
BATCH = 4096
OWN = ("id", "text", "product", "when", "amount")
ANSWERS = ("mood", "urgency", "angry")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.work:
        print(json.dumps(timed(choice.work[0], Path(choice.work[1]), choice.rows)))
        return
    with tempfile.TemporaryDirectory(dir=choice.dir) as folder:
        write_bare(Path(folder) / "given.xlsx", choice.rows, answers=False)
        best = {task: min((run(task, folder, choice.rows) for _ in range(TURNS)), key=_seconds) for task in TASKS}
    bare, ours = best["bare"], best["fill"]
    ratios = {name: round(ours[name] / bare[name], 2) for name in ("seconds", "processor")}
    told = {"task": "fill a workbook", "rows": choice.rows, "against": "XlsxWriter", "ratio": ratios["seconds"]}
    print(json.dumps({**told, "ratio_processor": ratios["processor"], "peak_mb": round(ours["peak_mb"])}), flush=True)


def _seconds(told: dict[str, float]) -> float:
    return told["seconds"]


def run(task: str, folder: str, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.workbooks", "--rows", str(rows), "--work", task, folder]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(found.stdout.splitlines()[-1]))


def timed(task: str, folder: Path, rows: int) -> dict[str, float]:
    start, used = time.perf_counter(), time.process_time()
    TASKS[task](folder, rows)
    seconds, processor = time.perf_counter() - start, time.process_time() - used
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "processor": processor, "peak_mb": peak_mb}


def write_bare(path: Path, rows: int, *, answers: bool) -> None:
    """The cells as XlsxWriter writes them with the least memory."""
    xlsxwriter = importlib.import_module("xlsxwriter")
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet, date = book.add_worksheet("Tickets"), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, [*OWN, *(ANSWERS if answers else ())])
    day = datetime.date(2024, 1, 1)
    for n in range(1, rows + 1):
        sheet.write_number(n, 0, n)
        sheet.write_string(n, 1, f"The parcel {n} came late, and nobody answers & helps.")
        sheet.write_string(n, 2, f"product {n % 50}")
        sheet.write_datetime(n, 3, day, date)
        sheet.write_number(n, 4, n / 4)
        if answers:
            sheet.write_string(n, 5, "negative" if n % 3 else "positive")
            sheet.write_number(n, 6, n % 5)
            sheet.write_boolean(n, 7, n % 2 == 0)
    book.close()


def fill(folder: Path, rows: int) -> None:
    columns = AddedColumns(ANSWERS, lambda: answer_batches(rows), rows + 1)
    details = AddedSheet(
        "Run details", ["row"], lambda: (pa.table({"row": numbers}) for numbers, _ in answer_batches(rows))
    )
    with (folder / "filled.xlsx").open("wb") as stream:
        fill_workbook(folder / "given.xlsx", stream, Place("Tickets", 1, 1, 2), columns, [details])


def answer_batches(rows: int) -> Iterator[tuple[list[int], pa.Table]]:
    for start in range(1, rows + 1, BATCH):
        numbers = range(start, min(rows + 1, start + BATCH))
        columns: list[list[Any]] = [
            ["negative" if n % 3 else "positive" for n in numbers],
            [n % 5 for n in numbers],
            [n % 2 == 0 for n in numbers],
        ]
        yield [n + 1 for n in numbers], pa.table(columns, names=list(ANSWERS))


TASKS = {"bare": lambda folder, rows: write_bare(folder / "bare.xlsx", rows, answers=True), "fill": fill}

if __name__ == "__main__":
    main()
