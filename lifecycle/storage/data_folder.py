"""One database, one data folder: replicas that share the database must share the folder too."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import ArgumentError, DBAPIError

from batch.errors import InputError
from lifecycle.core.run_files import DRAFT
from lifecycle.storage.availability import StoreUnavailable
from lifecycle.storage.store import Store

ID_FILE, INSTALLATION_FILE = "data-folder-id", "installation-id"
log = logging.getLogger("gemini_batch_runner")


def make_private(folder: Path) -> None:
    """Make the data folder, or narrow it, so that nobody else of this computer can look in. Raises OSError.

    One that cannot be narrowed, or that is everybody's (such as /tmp), is left as it is and warned of.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = folder.stat().st_mode
    if os.name != "posix" or not mode & 0o077:
        return
    try:
        if mode & stat.S_ISVTX:
            raise PermissionError("it is shared by all users")
        folder.chmod(0o700)
    except OSError as error:
        log.warning("DATA_DIR (%s) can be read by other users of this computer: %s", folder, error.strerror or error)


def open_store(url: str, folder: Path, *, adopting: bool = False) -> Store:
    """The store of a database, held to the data folder it was first used with. Raises InputError for another one,
    for a database that cannot be opened, and for an empty one beside folders of runs, unless they are being adopted.
    A SQLite file that cannot be written to is opened for reading.

    The mark is in the folder before the database knows it, so a process that dies in between locks nobody out.
    """
    store = _connect(url, 0 if adopting else count_run_folders(folder), is_read_only(url, folder))
    folder_id = _folder_id(folder)
    if store.get_or_create_setting("data_folder", lambda: folder_id) == folder_id:
        return store
    store.close()
    raise InputError(
        f"DATA_DIR ({folder}) is not the folder that this database belongs with.",
        "All replicas on one DATABASE_URL must share one DATA_DIR volume, and it moves together with the database.",
    )


def count_run_folders(folder: Path) -> int:
    """How many folders of runs there are, whether or not a database knows them."""
    runs = folder / "runs"
    return sum(1 for run in runs.iterdir() if (run / DRAFT).exists()) if runs.is_dir() else 0


def is_read_only(url: str, folder: Path) -> bool:
    """Whether the database is a file that is there, and that cannot be written to."""
    path = Path(url.removeprefix("sqlite:///"))
    if not url.startswith("sqlite") or not path.exists():
        return False
    return not all(os.access(place, os.W_OK) for place in (path, path.parent, folder))


def _connect(url: str, run_folders: int, read_only: bool) -> Store:
    try:
        return Store(url, run_folders=run_folders, read_only=read_only)
    except StoreUnavailable as error:
        raise InputError(
            f"The database cannot be opened: {error.cause}.", "Check DATABASE_URL and DATA_DIR."
        ) from error
    except (ArgumentError, DBAPIError, OSError) as error:
        error_lines = str(getattr(error, "orig", None) or error).strip().splitlines()
        cause = error_lines[0] if error_lines else type(error).__name__
        raise InputError(f"The database cannot be opened: {cause}.", "Check DATABASE_URL and DATA_DIR.") from error


def installation_id(store: Store, folder: Path) -> str:
    """What tells this installation's things at Google from others': kept in the folder too, for when the database is
    lost."""
    path = folder / INSTALLATION_FILE
    known = path.read_text(encoding="ascii").strip() if path.exists() else ""
    made = store.get_or_create_setting("installation", lambda: known or secrets.token_hex(4))
    if made != known:
        with suppress(OSError):
            path.write_text(made, encoding="ascii")
    return made


def _folder_id(folder: Path) -> str:
    """What tells this folder from others, made at its first use; it appears whole, whoever is quicker."""
    path = folder / ID_FILE
    if not path.exists():
        temp_path = folder / f"{ID_FILE}.{secrets.token_hex(4)}"
        temp_path.write_text(secrets.token_hex(16), encoding="ascii")
        with suppress(FileExistsError):
            os.link(temp_path, path)
        temp_path.unlink()
    return path.read_text(encoding="ascii")
