"""Checked rows are taken under other settings as a check anew would write them, and priced without being read again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

import gem_cache
from batch.kinds.registry import KINDS
from batch.kinds.text import TEXT
from batch.model import ContextMode, Generation
from batch.pricing import catalog
from batch.rules.model_rules import ModelRules
from lifecycle.core.models import RunSpec
from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs import new_settings
from lifecycle.inputs.drafts import Draft, open_draft, prepare
from lifecycle.planning import forecast as forecasts
from lifecycle.planning.forecast import Forecast, expected_hours, forecast
from tests.lifecycle.whole_requests import whole_requests

FLASH, PRO = "gemini-3.8-flash", "gemini-2.5-pro"
CATALOG = catalog.load()
DOCUMENT = "A line of what all rows share.\n" * 300
SETTINGS = [
    (Generation(), ""),
    (Generation(temperature=0.0, max_output_tokens=50), ""),
    (Generation(thinking="low", response_schema='{"type": "object", "properties": {"a": {"type": "string"}}}'), ""),
    (Generation(system_instruction="Be brief."), DOCUMENT),
]
TABLE = "key,q\n" + "".join(f"k{n},question {n % 7}\n" for n in range(20))
GIVEN: dict[str, dict[str, Any]] = {
    "prompts": {"source": "one\n\ntwo\none", "kind": "lines"},
    "table": {"source": TABLE, "kind": "csv", "template": DOCUMENT + "Judge {{q}}."},
    "lines": {"source": '{"key": "a", "request": {"contents": [{"parts": [{"text": "x"}]}]}}\n' * 2, "kind": "jsonl"},
}


def rules(model: str) -> ModelRules:
    return ModelRules(model, CATALOG.model(model))


def checked(folder: Path, given: str, settings: tuple[Generation, str], model: str = FLASH) -> Draft:
    generation, shared_text = settings
    return prepare(folder=folder, generation=generation, shared_text=shared_text, rules=rules(model), **GIVEN[given])


@pytest.mark.parametrize("given", GIVEN)
def test_rows_taken_are_those_that_a_check_would_write(tmp_path: Path, given: str) -> None:
    for n, settings in enumerate(SETTINGS):
        before = checked(tmp_path / f"before{n}", given, settings)
        for m, (generation, shared_text) in enumerate(SETTINGS):
            (folder := tmp_path / f"taken{n}{m}").mkdir()
            assert new_settings.can_take(before, TEXT)
            taken = new_settings.with_settings(before, folder, generation, shared_text, rules(FLASH))
            fresh = checked(tmp_path / f"fresh{n}{m}", given, SETTINGS[m])
            assert whole_requests(folder / REQUESTS) == whole_requests(fresh.folder / REQUESTS)
            assert replace(taken, folder=fresh.folder) == fresh
            assert open_draft(folder) == taken


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"key": "a", "request": {"contents": [{"parts": [{"text": text}]}], **fields}}


CHAT = {"model": "m", "temperature": 1, "messages": [{"role": "user", "content": "x"}]}


@pytest.mark.parametrize(
    "line",
    [
        said("x", generationConfig={"temperature": 1}),
        said("x", tools=[{"googleSearch": {}}]),
        said("x", systemInstruction={"parts": [{"text": "y"}]}),
        said("@use_cache c\nx"),
        said(""),
        {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": CHAT},
    ],
)
def test_rows_on_which_rules_or_settings_bear_are_checked_again(tmp_path: Path, line: dict[str, Any]) -> None:
    plain = b'{"key":"b","request":{"contents":[{"parts":[{"text":"y"}]}]}}\n'
    (tmp_path / "in.jsonl").write_bytes(plain + orjson.dumps(line) + b"\n")
    draft = prepare(tmp_path / "in.jsonl", tmp_path / "draft", kind="jsonl")
    assert draft.rows and not new_settings.can_take(draft, TEXT)


def test_requests_of_another_kind_are_checked_again(tmp_path: Path) -> None:
    draft = checked(tmp_path, "prompts", SETTINGS[0])
    assert not new_settings.can_take(draft, KINDS["embedding"])
    assert new_settings.can_take(draft, KINDS["image"])


def priced(draft: Draft, model: str, context: ContextMode, previous: Forecast | None = None) -> Forecast:
    return forecast(
        draft.folder / REQUESTS,
        RunSpec(model, context=context),
        tariff=CATALOG.tariff(model, datetime.now(UTC).date()),
        model=CATALOG.model(model),
        hours=expected_hours([], 0.25),
        previous=previous,
    )


@pytest.mark.parametrize("given", GIVEN)
def test_another_price_needs_no_second_reading(tmp_path: Path, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shared_text = DOCUMENT if given == "table" else ""
    before = checked(tmp_path / "before", given, (Generation(temperature=1.0), shared_text))
    first = priced(before, FLASH, ContextMode.AUTO)
    for model in (FLASH, PRO):
        for n, generation in enumerate((Generation(temperature=0.0), Generation(temperature=1.0, max_output_tokens=9))):
            (folder := tmp_path / f"taken-{model}-{n}").mkdir()
            taken = new_settings.with_settings(before, folder, generation, shared_text, rules(model))
            anew = checked(tmp_path / f"fresh-{model}-{n}", given, (generation, shared_text), model)
            fresh = priced(anew, model, ContextMode.EXPLICIT)
            with monkeypatch.context() as nothing_is_read:
                nothing_is_read.setattr(gem_cache, "plan_batches", None)
                nothing_is_read.setattr(forecasts, "OwnDemands", None)
                again = priced(taken, model, ContextMode.EXPLICIT, first)
            assert again.estimate == fresh.estimate
            assert again.plan.groups == fresh.plan.groups and again.plan.totals == fresh.plan.totals
            assert list(again.plan.contents([g.id for g in again.plan.groups])) == list(
                fresh.plan.contents([g.id for g in fresh.plan.groups])
            )


def test_another_shared_text_is_read_and_priced_anew(tmp_path: Path) -> None:
    before = checked(tmp_path / "before", "table", (Generation(), ""))
    first = priced(before, FLASH, ContextMode.AUTO)
    (folder := tmp_path / "taken").mkdir()
    taken = new_settings.with_settings(before, folder, Generation(), DOCUMENT, rules(FLASH))
    fresh = priced(checked(tmp_path / "fresh", "table", (Generation(), DOCUMENT)), FLASH, ContextMode.AUTO)
    assert priced(taken, FLASH, ContextMode.AUTO, first).estimate == fresh.estimate != first.estimate
