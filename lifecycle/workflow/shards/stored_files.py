"""The files of an account at Google, as its list shows them: found by name, metered against the storage, deleted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from batch.errors import ApiError
from batch.responses import service_errors
from gemini.wire import timestamp
from lifecycle.core.run_records import UploadRecord, UploadState
from lifecycle.storage.store import Store
from lifecycle.storage.upload_ledger import UploadLedger

if TYPE_CHECKING:
    from gemini.client import GeminiClient

STATES = {"PROCESSING": UploadState.PROCESSING, "FAILED": UploadState.FAILED}
UPLOAD_MARK = "file-"  # behind the installation's prefix, where a run's things have the run's id


@dataclass(frozen=True)
class StoredFile:
    """A file at Google."""

    name: str
    display_name: str
    size_bytes: int
    sha256: str
    uri: str
    state: UploadState
    error: str
    expire_at: float | None


def upload_name(prefix: str, sha256: str, attempt: int) -> str:
    """The display name of an uploaded content: the same whoever uploads it."""
    return f"{prefix}{UPLOAD_MARK}{sha256}-{attempt}"


def parse_file(body: dict[str, Any]) -> StoredFile:
    """Read a file of the list, of a look, or of an upload's reply. One whose state is not told can be used."""
    expire_at = timestamp(body.get("expirationTime"))
    error = body.get("error")
    return StoredFile(
        name=str(body.get("name") or ""),
        display_name=str(body.get("displayName") or ""),
        size_bytes=int(str(body.get("sizeBytes") or 0)),
        sha256=_hex_digest(str(body.get("sha256Hash") or "")),
        uri=str(body.get("uri") or ""),
        state=STATES.get(str(body.get("state") or ""), UploadState.ACTIVE),
        error=str(error.get("message") or "") if isinstance(error, dict) else "",
        expire_at=expire_at.timestamp() if expire_at else None,
    )


def record_values(file: StoredFile) -> dict[str, Any]:
    """What the ledger keeps of a file."""
    return {
        "name": file.name,
        "uri": file.uri,
        "state": file.state,
        "error": file.error,
        "expire_at": file.expire_at,
    }


class FileListing:
    """Google's list of files, over all pages; read at the first need."""

    def __init__(self, client: GeminiClient) -> None:
        self._client = client

    @cached_property
    def files(self) -> list[StoredFile]:
        return [parse_file(body) for body in self._client.list_files()]

    @cached_property
    def by_name(self) -> dict[str, StoredFile]:
        return {file.name: file for file in self.files}

    def named(self, display_name: str) -> list[StoredFile]:
        return [file for file in self.files if file.display_name == display_name]

    def match(self, record: UploadRecord) -> StoredFile | None:
        """The file that an earlier upload of a content has left, whole: by its name, its size and its hash."""
        for file in self.named(record.display_name):
            same = (file.size_bytes, file.sha256) == (record.size_bytes, record.sha256)
            if same and file.state != UploadState.FAILED:
                return file
        return None


def look(client: GeminiClient, name: str) -> StoredFile | None:
    """A file as it is now; None if it is gone."""
    try:
        return parse_file(client.get_file(name))
    except ApiError as error:
        if not service_errors.is_gone(error):
            raise
        return None


def delete_unneeded(client: GeminiClient, store: Store, owner_id: str) -> int:
    """Delete the uploads of an owner that no shard needs; returns how many. What fails now is tried again later."""
    ledger, listing = UploadLedger(store, owner_id), FileListing(client)
    records = ledger.end_unneeded()
    for record in records:
        names = {record.name} if record.name else set()
        if record.begun > 1 or not record.name:  # one that was cut short may have arrived all the same
            names |= {file.name for file in listing.named(record.display_name)}
        for name in names:
            _delete(client, name)
        ledger.close(record)
    return len(records)


def delete_strays(client: GeminiClient, store: Store, owner_id: str, prefix: str) -> int:
    """Delete second files of uploads that the ledger knows: of ones that were cut short and arrived late.

    What it does not know at all may be needed by a copy of this data folder, and expires by itself.
    """
    known = UploadLedger(store, owner_id).by_display_name()
    strays = list(_strays(FileListing(client).files, known, f"{prefix}{UPLOAD_MARK}"))
    for file in strays:
        _delete(client, file.name)
    return len(strays)


def _strays(files: Iterable[StoredFile], known: dict[str, UploadRecord], mark: str) -> Iterator[StoredFile]:
    for file in files:
        record = known.get(file.display_name) if file.display_name.startswith(mark) else None
        if record is not None and record.state != UploadState.INTENDED and file.name != record.name:
            yield file


def _delete(client: GeminiClient, name: str) -> None:
    """That it is gone already is no reason to stop."""
    try:
        client.delete_file(name)
    except ApiError as error:
        if not service_errors.is_permanent(error):
            raise


def _hex_digest(text: str) -> str:
    """A SHA-256 in hexadecimal: the service shows base64 of the hexadecimal digits (recorded 2026-08-19)."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == 32 else raw.decode("ascii", "replace").lower()
