"""The seam between the life of a run and what its requests are: everything that differs from kind to kind.

Code that sends, collects, prices or exports asks the kind of the run's model, and does not know which there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from batch.errors import Problem
from batch.model import Generation, Tariff, Usage
from batch.pricing.answer_sizes import Task
from batch.pricing.catalog import CatalogModel
from batch.pricing.workload import OutputAssumption
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import NO_FILES, CheckedRow, PromptFiles, PromptFrame
from batch.responses.parsed_row import ParsedRow
from batch.rules.model_rules import ModelRules


class RowCheck(Protocol):
    """Makes requests of one input, a line or a prompt at a time; what cannot be sent comes back as problems.

    Where every prompt is judged alike, `prompt_frame` is what stands in requests around the texts of prompts that begin
    with `prefix` as a part of its own; else it is None.

    `notes` counts what was accepted in a form that deserves a word, `models` the models that rows ask for,
    and `rules` are those of the model that the rows were held to. `alike` says that under all rules, and with all
    settings that are written apart, it would have said and written the same of every row.
    """

    rules: ModelRules
    alike: bool

    @property
    def notes(self) -> Counter[str]: ...

    @property
    def models(self) -> Counter[str]: ...

    def check_line(self, raw: bytes, number: int) -> CheckedRow | list[Problem]: ...

    def check_prompt(
        self, text: str, key: str, number: int, prefix_chars: int = 0, files: PromptFiles = NO_FILES
    ) -> CheckedRow | list[Problem]: ...

    def prompt_frame(self, prefix: str) -> PromptFrame | None: ...


class RowCheckMaker(Protocol):
    """Makes the check of one input for rows that get these settings.

    `model` is the run's, "" if it is open; `rules` are those of the model that the rows are meant for.
    """

    def __call__(self, settings: EncodedSettings, *, model: str = "", rules: ModelRules | None = None) -> RowCheck: ...


@dataclass(frozen=True)
class RequestKind:
    """One kind of request, named as in the catalog.

    `create_method` makes its batch jobs: `POST models/{model}:{create_method}`; `generate_method` answers one request
    at once, and its reply stands in a result line as `response`. `make_check` checks input and writes the requests as
    they are sent. `assumed_output` is told the model, if it is known, and what rows ask for; `result_bytes` estimates
    one result line from its output tokens and the run's settings.
    `classify` reads a result line; `price` is one row's usage in a batch, None where a price is not known. `columns`
    are those of a flat row, shown and exported in this order.

    With `pictures` a row that does not say otherwise asks for one, with `vectors` each asks for one. Requests of a kind
    that is `file_only` never travel inline. With `settings_apart` the check takes settings that are written apart, and
    its requests have the members that these know.
    """

    name: str
    create_method: str
    make_check: RowCheckMaker
    assumed_output: Callable[[CatalogModel | None, Task], OutputAssumption]
    result_bytes: Callable[[float | None, Generation], float]
    classify: Callable[[bytes], ParsedRow]
    price: Callable[[Usage, Tariff], float | None]
    columns: tuple[str, ...]
    generate_method: str = "generateContent"
    pictures: bool = False
    vectors: bool = False
    file_only: bool = False
    settings_apart: bool = False
