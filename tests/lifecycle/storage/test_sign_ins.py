"""What was taken back stays taken back: on every server, after a restart, and no longer than it could be used."""

from __future__ import annotations

from pathlib import Path

from lifecycle.storage.sign_ins import SignIns
from lifecycle.storage.store import Store


def test_a_revoked_cookie_is_known_to_the_next_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    first = Store(url)
    SignIns(first).revoke("cookie", 60)
    first.close()
    second = Store(url)
    assert SignIns(second).is_revoked("cookie") and not SignIns(second).is_revoked("another")
    second.close()
    assert b"cookie" not in (tmp_path / "runs.db").read_bytes().replace(b"revoked:", b"")


def test_entries_go_when_no_cookie_could_be_used_any_more(tmp_path: Path) -> None:
    store, now = Store(f"sqlite:///{tmp_path / 'runs.db'}"), [1000.0]
    sign_ins = SignIns(store, lambda: now[0])
    sign_ins.revoke("old", 60)
    now[0] += 61
    sign_ins.revoke("new", 60)
    assert len(store.settings("revoked:")) == 1 and sign_ins.is_revoked("new")
    sign_ins.revoke("new", 60)
    assert len(store.settings("revoked:")) == 1
    store.close()


def test_who_comes_back_is_not_forgotten(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'runs.db'}")
    sign_ins = SignIns(store)
    sign_ins.forget("a" * 32)
    sign_ins.forget("a" * 32)
    assert sign_ins.forgotten_owners() == {"a" * 32} and sign_ins.is_forgotten("a" * 32)
    sign_ins.recall("a" * 32)
    sign_ins.recall("b" * 32)
    assert sign_ins.forgotten_owners() == set()
    store.close()
