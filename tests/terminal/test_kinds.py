"""Pictures and embeddings from the terminal, on a real emulator: sent, refused in part, sent again, exported."""

from __future__ import annotations

import csv
import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terminal.terminal_process import Terminal


@pytest.fixture(scope="module")
def emulator() -> Any:
    with start_emulator() as process:
        yield process


def run_cli(emulator: EmulatorProcess, folder: Path, *arguments: str) -> dict[str, Any]:
    with chdir(folder):
        done = Terminal(folder, emulator)(*arguments, GEMINI_API_KEY=f"key-{folder.name}")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    document: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return document


def test_pictures_of_which_some_are_refused(emulator: EmulatorProcess, tmp_path: Path) -> None:
    prompts = ["A red lamp", "[[emulate: pictures:2]] cats", "[[emulate: image_safety]] x", "[[emulate: no_image]] y"]
    (tmp_path / "p.txt").write_text("\n".join(prompts), encoding="utf-8")
    settings = ("--model", "gemini-3.1-flash-image", "--image-size", "2K", "--aspect-ratio", "16:9")
    report = run_cli(emulator, tmp_path, "submit", "p.txt", *settings, "--wait", "--json", "--out", "out")
    assert report["counts"] == {"answered": 2, "answer_blocked": 1, "empty": 1}
    assert 3 * 1680 * 30e-6 < report["cost_usd"] < 3 * 1680 * 30e-6 + 0.01
    pictures = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert pictures == ["results.csv", "row-000001.jpg", "row-000002-1.jpg", "row-000002-2.jpg"]
    with (tmp_path / "out" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["pictures"] for row in rows] == ["row-000001.jpg", "row-000002-1.jpg; row-000002-2.jpg", "", ""]
    assert "IMAGE_SAFETY" in rows[2]["error_message"]
    child = run_cli(emulator, tmp_path, "retry", report["run_id"], "--wait", "--json")
    assert child["counts"] == {"empty": 1}


def test_texts_to_embed(emulator: EmulatorProcess, tmp_path: Path) -> None:
    texts = [f"entry {n} about lamps" for n in range(40)]
    texts[7] = "[[emulate: error:13]] entry"
    (tmp_path / "t.csv").write_text("topic,text\n" + "\n".join(f"t{n},{text}" for n, text in enumerate(texts)))
    settings = ("--model", "gemini-embedding-001", "--dimensions", "256", "--task-type", "CLUSTERING")
    report = run_cli(emulator, tmp_path, "submit", "t.csv", *settings, "--wait", "--json", "--out", "v.parquet")
    assert report["counts"] == {"answered": 39, "error_transient": 1} and report["cost_usd"] > 0
    written = pq.read_table(tmp_path / "v.parquet")
    assert written.num_rows == 39 and len(written["vector"][0].as_py()) == 256
    assert written["topic"].to_pylist()[6:8] == ["t6", "t8"]
    assert {k: v for k, v in written.schema.metadata.items() if k != b"ARROW:schema"} == {
        b"model": b"gemini-embedding-001",
        b"dimensions": b"256",
        b"task": b"CLUSTERING",
        b"normalised": b"false",
    }
    run_cli(emulator, tmp_path, "retry", report["run_id"], "--wait", "--json")
    arguments = ("results", report["run_id"], "--out", "v.npy", "--normalize", "--failed-rows", "nan")
    run_cli(emulator, tmp_path, *arguments)
    matrix = np.load(tmp_path / "v.npy")
    assert matrix.shape == (40, 256) and np.isnan(matrix[7]).all()
    assert np.allclose(np.linalg.norm(np.delete(matrix, 7, 0), axis=1), 1, atol=1e-5)
