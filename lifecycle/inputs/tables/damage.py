"""What goes wrong inside a damaged file, told as an error of the user's."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from batch.errors import InputError

# What goes wrong inside a workbook shows as almost anything.
_BROKEN = (
    OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, zipfile.BadZipFile, ET.ParseError,
    NotImplementedError, EOFError, zipfile.LargeZipFile, pa.ArrowException, ArithmeticError, RuntimeError, MemoryError,
)  # fmt: skip


@contextmanager
def readable(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"There is no file {path.name}.", "Choose another file.") from None
    except _BROKEN as error:
        detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        message = f"{path.name} cannot be read as {kind}: {detail.rstrip('.')}."
        raise InputError(message, "Save it again, or export it as CSV.") from None
