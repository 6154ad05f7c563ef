"""Rows that are sent again, here or elsewhere."""

from __future__ import annotations

import json

from tests.emulator_process import EmulatorProcess
from tests.terminal.terminal_process import MODEL, Terminal


def test_only_what_failed_is_sent_again(cli: Terminal) -> None:
    source = cli.file("p.txt", "fine\n[[emulate: error:13]] b")
    submitted = cli("submit", source, "--model", MODEL, "--wait", "--json")
    run_id = json.loads(submitted.stdout.splitlines()[0])["run_id"]
    again = cli("retry", run_id, "--wait", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1])["counts"] == {"error_transient": 1}
    absent = cli("retry", run_id, "--keys", "row-000009")
    assert absent.returncode == 2 and "row-000009" in absent.stderr


def test_what_takes_too_long_is_cancelled_and_its_rows_are_sent_elsewhere(
    cli: Terminal, emulator: EmulatorProcess
) -> None:
    emulator.settings(job_outcome="stuck")
    try:
        submitted = cli("submit", cli.file("p.txt", "one\ntwo"), "--model", MODEL, "--json")
        run_id = json.loads(submitted.stdout.splitlines()[0])["run_id"]
        emulator.clock(13 * 3600)
        assert cli("resume").returncode == 0
        assert "35 hours are left" in json.loads(cli("show", run_id, "--json").stdout)["warning"]
        elsewhere = ("--resubmit", "--model", "gemini-3.5-flash-lite", "--rows-per-job", "1")
        child = json.loads(cli("cancel", run_id, *elsewhere, "--json").stdout.splitlines()[0])["run_id"]
    finally:
        emulator.settings(job_outcome="succeeded")
    assert cli("resume", "--wait").returncode == 0
    shown = json.loads(cli("show", child, "--json").stdout)
    assert (shown["state"], shown["model"], shown["counts"]) == ("finished", "gemini-3.5-flash-lite", {"answered": 2})
    assert len(shown["jobs"]) == 2
    assert json.loads(cli("show", run_id, "--json").stdout)["state"] == "cancelled"
