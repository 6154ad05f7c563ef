"""Secrets leave the process only encrypted."""

from __future__ import annotations

import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ui.shared.cookie_crypto import COOKIE_SECONDS, CookieCipher, load_or_create_secret

KEY = "AIzaSyCANARY-0123456789abcdefghijklmnop"


def test_what_is_encrypted_can_be_opened_again_and_is_not_readable() -> None:
    cipher = CookieCipher("secret")
    encrypted = cipher.encrypt(KEY)
    assert cipher.decrypt(encrypted) == KEY
    assert KEY not in encrypted and "=" not in encrypted and len(encrypted) < 400


@pytest.mark.parametrize("text", ["", "a", "ü", "a:b:c", "x" * 1000])
def test_any_text_survives_the_padding_that_is_left_out(text: str) -> None:
    cipher = CookieCipher("secret")
    assert cipher.decrypt(cipher.encrypt(text)) == text


@pytest.mark.parametrize(
    "encrypted",
    [
        "",
        "x",
        "gAAAA",
        "ü" * 40,
        None,
        5,
        object(),
        CookieCipher("another").encrypt(KEY),
        CookieCipher("secret").encrypt(KEY)[:-4],
    ],
)
def test_a_tampered_or_foreign_text_is_nothing_and_never_an_error(encrypted: object) -> None:
    assert CookieCipher("secret").decrypt(encrypted) is None


def test_an_encrypted_text_does_not_open_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cipher = CookieCipher("secret")
    encrypted = cipher.encrypt(KEY)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + COOKIE_SECONDS + 5)
    assert cipher.decrypt(encrypted) is None


def test_the_generated_secret_is_kept_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = load_or_create_secret(tmp_path / "data", "")
    assert len(first) > 30 and load_or_create_secret(tmp_path / "data", "") == first
    assert stat.S_IMODE((tmp_path / "data" / "cookie.secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["cookie.secret"]


def test_a_given_secret_wins_and_writes_nothing(tmp_path: Path) -> None:
    assert load_or_create_secret(tmp_path / "data", "given") == "given"
    assert not (tmp_path / "data").exists()


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: load_or_create_secret(tmp_path, ""), range(32)))) == 1
