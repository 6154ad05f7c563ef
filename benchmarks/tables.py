"""How long tables take to be read, beside the bare readers of their formats, in processor time and peak memory.

`python -m benchmarks tables`. CSV of a million rows beside DuckDB's own read of all cells as text, a workbook of
300,000 rows beside python-calamine's bare read of the sheet, Parquet of a million rows beside Arrow's. Each is read in
a process of its own, in turns, and the better of two turns counts. `glance` is the time of a preview, `check` that of
reading all rows, checking them and writing the draft of their requests, beside the same bare read. One JSON line for
each format.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
TURNS = 2
TEMPLATE = "Classify the message of a customer.\n\n{{text}}\n\nStars: {{stars}}"
WORDS = ["service", "invoice", "Größe", "delay", '"quoted"', "naïve", "parcel", "line\nbreak", "order", "refund"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.work:
        print(json.dumps(work(choice.work[0], Path(choice.work[1]))))
        return
    with tempfile.TemporaryDirectory(dir=choice.dir) as folder:
        for kind, rows in (("csv", choice.rows), ("xlsx", int(choice.rows * 0.3)), ("parquet", choice.rows)):
            source = Path(folder) / f"table.{kind}"
            write(source, rows)
            print(json.dumps(measure(source, rows)), flush=True)


def write(path: Path, rows: int) -> None:
    """A table of five columns: a number, a day, stars, a text of some words, and a code."""
    import duckdb

    chance = random.Random(7)
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(5, 25))) for _ in range(5000)]
    with duckdb.connect() as db:
        db.execute("CREATE TABLE texts AS SELECT * FROM (SELECT unnest(?) AS text, unnest(range(5000)) AS n)", [texts])
        query = (
            "SELECT i AS id, DATE '2024-01-01' + (i % 300)::INTEGER AS day, i % 5 + 1 AS stars, text, 'C' || i % 97 AS"
            f" code FROM range({rows}) r(i) JOIN texts ON i % 5000 = n ORDER BY i"
        )
        if path.suffix == ".xlsx":
            _write_workbook(path, db.execute(query).fetchall())
        else:
            db.execute(f"COPY ({query}) TO '{path}'")


def _write_workbook(path: Path, rows: list[tuple[object, ...]]) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Table")
    for row in [("id", "day", "stars", "text", "code"), *rows]:
        sheet.append(row)
    book.save(path)


def measure(source: Path, rows: int) -> dict[str, object]:
    best: dict[str, dict[str, float]] = {}
    for _ in range(TURNS):
        for task in ("bare", "read", "glance", "check"):
            command = [sys.executable, __file__, "--work", task, str(source)]
            seen = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            best[task] = min(best.get(task, seen), seen, key=lambda taken: taken["cpu_seconds"])
    return {
        "table": source.suffix.lstrip("."),
        "rows": rows,
        "megabytes": round(source.stat().st_size / 1e6),
        "bare_cpu_seconds": round(best["bare"]["cpu_seconds"], 2),
        "read_cpu_seconds": round(best["read"]["cpu_seconds"], 2),
        "ratio": round(best["read"]["cpu_seconds"] / best["bare"]["cpu_seconds"], 2),
        "check_cpu_seconds": round(best["check"]["cpu_seconds"], 2),
        "check_ratio": round(best["check"]["cpu_seconds"] / best["bare"]["cpu_seconds"], 2),
        "glance_seconds": round(best["glance"]["seconds"], 2),
        "peak_megabytes": round(best["read"]["peak_megabytes"]),
        "check_peak_megabytes": round(best["check"]["peak_megabytes"]),
    }


def work(task: str, source: Path) -> dict[str, float]:
    from lifecycle.inputs.drafts import prepare
    from lifecycle.inputs.tables.opening import open_table, table_preview

    start, cpu = time.perf_counter(), _cpu_seconds()
    if task == "bare":
        _read_bare(source)
    elif task == "glance":
        table_preview(source, source.suffix.lstrip("."))
    elif task == "check":
        with tempfile.TemporaryDirectory(dir=source.parent) as folder:
            prepare(source, Path(folder), kind=source.suffix.lstrip("."), template=TEMPLATE)
    else:
        with open_table(source, source.suffix.lstrip(".")) as table:
            for _ in table.batches([3]):
                pass
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": _cpu_seconds() - cpu,
        "peak_megabytes": _peak_megabytes(),
    }


def _read_bare(source: Path) -> None:
    if source.suffix == ".csv":
        import duckdb

        with duckdb.connect() as db:
            db.execute(f"CREATE TABLE t AS SELECT * FROM read_csv('{source}', all_varchar = true)")
    elif source.suffix == ".xlsx":
        from python_calamine import CalamineWorkbook

        CalamineWorkbook.from_path(source).get_sheet_by_index(0).to_python()
    else:
        import pyarrow.parquet as pq

        with pq.ParquetFile(source) as file:
            for batch in file.iter_batches():
                batch.column(3).to_pylist()


def _peak_megabytes() -> float:
    """This process's own peak, as Linux tells it: what `getrusage` says begins with that of the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _cpu_seconds() -> float:
    """The processor time of this process and of those that it waited for."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main()
