"""A run has the files of its draft, and a child run those that its rows refer to."""

from __future__ import annotations

from pathlib import Path

from lifecycle.core.draft_links import link_draft, link_media
from lifecycle.core.run_files import BLOBS, DRAFT_FILES, MEDIA


def test_a_drafts_files_and_blobs_are_linked(tmp_path: Path) -> None:
    draft, run, child = (tmp_path / name for name in ("draft", "run", "child"))
    for folder in (draft / BLOBS, run, child):
        folder.mkdir(parents=True)
    for name in (*DRAFT_FILES, MEDIA, f"{BLOBS}/ab"):
        (draft / name).write_bytes(name.encode())
    link_draft(draft, run)
    assert {path.name for path in run.iterdir()} == {*DRAFT_FILES, MEDIA, BLOBS}
    assert (run / BLOBS / "ab").stat().st_ino == (draft / BLOBS / "ab").stat().st_ino
    for _ in range(2):
        link_media(run, child)
    assert {path.name for path in child.iterdir()} == {MEDIA, BLOBS}


def test_a_draft_without_files_has_none_to_link(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    link_media(tmp_path / "a", tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []
