"""A run that is asked about, cancelled or carried on with."""

from __future__ import annotations

import json

from tests.emulator_process import EmulatorProcess
from tests.terminal.terminal_process import MODEL, Terminal


def test_a_cancelled_run_ends_with_exit_code_1_for_who_waits(cli: Terminal, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="stuck")
    try:
        submitted = cli("submit", cli.file("p.txt", "one"), "--model", MODEL, "--json")
        run_id = json.loads(submitted.stdout.splitlines()[0])["run_id"]
        cancelled = cli("cancel", run_id, "--json")
    finally:
        emulator.settings(job_outcome="succeeded")
    assert cancelled.returncode == 0, cancelled.stderr
    assert json.loads(cancelled.stdout.splitlines()[-1])["state"] == "cancelled"
    assert "lower bound" in cancelled.stderr
    assert "at least $0.00" in cli("show", run_id).stdout
    assert json.loads(cli("spend", "--json").stdout)["total"]["at_least"] is True
