"""What one server process shares between the page's sessions and the routes; set once by main.py."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ui.limits.owner_room import MAX_OWNER_BYTES, OwnerRoom
from ui.limits.rate_limit import Limits
from ui.login.rules import LoginRules
from ui.shared import temp_files
from ui.shared.cookie_crypto import CookieCipher
from ui.shared.one_time_tokens import OneTimeTokens
from ui.shared.upload_folder import UploadFolder

if TYPE_CHECKING:
    from lifecycle.runner import Runner

OWN_HEADER = "x-gemini-batch-runner"  # on every call that our own scripts make: another site cannot set it
FILE_NAME_HEADER = "x-file-name"  # the relative path of an uploaded file, percent-encoded: addresses end up in logs


@dataclass(frozen=True)
class CookieChange:
    """One cookie to set to an encrypted value, or to remove when `encrypted` is empty."""

    name: str
    encrypted: str


@dataclass(frozen=True)
class Download:
    """A finished file and the name under which a browser saves it."""

    path: Path
    filename: str
    media_type: str
    owner_id: str = ""


@dataclass(frozen=True)
class PictureFolder:
    """Files named by their SHA-256 that a page may show, and where small pictures of them are kept."""

    originals: Path
    thumbnails: Path
    owner_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class AppState:
    """The runner and everything else that outlives a browser session."""

    runner: Runner
    cookie_cipher: CookieCipher
    data_dir: Path
    key_from_environment: str = field(default="", repr=False)
    cookie_tokens: OneTimeTokens[tuple[CookieChange, ...]] = field(default_factory=lambda: OneTimeTokens(60))
    upload_tokens: OneTimeTokens[UploadFolder] = field(default_factory=lambda: OneTimeTokens(12 * 3600))
    download_tokens: OneTimeTokens[Download] = field(default_factory=lambda: OneTimeTokens(600))
    picture_tokens: OneTimeTokens[PictureFolder] = field(default_factory=lambda: OneTimeTokens(12 * 3600))
    stopping: threading.Event = field(default_factory=threading.Event)
    limits: Limits = field(default_factory=Limits)
    login: LoginRules = field(default_factory=LoginRules)
    owner_disk_bytes: int = MAX_OWNER_BYTES
    try_first_usd: float = 5.0  # from which expected cost on a few rows are tried first, unless a person says otherwise

    @cached_property
    def owner_room(self) -> OwnerRoom:
        """How much of the disk is taken by what each owner gave, had checked, and exported."""
        return OwnerRoom(self.uploads, self.drafts, self.exports, max_bytes=self.owner_disk_bytes)

    def new_export(self, owner_id: str, suffix: str) -> Path:
        """A path of its own for an export. Raises InputError if the owner's room is used up."""
        self.owner_room.require(owner_id)
        return temp_files.new_path(self.exports, suffix, owner_id)

    def delete_stale(self) -> None:
        """Remove what visitors left behind: texts after a month, all else after a day."""
        temp_files.delete_stale(self.uploads, self.drafts, self.exports)
        temp_files.delete_stale(self.typed, max_age_seconds=temp_files.TYPED_AGE_SECONDS)

    def withdraw_tickets(self, owner_id: str) -> None:
        """Have no address work any more that was given out for an owner's files."""
        self.upload_tokens.withdraw(lambda folder: folder.owner_id == owner_id)
        self.download_tokens.withdraw(lambda download: download.owner_id == owner_id)
        self.picture_tokens.withdraw(lambda pictures: pictures.owner_id == owner_id)

    @property
    def uploads(self) -> Path:
        """Where uploaded files lie until they are submitted or discarded."""
        return self.data_dir / "uploads"

    @property
    def drafts(self) -> Path:
        """Where the runner keeps inputs that were checked and not yet submitted."""
        return self.data_dir / "drafts"

    @property
    def typed(self) -> Path:
        """Where what was typed is kept for a reload."""
        return self.data_dir / "typed"

    @property
    def exports(self) -> Path:
        """Where exports lie until they are fetched."""
        return self.data_dir / "exports"


_current: list[AppState] = []


def set_state(state: AppState) -> None:
    """Make `state` the process's; the last one set counts."""
    _current[:] = [state]


def get_state() -> AppState:
    """Return the process's state. There is one as soon as main.py was imported."""
    return _current[0]
