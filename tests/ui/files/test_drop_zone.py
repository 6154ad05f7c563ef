"""What the drop zone reports is read whatever its form."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st

from ui.files import drop_zone


@pytest.mark.parametrize(
    ("state", "result"),
    [
        (None, (0, [])),
        (SimpleNamespace(done=None), (0, [])),
        (SimpleNamespace(done={"stored": 2, "failed": []}), (2, [])),
        (SimpleNamespace(done={"stored": 1, "failed": [["a", "b"]]}), (1, [("a", "b")])),
    ],
)
def test_the_outcome_of_an_upload(monkeypatch: pytest.MonkeyPatch, state: Any, result: object) -> None:
    monkeypatch.setattr(st, "session_state", {"zone": state})
    assert drop_zone.outcome("zone") == result
