"""A file for another API becomes a draft whose notes list what was mapped, left out, and impossible, by kind."""

from __future__ import annotations

import json
from pathlib import Path

from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs.drafts import prepare
from tests.batch.dialects.lines import chat, message, response


def test_a_file_of_lines_for_other_apis(tmp_path: Path) -> None:
    stored = {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}
    lines = [{**chat(max_tokens=5), "custom_id": f"c{n}"} for n in range(3)]
    lines += [{**response(), "custom_id": "r"}, {**message(), "custom_id": "m"}]
    lines += [{**chat(messages=[stored]), "custom_id": f"f{n}"} for n in range(2)]
    draft = prepare("\n".join(map(json.dumps, lines)), tmp_path, kind="jsonl")
    assert (draft.rows, draft.bad_rows) == (5, 2)
    assert [key for key, _ in draft.preview] == ["c0", "c1", "c2", "r", "m"]
    sent = [json.loads(line) for line in (tmp_path / REQUESTS).read_text().splitlines()]
    assert all(line["request"]["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}] for line in sent)
    forms, mapped, left_out, refused = draft.notes
    assert "OpenAI chat completions (3), Anthropic messages (1), OpenAI responses (1)" in forms
    assert "max_tokens → maxOutputTokens (4)" in mapped
    assert "model gpt-4o-mini (3)" in left_out
    assert "files that are stored at OpenAI (file_id) (2)" in refused
