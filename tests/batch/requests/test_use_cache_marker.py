"""`@use_cache NAME` on the first line: what is a marker, what it names, and what is left of the prompt."""

from __future__ import annotations

import json

import pytest

from batch.requests.canonicalize import Findings, read_object
from batch.requests.use_cache_marker import PLACEHOLDER, cache_name, cached_content_value, extract_marker, match_marker


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("@use_cache manual\nWhat now?", "manual"),
        ("  @use_cache {the long manual}\r\nWhat now?", "the long manual"),
        ("@use_cache cachedContents/abc", "cachedContents/abc"),
    ],
)
def test_a_marker_names_its_cache(prompt: str, name: str) -> None:
    findings, match = Findings(), match_marker(prompt)
    assert match is not None
    assert cache_name(match, findings) == name
    assert not findings.faults


@pytest.mark.parametrize("prompt", ["", "What is @use_cache?", "\n@use_cache a", "@use_cached a", "@user"])
def test_elsewhere_it_is_text(prompt: str) -> None:
    assert match_marker(prompt) is None


@pytest.mark.parametrize("prompt", ["@use_cache", "@use_cache {}", "@use_cache {a"])
def test_a_marker_without_a_name_is_a_fault(prompt: str) -> None:
    findings, match = Findings(), match_marker(prompt)
    assert match is not None
    cache_name(match, findings)
    assert "does not name a cache" in findings.faults[0].fault


def test_names_wait_to_be_resolved_and_resources_do_not() -> None:
    assert cached_content_value("manual") == f"{PLACEHOLDER}manual"
    assert cached_content_value("cachedContents/abc") == "cachedContents/abc"


def extract(*parts: dict[str, object], **fields: object) -> tuple[str, str, dict[str, object], Findings]:
    request = read_object(json.dumps({"contents": [{"role": "user", "parts": list(parts)}], **fields}))
    findings = Findings()
    prompt, cache = extract_marker(request, findings)
    return prompt, cache, {name: json.loads(bytes(value)) for name, value in request.items()}, findings


def test_a_marker_is_cut_out_and_its_cache_set() -> None:
    prompt, cache, request, findings = extract({"text": "@use_cache manual\nWhat now?"})
    assert (prompt, cache, findings.faults) == ("What now?", "manual", [])
    assert request == {
        "contents": [{"role": "user", "parts": [{"text": "What now?"}]}],
        "cachedContent": "@use_cache:manual",
    }


def test_a_part_that_held_only_the_marker_goes() -> None:
    prompt, _, request, _ = extract({"text": "@use_cache manual"}, {"text": "What now?"})
    assert prompt == "What now?"
    assert request["contents"] == [{"role": "user", "parts": [{"text": "What now?"}]}]


def test_two_caches_or_no_prompt_are_faults() -> None:
    assert "twice" in extract({"text": "@use_cache a\nx"}, cachedContent="cachedContents/b")[3].faults[0].fault
    assert "no prompt after" in extract({"text": "@use_cache a\n "})[3].faults[0].fault
    assert "prompt is empty" in extract({"text": " "})[3].faults[0].fault
