"""Take up the folder of a run that the database does not know: it was emptied, or the run is from another computer."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from batch.errors import InputError
from batch.model import Stage
from lifecycle.core.models import Account
from lifecycle.core.run_records import RunRecord
from lifecycle.storage.copies import run_record
from lifecycle.storage.store import Store

RUN_ID = re.compile("r[0-9a-f]{12}")


def adopt_folder(store: Store, runs: Path, account: Account, identity: str, folder: Path) -> RunRecord:
    """Record the run of a folder as the account's own, and return it; a folder from elsewhere is copied into `runs`.

    A run that had not ended goes on from where it was. Raises InputError for a folder that cannot be taken up.
    """
    stored = run_record.read(folder)
    run = stored.run
    if not RUN_ID.fullmatch(run.id):
        raise InputError(f"{folder} is not the folder of a run.", "Name a folder under DATA_DIR/runs.")
    if run.rehearsal != account.rehearsal:
        wanted = "a rehearsal: add --rehearse" if run.rehearsal else "a run under a key: leave --rehearse out"
        raise InputError(f"{folder} is {wanted}.", "")
    if store.run(run.id) is not None:
        raise InputError(f"Run {run.id} is known already.", "`show` tells of it.")
    if folder.resolve() != (runs / run.id).resolve():
        _copy(folder, runs / run.id)
    run = replace(run, owner_id=account.owner_id, identity=identity, token="", lease_until=0.0, due_at=0.0)
    store.add_whole_run(run, stored.shards, stored.caches, stored.events)
    store.add_event(run.id, "The folder of the run was taken up again.")
    return run


def is_under_way(run: RunRecord) -> bool:
    """Whether the run had not ended."""
    return run.stage != Stage.FINISHED


def _copy(source: Path, target: Path) -> None:
    """Copy a folder whole or not at all; links in it are left out, since they may lead anywhere."""
    if target.exists():
        raise InputError(f"There is a folder {target} already.", "Name that one, or move it away.")
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        shutil.copytree(source, part, ignore=_links)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise InputError(f"{source} cannot be copied: {error}.", "Make room, and try again.") from error
    part.rename(target)


def _links(folder: str, names: Sequence[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_symlink()]
