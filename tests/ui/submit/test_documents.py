"""Documents are shared as text, or it is told why not."""

from __future__ import annotations

import pytest
from streamlit.runtime.uploaded_file_manager import DeletedFile
from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import press
from tests.ui.pricing_runner import PricingRunner
from tests.ui.submit.conftest import button_labels, drop_documents, part_texts, plain_text, submitted_requests
from ui.files import uploader
from ui.shared.app_state import AppState


def test_a_text_document_goes_before_every_request_as_a_part_of_its_own(at: AppTest, runner: PricingRunner) -> None:
    press(drop_documents(at, ("handbook.txt", b"\xef\xbb\xbfShelf A holds drills.")), "Submit batch")
    assert [part_texts(request) for request in submitted_requests(runner)] == [
        ["Shelf A holds drills.", "Who?"],
        ["Shelf A holds drills.", "Where?"],
    ]


def test_a_document_can_be_removed_and_its_file_goes(at: AppTest, runner: PricingRunner, state: AppState) -> None:
    drop_documents(at, ("handbook.txt", b"Shelf A holds drills."))
    assert "**handbook.txt** · 21 B" in plain_text(at)
    press(press(at, "Remove"), "Submit batch")
    assert [part_texts(request) for request in submitted_requests(runner)] == [["Who?"], ["Where?"]]
    assert list(state.uploads.iterdir()) == []


def test_twelve_documents_are_removed_by_one_click(at: AppTest, state: AppState) -> None:
    drop_documents(at, *((f"part-{n}.txt", f"Shelf {n}.".encode()) for n in range(12)))
    assert "**12 documents**" in plain_text(at)
    assert "Remove" not in button_labels(press(at, "Remove all")) and list(state.uploads.iterdir()) == []


def test_a_callback_that_is_begun_again_passes_over_what_was_given_back() -> None:
    """A newer click ends a callback, and Streamlit calls it once more; in place of a file is what says it is gone."""
    given = [DeletedFile("one"), None]
    assert uploader.present(given) == [] == uploader.present(DeletedFile("one")) == uploader.present(None)


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("scan.txt", b"\xff\xfe\x00\x01 binary", "scan.txt is not UTF-8 text."),
        ("empty.md", b" \n", "empty.md is empty."),
        ("nothing.pdf", b"", "nothing.pdf is empty."),
        ("huge.txt", b"x" * 8_000_001, "huge.txt has 8.0 MB, more text than any model takes."),
    ],
)
def test_what_cannot_be_shared_is_told_and_left_out(
    at: AppTest, state: AppState, name: str, content: bytes, words: str
) -> None:
    assert words in plain_text(drop_documents(at, (name, content)))
    assert list(state.uploads.iterdir()) == [] and "Remove" not in button_labels(at)
