"""What a key has cost."""

from __future__ import annotations

import json

import pytest

from tests.terminal.terminal_process import MODEL, Terminal


def test_what_was_spent_is_told_by_day_and_model(cli: Terminal) -> None:
    before = json.loads(cli("spend", "--json").stdout)
    assert before["total"] is None and before["under_way"] == {"runs": 0, "estimate_usd": 0}
    submitted = cli("submit", cli.file("p.txt", "one\ntwo"), "--model", MODEL, "--wait", "--json")
    cost = json.loads(submitted.stdout.splitlines()[-1])["cost_usd"]
    told = json.loads(cli("spend", "--json").stdout)
    (line,) = told["days"]
    assert (line["model"], line["runs"], line["rows"], line["runs_of_unknown_cost"]) == (MODEL, 1, 2, 0)
    assert line["usd"] == pytest.approx(cost) and line["saved_by_batch_usd"] == pytest.approx(cost)
    assert told["total"]["usd"] == line["usd"] and told["rehearsal"] is False
    assert "1 run  2 rows  $0.0" in cli("spend").stdout
