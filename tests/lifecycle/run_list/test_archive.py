"""Several runs leave in one archive, each under a name of its own."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from batch.errors import InputError
from lifecycle.run_list.archive import export_archive, free_name
from tests.lifecycle.conftest import KEY, Bench, wait_until_ended


def test_each_run_with_results_is_a_file(bench: Bench, tmp_path: Path) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    ids = [bench.submit(runner, account, f"question {n}", f"t{n}", name="same/name") for n in range(2)]
    for run_id in ids:
        wait_until_ended(runner, account, run_id)
    done = export_archive(runner.runs, account, [*ids, "r0"], tmp_path / "runs.zip", "csv")
    assert done.run_ids == tuple(ids) and done.notes == ("1 run without results left out.",)
    with zipfile.ZipFile(done.path) as archive:
        assert archive.namelist() == ["same-name.csv", "same-name (2).csv"]
        assert all(f"question {n}".encode() in archive.read(name) for n, name in enumerate(archive.namelist()))
    with pytest.raises(InputError, match="None of these runs"):
        export_archive(runner.runs, runner.accounts.register_key("another-made-up-key"), ids, tmp_path / "x.zip", "csv")
    assert [path.name for path in tmp_path.glob("*.*")] == ["runs.zip"]


def test_a_name_that_is_taken_in_any_case_gets_a_number() -> None:
    taken: set[str] = set()
    assert [free_name(name, taken) for name in ("a.csv", "A.csv", "a.csv")] == ["a.csv", "A (2).csv", "a (3).csv"]
