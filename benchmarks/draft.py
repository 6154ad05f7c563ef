"""How long an input takes to be checked, beside a plain `orjson.loads` of the same lines, and at what peak memory.

`python benchmarks/draft.py [--gigabytes 1] [--dir DIR]`. The inputs: 100,000 rows of 10 kB for each gigabyte, and
three million short rows. Each is read plainly and prepared in processes of their own, which take turns, and the
better of two turns counts. Prints one JSON line for each input. `cpu_ratio` is
of processor time, which other work on the computer disturbs less than the clock.
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

import orjson

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
TURNS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.work:
        print(json.dumps(work(choice.work[0], Path(choice.work[1]))))
        return
    with tempfile.TemporaryDirectory(dir=choice.dir) as folder:
        for name, rows, size in (
            ("long", int(100_000 * choice.gigabytes), 10_000),
            ("short", int(3e6 * choice.gigabytes), 120),
        ):
            source = Path(folder) / f"{name}.jsonl"
            write(source, rows, size)
            print(json.dumps(measure(name, source, rows)), flush=True)
            source.unlink()


def write(path: Path, rows: int, size: int) -> None:
    """Requests of about `size` bytes each, in mostly plain words with some escapes and some letters beyond ASCII."""
    chance = random.Random(7)
    words = ["service", "invoice", "Größe", "delay", '"quoted"', "naïve", "parcel", "line\nbreak", "order", "refund"]
    text = " ".join(chance.choice(words) for _ in range(size * 2 // 7 + 400))
    with path.open("wb") as out:
        for n in range(rows):
            start = chance.randrange(200)
            prompt = f"Row {n}: {text[start : start + max(10, size - 110)]}"
            request = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
            out.write(orjson.dumps({"key": f"k{n}", "request": request}) + b"\n")


def measure(name: str, source: Path, rows: int) -> dict[str, object]:
    best: dict[str, dict[str, float]] = {}
    for _ in range(TURNS):
        for task in ("loads", "prepare"):
            command = [sys.executable, __file__, "--work", task, str(source)]
            seen = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            best[task] = min(best.get(task, seen), seen, key=lambda taken: taken["seconds"])
    return {
        "input": name,
        "rows": rows,
        "megabytes": round(source.stat().st_size / 1e6),
        "loads_seconds": round(best["loads"]["seconds"], 2),
        "prepare_seconds": round(best["prepare"]["seconds"], 2),
        "ratio": round(best["prepare"]["seconds"] / best["loads"]["seconds"], 2),
        "cpu_ratio": round(best["prepare"]["cpu_seconds"] / best["loads"]["cpu_seconds"], 2),
        "peak_megabytes": round(best["prepare"]["peak_megabytes"]),
    }


def work(task: str, source: Path) -> dict[str, float]:
    from lifecycle.inputs.drafts import prepare

    start, cpu = time.perf_counter(), time.process_time()
    if task == "loads":
        with source.open("rb") as lines:
            for line in lines:
                orjson.loads(line)
    else:
        with tempfile.TemporaryDirectory(dir=source.parent) as folder:
            prepare(source, Path(folder), kind="jsonl")
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
