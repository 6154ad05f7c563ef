"""Secrets that leave the process only encrypted."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

COOKIE_DAYS = 30
COOKIE_SECONDS = COOKIE_DAYS * 86_400


class CookieCipher:
    """Encrypts text for a cookie, and decrypts it within COOKIE_DAYS. Another server's text cannot be decrypted."""

    def __init__(self, secret: str) -> None:
        digest = hashlib.sha256(b"cookie:" + secret.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def encrypt(self, text: str) -> str:
        """Encrypt without `=` padding, which cookie libraries percent-encode."""
        return self._fernet.encrypt(text.encode()).decode().rstrip("=")

    def decrypt(self, encrypted: object) -> str | None:
        """Decrypt; None for anything tampered with, foreign, expired or absent. Never raises."""
        if not isinstance(encrypted, str) or not encrypted:
            return None
        padded = encrypted + "=" * (-len(encrypted) % 4)
        try:
            return self._fernet.decrypt(padded.encode("ascii", "replace"), ttl=COOKIE_SECONDS).decode()
        except (InvalidToken, ValueError):
            return None


def load_or_create_secret(data_dir: Path, configured: str) -> str:
    """Return the secret that was given, else the one kept in DATA_DIR with mode 0600, made on first use."""
    if configured:
        return configured
    path = data_dir / "cookie.secret"
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(32))
    return path.read_text()


def _write_once(path: Path, text: str) -> None:
    """Create a whole file that only its owner can read; the first of several processes wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
