"""Large files come and go in pieces: what breaks costs a piece, and nothing arrives twice or half."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch.errors import ApiError
from batch.responses import service_errors
from gemini import transfer
from gemini.client import GeminiClient
from gemini.wire import file_batch_body
from tests.emulator_process import EmulatorProcess, start_emulator

PIECE = 256 * 1024
BREAKS: list[dict[str, Any]] = [
    {"do": "drop_before"},
    {"do": "drop_after"},
    {"do": "truncate", "bytes": 100_000},
    {"do": "status", "status": 503},
    {"do": "status_after", "status": 500},
    {"do": "malformed"},
]


@pytest.fixture(scope="module")
def process() -> Iterator[EmulatorProcess]:
    with start_emulator() as started:
        yield started


@pytest.fixture
def emulator(process: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    monkeypatch.setattr(transfer, "CHUNK_BYTES", PIECE)
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0.01)
    process.reset()
    return process


@pytest.fixture
def gateway(emulator: EmulatorProcess) -> GeminiClient:
    return GeminiClient("made-up-key", emulator.base_url, timeout_seconds=3)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.jsonl"
    path.write_bytes(os.urandom(3 * PIECE + 17))
    return path


@pytest.mark.parametrize("fault", BREAKS, ids=lambda fault: str(fault["do"]))
def test_an_upload_that_breaks_in_the_middle_goes_on(
    emulator: EmulatorProcess, gateway: GeminiClient, source: Path, fault: dict[str, Any]
) -> None:
    """The second of four pieces is lost, before or after it has arrived."""
    emulator.faults([{"method": "POST", "route": "/upload/", "after": 2, **fault}])
    file = gateway.upload_file(source, "name")
    assert emulator.sent_bytes("files", str(file["name"])) == source.read_bytes()
    assert len(emulator.ledger()["files"]) == 1
    assert emulator.ledger()["calls"]["POST /upload/files"] == 1


@pytest.mark.parametrize("fault", [{"do": "drop_after"}, {"do": "malformed"}, {"do": "status_after", "status": 500}])
def test_an_upload_whose_last_reply_is_lost_is_ambiguous(
    emulator: EmulatorProcess, gateway: GeminiClient, source: Path, fault: dict[str, Any]
) -> None:
    """The file is there; who uploads looks for it before sending it again."""
    emulator.faults([{"method": "POST", "route": "/upload/", "after": 4, **fault}])
    with pytest.raises(ApiError) as caught:
        gateway.upload_file(source, "name")
    assert caught.value.ambiguous
    assert [file["displayName"] for file in gateway.list_files()] == ["name"]


def test_an_upload_that_nobody_takes_gives_up(emulator: EmulatorProcess, gateway: GeminiClient, source: Path) -> None:
    emulator.faults([{"method": "POST", "route": "/upload/", "after": 1, "times": -1, "do": "status", "status": 503}])
    with pytest.raises(ApiError, match="broke off"):
        gateway.upload_file(source, "name")


def test_a_refused_upload_is_told_in_the_services_words(gateway: GeminiClient, source: Path) -> None:
    with pytest.raises(ApiError, match="MIME type") as caught:
        gateway.upload_file(source, "name", mime_type="nonsense/of-mine")
    assert service_errors.is_permanent(caught.value) and not caught.value.ambiguous


@pytest.mark.parametrize(
    "fault", [{"do": "truncate", "bytes": 5_000}, {"do": "drop_before"}, {"do": "status", "status": 503}]
)
def test_a_download_that_breaks_goes_on_where_it_stopped(
    emulator: EmulatorProcess, gateway: GeminiClient, tmp_path: Path, fault: dict[str, Any]
) -> None:
    name = results_of_a_job(gateway, tmp_path)
    gateway.download_file(name, tmp_path / "whole")
    emulator.faults([{"method": "GET", "route": ":download", "times": 2, **fault}])
    gateway.download_file(name, tmp_path / "broken")
    assert (tmp_path / "broken").read_bytes() == (tmp_path / "whole").read_bytes()
    assert emulator.ledger()["calls"]["GET /files/{id}:download"] == 4


def test_a_download_that_never_comes_fails(emulator: EmulatorProcess, gateway: GeminiClient, tmp_path: Path) -> None:
    name = results_of_a_job(gateway, tmp_path)
    emulator.faults([{"method": "GET", "route": ":download", "times": -1, "do": "drop_before"}])
    with pytest.raises(ApiError):
        gateway.download_file(name, tmp_path / "out")


def results_of_a_job(gateway: GeminiClient, folder: Path) -> str:
    """The name of a result file of some size."""
    rows = folder / "rows.jsonl"
    text = '{"key":"k%d","request":{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}}\n'
    rows.write_text("".join(text % n for n in range(40)))
    file = gateway.upload_file(rows, "rows")
    job = gateway.create_batch("gemini-3.8-flash", file_batch_body("job", str(file["name"])))
    while "response" not in job:
        job = gateway.get_batch(job["name"])
    return str(job["response"]["responsesFile"])
