"""Embeddings to Parquet, as a ratio to parsing their lines: `python -m benchmarks embeddings`.

Measured: collecting N vectors of 768 numbers, written tightly and full of blanks, in order and shuffled, beside
`orjson.loads` over the same lines; and the memory that collecting takes at its peak beyond what the process had.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from batch.kinds.embedding import EMBEDDING
from lifecycle.core.run_files import INPUTS
from lifecycle.results.collect.build import build_results

DIMENSIONS = 768


def _lines(rows: int, blanks: bool) -> Iterator[bytes]:
    generator = np.random.default_rng(1)
    for n in range(rows):
        vector = generator.normal(size=DIMENSIONS)
        values = np.round(vector / np.linalg.norm(vector), 8).tolist()
        text = ",".join(f"{value!r:>58}" for value in values) if blanks else ",".join(map(repr, values))
        yield b'{"response":{"tokenCount":"9","embedding":{"values":[%b]}},"key":"k%d"}\n' % (text.encode(), n)


def _shuffled(lines: Iterator[bytes]) -> list[bytes]:
    listed = list(lines)
    random.Random(1).shuffle(listed)
    return listed


def _measure(rows: int, *, blanks: bool, shuffled: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        received = folder / "received" / "0-0000.jsonl"
        received.parent.mkdir()
        with received.open("wb") as out:
            out.writelines(_shuffled(_lines(rows, blanks)) if shuffled else _lines(rows, blanks))
        columns = {"n": range(rows), "key": [f"k{n}" for n in range(rows)], "prompt": ["x"] * rows, "line": range(rows)}
        pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), folder / INPUTS)
        started = time.perf_counter()
        with received.open("rb") as file:
            for line in file:
                orjson.loads(line)
        parsed = time.perf_counter() - started
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        build_results(folder, received=[received], price=lambda usage: 0.0, kind=EMBEDDING)
        took = time.perf_counter() - started
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        form = f"{'full of blanks' if blanks else 'tight'}, {'shuffled' if shuffled else 'in order'}"
        size = received.stat().st_size / 1e6
        ratio = took / parsed
        print(f"{rows:,} vectors, {size:,.0f} MB, {form}: {took:.1f} s, {ratio:.2f} times orjson, peak +{grown:.0f} MB")


def main(rows: int = 20_000) -> None:
    _measure(rows, blanks=False, shuffled=False)
    _measure(rows // 4, blanks=True, shuffled=False)
    _measure(rows, blanks=False, shuffled=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
