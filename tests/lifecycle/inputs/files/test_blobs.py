"""Each content is kept once under its SHA-256, and the index says what it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from batch.media.blob_uri import blob_uri
from batch.media.facts import MediaFacts
from lifecycle.inputs.files.blobs import BlobStore, facts_lookup, read_index


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"picture")
    (tmp_path / "b.png").write_bytes(b"picture")
    store = BlobStore(tmp_path / "draft")
    facts = MediaFacts("image/png", width=4, height=3)
    names = [store.add(tmp_path / name, facts, name, own=own) for name, own in (("a.png", False), ("b.png", True))]
    store.close()
    sha256 = hashlib.sha256(b"picture").hexdigest()
    assert names == [sha256, sha256]
    assert [path.name for path in (tmp_path / "draft" / "blobs").iterdir()] == [sha256]
    assert list(read_index(tmp_path / "draft")) == [(sha256, MediaFacts("image/png", 7, 4, 3), "a.png")]
    assert facts_lookup(tmp_path / "draft")(blob_uri(sha256)) == MediaFacts("image/png", 7, 4, 3)
    assert facts_lookup(tmp_path / "draft")("https://elsewhere") is None


def test_a_copy_does_not_change_with_its_source_and_ours_is_linked(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(b"one")
    store = BlobStore(tmp_path / "draft")
    copied = store.add(source, MediaFacts("image/png"), "a.png")
    source.write_bytes(b"two")
    linked = store.add(source, MediaFacts("image/png"), "a.png", own=True)
    blobs = tmp_path / "draft" / "blobs"
    assert (blobs / copied).read_bytes() == b"one"
    assert (blobs / linked).stat().st_ino == source.stat().st_ino


def test_nothing_added_leaves_nothing_and_so_does_a_draft_that_is_discarded(tmp_path: Path) -> None:
    BlobStore(tmp_path / "empty").close()
    assert list((tmp_path / "empty").iterdir()) == [] and list(read_index(tmp_path / "empty")) == []
    (tmp_path / "a").write_bytes(b"one")
    store = BlobStore(tmp_path / "other")
    store.add(tmp_path / "a", MediaFacts("image/png"), "a")
    store.close()
    store.discard()
    assert list((tmp_path / "other").iterdir()) == []
