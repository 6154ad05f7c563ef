"""The planner: its time and memory beside `orjson.loads` over the same lines, and what its plans cost.

`python -m benchmarks.planner [--rows 1000000] [--dir DIR]`. Speed: files that share by part (a file and a question),
by a long part (10 kB of prompt and a row), and inside one text; planning, rewriting and reading take turns in
processes of their own, the better of two turns counts, ratios are of CPU time. Cost: the input side in USD at the
prices of 2.5 Flash, for several shapes of work and hours, beside plain, implicit (30 % hits), a cache of the one
prefix common to all, and adding the best single cache as long as it pays. Prints one JSON line a task.
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
from typing import Any

import numpy as np
import orjson

from batch.model import ContextMode, Tariff
from batch.planning.cost_model import CostModel, PlanOptions
from batch.planning.decision import Decision, choose_caches, plan_cost
from batch.prefixes.forest import find_prefixes
from gem_cache import Plan, plan_survey

TURNS = 2
FLASH = Tariff(0.30, 0.15, 2.50, 1.25, 0.03, None, 1.00, explicit_minimum=1024, implicit_minimum=2048)
WORDS = [
    "the",
    "service",
    "shall",
    "of",
    "delay",
    "invoice",
    "contract",
    "party",
    "notice",
    "within",
    "days",
    "written",
    "any",
    "clause",
    "term",
    "rate",
    "Größe",
]
Row = list[str] | list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.work:
        task, file, split = choice.work
        print(json.dumps(TASKS[task](Path(file), split)))
        return
    with tempfile.TemporaryDirectory(dir=choice.dir) as name:
        for label, rows, rows_of, split in SPEED:
            count = min(rows, choice.rows) if rows else choice.rows
            file = Path(name) / "batch.jsonl"
            write(file, rows_of(count))
            print(json.dumps(speed(label, file, split)), flush=True)
            file.unlink()
    for label, kind in SHAPES.items():
        for hours in (0.25, 1.0, 4.0, 24.0):
            print(json.dumps(cost_of(label, list(kind()), hours)), flush=True)


def speed(label: str, file: Path, split: str) -> dict[str, Any]:
    """Ratios of CPU time to reading the same lines with orjson, and peak memory in MB."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(TURNS):
        for task in TASKS:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.planner", "--work", task, str(file), split],
                check=True,
                capture_output=True,
                text=True,
            )
            found = json.loads(done.stdout)
            best[task] = min(best.get(task, found), found, key=lambda one: one["cpu"])
    read = best["read"]["cpu"]
    return {
        "task": label,
        "megabytes": round(file.stat().st_size / 1e6),
        "orjson_seconds": round(read, 2),
        "plan_ratio": round(best["plan"]["cpu"] / read, 2),
        "plan_peak_mb": round(best["plan"]["peak_mb"]),
        "rewrite_ratio": round((best["rewrite"]["cpu"] - best["plan"]["cpu"]) / read, 2),
        "caches": best["plan"]["caches"],
    }


def read_task(file: Path, split: str) -> dict[str, float]:
    began = time.process_time()
    with file.open("rb") as lines:
        for line in lines:
            orjson.loads(line)
    return _spent(began)


def plan_task(file: Path, split: str) -> dict[str, float]:
    began = time.process_time()
    plan = _plan(file, split)
    return _spent(began, caches=len(plan.caches))


def rewrite_task(file: Path, split: str) -> dict[str, float]:
    began = time.process_time()
    plan = _plan(file, split)
    with Path("/dev/null").open("wb") as out:
        plan.write(out)
    return _spent(began, caches=len(plan.caches))


TASKS: dict[str, Callable[[Path, str], dict[str, float]]] = {
    "read": read_task,
    "plan": plan_task,
    "rewrite": rewrite_task,
}


def _plan(file: Path, split: str) -> Plan:
    """A plan with all that is shown of it. A file named by its URI counts 20,000 tokens."""
    survey = find_prefixes(
        lambda: file.open("rb"), split, lambda part: 20_000.0 if b'"fileUri"' in part else len(part) / 4
    )
    plan = plan_survey(survey, FLASH, PlanOptions(hours=0.5, implicit_rate=0.05))
    _ = plan.totals, plan.groups, plan.hints
    return plan


def _spent(began: float, **more: float) -> dict[str, float]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": time.process_time() - began, "peak_mb": peak, **more}


def cost_of(label: str, rows: list[Row], hours: float) -> dict[str, Any]:
    """Input USD of one shape of work under several ways to cache."""
    lines = [_line(number, row) for number, row in enumerate(rows)]
    survey = find_prefixes(lambda: lines, "part", lambda part: len(part) / 4)
    plan = plan_survey(survey, FLASH, PlanOptions(hours=hours, implicit_rate=0.3))
    bare = plan.replan(implicit_rate=0.0)
    usd = plan.totals.usd
    return {
        "work": label,
        "requests": len(rows),
        "hours": hours,
        "plain": _round(usd.uncached),
        "implicit": _round(usd.implicit),
        "one_prefix": _round(_one_prefix(bare.cost_model, hours)),
        "greedy": _round(_greedy(bare.cost_model, hours)),
        "plan": _round(bare.totals.usd.chosen),
        "caches": len(bare.caches),
    }


def _one_prefix(stakes: CostModel, hours: float) -> float:
    """A cache of the longest prefix that all requests have in common, if there is one and it pays."""
    common = stakes.cacheable & (stakes.requests == len(stakes.survey))
    if not common.any():
        return stakes.uncached_usd
    return min(stakes.uncached_usd, _with(stakes, [int(np.flatnonzero(common)[-1])], hours))


def _greedy(stakes: CostModel, hours: float) -> float:
    """The cache that gains most, then the one that gains most beside it, as long as one gains."""
    able = np.flatnonzero(stakes.cacheable & (stakes.weight * stakes.length > stakes.fixed_usd(hours)))
    chosen: list[int] = []
    reach = np.zeros(len(stakes.forest))
    while True:
        gains = [_gain(stakes, int(node), reach, hours) for node in able]
        if not gains or max(gains) <= 0:
            return _with(stakes, chosen, hours)
        best = int(able[int(np.argmax(gains))])
        chosen.append(best)
        span = slice(best, int(stakes.forest.end[best]))
        reach[span] = np.maximum(reach[span], stakes.length[best])


def _gain(stakes: CostModel, node: int, reach: Any, hours: float) -> float:
    span = slice(node, int(stakes.forest.end[node]))
    more = np.maximum(0.0, stakes.length[node] - reach[span]) @ stakes.own_weight[span]
    return float(more - (stakes.fixed_usd(hours)[node]))


def _with(stakes: CostModel, nodes: list[int], hours: float) -> float:
    """What the batch costs with these caches."""
    plain = choose_caches(stakes, ContextMode.NONE, {}, hours)
    cached = plain.cached.copy()
    cached[nodes] = True
    used = np.append(stakes.forest.deepest(cached), -1)[stakes.forest.leaf]
    return plan_cost(stakes, Decision(cached, used, plain.implicit_saving_tokens, hours))


def _round(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 4)


def write(file: Path, rows: Iterator[Row]) -> None:
    with file.open("wb") as out:
        for number, row in enumerate(rows):
            out.write(_line(number, row))


def _line(number: int, row: Row) -> bytes:
    parts = [part if isinstance(part, dict) else {"text": part} for part in row]
    return orjson.dumps({"key": f"row-{number}", "request": {"contents": [{"role": "user", "parts": parts}]}}) + b"\n"


def prose(seed: object, size: int) -> str:
    """So many bytes of words in lines, the same for the same seed."""
    source = random.Random(str(seed))
    found = " ".join(source.choice(WORDS) + ("\n" if source.random() < 0.1 else "") for _ in range(size // 5))
    return found[:size]


def files_and_questions(count: int) -> Iterator[Row]:
    """A file of 20,000 and a question of 1.1 kB: about 1.3 kB a line."""
    questions = [prose(n, 1_100) for n in range(1_000)]
    source = random.Random(1)
    for n in range(count):
        uri = f"https://generativelanguage.googleapis.com/v1beta/files/{source.randrange(20_000):05d}"
        file: dict[str, Any] = {"fileData": {"mimeType": "application/pdf", "fileUri": uri}}
        yield [file, {"text": f"{n}: {questions[n % 1_000]}"}]


def prompt_and_row(count: int) -> Iterator[Row]:
    """One prompt of 10 kB and a short row."""
    prompt = prose("prompt", 10_000)
    return ([prompt, f"row {n}"] for n in range(count))


def single_texts(count: int) -> Iterator[Row]:
    """One text of 10 kB: a document of a hundred, and a question."""
    documents = [prose(g, 10_000) for g in range(100)]
    source = random.Random(2)
    return ([f"{source.choice(documents)}\n\nQuestion {n}"] for n in range(count))


SPEED: list[tuple[str, int, Callable[[int], Iterator[Row]], str]] = [
    ("1 M files and questions", 0, files_and_questions, "part"),
    ("100 k files and questions", 100_000, files_and_questions, "part"),
    ("100 k × 10 kB, prompt and row", 100_000, prompt_and_row, "part"),
    ("100 k × 10 kB in one text", 100_000, single_texts, "text"),
]


def one_document() -> Iterator[Row]:
    document = prose("one", 240_000)
    return ([document, f"Question {n}"] for n in range(200))


def many_documents() -> Iterator[Row]:
    documents = [prose(g, 30_000) for g in range(100)]
    return ([documents[g], f"Question {n}"] for g in range(100) for n in range(20))


def few_shot() -> Iterator[Row]:
    prompt = prose("examples", 12_000)
    return ([prompt, f"Text to classify: {prose(n, 80)}"] for n in range(5_000))


def nested() -> Iterator[Row]:
    """System text > contract > clause > question, the sizes of groups far apart."""
    source = random.Random(4)
    system = prose("system", 9_000)
    for contract in range(12):
        text = prose(f"contract {contract}", source.choice([20_000, 60_000]))
        for clause in range(source.choice([2, 6, 12])):
            part = prose(f"clause {contract} {clause}", 8_000)
            for n in range(source.choice([2, 8, 30])):
                yield [system, text, part, f"Question {n}"]


def nothing_shared() -> Iterator[Row]:
    return ([prose(f"alone {n}", 12_000)] for n in range(300))


def histories() -> Iterator[Row]:
    """Each row goes on where the last of its conversation ended."""
    tools = prose("tools", 20_000)
    for talk in range(20):
        turns = [prose(f"turn {talk} {n}", 1_500) for n in range(15)]
        yield from ([tools, *turns[: n + 1]] for n in range(15))


SHAPES: dict[str, Callable[[], Iterator[Row]]] = {
    "one document × questions": one_document,
    "documents × questions": many_documents,
    "few-shot classification": few_shot,
    "system > contract > clause > question": nested,
    "nothing shared": nothing_shared,
    "agent histories": histories,
}


if __name__ == "__main__":
    main()
