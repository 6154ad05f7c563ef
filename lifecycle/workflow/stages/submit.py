"""Stage `submitting`: one batch job for each shard, and never two.

Intent first, then look, then create. Creating a batch is not idempotent at Google (Batch API guide, "Submit jobs
once"), so a create is sent only when no job of the shard's display name is listed and no earlier create can still
show up in the list; after an ambiguous reply nothing is sent until that time has passed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import xxhash

from batch.errors import ApiError
from batch.model import SendAs, Stage
from batch.responses import service_errors
from batch.responses.service_errors import Refusal
from gemini.wire import file_batch, inline_batch, operation, timestamp
from lifecycle.core import job_age
from lifecycle.core.polling import back_off
from lifecycle.planning import quota
from lifecycle.storage.store import Row
from lifecycle.workflow.shards import canary, run_caches, split_shard, uncached_rows
from lifecycle.workflow.shards.batch_jobs import UNDER_WAY, Listing, adopt, record, settle
from lifecycle.workflow.shards.context import Failed, Step, Work
from lifecycle.workflow.stages import poll as poll_stage

LOOK_AGAIN_SECONDS = 2.0
LOOKS = 2  # at the list after a create without a reply, in time for it to show up, before it is sent again
REFUSALS = 4  # of a job that is alone at Google, before it is taken to be too large and cut in two
FULL_SECONDS = 10.0  # until our own meter is read again
SLOWEST_TRY_SECONDS = 300.0  # between creates that are refused for want of room


def run(work: Work) -> Step:
    """Send what can be sent now; jobs already sent are watched meanwhile."""
    shards, listing = work.shards(), Listing(work)
    held = canary.hold(work, shards)
    for shard in sorted(shards, key=lambda shard: canary.waits(work, shard)):
        if canary.waits(work, shard):
            return _watching(work, shards, held or Step(Stage.SUBMITTING))
        if shard["stage"] in ("waiting", "intended"):
            wait = _submit(work, shard, listing)
            if wait is not None:
                return _watching(work, shards, wait)
    for name in ("capacity", "retry_at", "refusals", "not_before"):
        work.data.pop(name, None)
    return Step(Stage.RUNNING)


def _watching(work: Work, shards: list[Row], wait: Step) -> Step:
    """Watch the jobs already sent; one that ends makes room, so the next is tried at once."""
    watched = poll_stage.watch(work, shards)
    if watched.ended:
        work.data["retry_at"] = work.data.get("not_before", 0.0)
        work.data.pop("refusals", None)
        return wait._replace(delay=0.1)
    return wait._replace(delay=min(wait.delay, watched.delay)) if watched.open else wait


def _submit(work: Work, shard: Row, listing: Listing) -> Step | None:
    """Give a shard its job. None when it has one or needs none; else how long to wait, and why."""
    try:
        unsettled = settle(work, shard)
        if not shard["settle_at"] and not work.cancelled and (wait := _held_back(work, shard)):
            return wait
        found = listing.of(shard) if shard["creates"] or not work.cancelled else []
    except ApiError as error:
        if error.permanent and not _anything_sent(work):
            raise Failed(f"{error} {error.remedy}".strip()) from None
        raise
    if found:
        adopt(work, shard, found)
        return None
    if unsettled or _unsure(work, shard):
        words = "No reply to a submission; looking whether Google has the job."
        return Step(Stage.SUBMITTING, LOOK_AGAIN_SECONDS, words)
    if work.cancelled:
        work.set_shard(shard, stage="unsent")
        return None
    if split_shard.too_large(work, shard, _cap(work)):
        split_shard.divide(work, shard, int(_cap(work) or 0))
        return Step(Stage.SUBMITTING)
    return _create(work, shard, listing)


def _anything_sent(work: Work) -> bool:
    return any(shard["creates"] for shard in work.shards())


def _unsure(work: Work, shard: Row) -> bool:
    """Whether one more look is needed, because a list may be cut short, before a create without a reply is repeated."""
    if not shard["settle_at"]:
        return False
    work.set_shard(shard, misses=int(shard["misses"]) + 1)
    return int(shard["misses"]) < LOOKS


def _held_back(work: Work, shard: Row) -> Step | None:
    """Wait while the last refusal forbids a try, or while as much is under way as can be."""
    left = float(work.data.get("retry_at", 0.0)) - work.clock()
    if left > 0:
        return Step(Stage.SUBMITTING, left, str(work.row["note"]))
    owner, limits = str(work.row["owner"]), work.options.limits
    meter = quota.read(work.store, owner, work.model, shard, work.clock())
    why = quota.full(meter, int(shard["tokens"]), _cap(work), limits.jobs)
    if not why:
        return None
    work.data["capacity"] = "full"
    return Step(Stage.SUBMITTING, FULL_SECONDS, why)


def _cap(work: Work) -> int | None:
    listed = work.options.enqueued_tokens(work.model)
    return quota.enqueued_cap(work.store, str(work.row["owner"]), work.model, listed, work.clock())


def _create(work: Work, shard: Row, listing: Listing) -> Step | None:
    """Send one create, having recorded that it is about to be sent."""
    if shard["groups"] and work.data.get("without_caches"):
        uncached_rows.rewrite(work, shard)
    try:
        caches = run_caches.ensure(work, shard) if shard["groups"] else {}
    except run_caches.NotYet:
        return Step(
            Stage.SUBMITTING, LOOK_AGAIN_SECONDS, "No reply to a cache's creation; looking whether it is there."
        )
    except run_caches.Refused as refusal:
        wait = run_caches.refused(work, refusal)
        if wait is None:
            uncached_rows.rewrite(work, shard, None if work.data["without_caches"] else {refusal.group})
        return wait or Step(Stage.SUBMITTING)
    try:
        body = _body(work, shard, caches)
    except ApiError as error:
        return _refused(work, error, "The upload", quota.STORAGE if error.status == 429 else "")
    if shard["settle_at"]:
        work.data["repeated"] = True
    try:
        work.set_shard(shard, stage="intended", creates=int(shard["creates"]) + 1, settle_at=UNDER_WAY, misses=0)
        timeout = work.options.create_timeout
        work.hold(timeout + min(10.0, timeout))
        made = operation(work.gateway.create_batch(work.model, body))
        if not made.name:
            raise ApiError("The reply names no job.", reason="MALFORMED", ambiguous=True)
    except ApiError as error:
        work.set_shard(shard, settle_at=work.clock() + work.options.settle if error.ambiguous else 0.0)
        if error.ambiguous:
            words = f"{error} Looking whether Google has the job before anything is sent again."
            return Step(Stage.SUBMITTING, 1.0, words)
        if _input_gone(work, shard, error):
            work.set_shard(shard, file_name="")
            return Step(Stage.SUBMITTING, 1.0, "The uploaded file had expired; it is uploaded again.")
        if error.status == 429:
            return _no_room(work, shard, error, listing)
        return _refused(work, error, "The submission")
    _made(work, shard)
    record(work, shard, made)
    work.tell(f"Job {made.name} was created for {shard['rows']:,} requests.")
    return None


def _made(work: Work, shard: Row) -> None:
    """A create went through: whatever was held against the next one is void."""
    if work.data.get("refusals"):  # so cancelled jobs, if there are any, no longer count
        work.store.learn(str(work.row["owner"]), work.model, quota.FREED, work.clock())
    for name in ("refusals", "retry_at", "not_before", "capacity"):
        work.data.pop(name, None)


def _refused(work: Work, error: ApiError, what: str, why: str = "") -> Step:
    """The service did not take an upload or a create: try again later, or give up."""
    if error.permanent and not error.ambiguous:
        raise Failed(f"{error} {error.remedy}".strip())
    delay = _back_off(work, error)
    if error.status == 429:
        if why and work.data.get("capacity") != "refused":
            work.tell(f"{what} did not go through. {why}", "warning")
        work.data["capacity"] = "refused"
    words = f"{what} did not go through. {why}".strip()
    return Step(Stage.SUBMITTING, delay, f"{words} Trying again in {delay:.0f} s. {error}")


def _no_room(work: Work, shard: Row, error: ApiError, listing: Listing) -> Step:
    """A create was refused for want of room: say which limit it probably was, and try again when there may be some."""
    found = service_errors.of(error)
    if found is not None and found.kind is Refusal.FREE_TIER:
        raise Failed(f"{found.words} {found.remedy} {error}")
    delay = _back_off(work, error)
    meter = quota.read(work.store, str(work.row["owner"]), work.model, shard, work.clock())
    why = quota.guess(meter, int(shard["tokens"]))
    if work.data.get("capacity") != "refused":
        work.data["capacity"] = "refused"
        work.tell(f"Google has no room for the next job now. {why}", "warning")
    alone = not meter.cancelled and not listing.open()
    if alone and work.data["refusals"] >= REFUSALS and shard["rows"] > 1:
        split_shard.divide(work, shard, int(shard["tokens"]) // 2)
        work.data["refusals"] = REFUSALS - 2
        return Step(Stage.SUBMITTING)
    return Step(Stage.SUBMITTING, delay, f"{why} Trying again in {delay:.0f} s. {error}")


def _back_off(work: Work, error: ApiError) -> float:
    """Seconds until the next try, remembered so that nothing is sent before, whatever else the run is looked at for."""
    failures = work.data["refusals"] = int(work.data.get("refusals", 0)) + 1
    delay = min(back_off(failures, error.retry_after, work.options.chance), SLOWEST_TRY_SECONDS)
    delay = max(delay, error.retry_after or 0.0)
    work.data["retry_at"] = work.clock() + delay
    work.data["not_before"] = work.clock() + (error.retry_after or 0.0)
    return delay


def _input_gone(work: Work, shard: Row, error: ApiError) -> bool:
    """Whether a create was refused because the uploaded file is no longer there: it lives for 48 hours."""
    if not shard["file_name"] or error.status not in (400, 403, 404):
        return False
    try:
        work.gateway.get_file(str(shard["file_name"]))
    except ApiError as missing:
        return missing.status in (403, 404)
    return False


def _body(work: Work, shard: Row, caches: dict[str, str]) -> dict[str, Any]:
    """The create's body; for the file transport the file is uploaded first. `caches` names each group's cache."""
    path = _with_caches(work, shard, caches)
    name = str(shard["display_name"])
    if shard["transport"] == SendAs.INLINE.value:
        with path.open("rb") as lines:
            rows = [orjson.loads(line) for line in lines]
        return inline_batch(name, [(row["key"], row["request"]) for row in rows])
    if not shard["file_name"]:
        named = f"{name}-{_fingerprint(path)}"
        uploaded = _uploaded_before(work, shard, named) or work.gateway.upload_file(path, named)
        until = timestamp(uploaded.get("expirationTime"))
        work.data.setdefault(job_age.FILES, {})[str(shard["n"])] = until and until.timestamp()
        work.set_shard(shard, file_name=str(uploaded["name"]))
    return file_batch(name, str(shard["file_name"]))


def _with_caches(work: Work, shard: Row, caches: dict[str, str]) -> Path:
    """The shard's requests, naming the caches that are alive now."""
    path = work.shard_path(int(shard["n"]))
    if not caches:
        return path
    named = work.data.setdefault("named_caches", {})
    if named.get(str(shard["n"])) != caches:
        from batch.prefixes.rewrite import substitute

        with path.open("rb") as unnamed, path.with_suffix(".part").open("wb") as out:
            substitute(unnamed, out, caches)
        path.with_suffix(".part").replace(path.with_suffix(".named"))
        named[str(shard["n"])] = caches
        work.set_shard(shard, file_name="")
    return path.with_suffix(".named")


def _uploaded_before(work: Work, shard: Row, display_name: str) -> dict[str, Any] | None:
    """The file of this name at Google, if an earlier upload got through; not asked for where none was begun."""
    begun = work.data.setdefault("uploads", [])
    if shard["n"] not in begun:
        begun.append(shard["n"])
        work.save()
        return None
    same = (file for file in work.gateway.list_files() if file.get("displayName") == display_name)
    return next((file for file in same if file.get("state", "ACTIVE") == "ACTIVE"), None)


def _fingerprint(path: Path) -> str:
    """A hash of a file's bytes, so that an upload is known by what it holds: a cache made anew changes the requests."""
    with path.open("rb") as file:
        digest = xxhash.xxh3_64()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
