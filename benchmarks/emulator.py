"""How fast the emulator is: rows a second, memory, the wait of others meanwhile, the cost of doing nothing.

    python benchmarks/emulator.py [ROWS]        default 1,000,000; about 230 bytes a row on disk, twice that of results

Prints one JSON object. `own_core` is the share of one core that the emulator had while it executed;
`rows_per_cpu_second` is what it does with a whole one.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil  # ships no types

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.emulator_api import MODEL, ApiClient  # noqa: E402 - the path is set first
from tests.emulator_process import start_emulator  # noqa: E402

PROMPT = "Classify the sentiment of this review: the desk lamp number %d works well and looks good."
CHUNK = 8 << 20


def write_rows(path: Path, rows: int) -> None:
    """Short rows, no two alike."""
    with path.open("w") as out:
        for i in range(rows):
            contents = '[{"role":"user","parts":[{"text":"' + PROMPT % i + '"}]}]'
            out.write(f'{{"key":"row-{i:07d}","request":{{"contents":{contents}}}}}\n')


def upload(api: ApiClient, path: Path) -> str:
    size, offset = path.stat().st_size, 0
    url = api.start_upload(size).headers["x-goog-upload-url"]
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            last = offset + len(block) == size
            reply = api.send_chunk(url, block, offset, "upload, finalize" if last else "upload")
            offset += len(block)
    return str(reply.json()["file"]["name"])


def execute(api: ApiClient, process: psutil.Process, file: str) -> dict[str, Any]:
    """Create a job, watch it twice a second, and measure."""
    began, cpu = time.monotonic(), sum(process.cpu_times()[:2])
    job = api.create(MODEL, {"fileName": file})
    waits, memory, moves = [], [], set()
    while True:
        asked = time.monotonic()
        operation = api.get(job)
        waits.append(time.monotonic() - asked)
        memory.append(process.memory_info().rss >> 20)
        moves.add(operation["metadata"]["batchStats"].get("pendingRequestCount", "0"))
        if operation.get("done"):
            break
        time.sleep(0.5)
    seconds, used = time.monotonic() - began, sum(process.cpu_times()[:2]) - cpu
    rows = int(operation["metadata"]["batchStats"]["requestCount"])
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "rows_per_cpu_second": round(rows / used),
        "own_core": round(used / seconds, 2),
        "peak_memory_mb": max(memory),
        "longest_wait_of_a_get_ms": round(1000 * max(waits)),
        "progress_seen": len(moves),
    }


def idle(process: psutil.Process, seconds: float = 5) -> float:
    """CPU seconds used while nothing happens."""
    before: float = sum(process.cpu_times()[:2])
    time.sleep(seconds)
    after: float = sum(process.cpu_times()[:2])
    return round(after - before, 3)


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder, start_emulator(Path(folder) / "data") as emulator:
        path = Path(folder) / "rows.jsonl"
        write_rows(path, rows)
        api, process = ApiClient(emulator), psutil.Process(emulator.process.pid)
        began = time.monotonic()
        file = upload(api, path)
        megabytes = path.stat().st_size / 1e6
        figures: dict[str, Any] = {"upload_mb_per_second": round(megabytes / (time.monotonic() - began))}
        figures |= execute(api, process, file)
        figures["idle_cpu_seconds_in_5"] = idle(process)
        api.http.close()
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
