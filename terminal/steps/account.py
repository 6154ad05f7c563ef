"""Whose runs a verb works on: the key's, or the rehearsal identity's."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from batch.errors import KeyMissing
from lifecycle.core.models import Account
from lifecycle.runner import Runner


def account_of_caller(runner: Runner, options: argparse.Namespace, api_key: str) -> Account | None:
    """Who is asking; None for a verb that can do without a key when there is none."""
    if options.rehearse:
        return runner.accounts.register_rehearsal(_rehearsal_identity(runner.data_dir))
    if not api_key:
        if getattr(options, "keyless", False):
            return None
        raise KeyMissing("There is no API key.", "Set GEMINI_API_KEY, or rehearse without one: --rehearse.")
    return runner.accounts.register_key(api_key)


def _rehearsal_identity(data_dir: Path) -> str:
    """The terminal's own rehearsal identity, made once for a data folder."""
    path = data_dir / "rehearsal-identity"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"rehearsal-{secrets.token_hex(16)}", encoding="ascii")
    return path.read_text(encoding="ascii").strip()
