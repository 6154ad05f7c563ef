"""What converting lines for other APIs, and digesting requests, costs beside a plain `orjson.loads` of the same lines.

`python benchmarks/dialects.py [--rows 20000]`. Processor time of this thread, the best of five turns each. Prints one
JSON line for each form and length: `checked` is conversion and check together, `digest` of the request that came out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from batch.model import Generation
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import CheckedRow, RowChecker
from lifecycle.inputs.draft_files import request_line
from lifecycle.reuse.digests import Digester

TURNS = 5
SENTENCES = {"short": 20, "long": 200}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    for form, make in (("chat", chat), ("anthropic", anthropic)):
        for length, sentences in SENTENCES.items():
            lines = [orjson.dumps(make(n, "It came late and was broken. " * sentences)) for n in range(rows)]
            print(json.dumps({"form": form, "length": length, **measure(lines)}), flush=True)


def chat(n: int, text: str) -> dict[str, Any]:
    system = {"role": "system", "content": "You answer in one sentence."}
    body = {"model": "gpt-4o-mini", "messages": [system, {"role": "user", "content": f"{n}: {text}"}], "max_tokens": 9}
    return {"custom_id": f"task-{n}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def anthropic(n: int, text: str) -> dict[str, Any]:
    params = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": f"{n}: {text}"}]}
    return {"custom_id": f"task-{n}", "params": params}


def measure(lines: list[bytes]) -> dict[str, float]:
    checker = RowChecker(EncodedSettings(Generation()))
    made = [checker.check_line(line, 1) for line in lines]
    requests = [request_line(row.key, row.request) for row in made if isinstance(row, CheckedRow)]
    plain, plain_requests = seconds(orjson.loads, lines), seconds(orjson.loads, requests)
    return {
        "bytes": len(lines[0]),
        "loads_us": round(plain / len(lines) * 1e6, 2),
        "checked": round(seconds(lambda line: checker.check_line(line, 1), lines) / plain, 2),
        "digest": round(seconds(Digester().digest, requests) / plain_requests, 2),
    }


def seconds(work: Callable[[bytes], object], lines: list[bytes]) -> float:
    times = []
    for _ in range(TURNS):
        start = time.thread_time()
        for line in lines:
            work(line)
        times.append(time.thread_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
