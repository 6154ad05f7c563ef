"""What the emulator's ledger and the results must show after a run, whatever befell it: the judge of both harnesses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from gemini.wire import timestamp
from lifecycle.results.read.table import ResultTable

MODEL = "gemini-3.8-flash"
PICTURES = 3
SHARED_PREFIX = (
    "You are the clerk of a large archive. "
    + "Answer from the catalogue, entry by entry, and from nothing else. " * 700
)


def prompts(rows: int, tag: str) -> dict[str, str]:
    """A text for each key that no other key has; answers of the emulator quote what they answer."""
    return {f"{tag}-{n}": f"What is entry {tag}/{n}" for n in range(rows)}


def write_input(path: Path, texts: Mapping[str, str], *, shared: bool = False, pictures: bool = False) -> None:
    """A JSONL input; with `shared`, every request begins with the same long text, worth a cache.

    With `pictures`, every request names one of a few beside the input.
    """
    if pictures:
        for n in range(PICTURES):
            Image.new("RGB", (50, 40), (60 * n, 10, 90)).save(path.with_name(f"p{n}.png"))
    with path.open("w", encoding="utf-8") as out:
        for n, (key, text) in enumerate(texts.items()):
            parts: list[dict[str, Any]] = [*([{"text": SHARED_PREFIX}] if shared else []), {"text": text}]
            parts += [{"fileData": {"fileUri": f"file:p{n % PICTURES}.png"}}] if pictures else []
            out.write(json.dumps({"key": key, "request": {"contents": [{"role": "user", "parts": parts}]}}) + "\n")


def find_violations(ledger: Mapping[str, Any], folder: Path, texts: Mapping[str, str], jobs: int = 1) -> list[str]:
    """What is wrong with a finished run: jobs bought, things left at Google, answers."""
    faults = [*_wrong_job_counts(ledger, jobs), *find_repeated_uploads(ledger), *find_leftovers(ledger)]
    return [*faults, *_wrong_answers(folder, texts)]


def find_repeated_uploads(ledger: Mapping[str, Any]) -> list[str]:
    """Contents that were uploaded whole more than once."""
    contents = Counter(str(file["sha256"]) for file in ledger["files"] if file["mime_type"] == "image/png")
    return [f"a picture was uploaded {count} times" for count in contents.values() if count > 1]


def _wrong_job_counts(ledger: Mapping[str, Any], jobs: int) -> list[str]:
    names = Counter(str(job["display_name"]) for job in ledger["batch_jobs"])
    duplicates = [f"{count} jobs for {name}" for name, count in names.items() if count > 1]
    return duplicates + ([] if len(names) == jobs else [f"{len(names)} jobs instead of {jobs}"])


def find_leftovers(ledger: Mapping[str, Any]) -> list[str]:
    """Caches that are alive, uploaded files and running jobs that are still there."""
    now = datetime.now(UTC)
    alive = [c for c in ledger["cached_contents"] if not c["deleted_at"] and (timestamp(c["expire_at"]) or now) >= now]
    caches = [f"cache {c['name']} is left" for c in alive]
    uploaded = [f for f in ledger["files"] if f["source"] == "UPLOADED" and not f["deleted_at"]]
    files = [f"file {f['name']} ({f['display_name']}) is left" for f in uploaded]
    active_states = ("BATCH_STATE_PENDING", "BATCH_STATE_RUNNING")
    return (
        caches
        + files
        + [f"job {j['name']} is still going" for j in ledger["batch_jobs"] if j["state"] in active_states]
    )


def _wrong_answers(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Every key with the answer to its own prompt, once, in the order of the input."""
    page, total = ResultTable(folder).page(limit=len(texts) + 1)
    if total != len(texts):
        return [f"{total} rows instead of {len(texts)}"]
    columns = zip(page["key"], page["outcome"], page["text"], strict=True)
    mismatches = [
        f"row {key}: {outcome}, {str(text)[:60]!r}"
        for key, outcome, text in columns
        if outcome != "answered" or f"“{texts[key]}”" not in text
    ]
    return mismatches + ([] if list(page["key"]) == list(texts) else ["the rows are not in the order of the input"])
