"""A run's folder made by hand: what was sent, what came back, and the results built from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batch.model import Usage
from lifecycle.results.collect.build import build_results
from lifecycle.results.read.table import ResultTable
from lifecycle.results.store.reconciliation import Reconciliation

Line = dict[str, Any] | bytes
Price = Callable[[Usage], float | None]


def per_token(usage: Usage) -> float | None:
    return usage.prompt * 1e-6 + usage.output * 2e-6


def answer(text: str, *, finish: str = "STOP", prompt: int = 10, output: int = 5, **more: Any) -> dict[str, Any]:
    candidate = {"finishReason": finish, "content": {"role": "model", "parts": [{"text": text}]}}
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": output, **more}
    return {"response": {"candidates": [candidate], "usageMetadata": usage}}


def error(code: int, message: str = "it broke") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def balanced(account: Reconciliation) -> bool:
    """The two sums that always hold."""
    rows = account.sent == account.matched + account.missing == sum(account.counts.values())
    extra = account.duplicate + account.unmatched + account.earlier
    return rows and account.returned == account.matched - account.shared + extra


PERSON = {
    "type": "OBJECT",
    "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER"}},
    "required": ["name"],
}


def asks_for(schema: dict[str, Any] | None, mime: str = "application/json") -> dict[str, Any]:
    """A request whose answer is to have this form."""
    config = {"responseMimeType": mime} | ({"responseSchema": schema} if schema else {})
    return {"contents": [], "generationConfig": config}


@dataclass
class RunFixture:
    """A run's folder, made by hand."""

    folder: Path
    received: list[Path] = field(default_factory=list)

    def send(
        self,
        keys: Iterable[str],
        *,
        source_columns: Mapping[str, list[Any]] | None = None,
        prompts: list[str] | None = None,
        request: Callable[[str], dict[str, Any]] | None = None,
        fanout: Mapping[str, str] | None = None,
    ) -> RunFixture:
        keys = list(keys)
        self.folder.mkdir(parents=True, exist_ok=True)
        prompts = prompts or [f"question {key}" for key in keys]
        columns = {"n": list(range(len(keys))), "key": keys, "prompt": prompts, "line": list(range(1, len(keys) + 1))}
        types = {"n": pa.int64(), "key": pa.string(), "prompt": pa.string(), "line": pa.int64()}
        table = {name: pa.array(values, types[name]) for name, values in columns.items()}
        pq.write_table(pa.table({**table, **(source_columns or {})}), self.folder / "inputs.parquet")
        make = request or (lambda key: {"contents": [{"parts": [{"text": f"question {key}"}]}]})
        text = "".join(json.dumps({"key": key, "request": make(key)}, separators=(",", ":")) + "\n" for key in keys)
        (self.folder / "requests.jsonl").write_text(text, encoding="utf-8")
        if fanout:
            table = {"key": list(fanout), "sent_key": list(fanout.values())}
            pq.write_table(pa.table(table), self.folder / "fanout.parquet")
        return self

    def receive(self, lines: Iterable[Line], *, attempt: int = 0, shard: int = 0) -> RunFixture:
        path = self.folder / "received" / f"{attempt}-{shard}.jsonl"
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            for line in lines:
                file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
        if path not in self.received:
            self.received.append(path)
        return self

    def build(self, price: Price = per_token, **more: Any) -> Reconciliation:
        return build_results(self.folder, received=self.received, price=price, **more)

    def table(self) -> ResultTable:
        return ResultTable(self.folder)

    def rows(self) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / "results.parquet").to_pylist()

    def others(self) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / "others.parquet").to_pylist()
