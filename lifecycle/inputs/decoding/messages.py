"""What is asked of the decoding process, and what it answers; each one line of JSON."""

from __future__ import annotations

from typing import Literal

import msgspec

Action = Literal["look", "convert", "split"]


class DecodingJob(msgspec.Struct, frozen=True):
    """`look` at a file's headers; `convert` a picture's frames, or `split` a PDF's pages, from `first` up to `last`.

    Files are written into `folder`. Pages of a split with more than `light_bytes` leave out what they do not show, and
    are drawn if that is not enough; 0 leaves all as they are. With `check_end` the whole picture is decoded, to see
    that nothing is missing.
    """

    action: Action
    path: str
    mime_type: str
    folder: str = ""
    first: int = 0
    last: int = 0
    light_bytes: int = 0
    check_end: bool = False


class DecodedFile(msgspec.Struct, frozen=True):
    """A file that was written: a frame or a page. `rendered`: the page was drawn, and is a picture of itself."""

    path: str
    mime_type: str
    width: int | None = None
    height: int | None = None
    rendered: bool = False


class DecodingReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was found; with a `fault`, that went wrong ("cannot be read as a PDF") and its `remedy` says what to do.

    `pages` are those of a PDF, or the frames of a TIFF or GIF; `turned`: a picture says that it lies on its side.
    """

    fault: str = ""
    remedy: str = ""
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    seconds: float | None = None
    turned: bool = False
    files: tuple[DecodedFile, ...] = ()
