"""Uploads of one browser session: a folder on the server's disk, how much it takes, and under which names."""

from __future__ import annotations

import filecmp
import re
import secrets
import threading
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

MAX_FILE_BYTES = 2 * 1024**3
MAX_FOLDER_BYTES = 8 * 1024**3
MAX_FILES = 20_000
MAX_DEPTH = 16
MAX_NAME_BYTES = 200
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\ud800-\udfff]')


class UploadRefused(Exception):
    """A file that is not taken, and why in one sentence for the user."""


@dataclass
class UploadFolder:
    """A folder that takes files until its room is used up. Thread-safe: a browser sends several files at once.

    What is whole lies in `kept`, what still arrives beside it. Without an owner nothing can be sent to it.
    """

    path: Path
    owner_id: str = ""
    used_bytes: int = 0
    used_files: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def kept(self) -> Path:
        """The folder of the files that are whole, in folders as the browser gave them."""
        return self.path / "files"

    def reserve(self, size_bytes: int = 0, files: int = 0) -> None:
        """Take room for so much more. Raises UploadRefused, and takes nothing, if there is not enough."""
        with self._lock:
            if self.used_files + files > MAX_FILES:
                raise UploadRefused(f"More than {MAX_FILES:,} files cannot be uploaded at once. Use the terminal.")
            if self.used_bytes + size_bytes > MAX_FOLDER_BYTES:
                raise UploadRefused("Together the files are over 8 GB. Send them in parts, or use the terminal.")
            self.used_bytes += size_bytes
            self.used_files += files

    def release(self, size_bytes: int, files: int = 0) -> None:
        """Give room back: of a file that did not arrive."""
        with self._lock:
            self.used_bytes -= size_bytes
            self.used_files -= files

    def new_partial(self) -> Path:
        """Where a file lies while it arrives."""
        folder = self.path / "arriving"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / secrets.token_hex(12)

    def keep(self, partial: Path, name: str) -> Path:
        """Move a file that is whole under its name, which must be safe; returns where it is.

        A file that is there already is kept once; another one of the same name gets a number.
        """
        wanted = self.kept / name
        with self._lock:
            target, number = wanted, 2
            while target.exists():
                if target.is_file() and filecmp.cmp(target, partial, shallow=False):
                    self.used_bytes -= partial.stat().st_size
                    self.used_files -= 1
                    partial.unlink()
                    return target
                target, number = wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}"), number + 1
            target.parent.mkdir(parents=True, exist_ok=True)
            return partial.replace(target)

    def files(self) -> list[Path]:
        """All files that arrived whole, in no order."""
        return [path for path in self.kept.rglob("*") if path.is_file()]


def safe_name(given: str) -> str:
    """A relative path as the browser gave it, in a form that every disk takes and that stays inside its folder.

    Raises UploadRefused for one that leads out of it, or that names nothing.
    """
    segments = [segment for segment in given.replace("\\", "/").split("/") if segment.strip() not in ("", ".")]
    if not segments or any(segment.strip() == ".." for segment in segments):
        raise UploadRefused("The file's name leads out of its folder. Rename it.")
    if len(segments) > MAX_DEPTH:
        raise UploadRefused(f"The file lies more than {MAX_DEPTH} folders deep. Choose a folder further in.")
    return str(PurePosixPath(*map(_safe_segment, segments)))


def _safe_segment(segment: str) -> str:
    text = _NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", segment)).strip().rstrip(". ")
    text = text.lstrip(".") or "_"  # hidden files would be overlooked
    suffix = PurePosixPath(text).suffix[:20]
    stem = text.removesuffix(suffix) if suffix else text
    room = MAX_NAME_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore") + suffix
