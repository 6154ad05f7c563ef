"""How long it takes to price a checked input anew when a setting changes, and how much of the disk the input takes.

`python benchmarks/recost.py [--rows 100000]`. A table of so many rows is checked, planned and priced once; then model,
context mode, cap, thinking, temperature, hours, shared document and system instruction change, one after the other, as
on the page. `ratio_to_loads` is against one pass of `orjson.loads` over the table's requests, `of_first` the share of
what checking and pricing took at first; all in processor time, since other work on the computer stretches the clock.
Then 20,000 rows share a document of 81 kB: `copies` is how often it could lie in what the draft takes of the disk.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from batch.kinds.text import TEXT  # noqa: E402
from batch.model import ContextMode, Generation, Tariff  # noqa: E402
from batch.pricing import catalog  # noqa: E402
from batch.rules.model_rules import ModelRules  # noqa: E402
from lifecycle.core.models import RunSpec  # noqa: E402
from lifecycle.core.run_files import REQUESTS  # noqa: E402
from lifecycle.inputs import new_settings  # noqa: E402
from lifecycle.inputs.drafts import Draft, prepare  # noqa: E402
from lifecycle.planning.forecast import Forecast, expected_hours, forecast  # noqa: E402
from lifecycle.requests.request_file import open_requests  # noqa: E402

TURNS = 3
FLASH, OTHER = "gemini-3.8-flash", "gemini-2.5-pro"
DOCUMENT_BYTES, DOCUMENT_ROWS = 81_000, 20_000
CATALOG = catalog.load()
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dir", type=Path)
    choice = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=choice.dir) as folder:
        recost(Path(folder), choice.rows)
        disk(Path(folder))


def words(chance: random.Random, size: int) -> str:
    known = ["service", "invoice", "delay", "parcel", "order", "refund", "weather", "late", "again", "box"]
    return " ".join(chance.choice(known) for _ in range(size // 7 + 1))[:size]


def table(path: Path, rows: int) -> Path:
    chance = random.Random(7)
    with path.open("w", encoding="utf-8") as out:
        out.write("question\n")
        out.writelines(f"{n} {words(chance, 80)}\n" for n in range(rows))
    return path


def priced(draft: Draft, spec: RunSpec, previous: Forecast | None = None) -> Forecast:
    known = CATALOG.model(spec.model)
    tariff: Tariff | None = CATALOG.tariff(spec.model, datetime.now(UTC).date())
    made = forecast(
        draft.folder / REQUESTS,
        spec,
        tariff=tariff,
        model=known,
        hours=expected_hours([], spec.hours),
        previous=previous,
    )
    assert made.plan.groups is not None and made.plan.hints is not None
    return made


def best(task: Callable[[], T]) -> tuple[float, T]:
    times = []
    for _ in range(TURNS):
        start = time.process_time()
        result = task()
        times.append(time.process_time() - start)
    return min(times), result


def recost(folder: Path, rows: int) -> None:
    source = table(folder / "table.csv", rows)
    instruction, document = words(random.Random(1), 3000), words(random.Random(2), 9000)
    generation, spec = Generation(temperature=0.5), RunSpec(FLASH)
    template = instruction + "\nJudge: {{question}}"
    start = time.process_time()
    draft = prepare(
        source, folder / "first", kind="csv", template=template, generation=generation, shared_text=document
    )
    first = priced(draft, spec)
    first_seconds = time.process_time() - start

    def loads() -> None:
        with open_requests(draft.folder / REQUESTS) as lines:
            for line in lines:
                orjson.loads(line)

    reference = best(loads)[0]
    number = 0

    def changed(model: str = FLASH, shared_text: str = document, **values: object) -> Forecast:
        nonlocal number
        number += 1
        (target := folder / f"changed-{number}").mkdir()
        rules = ModelRules(model, CATALOG.model(model))
        assert new_settings.can_take(draft, TEXT)
        other = new_settings.with_settings(draft, target, replace(generation, **values), shared_text, rules)  # type: ignore[arg-type]
        return priced(other, replace(spec, model=model), first)

    tasks: dict[str, Callable[[], Forecast]] = {
        "context mode": lambda: priced(draft, replace(spec, context=ContextMode.EXPLICIT), first),
        "hours": lambda: priced(draft, replace(spec, hours=0.5), first),
        "model": lambda: changed(OTHER),
        "cap": lambda: changed(max_output_tokens=777),
        "thinking": lambda: changed(thinking="low"),
        "temperature 0": lambda: changed(temperature=0.0),
        "system instruction": lambda: changed(system_instruction="Be brief."),
        "shared document": lambda: changed(shared_text=document + "!"),
    }
    for name, task in tasks.items():
        seconds, _ = best(task)
        print(
            json.dumps(
                {
                    "change": name,
                    "rows": rows,
                    "cpu_milliseconds": round(seconds * 1000),
                    "ratio_to_loads": round(seconds / reference, 2),
                    "of_first": round(seconds / first_seconds, 3),
                }
            ),
            flush=True,
        )


def disk(folder: Path) -> None:
    source, document = table(folder / "few.csv", DOCUMENT_ROWS), words(random.Random(3), DOCUMENT_BYTES)
    for name, template, shared_text in (
        ("shared text", "{{question}}", document),
        ("in the template", document + "\n{{question}}", ""),
        ("behind the question", "{{question}}\n" + document, ""),
    ):
        target = folder / name
        draft = prepare(source, target, kind="csv", template=template, shared_text=shared_text)
        size = sum(path.stat().st_size for path in target.rglob("*") if path.name != "source")
        print(
            json.dumps(
                {
                    "document": name,
                    "rows": draft.rows,
                    "draft_megabytes": round(size / 1e6, 1),
                    "sent_megabytes": round(draft.size_bytes / 1e6),
                    "copies": round(size / DOCUMENT_BYTES),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
