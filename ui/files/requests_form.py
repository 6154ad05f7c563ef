"""A file of requests, one a line: Gemini's, those of other services, or plain prompts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lifecycle.inputs.attachments import FileAccess
from lifecycle.inputs.drafts import Draft
from lifecycle.runner import Runner
from ui.files import given_bar
from ui.files.given_files import Upload
from ui.files.given_input import FormContext, Progress, RequestSettings, ShowChecked, show_nothing


@dataclass(frozen=True)
class RequestsInput:
    """A file of requests. A path is never used for a second file."""

    path: Path
    kind: str
    name: str
    pile: tuple[Path, ...] = ()

    def prepare(self, runner: Runner, settings: RequestSettings, progress: Progress | None) -> Draft:
        return runner.forecasts.prepare_draft(
            self.path,
            kind=self.kind,
            generation=settings.generation,
            shared_text=settings.shared_text,
            source_name=self.name,
            model=settings.model,
            use_cache=settings.use_cache,
            access=FileAccess(pile=self.pile),
            progress=progress,
            owner_id=settings.owner_id,
        )


def read(upload: Upload | None) -> RequestsInput | None:
    """The file that was given."""
    if upload is None or upload.table is None:
        return None
    return RequestsInput(upload.path, upload.kind, upload.name, upload.pile_of_table)


def draw(context: FormContext) -> ShowChecked:
    """Draw what it is."""
    if context.upload is not None:
        given_bar.draw(context.upload)
    return show_nothing
