"""How requests travel to Google, inside the create call or as an uploaded file: by size on both sides. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from batch.errors import InputError
from batch.model import SendAs
from batch.planning.file_delivery import size_text


@dataclass(frozen=True)
class BatchLimits:
    """What one batch job may hold, and how many jobs may be under way.

    Google: 20 MB for a create with inline requests, 2 GB a file, 100 jobs (Batch API guide). Of output, what is known
    to come back: inline results of more than some MB have been reported to answer 503 for days (python-genai 2519).
    `storage_bytes` is what all files of a project may have, `upload_bytes` the files that one job's requests name:
    less than half, so that those of the next are uploaded while it runs.
    """

    file_bytes: int = 2_000_000_000
    file_output_bytes: int = 2_000_000_000
    inline_bytes: int = 18_000_000
    inline_output_bytes: int = 5_000_000
    rows: int = 200_000
    storage_bytes: int = 20_000_000_000
    upload_bytes: int = 8_000_000_000
    jobs: int = 100
    auto_inline_bytes: int = 256_000
    auto_inline_output_bytes: int = 512_000
    auto_inline_rows: int = 50

    def max_bytes(self, transport: SendAs) -> int:
        """Of requests, in one job."""
        return self.inline_bytes if transport is SendAs.INLINE else self.file_bytes

    def max_output_bytes(self, transport: SendAs) -> int:
        """Of expected results, in one job."""
        return self.inline_output_bytes if transport is SendAs.INLINE else self.file_output_bytes


@dataclass(frozen=True)
class PayloadSize:
    """What goes and comes: rows, bytes of all requests and of the largest, and bytes expected of one result."""

    rows: int
    size_bytes: int
    largest_bytes: int
    output_bytes: float

    @property
    def total_output_bytes(self) -> float:
        return self.rows * self.output_bytes


class UploadCount(msgspec.Struct, frozen=True):
    """Files and bytes that the next job needs, and how many of them are there."""

    files: int
    bytes: int
    files_done: int = 0
    bytes_done: int = 0

    @property
    def share(self) -> float:
        """0 to 1, by bytes."""
        return min(1.0, self.bytes_done / self.bytes) if self.bytes else 1.0

    def describe(self) -> str:
        """In words."""
        sizes = f"{size_text(self.bytes_done)} of {size_text(self.bytes)}"
        return f"Uploading files: {self.files_done:,} of {self.files:,}, {sizes}."


@dataclass(frozen=True)
class StoredFiles:
    """The files of an account at Google, whoever uploaded them, and how many bytes it may have there."""

    files: int
    size_bytes: int
    limit_bytes: int

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(1.0, self.size_bytes / self.limit_bytes)

    def describe(self) -> str:
        """In words."""
        sizes = f"{size_text(self.size_bytes)} of {size_text(self.limit_bytes)}"
        return f"{sizes} in {self.files:,} file{'' if self.files == 1 else 's'}"


def choose_transport(requested: SendAs, payload: PayloadSize, limits: BatchLimits) -> SendAs:
    """The transport in force: the user's, or inline for what is tiny both ways."""
    if requested is not SendAs.AUTO:
        return requested
    is_tiny = (
        payload.rows <= limits.auto_inline_rows
        and payload.size_bytes <= limits.auto_inline_bytes
        and payload.total_output_bytes <= limits.auto_inline_output_bytes
    )
    return SendAs.INLINE if is_tiny else SendAs.FILE


def transport_error(requested: SendAs, payload: PayloadSize, limits: BatchLimits) -> InputError | None:
    """Why the user's transport cannot work; None if it can. Files can always be tried: Google decides."""
    if requested is not SendAs.INLINE:
        return None
    remedy = 'Send it as "File" or "Auto".'
    if payload.largest_bytes > limits.inline_bytes:
        return InputError(
            f"The largest request has {_mb(payload.largest_bytes)}, and a job with inline requests takes "
            f"{_mb(limits.inline_bytes)} in all.",
            remedy,
        )
    if payload.output_bytes > limits.inline_output_bytes:
        return InputError(
            f"One answer alone is expected to have {_mb(payload.output_bytes)}; inline results of more than "
            f"{_mb(limits.inline_output_bytes)} have proved impossible to fetch.",
            remedy,
        )
    size, output = payload.size_bytes / limits.inline_bytes, payload.total_output_bytes / limits.inline_output_bytes
    jobs = math.ceil(max(size, output))
    if jobs <= limits.jobs:
        return None
    subject = (
        f"The requests have {_mb(payload.size_bytes)}"
        if size >= output
        else f"The answers are expected to have {_mb(payload.total_output_bytes)}"
    )
    return InputError(f"{subject}: inline, that takes {jobs:,} jobs, and Google allows {limits.jobs}.", remedy)


def _mb(size: float) -> str:
    return f"{size / 1_000_000:,.0f} MB"
