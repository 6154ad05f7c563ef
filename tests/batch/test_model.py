"""The nouns of a batch."""

from __future__ import annotations

import pytest

from batch.model import model_id


@pytest.mark.parametrize("name", ["gemini-2.5-flash", "models/gemini-2.5-flash", " models/gemini-2.5-flash \n"])
def test_a_models_id_is_bare_however_it_is_given(name: str) -> None:
    assert model_id(name) == "gemini-2.5-flash"
