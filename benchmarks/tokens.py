"""Estimates of tokens without a key: their CPU time beside `orjson.loads` of the same texts.

`python -m benchmarks.tokens [--rows 20000]`. Rows of about 300 bytes are made of words and lines of the texts that
the tests have, in another order each. Of each kind it prints one JSON line: microseconds a row and the ratio for many
at once, for each alone when its words were not met before, and for each alone again. The better of three turns counts.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from batch.tokens import byte_weights

TURNS, ROW_BYTES = 3, 300
KINDS = {
    "prose": ["english", "german", "french", "spanish"],
    "Cyrillic and Greek": ["russian", "ukrainian", "greek"],
    "Indic": ["hindi", "bengali", "tamil"],
    "Chinese, Japanese, Korean": ["chinese", "japanese", "korean"],
    "code and markup": ["python", "javascript", "html", "compact json"],
    "base64 and hex": ["base64", "random base64", "hex"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    count = parser.parse_args().rows
    texts = json.loads(Path("tests/batch/tokens/token_counts.json").read_text("utf-8"))
    for label, kinds in KINDS.items():
        rows = rows_of([texts[kind][1] for kind in kinds], count)
        lines = [orjson.dumps({"contents": [{"parts": [{"text": row.decode()}]}]}) for row in rows]
        read = cpu_seconds(lambda lines=lines: [orjson.loads(line) for line in lines])
        many = cpu_seconds(lambda rows=rows: byte_weights.weigh_many(rows))
        alone = cpu_seconds(lambda rows=rows: [byte_weights.weigh(row) for row in rows])
        found = {"task": label, "rows": count, "orjson_us": round(read / count * 1e6, 2)}
        for name, seconds in (("many", many), ("alone", alone)):
            found |= {f"{name}_us": round(seconds / count * 1e6, 2), f"{name}_ratio": round(seconds / read, 1)}
        print(json.dumps(found), flush=True)


def rows_of(texts: list[str], count: int) -> list[bytes]:
    """Rows of words of these texts, or of pieces of them where they have none."""
    source = random.Random(7)
    words = [word for text in texts for word in (text.split(" ") if text.count(" ") > 5 else [text])]
    rows = []
    for _ in range(count):
        row = ""
        while len(row.encode()) < ROW_BYTES:
            word = source.choice(words)
            begin = source.randrange(len(word)) if len(word) > ROW_BYTES // 6 else 0
            row += word[begin : begin + ROW_BYTES // 6] + " "
        rows.append(row.encode())
    return rows


def cpu_seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(TURNS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


if __name__ == "__main__":
    main()
