"""A kind of request that the product does not know travels through all of it: check, route, answer, price, columns."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from batch.errors import Problem
from batch.kinds.kind import RequestKind
from batch.kinds.registry import KINDS
from batch.kinds.text import TEXT
from batch.model import Outcome, Usage
from batch.pricing.catalog import load
from batch.pricing.workload import OutputAssumption
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import NO_FILES, CheckedRow, PromptFiles
from batch.responses.parsed_row import ParsedRow
from batch.rules.model_rules import ModelRules
from lifecycle.core.price_list import PriceList
from lifecycle.inputs.drafts import prepare
from lifecycle.results.export.export import export
from lifecycle.results.read.table import ResultTable
from tests.lifecycle.run_fixture import RunFixture
from tests.lifecycle.simulation import Simulation

MODEL = "gemini-embedding-001"


class _PairCheck:
    """Takes lines `{"left", "right"}`, and prompts as a pair with nothing on its right."""

    def __init__(self, settings: EncodedSettings, *, model: str = "", rules: ModelRules | None = None) -> None:
        self.rules = rules or ModelRules()
        self.alike = False
        self.notes: Counter[str] = Counter()
        self.models: Counter[str] = Counter()

    def check_line(self, raw: bytes, number: int) -> CheckedRow | list[Problem]:
        line = json.loads(raw)
        if "left" not in line:
            return [Problem(number, "", "The pair has no left.", "Give one.")]
        return CheckedRow(line.get("key", ""), line["left"], json.dumps({"pair": line}).encode())

    def check_prompt(
        self, text: str, key: str, number: int, prefix_chars: int = 0, files: PromptFiles = NO_FILES
    ) -> CheckedRow | list[Problem]:
        return CheckedRow(key, text, json.dumps({"pair": {"left": text}}).encode())

    def prompt_frame(self, prefix: str) -> None:
        return None


def _classify(line: bytes) -> ParsedRow:
    answer = json.loads(line)
    return ParsedRow(answer["key"], Outcome.ANSWERED, f"distance {answer['distance']}", usage=Usage(prompt=7))


PAIR = RequestKind(
    name="pair",
    create_method="batchComparePairs",
    make_check=_PairCheck,
    assumed_output=lambda model, sizes: OutputAssumption(0, 0, "Pairs have no output.", has_output=False),
    result_bytes=lambda output_tokens, generation: 80.0,
    classify=_classify,
    price=lambda usage, tariff: usage.prompt * 1.0,
    columns=("key", "prompt", "text", "cost_usd"),
)


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> RequestKind:
    """The kind of the embedding models, as long as the test runs."""
    monkeypatch.setitem(KINDS, "embedding", PAIR)
    monkeypatch.setitem(KINDS, PAIR.name, PAIR)
    return PAIR


def test_its_input_is_checked_and_written_as_it_is_sent(tmp_path: Path) -> None:
    lines = '{"key":"a","left":"x","right":"y"}\n{"right":"z"}\n'
    draft = prepare(lines, tmp_path, kind="jsonl", request_kind=PAIR)
    assert (draft.rows, [problem.fault for problem in draft.problems]) == (1, ["The pair has no left."])
    sent = json.loads((tmp_path / "requests.jsonl").read_text())
    assert sent == {"key": "a", "request": {"pair": {"key": "a", "left": "x", "right": "y"}}}


def test_its_jobs_are_made_by_its_own_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Simulation(tmp_path) as simulation:
        simulation.run_until_ended(simulation.submit())
        assert set(simulation.google.create_methods) == {TEXT.create_method}
        monkeypatch.setitem(KINDS, "text", PAIR)
        simulation.run_until_ended(simulation.submit())
        assert set(simulation.google.create_methods) == {TEXT.create_method, PAIR.create_method}


def test_its_answers_are_read_priced_and_exported_in_its_own_form(tmp_path: Path, pair: RequestKind) -> None:
    price = PriceList(load(), "1").price(MODEL)
    assert price(Usage(prompt=7)) == 7.0
    run = RunFixture(tmp_path / "run").send(["a", "b"])
    run.receive([{"key": "b", "distance": 2}, {"key": "a", "distance": 1}])
    run.build(price=price, kind=pair)
    table = ResultTable(run.folder)
    assert table.kind is pair and table.reconciliation.usd == 14.0
    written = export(table, tmp_path / "out.csv", "csv").path.read_text().splitlines()
    assert written[0] == '"key","prompt","text","cost_usd"'
    assert [line.split(",")[2] for line in written[1:]] == ['"distance 1"', '"distance 2"']
    assert table.detail("a").text == "distance 1"


def test_a_price_that_is_not_known_stays_unknown(pair: RequestKind) -> None:
    assert PriceList(load(), "1").price("no-such-model")(Usage(prompt=7)) is None
