"""The names of all files in a draft's and a run's folder."""

from __future__ import annotations

from pathlib import Path

# A draft's, hard-linked into the folder of the run that is made of it: never written to in place.
REQUESTS = "requests.jsonl"  # one line `{"key", "request"}` a row, without what SHARED has; see lifecycle/requests
INPUTS = "inputs.parquet"  # what a person knows of each row
DRAFT = "draft.json"
DRAFT_FILES = (REQUESTS, INPUTS, DRAFT)
SOURCE = "source"  # the table as it was given, so that it can be given back with the answers in it
MEDIA = "media.parquet"  # what is known of each file in BLOBS
FILES = "files.jsonl"  # what became of each file that the draft was made of
SHARED = "shared.json"  # what the rows of REQUESTS have in common, held once
SOME_DRAFTS_FILES = (SOURCE, MEDIA, FILES)  # only where a draft has them
BLOBS = "blobs"  # a folder: the files that requests refer to, each named by its SHA-256
DIGESTS = "digests-1.bin"  # what each row asks, made when it is first compared; the number is that of the form
TRIES = "tries.jsonl"  # beside a draft: replies to the rows that were tried, as received

# Of rows that are not sent because an earlier run has answered them.
REUSED = "reused"  # a folder: the draft of all rows, and ANSWERS; INPUTS of the run are then those of all rows
ANSWERS = "answers"  # a folder in it: received lines under the keys of this run, a file for each run they are from

OWNER_CHARACTERS = 16  # of an owner's id that name what his visits leave on the disk

RUN_RECORD = "run.json"  # the run's rows of the database as they last were, so that the folder can be taken up again

# Of planning.
UPLOADS = "uploads.json"  # the SHA-256 of each blob that is uploaded rather than sent inside the requests
RESOLVED_REQUESTS = "resolved.jsonl"  # REQUESTS with each `@use_cache` name replaced by the cache that it means
PLAN = "plan.json"
GROUPS = "groups.parquet"  # which group each row is in
FANOUT = "fanout.parquet"  # which row was sent in the place of its duplicates

# Of collecting.
RESULTS = "results.parquet"  # one row per row of INPUTS, in the same order
OTHERS = "others.parquet"  # every other line that came back
PICTURES = "pictures"  # the pictures that were made, each named by its SHA-256
VECTORS = "vectors.parquet"  # the embeddings, in the order of INPUTS


def shard_path(folder: Path, n: int) -> Path:
    """The requests of a run's n-th shard."""
    return folder / "shards" / f"{n:04d}.jsonl"


def received_path(folder: Path, attempt: int, n: int) -> Path:
    """A shard's result lines, as received; results are rebuilt from the attempt and the shard in the name."""
    return folder / "received" / f"{attempt}-{n:04d}.jsonl"


def answers_path(folder: Path, run_id: str) -> Path:
    """The answers that a draft or run takes from an earlier run."""
    return folder / REUSED / ANSWERS / f"{run_id}.jsonl"


def origin_of_answers(name: str) -> str:
    """The run that a received file was taken over from, by its name in the account; "" if it is the run's own."""
    return Path(name).stem if name.startswith(f"{REUSED}/{ANSWERS}/") else ""


def owner_folder_name(owner_id: str, chance: str) -> str:
    """The name of what an owner's visit leaves on the disk for a while: by it, all that is an owner's is found."""
    owner = "".join(char for char in owner_id if char.isalnum())[:OWNER_CHARACTERS]
    return f"{owner or 'nobody'}-{chance}"
