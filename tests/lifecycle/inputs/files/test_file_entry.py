"""What became of each file can be read again, counted and weighed."""

from __future__ import annotations

from pathlib import Path

from batch.media.facts import MediaFacts
from batch.media.tokens import Weighing
from lifecycle.inputs.files.file_entry import EntryWriter, FileEntry, FileTotals, read_entries

PAGES = (MediaFacts("application/pdf", pages=1), MediaFacts("application/pdf", pages=1))
SCAN = FileEntry(name="a.pdf", kind="PDF", size_bytes=10, pages=2, rows=2, facts=PAGES, blobs=("x", "y"))
OTHER = FileEntry(name="b.docx", state="problem", words="is a Word document.", remedy="Save it as PDF.", size_bytes=5)


def test_entries_are_read_in_order_and_counted(tmp_path: Path) -> None:
    writer = EntryWriter(tmp_path)
    for entry in (SCAN, OTHER):
        writer.add(entry)
    assert writer.close() == FileTotals(files=2, problems=1, size_bytes=15, pages=2, several_pages=1)
    assert list(read_entries(tmp_path)) == [SCAN, OTHER]
    assert list(read_entries(tmp_path, 1, 1)) == [OTHER]
    assert list(read_entries(tmp_path / "nowhere")) == []


def test_tokens_are_those_of_all_that_is_sent() -> None:
    assert SCAN.tokens(Weighing("3")) == 1120
    assert FileEntry(name="x", facts=(MediaFacts("audio/aac"),)).tokens(Weighing("3")) is None


def test_a_fault_names_the_file() -> None:
    assert OTHER.fault[:2] == ("b.docx is a Word document.", "Save it as PDF.")
