"""A folder of pictures checked and priced, as a ratio to reading and hashing them: `python -m benchmarks file_checks`.

Measured in processor time, those of the processes that decode included: N pictures of 1 MB each, made requests and
priced, beside reading and hashing (SHA-256) the same files; and the memory at its peak.
"""

from __future__ import annotations

import hashlib
import io
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from batch.pricing import catalog
from lifecycle.core.models import RunSpec
from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs.file_drafts import FileInput, prepare_files
from lifecycle.planning.forecast import expected_hours, forecast

MODEL = "gemini-3.8-flash"
PICTURE_BYTES = 1_000_000


def _write_pictures(folder: Path, number: int) -> int:
    """Write pictures of noise, each with a comment of its own; return their bytes."""
    out = io.BytesIO()
    Image.effect_noise((1400, 1000), 120).convert("RGB").save(out, "JPEG", quality=88)
    data = out.getvalue()
    size = 0
    for n in range(number):
        filler = b"".join(
            b"\xff\xfe\xff\xff" + os.urandom(65_533) for _ in range((PICTURE_BYTES - len(data)) // 65_537)
        )
        comment = b"\xff\xfe\x00\x0a%08d" % n
        size += (folder / f"scan {n}.jpg").write_bytes(data[:2] + comment + filler + data[2:])
    return size


def _seconds() -> float:
    """Processor time of this process and of those that it has waited for."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _read_and_hash(folder: Path) -> float:
    started = _seconds()
    for path in folder.iterdir():
        with path.open("rb") as stream:
            hashlib.file_digest(stream, "sha256").hexdigest()
    return _seconds() - started


def _check_and_price(folder: Path, draft: Path) -> tuple[float, float, float | None]:
    """Seconds of processor time, seconds that passed, and the expected cost in USD."""
    prices = catalog.load()
    started, clock = _seconds(), time.perf_counter()
    made = prepare_files(FileInput([folder], "Transcribe."), draft)
    found = forecast(
        made.folder / REQUESTS,
        RunSpec(MODEL),
        tariff=prices.tariff(MODEL, datetime.now(UTC).date()),
        model=prices.models[MODEL],
        hours=expected_hours([]),
    )
    return _seconds() - started, time.perf_counter() - clock, found.estimate.usd.expected


def main(number: int = 300) -> None:
    with tempfile.TemporaryDirectory() as name:
        scans = Path(name) / "scans"
        scans.mkdir()
        gigabytes = _write_pictures(scans, number) / 1e9
        bare = _read_and_hash(scans)
        took, passed, usd = _check_and_price(scans, Path(name) / "draft")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{number:,} pictures, {gigabytes:.2f} GB: {took:.1f} s of processor time ({passed:.1f} s passed), "
            f"{took / bare:.2f} times reading and hashing, {(took - bare) / gigabytes:.1f} s per GB beyond it; "
            f"peak {peak:.0f} MB; {usd:.2f} USD expected"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
