"""A folder of pictures submitted, inside the requests and uploaded: `python -m benchmarks sending_files [N]`.

Measured: the peak memory of the terminal's process, which must not grow with the number of pictures of 1 MB, and its
time from start to results as a ratio to reading and encoding the same files.
"""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.emulator_process import start_emulator
from tests.run_checks import MODEL

ROOT = Path(__file__).resolve().parents[1]
PICTURE_BYTES = 1_000_000


def _write_pictures(folder: Path, count: int) -> None:
    """Pictures of 1 MB, each another: what stands behind the end of a JPEG is not looked at."""
    folder.mkdir()
    picture = io.BytesIO()
    Image.new("RGB", (1600, 1200), (90, 120, 10)).save(picture, "JPEG")
    for n in range(count):
        padding = os.urandom(PICTURE_BYTES - len(picture.getvalue()))
        (folder / f"{n:05d}.jpg").write_bytes(picture.getvalue() + padding)


def _read_and_encode(folder: Path) -> float:
    started = time.perf_counter()
    for path in folder.iterdir():
        base64.b64encode(path.read_bytes())
    return time.perf_counter() - started


def _submit(folder: Path, data: Path, base_url: str, way: str) -> tuple[float, int]:
    """Seconds, and peak memory of the process in MB."""
    environment = {"GEMINI_API_KEY": "made-up-key", "GOOGLE_GEMINI_BASE_URL": base_url, "DATA_DIR": str(data)}
    command = [sys.executable, "cli.py", "submit", str(folder), "--prompt", "Caption.", "--model", MODEL]
    started = time.perf_counter()
    with (data.parent / f"{way}.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--send-files", way, "--wait", "--out", str(data.parent / f"{way}.csv")],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((data.parent / f"{way}.log").read_text())
    return time.perf_counter() - started, usage.ru_maxrss // 1024


def main(count: int = 200) -> None:
    with tempfile.TemporaryDirectory() as name, start_emulator(Path(name) / "emulator") as emulator:
        _write_pictures(Path(name) / "pictures", count)
        reference = _read_and_encode(Path(name) / "pictures")
        for way in ("inline", "upload"):
            seconds, peak = _submit(Path(name) / "pictures", Path(name) / f"data-{way}", emulator.base_url, way)
            ratio = f"{seconds / reference:.1f} times reading and encoding"
            print(f"{count:,} pictures of 1 MB, {way}: peak {peak} MB, {seconds:.1f} s, {ratio}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
