"""A request that uses a cache carries the right field in the right place, and nothing that only the cache may set."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import InputError
from batch.requests import cache_reference as cr

NAME = "cachedContents/abc"
CONTENTS = [{"role": "user", "parts": [{"text": "Why?"}]}]
FULL: dict[str, Any] = {
    "contents": CONTENTS,
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "tools": [{"googleSearch": {}}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    "generationConfig": {"temperature": 0},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
}


def test_the_cache_stands_beside_contents_and_what_must_move_into_it_is_said() -> None:
    before = copy.deepcopy(FULL)
    wrapped, moved = cr.wrap_request(FULL, NAME)
    assert wrapped == {
        "contents": CONTENTS,
        "generationConfig": {"temperature": 0},
        "safetySettings": FULL["safetySettings"],
        "cachedContent": NAME,
    }
    assert moved == ["systemInstruction", "tools", "toolConfig"]
    assert before == FULL


def test_an_empty_field_is_taken_out_as_well_because_the_service_refuses_it_too() -> None:
    assert cr.wrap_request({"contents": CONTENTS, "tools": []}, NAME)[0] == {
        "contents": CONTENTS,
        "cachedContent": NAME,
    }


def test_snake_case_is_moved_as_well() -> None:
    request = {"contents": CONTENTS, "system_instruction": {"parts": []}, "tool_config": {}, "cached_content": "old"}
    wrapped, moved = cr.wrap_request(request, NAME)
    assert wrapped == {"contents": CONTENTS, "cachedContent": NAME}
    assert moved == ["system_instruction", "tool_config"]


keys = st.sampled_from([*FULL, "system_instruction", "tool_config", "cached_content", "cachedContent", "model"])


@given(st.dictionaries(keys, st.integers()))
def test_no_wrapped_request_has_a_cache_together_with_what_only_the_cache_may_set(request: dict[str, Any]) -> None:
    wrapped, moved = cr.wrap_request(request, NAME)
    assert wrapped["cachedContent"] == NAME and "cached_content" not in wrapped
    assert not wrapped.keys() & cr.CACHE_ONLY_FIELDS.keys()
    lost = request.keys() - wrapped.keys()
    assert lost - {"cached_content"} == set(moved)


class TestUseCache:
    """Requests that carry a placeholder."""

    def test_the_placeholder_names_the_cache_until_it_is_resolved(self) -> None:
        request = {"contents": CONTENTS, "cachedContent": cr.placeholder_for("my doc")}
        assert cr.requested_cache_name(request) == "my doc"
        assert cr.use_cache(request, {"my doc": NAME}) == {"contents": CONTENTS, "cachedContent": NAME}
        assert request["cachedContent"] == "@use_cache:my doc"

    @pytest.mark.parametrize("request_", [{}, {"cachedContent": NAME}, {"cached_content": NAME}, {"cachedContent": 3}])
    def test_a_request_without_one_is_left_as_it_is(self, request_: dict[str, Any]) -> None:
        assert cr.requested_cache_name(request_) is None
        assert cr.use_cache(request_, {}) is request_

    def test_a_request_whose_own_fields_would_be_lost_is_an_error_and_not_sent_changed(self) -> None:
        with pytest.raises(
            InputError, match="also sets its own system instruction and tools and tool config"
        ) as caught:
            cr.use_cache({**FULL, "cachedContent": cr.placeholder_for("doc")}, {"doc": NAME})
        assert "make a cache that has them" in caught.value.remedy
