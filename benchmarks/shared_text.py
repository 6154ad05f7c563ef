"""Shared text anywhere: the time to find it beside `orjson.loads` over the same lines, in one run, and peak memory.

`python -m benchmarks.shared_text [--rows 100000] [--dir DIR]`. Layouts: a question before a document in one text, rows
that share nothing, rows whose shared text is first, many short rows. Per layout: the plan alone; the search for what is
shared and stands elsewhere; and all hints, each with the exact plan of the batch as it would be sent. Ratios are of CPU
time, the better of two turns in processes of their own. Prints one JSON line a layout.
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
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from batch.arrangement.shared_text import SharedText
from batch.model import Tariff
from gem_cache import Plan, plan_batches

TURNS = 2
FLASH = Tariff(0.30, 0.15, 2.50, 1.25, 0.03, None, 1.00, explicit_minimum=1024, implicit_minimum=2048)
WORDS = ["the", "service", "shall", "of", "delay", "invoice", "contract", "party", "notice", "within", "days", "Größe"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.work:
        print(json.dumps(TASKS[choice.work[0]](Path(choice.work[1]))))
        return
    with tempfile.TemporaryDirectory(dir=choice.dir) as name:
        for label, rows_of in LAYOUTS.items():
            file = Path(name) / "batch.jsonl"
            with file.open("wb") as out:
                for n, parts in enumerate(rows_of(choice.rows)):
                    contents = [{"role": "user", "parts": [{"text": part} for part in parts]}]
                    out.write(orjson.dumps({"key": f"r{n}", "request": {"contents": contents}}) + b"\n")
            print(json.dumps(measure(label, file)), flush=True)


def measure(label: str, file: Path) -> dict[str, float | str]:
    """Ratios of CPU time to reading the same lines with orjson, and peak memory in MB."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(TURNS):
        for task in TASKS:
            command = [sys.executable, "-m", "benchmarks.shared_text", "--work", task, str(file)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            best[task] = min(best.get(task, found), found, key=lambda one: one["cpu"])
    read = best["read"]["cpu"]
    return {
        "layout": label,
        "megabytes": round(file.stat().st_size / 1e6),
        "orjson_seconds": round(read, 2),
        **{f"{task}_ratio": round(best[task]["cpu"] / read, 2) for task in TASKS if task != "read"},
        "peak_mb": round(max(one["peak_mb"] for one in best.values())),
        "saved": round(best["hints"]["saved"], 3),
    }


def read_task(file: Path) -> dict[str, float]:
    began = time.process_time()
    with file.open("rb") as lines:
        for line in lines:
            orjson.loads(line)
    return _spent(began)


def search_task(file: Path) -> dict[str, float]:
    began = time.process_time()
    with file.open("rb") as lines:
        SharedText.of(lines)
    return _spent(began)


def plan_task(file: Path) -> dict[str, float]:
    began = time.process_time()
    _ = _plan(file).totals
    return _spent(began)


def hints_task(file: Path) -> dict[str, float]:
    """Plan and hints; the share of the input cost that the best of them saves."""
    began = time.process_time()
    plan = _plan(file)
    saved = [hint.usd_saved / hint.usd for hint in plan.hints if hint.rules]
    return _spent(began, saved=max(saved, default=0.0))


TASKS: dict[str, Callable[[Path], dict[str, float]]] = {
    "read": read_task,
    "plan": plan_task,
    "search": search_task,
    "hints": hints_task,
}


def _plan(file: Path) -> Plan:
    return plan_batches(lambda: file.open("rb"), FLASH, hours=0.5, tokens=lambda part: len(part) / 4)


def _spent(began: float, **found: float) -> dict[str, float]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": time.process_time() - began, "peak_mb": peak, **found}


def _prose(draw: random.Random, size: int) -> str:
    lines = []
    while size > 0:
        lines.append(" ".join(draw.choices(WORDS, k=draw.randint(6, 18))))
        size -= len(lines[-1]) + 1
    return "\n".join(lines)


def _question_first(count: int) -> Iterator[list[str]]:
    """10 kB, 50 rows a document."""
    draw = random.Random(1)
    documents = [_prose(draw, 10_000) for _ in range(max(1, count // 50))]
    for n in range(count):
        yield [f"What does number {n} say of the rate?\n\n{documents[n % len(documents)]}\n\nAnswer:"]


def _nothing_shared(count: int) -> Iterator[list[str]]:
    """10 kB of a row's own."""
    draw = random.Random(2)
    stock = [_prose(draw, 2_000).split("\n") for _ in range(50)]
    for n in range(count):
        yield ["\n".join(f"{n} {line}" for which in draw.sample(stock, 5) for line in which)]


def _document_first(count: int) -> Iterator[list[str]]:
    """10 kB of prompt and a row, as two parts."""
    draw = random.Random(3)
    prompt = _prose(draw, 10_000)
    for n in range(count):
        yield [prompt, f"Row {n}: {_prose(draw, 200)}"]


def _short(count: int) -> Iterator[list[str]]:
    """Ten times as many rows of 100 bytes."""
    draw = random.Random(4)
    for n in range(count * 10):
        yield [f"Row {n}: {' '.join(draw.choices(WORDS, k=12))}"]


LAYOUTS: dict[str, Callable[[int], Iterator[list[str]]]] = {
    "question before document": _question_first,
    "nothing shared": _nothing_shared,
    "document first": _document_first,
    "short rows": _short,
}

if __name__ == "__main__":
    main()
