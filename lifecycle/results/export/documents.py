"""Answers by page joined into documents again, as Markdown or text; what is missing is marked in its place."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from batch.errors import InputError
from batch.formatting import plural
from batch.model import Outcome
from batch.responses.outcome_tables import LABELS
from lifecycle.core.run_files import FILES, INPUTS
from lifecycle.results.export.export import ExportOptions, ExportResult, incomplete_notes
from lifecycle.results.export.pictures import safe_name
from lifecycle.results.export.rows import flat_batches, source_columns
from lifecycle.results.read.table import ResultTable

DocumentFormat = Literal["md", "txt"]
DOCUMENT_FORMATS: tuple[DocumentFormat, ...] = ("md", "txt")
FILE, PAGE = "file", "page"  # the columns of rows that were made of files
MOST_NAMED_PAGES = 12


class Page(NamedTuple):
    """The answer for one page, None for a whole file; `flaw` says in words why it is missing or not whole."""

    number: int | None
    text: str
    flaw: str

    @property
    def title(self) -> str:
        return "The answer" if self.number is None else f"Page {self.number:,}"


class Document(NamedTuple):
    """One file with its pages, in their order."""

    name: str
    pages: tuple[Page, ...]

    def account(self) -> str:
        """How many pages there are, and which are missing or not whole; "" for what has no pages."""
        numbered = [page for page in self.pages if page.number is not None]
        if not numbered:
            return ""
        missing = [f"{page.number}" for page in numbered if page.flaw and not page.text]
        partial = [f"{page.number}" for page in numbered if page.flaw and page.text]
        pieces = [f"{len(numbered) - len(missing):,} of {plural(len(numbered), 'page')}"]
        pieces += [f"missing: {_listed(missing)}"] if missing else []
        pieces += [f"not whole: {_listed(partial)}"] if partial else []
        return "; ".join(pieces) + "."


def made_of_files(table: ResultTable) -> bool:
    """Whether the rows of a result were made of files, so that their answers can be joined by document."""
    stored = pq.read_schema(table.folder / INPUTS)
    types = {name: stored.field(name).type for name in (FILE, PAGE) if name in stored.names}
    return types == {FILE: pa.string(), PAGE: pa.int32()} and (table.folder / FILES).exists()


def has_pages(table: ResultTable) -> bool:
    """Whether any of them is a page of a file."""
    if not made_of_files(table):
        return False
    pages = pq.read_table(table.folder / INPUTS, columns=[PAGE]).column(PAGE)
    return bool(pages.null_count < len(pages))


def export_documents(
    table: ResultTable, target: Path, form: DocumentFormat = "md", options: ExportOptions | None = None
) -> ExportResult:
    """Write all documents into a file `.md` or `.txt`, or one file for each into a folder or a file `.zip`.

    In a folder, files of the same names are replaced, others are left alone. Raises InputError for embeddings.
    """
    if table.kind.vectors:
        raise InputError("Embeddings are no text.", "Choose .parquet or .npy.")
    options = options or ExportOptions()
    writer = _Writer(table, options, incomplete_notes(table, options.complete))
    suffix = target.suffix.lower().lstrip(".")
    with tempfile.TemporaryDirectory(prefix=".documents-", dir=target.parent) as scratch:
        part = Path(scratch) / "part"
        if suffix in DOCUMENT_FORMATS:
            writer.write_joined(part, "md" if suffix == "md" else "txt")
            part.replace(target)
        elif suffix == "zip":
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                writer.write_each(form, archive.writestr)
            part.replace(target)
        else:
            target.mkdir(exist_ok=True)
            writer.write_each(form, lambda name, text: _place(text, part, target / name))
    return ExportResult(target, writer.rows, (*writer.notes, writer.summary()))


def documents(table: ResultTable, options: ExportOptions) -> Iterator[Document]:
    """Every file with its answers, in the order of the input; a row that is of no file is one under its key."""
    for name, rows in groupby(_rows(table, options), itemgetter(0)):
        yield Document(name, tuple(page for _, page in rows))


def render(document: Document, form: DocumentFormat) -> str:
    """A document as a text."""
    return "\n\n".join(_blocks(document, form)) + "\n"


class _Writer:
    """One export under way."""

    def __init__(self, table: ResultTable, options: ExportOptions, notes: list[str]) -> None:
        self._table, self._options, self.notes = table, options, notes
        self.rows = self._documents = self._flawed = 0

    def write_joined(self, path: Path, form: DocumentFormat) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as out:
            separator = "".join(f"{note}\n\n" for note in self.notes)
            for document in self._all():
                out.write(separator + render(document, form))
                separator = "\n\n"

    def write_each(self, form: DocumentFormat, put: Callable[[str, str], object]) -> None:
        names = DocumentNames(form)
        for document in self._all():
            put(names.of(document.name), render(document, form))

    def summary(self) -> str:
        flawed = f", {self._flawed:,} of them with gaps" if self._flawed else ""
        return f"{plural(self._documents, 'document')}{flawed}."

    def _all(self) -> Iterator[Document]:
        for document in documents(self._table, self._options):
            self._documents += 1
            self._flawed += any(page.flaw for page in document.pages)
            self.rows += len(document.pages)
            yield document


class DocumentNames:
    """Paths for documents: those of their files with another ending, safe on every system, no two the same."""

    def __init__(self, form: DocumentFormat) -> None:
        self._form = form
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        path = PurePosixPath(name)
        folders = [safe_name(part, "folder") for part in path.parts[:-1] if part != "/"]
        stems = [safe_name(path.stem, "document"), safe_name(path.name, "document")]
        for attempt in range(len(self._taken) + 3):
            stem = stems[attempt] if attempt < len(stems) else f"{stems[1]}~{attempt}"
            found = "/".join([*folders, f"{stem}.{self._form}"])
            if found.casefold() not in self._taken:
                break
        self._taken.add(found.casefold())
        return found


def _rows(table: ResultTable, options: ExportOptions) -> Iterator[tuple[str, Page]]:
    shown = source_columns(table)
    own = [shown[FILE], shown[PAGE]] if made_of_files(table) else []
    for flat, _ in flat_batches(table, options.where):
        for row in flat.select(["key", "outcome", "text", "error_message", *own]).to_pylist():
            name, number = (row[column] for column in own) if own else (row["key"], None)
            yield name or "", Page(number, (row["text"] or "").strip("\n"), _flaw(row["outcome"], row["error_message"]))


def _flaw(outcome: str, error: Any) -> str:
    return "" if outcome == Outcome.ANSWERED else str(error or LABELS[Outcome(outcome)])


def _blocks(document: Document, form: DocumentFormat) -> Iterator[str]:
    name = " ".join(document.name.split())
    yield f"# {name}" if form == "md" else f"{name}\n{'=' * len(name)}"
    if account := document.account():
        yield account
    for page in document.pages:
        if page.number is not None:
            yield f"## {page.title}" if form == "md" else f"--- {page.title} ---"
        if page.text:
            yield page.text
        if page.flaw:
            words = f"{page.title} is {'not whole' if page.text else 'missing'}: {' '.join(page.flaw.split())}"
            yield f"> **{words}**" if form == "md" else f"[{words}]"


def _listed(numbers: list[str]) -> str:
    rest = len(numbers) - MOST_NAMED_PAGES
    return ", ".join(numbers[:MOST_NAMED_PAGES]) + (f" and {rest:,} more" if rest > 0 else "")


def _place(text: str, part: Path, target: Path) -> None:
    """Write a file so that it is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(target)
