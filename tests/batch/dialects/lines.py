"""Lines as other APIs document them, and how one is checked as a row."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from batch.model import Generation
from batch.pricing.catalog import CatalogModel
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import RowChecker
from batch.rules.model_rules import ModelRules

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
LEVELS = ModelRules("gemini-3-x", CatalogModel(thinking="levels", thinking_levels=("low", "high")))
BUDGET = ModelRules("gemini-2.5-x", CatalogModel(thinking="budget", thinking_budget=(128, 24_576), thinking_off=True))


def chat(**body: Any) -> dict[str, Any]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], **body}
    return {"custom_id": "r1", "method": "POST", "url": "/v1/chat/completions", "body": body}


def response(**body: Any) -> dict[str, Any]:
    return {"custom_id": "r1", "method": "POST", "url": "/v1/responses", "body": {"model": "o4", "input": "Hi", **body}}


def message(**params: Any) -> dict[str, Any]:
    params = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": "Hi"}],
        **params,
    }
    return {"custom_id": "r1", "params": params}


def accepted(line: dict[str, Any], rules: ModelRules | None = None) -> tuple[str, dict[str, Any], Counter[str]]:
    """Key and request of a line that is good, and what was noted of it."""
    checker = RowChecker(EncodedSettings(Generation()), rules=rules)
    row = checker.check_line(json.dumps(line).encode(), 1)
    assert not isinstance(row, list), row
    return row.key, json.loads(row.request), checker.notes


def request_of(line: dict[str, Any], rules: ModelRules | None = None) -> dict[str, Any]:
    return accepted(line, rules)[1]


def faults_of(line: dict[str, Any]) -> tuple[list[str], Counter[str]]:
    """What is wrong with a line that is refused, and what was noted of it."""
    checker = RowChecker(EncodedSettings(Generation()))
    problems = checker.check_line(json.dumps(line).encode(), 1)
    assert isinstance(problems, list)
    return [problem.fault for problem in problems], checker.notes
