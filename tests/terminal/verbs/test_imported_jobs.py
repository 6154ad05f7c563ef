"""Batch jobs that were made elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.emulator_process import EmulatorProcess
from tests.terminal.terminal_process import KEY, MODEL, ROOT, Terminal


def made_elsewhere(base_url: str) -> str:
    """A job made with the same key by somebody else."""
    from gemini.client import GeminiClient

    rows: list[dict[str, Any]] = [
        {"request": {"contents": [{"role": "user", "parts": [{"text": text}]}]}, "metadata": {"key": text}}
        for text in ("one", "two")
    ]
    body = {"displayName": "elsewhere", "inputConfig": {"requests": {"requests": rows}}}
    return str(GeminiClient(KEY, base_url).create_batch(MODEL, body)["name"])


def test_a_job_made_elsewhere_is_adopted_collected_and_then_pointed_to(
    cli: Terminal, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    job, out = made_elsewhere(emulator.base_url), tmp_path / "out.jsonl"
    recovered = cli("recover", job, "--name", "theirs", "--wait", "--out", str(out), "--json")
    assert recovered.returncode == 0, recovered.stderr
    first, last = (json.loads(text) for text in recovered.stdout.splitlines())
    assert set(first) == {"run_id"} and last["run_id"] == first["run_id"]
    assert last["counts"] == {"answered": 2} and last["cost_usd"] > 0
    assert [json.loads(line)["key"] for line in out.read_text(encoding="utf-8").splitlines()] == ["one", "two"]
    again = cli("recover", job, "--json")
    assert again.returncode == 0 and json.loads(again.stdout.splitlines()[-1])["run_id"] == first["run_id"]
    assert "already" in again.stderr


def test_a_terminal_killed_while_it_waits_for_a_job_made_elsewhere_loses_nothing(
    cli: Terminal, emulator: EmulatorProcess
) -> None:
    emulator.settings(pace=1000)
    job = made_elsewhere(emulator.base_url)
    command = [sys.executable, "cli.py", "recover", job, "--wait", "--json"]
    with subprocess.Popen(command, cwd=ROOT, env=cli.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as one:
        assert one.stdout is not None
        run_id = json.loads(one.stdout.readline())["run_id"]
        one.kill()
    emulator.settings(pace="instant")
    emulator.clock(2000)
    resumed = cli("resume", "--wait", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert [(run["id"], run["counts"]) for run in json.loads(resumed.stdout)] == [(run_id, {"answered": 2})]
