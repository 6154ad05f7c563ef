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


def test_runs_are_named_tagged_found_and_sorted(cli: Terminal) -> None:
    ids = []
    for name in ("week-10", "week-9"):
        submitted = cli("submit", cli.file("p.txt", "one"), "--model", MODEL, "--name", name, "--wait", "--json")
        ids.append(json.loads(submitted.stdout.splitlines()[0])["run_id"])
    assert json.loads(cli("rename", ids[0], "Week 11", "--json").stdout)["name"] == "Week 11"
    assert json.loads(cli("tag", ids[1], "+invoices", "+old", "-old", "--json").stdout)["tags"] == ["invoices"]
    found = json.loads(cli("runs", "--sort", "name", "--filter", "good", "--limit", "1", "--json").stdout)
    assert [(run["id"], run["need_attention"], run["group"]) for run in found] == [(ids[0], 0, "good")]
    assert ids[1] in cli("runs", "--search", "INVOICES week").stdout
    assert not cli("runs", "--filter", "running").stdout.strip()
