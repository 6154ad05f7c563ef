"""Where real things are plugged together: settings in, Runner out. Used by the page and the terminal alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from batch.errors import InputError
from batch.pricing import catalog
from gemini.emulator_process import EmulatorProcess
from lifecycle.core import malloc
from lifecycle.runner import Runner, Setup
from lifecycle.storage.data_folder import make_private
from settings import Settings

if TYPE_CHECKING:
    from lifecycle.storage.copies.backup import Manifest


def restore(settings: Settings, backup: Path) -> Manifest:
    """Put a copy of `backup` back where these settings point, which must be empty. Raises InputError."""
    from lifecycle.storage.copies.backup import restore_backup

    return restore_backup(backup, settings.database, settings.data_dir)


def open_runner(settings: Settings, *, adopting: bool = False) -> Runner:
    """A Runner for these settings, not started. Raises InputError naming the setting that cannot be used.

    `adopting` opens it beside folders of runs that its database does not know.
    """
    malloc.limit_arenas()
    try:
        make_private(settings.data_dir)
    except OSError as error:
        message = f"DATA_DIR ({settings.data_dir}) cannot be used: {error.strerror}."
        raise InputError(message, "Choose a folder that can be written to.") from error
    emulator = EmulatorProcess(settings.data_dir / "emulator", settings.rehearsal_pace)
    return Runner(
        Setup(
            data_dir=settings.data_dir,
            database_url=settings.database,
            catalog=catalog.load(_read_catalog_file(settings.catalog_file)),
            rehearsal_url=emulator.base_url,
            base_url=settings.google_gemini_base_url,
            api_version=settings.gemini_api_version,
            env_key=settings.gemini_api_key,
            request_timeout_seconds=settings.request_timeout_seconds,
            settle_seconds=settings.settle_seconds,
            lease_seconds=settings.lease_seconds,
            workers=settings.workers,
            tier=settings.gemini_tier,
            retention_days=settings.run_retention_days,
            user_monthly_usd=settings.user_monthly_usd,
            adopting=adopting,
        )
    )


def _read_catalog_file(path: str) -> str | None:
    if not path:
        return None
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"CATALOG_FILE cannot be read: {error.strerror}.", "Correct its path, or leave it empty."
        ) from error
