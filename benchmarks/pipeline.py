"""The whole way of a large file, beside a bare-SDK script that makes the same upload and download.

`python -m benchmarks.pipeline [--rows N]`: rows of about 10 kB; 100,000 make 1 GB. Prints wall and CPU seconds and the
peak memory of both processes, and their ratios. The emulator answers at once, so the difference is ours: checking
every line, recording the run, matching answers to requests by key, and pricing them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.emulator_process import start_emulator

ROOT = Path(__file__).resolve().parents[1]
MODEL = "gemini-3.8-flash"
BARE = """
import sys, time
from google import genai
client = genai.Client(api_key="made-up")
file = client.files.upload(file=sys.argv[1], config={"mime_type": "application/jsonl"})
job = client.batches.create(model=sys.argv[2], src=file.name, config={"display_name": "bare"})
while not job.done:
    time.sleep(0.5)
    job = client.batches.get(name=job.name)
client.files.download(file=job.dest.file_name, destination=sys.argv[3])
"""


class Measured(NamedTuple):
    """One process: seconds on the clock and of CPU, and its peak resident memory in MB."""

    wall: float
    cpu: float
    peak_mb: float


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder, start_emulator(Path(folder) / "emulator") as emulator:
        source, data = Path(folder) / "requests.jsonl", Path(folder) / "data"
        _write(source, rows)
        size = source.stat().st_size / 1e6
        environ = {**os.environ, "GEMINI_API_KEY": "made-up", "GOOGLE_GEMINI_BASE_URL": emulator.base_url}
        bare = _measure([sys.executable, "-c", BARE, str(source), MODEL, f"{folder}/bare.jsonl"], environ)
        command = [sys.executable, "cli.py", "submit", str(source), "--model", MODEL, "--mode", "file", "--wait"]
        ours = _measure(
            [*command, "--out", f"{folder}/out.jsonl"], {**environ, "DATA_DIR": str(data), "GEMINI_TIER": "3"}
        )
        with Path(f"{folder}/out.jsonl").open("rb") as out:
            answered = sum(1 for _ in out)
    print(f"{rows:,} rows, {size:,.0f} MB; {answered:,} rows exported")
    for name, m in (("bare SDK", bare), ("this product", ours)):
        print(f"{name:>14}: {m.wall:6.1f} s wall, {m.cpu:6.1f} s CPU, peak {m.peak_mb:5.0f} MB")
    print(
        f"{'ratio':>14}: {ours.wall / bare.wall:6.2f}   wall, {ours.cpu / bare.cpu:6.2f}   CPU, "
        f"peak {ours.peak_mb / bare.peak_mb:5.2f}"
    )


def _write(path: Path, rows: int) -> None:
    text = "A paragraph of a report about deliveries, delays and their causes. " * 150
    with path.open("w", encoding="utf-8") as out:
        for n in range(rows):
            parts = [{"text": f"Report {n}. {text}"}]
            out.write(json.dumps({"key": f"k{n}", "request": {"contents": [{"role": "user", "parts": parts}]}}) + "\n")


def _measure(command: list[str], environ: dict[str, str]) -> Measured:
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[1]} ended with {process.returncode}")
    return Measured(time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
