"""Hard-links the files of a draft into the folder of the run that is made of it."""

from __future__ import annotations

import os
from pathlib import Path

from lifecycle.core.run_files import BLOBS, DRAFT_FILES, MEDIA, SOME_DRAFTS_FILES


def link_draft(draft: Path, run: Path) -> None:
    """Link all files of a draft: those that every draft has, and the others as far as it has them."""
    for name in (*DRAFT_FILES, *SOME_DRAFTS_FILES):
        if name in DRAFT_FILES or (draft / name).exists():
            os.link(draft / name, run / name)
    _link_blobs(draft, run)


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
