"""A decoding process does its jobs, and one that is broken or too slow is replaced."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from lifecycle.inputs.decoding import decoders
from lifecycle.inputs.decoding.decoders import Decoders
from lifecycle.inputs.decoding.messages import DecodingJob


@pytest.fixture
def job(tmp_path: Path) -> DecodingJob:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    return DecodingJob("look", str(tmp_path / "a.png"), "image/png")


def test_jobs_are_done_in_another_process(job: DecodingJob) -> None:
    with Decoders(1) as pool:
        assert pool.ask(job).width == 40
        assert pool.ask(DecodingJob("look", "/no/such/file", "image/png")).fault
        assert pool.ask(DecodingJob("look", job.path, "application/pdf")).fault == "cannot be read as a PDF"
        assert pool.ask(job).height == 30


def test_files_are_named_from_the_callers_folder(job: DecodingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(job.path).parent
    monkeypatch.chdir(folder)
    with Decoders(1) as pool:
        assert pool.ask(DecodingJob("look", "a.png", "image/png")).width == 40
        (written,) = pool.ask(DecodingJob("convert", "a.png", "image/png", folder="", first=0, last=1)).files
    assert Path(written.path).parent == folder


def test_keys_of_the_environment_do_not_reach_it(monkeypatch: pytest.MonkeyPatch, job: DecodingJob) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "secret")
    show = "import os, sys, json; sys.stdin.readline(); print(json.dumps({'fault': ' '.join(os.environ)}))"
    monkeypatch.setattr(decoders, "COMMAND", [sys.executable, "-c", show])
    with Decoders(1) as pool:
        assert "GEMINI_API_KEY" not in pool.ask(job).fault


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("import sys; sys.stdin.readline()", "breaks the program that reads it"),
        ("import time; time.sleep(600)", "takes too long to read"),
    ],
)
def test_a_process_that_ends_or_hangs_costs_one_file(
    monkeypatch: pytest.MonkeyPatch, job: DecodingJob, program: str, fault: str
) -> None:
    usual = decoders.COMMAND
    with Decoders(1, job_seconds=1.0 if "sleep" in program else 60.0) as pool:
        monkeypatch.setattr(decoders, "COMMAND", [sys.executable, "-c", program])
        assert pool.ask(job).fault == fault
    with Decoders(1) as pool:
        assert pool.ask(job).fault == fault if "sleep" not in program else True
        monkeypatch.setattr(decoders, "COMMAND", usual)
        if "sleep" not in program:
            assert pool.ask(job).width == 40
