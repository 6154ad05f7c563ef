"""The process that decodes: `python -m lifecycle.inputs.decoding.process`. A job a line in, a reply a line out.

It has its own limit of memory, knows no key, and ends when its standard input does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from lifecycle.inputs.decoding import documents, pictures, recordings
from lifecycle.inputs.decoding.messages import DecodingJob, DecodingReply

MEMORY_BYTES = 2 * 1024**3
_CANNOT_BE_READ = DecodingReply("cannot be read", "Save it again in a usual format.")
_NO_MEMORY = DecodingReply("takes more memory to read than it may", "Make it smaller.")


def limit_memory() -> None:
    """Let a file of absurd size fail here, rather than slow the computer; Windows has no such limit."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def answer(job: DecodingJob) -> DecodingReply:
    """Do a job. Decoders raise nearly anything for broken files, and the next file is to be read."""
    try:
        return _act(job)
    except MemoryError:
        return _NO_MEMORY
    except Exception:
        return _CANNOT_BE_READ


def _act(job: DecodingJob) -> DecodingReply:
    path, folder = Path(job.path), Path(job.folder)
    if job.action == "convert":
        return pictures.convert(path, folder, job.first, job.last)
    if job.action == "split":
        return documents.split(path, folder, job.first, job.last, job.light_bytes)
    if job.mime_type == "application/pdf":
        return documents.look(path)
    if job.mime_type.startswith("image/"):
        return pictures.look(path, job.mime_type, job.check_end)
    return recordings.look(path, job.mime_type)


_decode = msgspec.json.Decoder(DecodingJob).decode


def main() -> None:
    limit_memory()
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(msgspec.json.encode(answer(_decode(line))) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
