"""Which files travel inside the requests, and which are uploaded first."""

from __future__ import annotations

import pytest

from batch.media.blob_parts import encoded_size
from batch.model import SendFiles
from batch.planning.file_delivery import FRAME_BYTES, REPEATED_BYTES, FileDelivery, RowFiles, decide

MB = 1_000_000
A, B, C = "a" * 64, "b" * 64, "c" * 64
AUTO, INLINE, UPLOAD = SendFiles


def rows(*blobs_of_rows: tuple[str, ...]) -> list[RowFiles]:
    return [RowFiles(100, blobs) for blobs in blobs_of_rows]


@pytest.mark.parametrize(
    ("blobs", "sizes", "choice", "uploads"),
    [
        pytest.param([(A,), (B,)], {A: MB, B: 30 * MB}, AUTO, set(), id="files that fit are sent inside"),
        pytest.param([(A,), (B,)], {A: MB, B: 80 * MB}, AUTO, {B}, id="one that does not fit is uploaded"),
        pytest.param([(A, B)], {A: 60 * MB, B: 20 * MB}, AUTO, {A}, id="the largest first, until the row fits"),
        pytest.param([(A, B)], {A: 80 * MB, B: 90 * MB}, AUTO, {A, B}, id="or all of them"),
        pytest.param([(A,)] * 100, {A: 1000}, AUTO, set(), id="a small one may be repeated"),
        pytest.param([(A,)] * 3, {A: 5 * MB}, AUTO, {A}, id="a large one is not"),
        pytest.param([(A, A, A)], {A: 5 * MB}, AUTO, {A}, id="neither within one row"),
        pytest.param([(A,)], {A: 80 * MB}, INLINE, set(), id="inside whatever it takes"),
        pytest.param([(A,), (B,)], {A: 1, B: 2}, UPLOAD, {A, B}, id="uploaded whatever it takes"),
        pytest.param([()], {}, UPLOAD, set(), id="no files"),
    ],
)
def test_the_way_of_each_file(
    blobs: list[tuple[str, ...]], sizes: dict[str, int], choice: SendFiles, uploads: set[str]
) -> None:
    assert decide(rows(*blobs), sizes, choice).uploads == uploads


def test_what_is_repeated_is_weighed_without_its_first_time() -> None:
    raw = REPEATED_BYTES // 4 * 3
    assert not decide(rows((A,), (A,)), {A: raw}, AUTO).uploads
    assert decide(rows((A,), (A,)), {A: raw + 3}, AUTO).uploads


def test_the_figures_are_those_of_what_is_sent() -> None:
    sizes = {A: 10, B: 80 * MB, C: 20}
    inline = 2 * encoded_size(10) + encoded_size(20)
    assert decide(rows((A, B), (A, C)), sizes, AUTO) == FileDelivery(
        uploads=frozenset({B}),
        inline_files=2,
        inline_bytes=inline,
        upload_bytes=80 * MB,
        sent_bytes=200 + inline + 4 * FRAME_BYTES,
        largest_bytes=100 + encoded_size(10) + 2 * FRAME_BYTES,
    )


def test_a_row_has_less_room_in_a_create_call() -> None:
    assert decide(rows((A,)), {A: 15 * MB}, AUTO, row_bytes=18 * MB).uploads == {A}
