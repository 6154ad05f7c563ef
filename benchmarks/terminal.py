"""What the terminal's verbs cost before and beside their work: processor time, wall time and memory of whole processes.

Reference: a script of fifteen lines with Google's client alone that sends the same 100 rows to the same emulator and
downloads the answers, and, for verbs that ask nobody, a Python that does nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.emulator_process import start_emulator

ROOT = Path(__file__).parents[1]
MODEL, KEY, ROWS = "gemini-3.8-flash", "made-up-key", 100

BARE = """
import sys, time
from google import genai
client = genai.Client(api_key=sys.argv[2], http_options={"base_url": sys.argv[1]})
file = client.files.upload(file=sys.argv[3], config={"mime_type": "application/jsonl"})
job = client.batches.create(model=sys.argv[4], src=file.name, config={"display_name": "bare"})
while not job.done:
    time.sleep(0.2)
    job = client.batches.get(name=job.name)
open(sys.argv[3] + ".out", "wb").write(client.files.download(file=job.dest.file_name))
client.files.delete(name=file.name)
"""

# Runs a command and prints its figures; a process of its own, since a process knows only the sum of its children.
MEASURE = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024]))
sys.exit(ended.returncode and ended.stderr.decode())
"""


class Cost(NamedTuple):
    """Of one process: processor and wall seconds, and the most memory in MB."""

    cpu: float
    wall: float
    megabytes: float


def measure(command: Sequence[str], environ: dict[str, str], repeat: int) -> Cost:
    """The cheapest of several runs; the others had to wait for something."""
    runs = []
    for _ in range(repeat):
        ended = subprocess.run(
            [sys.executable, "-c", MEASURE, *command], env=environ, cwd=ROOT, capture_output=True, text=True, check=True
        )
        runs.append(Cost(*json.loads(ended.stdout)))
    return min(runs)


def write_rows(path: Path, rows: int) -> None:
    lines = (
        {"key": f"k{n}", "request": {"contents": [{"role": "user", "parts": [{"text": f"What is entry {n}?"}]}]}}
        for n in range(rows)
    )
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def commands(folder: Path, base_url: str) -> dict[str, list[str]]:
    """What is measured: the two references first."""
    rows, prompts, cli = folder / "rows.jsonl", folder / "two.txt", [sys.executable, "cli.py"]
    write_rows(rows, ROWS)
    prompts.write_text("Name a river.\nName a hill.\n", encoding="utf-8")
    sent = [*cli, "submit", str(rows), "--model", MODEL, "--mode", "file"]
    return {
        "python": [sys.executable, "-c", "pass"],
        "bare": [sys.executable, "-c", BARE, base_url, KEY, str(rows), MODEL],
        "--help": [*cli, "--help"],
        "runs": [*cli, "runs"],
        "plan of two prompts": [*cli, "plan", str(prompts), "--model", MODEL],
        f"submit of {ROWS} rows": sent,
        f"submit of {ROWS} rows --wait --out": [*sent, "--wait", "--out", str(folder / "out.jsonl")],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with start_emulator() as emulator, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        environ = {**os.environ, "GOOGLE_GEMINI_BASE_URL": emulator.base_url, "DATA_DIR": str(Path(name) / "data")}
        costs = {}
        for what, command in commands(Path(name), emulator.base_url).items():
            key = "" if what.startswith("plan") else KEY
            costs[what] = measure(command, {**environ, "GEMINI_API_KEY": key}, options.repeat)
    print("processor s   wall s   peak MB   of the script's processor time")
    for what, cost in costs.items():
        share = cost.cpu / costs["bare"].cpu
        print(f"{cost.cpu:11.2f} {cost.wall:8.2f} {cost.megabytes:9.0f}   {share:5.2f}   {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
