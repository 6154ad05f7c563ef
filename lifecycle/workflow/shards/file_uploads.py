"""The files that a shard's requests name: uploaded once a content, waited for, kept while they are needed.

Intent first, then look, then upload: a content whose upload was cut short is looked for by its name, and taken over
where size and hash are those of the whole. A job names files that have most of their 48 hours before them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import orjson

from batch.errors import ApiError
from batch.formatting import plural
from batch.media.blob_parts import BlobPart, cut_at_blobs
from batch.model import Stage
from batch.planning.file_delivery import size_text
from batch.responses import service_errors
from batch.responses.error_rules import Treatment
from lifecycle.core.run_files import BLOBS
from lifecycle.core.run_progress import Backoff, StorageUse
from lifecycle.core.run_records import ShardRecord, ShardStage, UploadRecord, UploadState
from lifecycle.core.transport import UploadCount
from lifecycle.sending.delivery import read_uploads
from lifecycle.storage.upload_ledger import CLOSED, UploadLedger
from lifecycle.workflow.shards.context import StageContext, StageFailed, StageResult
from lifecycle.workflow.shards.stored_files import (
    FileListing,
    StoredFile,
    delete_unneeded,
    look,
    parse_file,
    record_values,
    upload_name,
)

UPLOADS_AT_ONCE = 4
SLICE_SECONDS = 10.0  # of uploading, before jobs that run are looked at
NEEDED_LIFE_SECONDS = 24 * 3600.0  # that a file must have left when a job is to name it: Google's target for a job
MAX_REFUSALS = 2  # of a content in a row, before that is believed
MAX_LOSSES = 10  # looks in a row that find a file gone which was uploaded just before
OTHERS_AT_WORK_SECONDS = 2.0
MAX_POLL_SECONDS = 30.0
LIST_FROM = 20  # files that are being processed: from here on the list is asked rather than each of them
COUNT_AGAIN_SECONDS = 60.0
ROOM_SECONDS = 30.0
CACHE_USES = -1  # as a shard's number: files that a cache of the run was made of


class FilesPending(Exception):
    """Not all files can be named yet; `result` says how long to wait, and for what."""

    def __init__(self, result: StageResult) -> None:
        super().__init__(result.note)
        self.result = result


def register(ctx: StageContext, shard: ShardRecord) -> dict[str, str]:
    """Record which uploads a shard needs; returns the type of each content. What is read is the shard's own file."""
    uploads = read_uploads(ctx.folder)
    if not uploads:
        return {}
    needed: dict[str, str] = {}
    with ctx.shard_path(shard.n).open("rb") as lines:
        for line in lines:
            needed |= _types(line, uploads)
    ledger = UploadLedger(ctx.store, ctx.run.owner_id)
    ledger.add_needs(ctx.id, ctx.run.token, shard.n, needed)
    shared = _types_of_caches(ctx, shard, uploads)
    if shared:
        ledger.add_needs(ctx.id, ctx.run.token, CACHE_USES, shared)
    return needed | shared


def ensure_active(ctx: StageContext, shard: ShardRecord) -> dict[str, str]:
    """The address of each file that a shard's requests name, by content: all can be used now.

    Raises FilesPending, and ApiError where an upload did not go through.
    """
    types = register(ctx, shard)
    if not types:
        return {}
    work = _Work(ctx, shard, types)
    work.check_room()
    work.upload_missing()
    work.await_processing()
    work.fail_unusable()
    work.ledger.bind(ctx.id, ctx.run.token, shard.n, work.records.values())
    ctx.progress.uploads, ctx.progress.upload_losses = None, 0
    return {sha256: record.uri for sha256, record in work.records.items()}


def release_ended(ctx: StageContext, shards: list[ShardRecord]) -> None:
    """Delete the files that no shard needs any more, to make room for the next."""
    if read_uploads(ctx.folder):
        closed = [
            shard.n
            for shard in shards
            if shard.stage not in (ShardStage.WAITING, ShardStage.INTENDED, ShardStage.SUBMITTED)
        ]
        UploadLedger(ctx.store, ctx.run.owner_id).drop_needs(ctx.id, ctx.run.token, closed)
        delete_unneeded(ctx.client, ctx.store, ctx.run.owner_id)
        ctx.progress.storage = None


def release_all(ctx: StageContext) -> None:
    """Delete the files of a run that ends, but for those that others need."""
    if read_uploads(ctx.folder):
        UploadLedger(ctx.store, ctx.run.owner_id).drop_needs(ctx.id, ctx.run.token)
        delete_unneeded(ctx.client, ctx.store, ctx.run.owner_id)


class _Work:
    """One look at a shard's files: `records` are their newest uploads, `missing` those that are to be made."""

    def __init__(self, ctx: StageContext, shard: ShardRecord, types: Mapping[str, str]) -> None:
        self._ctx, self._shard, self._types = ctx, shard, types
        self.ledger = UploadLedger(ctx.store, ctx.run.owner_id)
        self._listing = FileListing(ctx.client)
        self.records = self.ledger.newest(types)
        self._discover_lost()
        self.missing = [record for sha256 in types if (record := self._to_upload(sha256))]
        self._count()

    # -- what there is -------------------------------------------------------------------------------------------

    def _to_upload(self, sha256: str) -> UploadRecord | None:
        """The upload that a content needs; None where there is one that will do."""
        known = self.records.get(sha256)
        if known is None:
            return self._intended(sha256, 0)
        if known.state in (UploadState.PROCESSING, UploadState.ACTIVE):
            return None if self._lives_long_enough(known) else self._intended(sha256, known.attempt + 1)
        if known.state in CLOSED:
            return self._intended(sha256, known.attempt + 1)
        return known if known.state == UploadState.INTENDED else None

    def _intended(self, sha256: str, attempt: int) -> UploadRecord:
        return UploadRecord(
            owner_id=self._ctx.run.owner_id,
            sha256=sha256,
            attempt=attempt,
            mime_type=self._types[sha256],
            size_bytes=self._path(sha256).stat().st_size,
            display_name=upload_name(self._ctx.prefix, sha256, attempt),
        )

    def _lives_long_enough(self, record: UploadRecord) -> bool:
        needed = max(NEEDED_LIFE_SECONDS, min(40 * 3600.0, 2 * 3600.0 * self._ctx.progress.assumed.hours))
        return record.expire_at is None or record.expire_at - self._ctx.server_now().timestamp() > needed

    def _discover_lost(self) -> None:
        """Find out, when the list is read anyway, which files were deleted elsewhere."""
        if self._ctx.progress.storage is not None and self._counted_lately():
            return
        self._ctx.progress.storage = self._storage_use()
        alive = [r for r in self.records.values() if r.state in (UploadState.PROCESSING, UploadState.ACTIVE)]
        unseen = [record for record in alive if record.name not in self._listing.by_name]
        lost = [record for record in unseen if look(self._ctx.client, record.name) is None]
        for record in lost:
            self._record(record, state=UploadState.GONE)
        if lost:
            self._note_loss()

    def _note_loss(self) -> None:
        """Files that were there are gone. Raises StageFailed when that happens again and again."""
        self._ctx.log_event(_GONE, "warning")
        self._ctx.progress.upload_losses += 1
        if self._ctx.progress.upload_losses > MAX_LOSSES:
            raise StageFailed("Files that were uploaded are gone at Google again and again.")

    def _path(self, sha256: str) -> Path:
        return self._ctx.folder / BLOBS / sha256

    # -- room ----------------------------------------------------------------------------------------------------

    def check_room(self) -> None:
        """Wait until the project's storage has room for what is to be uploaded. Raises FilesPending."""
        needed = sum(record.size_bytes for record in self.missing)
        storage = self._ctx.progress.storage
        if not needed or storage is None:
            return
        ours, _ = self.ledger.stored_bytes()
        in_ledger = sum(r.size_bytes for r in self.missing if r.sha256 in self.records and r is self.records[r.sha256])
        used = storage.other_bytes + ours - in_ledger
        limit = self._ctx.options.limits.storage_bytes
        if used + needed <= limit or used <= self._alive_bytes():
            return  # with nothing there but this shard's own files there will never be more room: Google decides
        self._ctx.progress.storage = None  # counted anew at the next look
        delete_unneeded(self._ctx.client, self._ctx.store, self._ctx.run.owner_id)
        raise FilesPending(
            wait_for_room(
                self._ctx,
                f"Files of {size_text(used)} are at Google, of {size_text(limit)} that a project may have; "
                f"{size_text(needed)} more wait for room.",
            )
        )

    def _alive_bytes(self) -> int:
        alive = (UploadState.PROCESSING, UploadState.ACTIVE)
        return sum(record.size_bytes for record in self.records.values() if record.state in alive)

    def _counted_lately(self) -> bool:
        storage = self._ctx.progress.storage
        return storage is not None and self._ctx.now() - storage.counted_at < COUNT_AGAIN_SECONDS

    def _storage_use(self) -> StorageUse:
        _, ours = self.ledger.stored_bytes()
        others = sum(file.size_bytes for file in self._listing.files if file.name not in ours)
        return StorageUse(others, self._ctx.now())

    # -- uploading -----------------------------------------------------------------------------------------------

    def upload_missing(self) -> None:
        """Upload what is missing, a few at a time, for a while. Raises FilesPending if some of it is left."""
        if not self.missing:
            return
        self._say_progress()
        waiting, errors = list(reversed(self.missing)), list[ApiError]()
        deadline = time.monotonic() + SLICE_SECONDS
        left = len(waiting)
        with ThreadPoolExecutor(UPLOADS_AT_ONCE, "upload") as pool:
            while waiting and not errors and time.monotonic() < deadline and not self._is_cancelled():
                some = [waiting.pop() for _ in range(min(len(waiting), UPLOADS_AT_ONCE))]
                for future in as_completed([pool.submit(self._upload, record) for record in some]):
                    try:
                        left -= future.result()
                    except ApiError as error:
                        errors.append(error)
                self._count()
                self._say_progress()
        if errors:
            raise errors[0]
        if left:
            delay = 0.1 if waiting else OTHERS_AT_WORK_SECONDS  # what is not waiting is uploaded by another run
            raise FilesPending(StageResult(Stage.SUBMITTING, delay, self._note()))

    def _upload(self, wanted: UploadRecord) -> bool:
        """Upload one content, or take over what an earlier try has left; False while another run is at it."""
        for refusals in range(1, MAX_REFUSALS + 1):
            record = self.ledger.claim(self._ctx.id, self._ctx.run.token, wanted)
            if record is None:
                return False
            try:
                values = record_values(self._find_or_send(record))
            except ApiError as error:
                if not _is_refused(error):
                    raise
                if refusals < MAX_REFUSALS:
                    continue
                values = {"state": UploadState.FAILED, "error": error.service_text}
            self._record(record, **values)
            self.records[record.sha256] = record
            return True
        return False

    def _find_or_send(self, record: UploadRecord) -> StoredFile:
        """What an earlier try has left whole, or a new file."""
        if record.begun > 1 and (found := FileListing(self._ctx.client).match(record)):
            return found
        body = self._ctx.client.upload_file(self._path(record.sha256), record.display_name, record.mime_type)
        return parse_file(body)

    def _record(self, record: UploadRecord, **values: object) -> None:
        self.ledger.record(self._ctx.id, self._ctx.run.token, record, **values)

    def _is_cancelled(self) -> bool:
        row = self._ctx.store.run(self._ctx.id)
        return row is None or row.cancel

    # -- waiting -------------------------------------------------------------------------------------------------

    def await_processing(self) -> None:
        """Look at files that Google is processing. Raises FilesPending while there are any."""
        processing = [record for record in self.records.values() if record.state == UploadState.PROCESSING]
        listed = FileListing(self._ctx.client).by_name if len(processing) >= LIST_FROM else {}
        for record in processing:
            file = listed.get(record.name) or look(self._ctx.client, record.name)
            if file is None:
                self._record(record, state=UploadState.GONE)
            elif file.state != UploadState.PROCESSING:
                self._record(record, **record_values(file))
        if any(record.state == UploadState.GONE for record in processing):
            self._note_loss()
            raise FilesPending(StageResult(Stage.SUBMITTING, 1.0, _GONE))
        open_ = sum(record.state == UploadState.PROCESSING for record in processing)
        if not open_:
            self._ctx.progress.upload_polls = 0
            return
        delay = min(MAX_POLL_SECONDS, 2.0**self._ctx.progress.upload_polls)
        self._ctx.progress.upload_polls = min(10, self._ctx.progress.upload_polls + 1)
        note = f"Google is processing {plural(open_, 'file')}; the job is sent when they are ready."
        raise FilesPending(StageResult(Stage.SUBMITTING, delay, note))

    def fail_unusable(self) -> None:
        """Take rows out whose files Google cannot use. Raises FilesPending: the shard has others in its place."""
        reasons = {r.sha256: r.error for r in self.records.values() if r.state == UploadState.FAILED}
        if not reasons:
            return
        from lifecycle.workflow.shards.failed_files import fail_rows  # brings Arrow: who only lists runs does without

        if fail_rows(self._ctx, self._shard, reasons):
            raise FilesPending(StageResult(Stage.SUBMITTING))
        for sha256 in reasons:  # only a cache has them: it is refused when it is made
            self.records.pop(sha256)

    # -- what is told --------------------------------------------------------------------------------------------

    def _count(self) -> None:
        """How far the shard's files are."""
        done = [r for r in self.records.values() if r.state in (UploadState.PROCESSING, UploadState.ACTIVE)]
        sizes = {sha256: self._path(sha256).stat().st_size for sha256 in self._types}
        self._ctx.progress.uploads = UploadCount(
            len(sizes), sum(sizes.values()), len(done), sum(sizes[record.sha256] for record in done)
        )

    def _note(self) -> str:
        return (self._ctx.progress.uploads or UploadCount(0, 0)).describe()

    def _say_progress(self) -> None:
        self._ctx.update_run(note=self._note())
        self._ctx.save()


_GONE = "An uploaded file is gone at Google; it is uploaded again."


def is_storage_full(error: ApiError) -> bool:
    """Whether a refusal says that the project's storage is full, rather than that calls come too fast."""
    text = (error.service_text or str(error)).lower()
    return service_errors.treatment(error) is Treatment.AWAIT_ROOM and ("file_storage" in text or "filestorage" in text)


def wait_for_room(ctx: StageContext, reason: str) -> StageResult:
    """The storage is full: the run says so once, and looks again from time to time."""
    if ctx.progress.backoff.reason not in ("full", "paused"):
        ctx.progress.backoff = Backoff(reason="full")
        ctx.log_event(f"The next job waits for room for its files. {reason}", "warning")
    return StageResult(Stage.SUBMITTING, ROOM_SECONDS, reason)


def _types(text: bytes, uploads: frozenset[str]) -> dict[str, str]:
    """The type of each content that a JSON text names and that is uploaded."""
    blobs = [piece for piece in cut_at_blobs(text) if isinstance(piece, BlobPart)]
    return {blob.sha256: blob.mime_type for blob in blobs if blob.sha256 in uploads}


def _types_of_caches(ctx: StageContext, shard: ShardRecord, uploads: frozenset[str]) -> dict[str, str]:
    """The same of the caches that a shard needs."""
    if not shard.groups:
        return {}
    from lifecycle.planning.plan_files import read_body  # brings Arrow, which who only lists runs does without

    return {
        sha256: mime_type
        for group in shard.groups
        for sha256, mime_type in _types(orjson.dumps(read_body(ctx.folder, group)), uploads).items()
    }


def _is_refused(error: ApiError) -> bool:
    """Whether Google refuses this file, whoever sends it and when."""
    explanation = service_errors.classify_api_error(error)
    return (
        error.status == 400
        and error.status_word == "INVALID_ARGUMENT"
        and (explanation is None or explanation.treatment is Treatment.CHANGE)
    )
