"""What a run keeps of its plan comes back as it was planned."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from batch.model import Tariff
from gem_cache import Plan, plan_batches
from lifecycle.core.run_files import FANOUT, GROUPS
from lifecycle.planning.plan_files import read_body, row_groups, write_plan, write_rows

TARIFF = Tariff(0.3, 0.15, 2.5, 1.25, 0.03, None, 1.0, explicit_minimum=10)
DOCUMENT = "A long document about nothing much. " * 400


def plan_of(requests: Path, **options: object) -> Plan:
    lines = [
        {"key": f"k{n}", "request": {"contents": [{"role": "user", "parts": [{"text": DOCUMENT}, {"text": question}]}]}}
        for n, question in enumerate(["Why?", "Who?", "Why?", "When?"] * 10)
    ]
    requests.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    data = requests.read_bytes().splitlines(keepends=True)
    return plan_batches(lambda: data, TARIFF, hours=1.0, **options)  # type: ignore[arg-type]  # keywords of the tests


def test_a_caches_content_is_kept_by_its_group(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "requests.jsonl")
    (group,) = plan.caches
    write_plan(plan, tmp_path)
    assert read_body(tmp_path, group.id) == {"contents": [{"role": "user", "parts": [{"text": DOCUMENT}]}]}
    assert not list(tmp_path.glob("*.part"))


def test_each_row_has_its_group_and_a_copy_the_row_that_is_sent(tmp_path: Path) -> None:
    requests = tmp_path / "requests.jsonl"
    plan = plan_of(requests, dedupe=True)
    write_rows(plan, requests, tmp_path)
    groups = pq.read_table(tmp_path / GROUPS)
    assert groups.column("key").to_pylist() == [f"k{n}" for n in range(40)]
    assert list(row_groups(plan, requests)) == list(
        zip(groups.column("key").to_pylist(), groups.column("group").to_pylist(), strict=True)
    )
    copies = dict(zip(*pq.read_table(tmp_path / FANOUT).to_pydict().values(), strict=True))
    assert copies["k2"] == "k0"
    assert len(copies) == 37


def test_nothing_shared_leaves_no_files(tmp_path: Path) -> None:
    requests = tmp_path / "requests.jsonl"
    requests.write_text('{"key":"a","request":{"contents":[{"parts":[{"text":"x"}]}]}}\n')
    plan = plan_batches(lambda: [requests.read_bytes()], TARIFF, hours=1.0)
    write_rows(plan, requests, tmp_path)
    assert not (tmp_path / GROUPS).exists()
    assert not (tmp_path / FANOUT).exists()
