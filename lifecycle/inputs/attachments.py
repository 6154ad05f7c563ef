"""Files that rows name or hold, taken over for a draft: paths beside the input, addresses, and bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec.structs import replace

from batch.errors import Fault
from batch.media.file_types import HEAD_BYTES, file_type
from lifecycle.inputs.decoding.decoders import Decoders
from lifecycle.inputs.fetching.addresses import Unfetchable
from lifecycle.inputs.fetching.fetch import Fetcher
from lifecycle.inputs.files.blobs import BlobStore
from lifecycle.inputs.files.examine import Examined, Examiner
from lifecycle.inputs.files.file_entry import EntryWriter, FileTotals
from lifecycle.inputs.files.found_file import FoundFile, Unavailable
from lifecycle.inputs.files.named_files import NamedFiles

AT_ONCE = 8  # files fetched or examined at a time
DECODERS = 2
_NO_PATHS = Fault(
    "names a file, and only what was uploaded is read here", "Drop the files themselves, or give addresses."
)
_OUTSIDE = Fault("is outside the folder of the input", "Put the files beside the table, or in a folder of it.")
_MISSING = Fault("is not there", "Check the path; it counts from the folder of the input.")
_FOLDER = Fault("is a folder, not a file", "Name the file itself.")
_NO_WEB = Fault("is no address that is fetched", "Give one that begins with https://, or the file itself.")
_HTML = Fault("is a page of HTML, not a file", "Give the address of the file itself.")
_BAD_DATA = Fault("is no data URL in base64", "Write data:image/png;base64,…")


@dataclass(frozen=True)
class FileAccess:
    """Where files that rows name may come from: `root` is the only folder that is read, None reads none.

    `pile` are files, folders and archives that were given beside the rows, whose files they may name instead;
    `pass_urls`: addresses are handed on for Google to fetch, rather than fetched here.
    """

    root: Path | None = None
    pile: tuple[Path, ...] = ()
    pass_urls: bool = False
    fetcher: Fetcher = field(default_factory=Fetcher)


NO_ACCESS = FileAccess()


class NamedFile(NamedTuple):
    """A file of a row: a `text` that names it (a path, an address, a data URL), or its `data`."""

    text: str = ""
    data: bytes | None = None


class Attached(NamedTuple):
    """What a request takes of a file, as parts in JSON; or why it cannot. `label` is how people know the file."""

    parts: tuple[bytes, ...] = ()
    fault: Fault | None = None
    label: str = ""


class Attachments:
    """Takes over files for one draft. The same name is looked at once, and each content kept once."""

    def __init__(self, folder: Path, access: FileAccess) -> None:
        self._access = access
        self._pile = NamedFiles(access.pile) if access.pile else None
        self._blobs = BlobStore(folder)
        self._entries = EntryWriter(folder)
        self._decoders = Decoders(DECODERS)
        self._examiner = Examiner(self._blobs, self._decoders, folder)
        self._pool = ThreadPoolExecutor(AT_ONCE, "attach")
        self._known: dict[str, Attached] = {}
        self.passed_urls = 0

    def take(self, files: Sequence[NamedFile]) -> list[Attached]:
        """Take over files, several at a time, in their order."""
        names = [file.text if file.data is None else _content_name(file.data) for file in files]
        new = {name: file for name, file in zip(names, files, strict=True) if name not in self._known}
        for name, (attached, examined) in zip(new, self._pool.map(self._take_one, new.values()), strict=True):
            self._known[name] = attached
            if examined is not None:
                self._entries.add(examined.entry)
        return [
            self._known[name]._replace(label=file.text) if file.data is not None and file.text else self._known[name]
            for name, file in zip(names, files, strict=True)
        ]

    def holds(self, sha256: str) -> bool:
        """Whether a blob was taken over."""
        return self._blobs.holds(sha256)

    def close(self) -> FileTotals:
        """Write down what was taken over."""
        self._end()
        self._blobs.close()
        return self._entries.close()

    def discard(self) -> None:
        """Remove what was taken over."""
        self._end()
        self._entries.close()
        self._blobs.discard()

    def _end(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._decoders.close()
        self._examiner.close()
        if self._pile is not None:
            self._pile.close()

    def _take_one(self, file: NamedFile) -> tuple[Attached, Examined | None]:
        if file.data is None and self._access.pass_urls and _is_address(file.text):
            self.passed_urls += 1
            return Attached((_address_part(file.text),), label=_label(file.text)), None
        found = self._find(file)
        if found.fault is not None:
            return Attached(fault=_named(found.name, found.fault), label=found.name), None
        examined = self._examiner.examine(found)
        if examined.entry.state == "problem":
            return Attached(fault=examined.entry.fault, label=found.name), examined
        parts = tuple(part for unit in examined.units for part in unit.parts)
        return Attached(parts, label=found.name), Examined(replace(examined.entry, rows=0), examined.units)

    def _find(self, file: NamedFile) -> FoundFile:
        if file.data is not None:
            name = file.text or _content_name(file.data)
            return FoundFile(name, len(file.data), extract=partial(_write_bytes, file.data))
        if _is_address(file.text):
            fetch = partial(_fetch, self._access.fetcher, file.text)
            return FoundFile(_label(file.text), 1, extract=fetch)
        if file.text.startswith("data:"):
            data = _data_of(file.text)
            if data is None:
                return FoundFile("data:…", 0, fault=_BAD_DATA)
            return FoundFile(_content_name(data), len(data), extract=partial(_write_bytes, data))
        return self._pile.find(file.text) if self._pile is not None else self._find_path(file.text)

    def _find_path(self, text: str) -> FoundFile:
        root, name = self._access.root, text.removeprefix("file://").removeprefix("file:")
        if root is None:
            return FoundFile(name, 0, fault=_NO_PATHS)
        try:
            path = (root / name).resolve()
            if not path.exists():
                path = (root / unquote(name)).resolve()
            if not path.is_relative_to(root.resolve()):
                return FoundFile(name, 0, fault=_OUTSIDE)
            if path.is_dir():
                return FoundFile(name, 0, fault=_FOLDER)
            if path.is_file():
                return FoundFile(name, path.stat().st_size, path)
        except (OSError, ValueError, RuntimeError):
            pass  # no name that this system could have
        return FoundFile(name, 0, fault=_NO_WEB if "://" in name else _MISSING)


def _is_address(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def _label(url: str) -> str:
    """An address without what may be a secret in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url[:200]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]


def _address_part(url: str) -> bytes:
    return b'{"fileData":{"fileUri":' + msgspec.json.encode(url) + b"}}"


def _named(name: str, fault: Fault) -> Fault:
    return Fault(f"{name} {fault.fault}.", fault.remedy)


def _content_name(data: bytes) -> str:
    return f"bytes {hashlib.sha256(data).hexdigest()[:16]}"


def _data_of(url: str) -> bytes | None:
    head, comma, data = url.partition(",")
    if not comma or not head.endswith(";base64"):
        return None
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None


def _write_bytes(data: bytes, target: Path) -> None:
    target.write_bytes(data)


def _fetch(fetcher: Fetcher, url: str, target: Path) -> None:
    try:
        fetcher.fetch(url, target)
    except Unfetchable as error:
        raise Unavailable(Fault(error.fault, error.remedy)) from None
    with target.open("rb") as stream:
        if file_type(stream.read(HEAD_BYTES)) == "text/html":
            raise Unavailable(_HTML)


Attach = Callable[[Sequence[NamedFile]], list[Attached]]
