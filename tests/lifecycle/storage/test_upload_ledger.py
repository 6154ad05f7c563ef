"""The ledger of uploads: who uploads a content, who needs it, and when nobody does."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.model import Stage
from lifecycle.core.models import RunSpec
from lifecycle.core.run_records import RunRecord, UploadRecord, UploadState
from lifecycle.storage.store import LeaseLost, Store
from lifecycle.storage.upload_ledger import UploadLedger

OWNER, A, B = "owner", "a" * 64, "b" * 64


class Ledger(UploadLedger):
    """With two runs that are being worked on."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder / 'runs.db'}")
        super().__init__(self.store, OWNER)
        self.tokens = {run: self._begin(run) for run in ("one", "two")}

    def _begin(self, run: str) -> str:
        record = RunRecord(
            id=run, owner_id=OWNER, spec=RunSpec("m"), model="m", rows=1, created_at=0.0, idempotency_key=run
        )
        self.store.add_run(record)
        claimed = self.store.claim([OWNER], 60.0)
        assert claimed is not None and claimed.id == run
        return claimed.token

    def need(self, run: str, shard: int, *contents: str) -> None:
        self.add_needs(run, self.tokens[run], shard, contents)

    def take(self, run: str, sha256: str, attempt: int = 0) -> UploadRecord | None:
        wanted = UploadRecord(
            owner_id=OWNER, sha256=sha256, attempt=attempt, mime_type="image/png", size_bytes=10, display_name=sha256
        )
        return self.claim(run, self.tokens[run], wanted)

    def upload(self, run: str, sha256: str, attempt: int = 0) -> UploadRecord:
        record = self.take(run, sha256, attempt)
        assert record is not None
        values = {"name": f"files/{sha256[:3]}{attempt}", "state": UploadState.ACTIVE}
        self.record(run, self.tokens[run], record, **values)
        return record


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_one_of_two_runs_uploads_a_content(ledger: Ledger) -> None:
    first = ledger.take("one", A)
    assert first is not None and first.begun == 1
    assert ledger.take("two", A) is None
    again = ledger.take("one", A)  # after a reply that was lost
    assert again is not None and again.begun == 2


def test_what_a_dead_process_has_begun_is_taken_over(ledger: Ledger) -> None:
    assert ledger.take("one", A)
    ledger.store.commit("one", ledger.tokens["one"], {}, delay=0.0)  # its lease is over
    taken = ledger.take("two", A)
    assert taken is not None and (taken.begun, taken.run_id) == (2, "two")
    with pytest.raises(LeaseLost):
        ledger.claim("one", "a foreign token", taken)


def test_what_is_there_is_not_claimed_again(ledger: Ledger) -> None:
    ledger.upload("one", A)
    assert ledger.take("two", A) is None
    assert ledger.newest([A, B])[A].name == "files/aaa0"
    assert ledger.stored_bytes() == (10, {"files/aaa0"})


def test_a_content_is_needed_until_its_last_shard_has_ended(ledger: Ledger) -> None:
    ledger.need("one", 0, A, B)
    ledger.need("one", 1, A)
    ledger.need("two", 0, A)
    ledger.upload("one", A)
    ledger.upload("one", B)
    ledger.drop_needs("one", ledger.tokens["one"], [0])
    assert [record.sha256 for record in ledger.end_unneeded()] == [B]
    ledger.drop_needs("one", ledger.tokens["one"])
    assert [record.sha256 for record in ledger.end_unneeded()] == [B]  # not yet told to be deleted
    ledger.drop_needs("two", ledger.tokens["two"])
    closing = {record.sha256: record for record in ledger.end_unneeded()}
    assert set(closing) == {A, B}
    for record in closing.values():
        ledger.close(record)
    assert ledger.end_unneeded() == [] and ledger.newest([A, B]) == {}


def test_an_older_upload_lives_while_a_job_names_it(ledger: Ledger) -> None:
    ledger.need("one", 0, A)
    ledger.need("one", 1, A)
    ledger.bind("one", ledger.tokens["one"], 0, [ledger.upload("one", A)])
    ledger.upload("one", A, attempt=1)
    assert ledger.end_unneeded() == []
    ledger.drop_needs("one", ledger.tokens["one"], [0])
    assert [record.attempt for record in ledger.end_unneeded()] == [0]


def test_one_that_was_cut_short_is_remembered_after_its_end(ledger: Ledger) -> None:
    ledger.take("one", A)
    record = ledger.upload("one", A)
    assert [r.begun for r in ledger.end_unneeded()] == [2]
    ledger.close(record)
    assert ledger.end_unneeded() == [] and ledger.by_display_name()[A].state == UploadState.GONE


def test_needs_of_runs_that_have_ended_are_forgotten(ledger: Ledger) -> None:
    ledger.need("one", 0, A)
    ledger.need("two", 0, B)
    ledger.upload("one", A)
    ledger.upload("two", B)
    ledger.store.commit("one", ledger.tokens["one"], {"stage": Stage.FINISHED})
    ledger.drop_needs_of_ended_runs()
    assert [record.sha256 for record in ledger.end_unneeded()] == [A]
