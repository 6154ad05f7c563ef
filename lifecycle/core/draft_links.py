"""Hard-links the files of a draft into the folder of the run that is made of it."""

from __future__ import annotations

import os
from pathlib import Path

from lifecycle.core.run_files import ANSWERS, BLOBS, DIGESTS, DRAFT_FILES, INPUTS, MEDIA, REQUESTS, REUSED, SHARED
from lifecycle.core.run_files import SOME_DRAFTS_FILES as EXTRAS


def link_draft(draft: Path, run: Path) -> None:
    """Link all files of a draft: those that every draft has, and the others as far as it has them.

    Where answers of earlier runs are taken over, the run's rows are those of the whole draft.
    """
    link_sent_draft(draft, run)
    if (draft / DIGESTS).exists():
        link_file(draft / DIGESTS, run / DIGESTS)
    if (draft / REUSED).is_dir():
        (run / REUSED / ANSWERS).mkdir(parents=True)
        _link_rows(draft / REUSED, run / REUSED)
        for path in (draft / REUSED / ANSWERS).iterdir():
            link_file(path, run / REUSED / ANSWERS / path.name)
        (run / INPUTS).unlink()
        link_file(draft / REUSED / INPUTS, run / INPUTS)


def link_sent_draft(draft: Path, target: Path) -> None:
    """Link what was or is to be sent, without the answers of earlier runs."""
    _link_rows(draft, target)
    link_extras(draft, target)


def link_whole_draft(run: Path, target: Path) -> None:
    """Link the draft that a run was made of, rows that an earlier run had answered among them."""
    source = run / REUSED if (run / REUSED).is_dir() else run
    _link_rows(source, target)
    link_extras(run, target)


def whole_requests(folder: Path) -> Path:
    """The requests of all rows that a draft or run has results for, whether they are sent or not."""
    whole = folder / REUSED / REQUESTS
    return whole if whole.exists() else folder / REQUESTS


def link_file(source: Path, target: Path) -> None:
    os.link(source, target)


def link_shared(source: Path, target: Path) -> None:
    """Link what requests share into the folder of requests that are written without it, too."""
    if (source / SHARED).exists():
        os.link(source / SHARED, target / SHARED)


def _link_rows(source: Path, target: Path) -> None:
    for name in DRAFT_FILES:
        link_file(source / name, target / name)
    link_shared(source, target)


def link_extras(draft: Path, target: Path) -> None:
    """Link what only some drafts have."""
    for name in EXTRAS:
        if (draft / name).exists():
            link_file(draft / name, target / name)
    _link_blobs(draft, target)


def link_media(source: Path, target: Path) -> None:
    """Link the files that requests refer to, and their index: what the rows of `source` need to be sent."""
    if (source / MEDIA).exists() and not (target / MEDIA).exists():
        os.link(source / MEDIA, target / MEDIA)
    _link_blobs(source, target)


def _link_blobs(source: Path, target: Path) -> None:
    if not (source / BLOBS).is_dir():
        return
    (target / BLOBS).mkdir(exist_ok=True)
    for blob in (source / BLOBS).iterdir():
        if not (target / BLOBS / blob.name).exists():
            os.link(blob, target / BLOBS / blob.name)
