"""A folder of files becomes a run whose requests have the files in them; what comes back is theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from batch.model import SendAs, SendFiles
from lifecycle.core.models import RunSpec
from lifecycle.core.run_files import BLOBS, REQUESTS
from lifecycle.core.transport import BatchLimits
from lifecycle.inputs.file_drafts import FileInput
from lifecycle.sending.delivery import SentSizes, plan_delivery, read_uploads, row_limit, write_uploads
from lifecycle.sending.outgoing import with_files
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until_ended


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n in range(6):
        Image.new("RGB", (60, 40), (40 * n, 0, 90)).save(folder / f"p{n}.png")
    Image.new("RGB", (60, 40), (0, 0, 90)).save(folder / "copy.png")
    return folder


def test_pictures_are_sent_inside_the_requests(bench: Bench, emulator: EmulatorProcess, pictures: Path) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_files(FileInput([pictures], "Caption."), model=MODEL)
    expected = [
        json.loads(with_files(line, draft.folder, {}))["request"]
        for line in (draft.folder / REQUESTS).read_bytes().splitlines()
    ]
    assert expected[0]["contents"][0]["parts"][1]["inlineData"]["mimeType"] == "image/png"
    assert len(list((draft.folder / BLOBS).iterdir())) == 6 and len(expected) == 7
    runs = [
        runner.submissions.submit(account, draft, RunSpec(MODEL, send_as=send_as), "")
        for send_as in (SendAs.FILE, SendAs.INLINE)
    ]
    for run_id in runs:
        run = wait_until_ended(runner, account, run_id)
        assert (run.state, run.counts, len(run.jobs)) == ("finished", {"answered": 7}, 1)
        rows = emulator.sent_bytes("batch_jobs", run.jobs[0].name).splitlines()
        assert [json.loads(row)["request"] for row in rows] == expected


def test_sizes_count_the_files_as_they_are_sent(tmp_path: Path, bench: Bench, pictures: Path) -> None:
    runner = bench.open(start=False)
    draft = runner.forecasts.prepare_files(FileInput([pictures], "Caption."), model=MODEL)
    lines = (draft.folder / REQUESTS).read_bytes().splitlines(keepends=True)
    delivery = plan_delivery(draft.folder / REQUESTS, SendFiles.INLINE)
    assert delivery is not None and delivery.inline_files == 6
    exact = sum(len(with_files(line, draft.folder, {})) for line in lines)
    assert exact <= sum(SentSizes(draft.folder).of_file(draft.folder / REQUESTS)) <= exact + 150 * len(lines)
    assert plan_delivery(tmp_path / "other" / REQUESTS, SendFiles.AUTO) is None


def test_which_files_are_uploaded_is_kept_with_the_run(tmp_path: Path) -> None:
    (tmp_path / BLOBS).mkdir()
    (tmp_path / BLOBS / ("a" * 64)).write_bytes(b"x" * 999)
    line = b'{"fileData":{"fileUri":"blob:%b"}}' % (b"a" * 64)
    (tmp_path / REQUESTS).write_bytes(line)
    inline = SentSizes(tmp_path).of_line(line)
    delivery = plan_delivery(tmp_path / REQUESTS, SendFiles.UPLOAD)
    assert delivery is not None
    write_uploads(delivery, tmp_path)
    assert read_uploads(tmp_path) == {"a" * 64}
    assert inline - SentSizes(tmp_path).of_line(line) == 4 * 333


def test_a_request_has_less_room_inside_the_create_call() -> None:
    assert row_limit(SendAs.INLINE) == BatchLimits().inline_bytes < row_limit(SendAs.AUTO) == row_limit(SendAs.FILE)
