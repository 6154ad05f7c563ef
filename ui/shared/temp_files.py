"""Uploads and exports on the server's disk: where they lie, and when they go."""

from __future__ import annotations

import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from lifecycle.core.run_files import owner_folder_name

MAX_AGE_SECONDS = 86_400
TYPED_AGE_SECONDS = 30 * 86_400  # texts are small, and nobody can give them again


def new_path(folder: Path, suffix: str, owner_id: str = "") -> Path:
    """A path of its own in `folder`, named by its owner and chance; `suffix` keeps only a file name's ending."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{owner_folder_name(owner_id, secrets.token_hex(12))}{Path(f'x{suffix}').suffix}"


def delete_stale(*folders: Path, max_age_seconds: float = MAX_AGE_SECONDS) -> None:
    """Remove files and folders that nobody fetched, submitted or added to for so long."""
    cutoff = time.time() - max_age_seconds
    for path in (path for folder in folders if folder.is_dir() for path in folder.iterdir()):
        with suppress(OSError):  # it may be taken, or removed, just now
            if _changed_at(path) < cutoff:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _changed_at(path: Path) -> float:
    """When a file, or a folder or what lies directly in it, was last written."""
    inner = path.iterdir() if path.is_dir() else ()
    return max(float(item.stat().st_mtime) for item in (path, *inner))
