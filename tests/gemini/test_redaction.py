"""No key in any text, in whatever form it stands there; words that are none stay as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini.redaction import redact

OLD = "AIzaSyCANARY-0123456789abcdefghijklmnop"
NEW = "AQ.Ab8CANARY-0123456789_abcdefghijklmnopqrstuvwxyz"
FORMS = (
    "GET /x?key={}",
    "GET /x?alt=media&key={}&pageSize=1",
    "api_key={}",
    "apiKey: {}",
    "API-KEY = '{}'",
    '{{"api_key": "{}", "model": "m"}}',
    "{{'x-goog-api-key': '{}'}}",
    "x-goog-api-key: {}",
    "Authorization: Bearer {}",
    "authorization={}",
    "said Bearer {}.",
    "bearer   {}",
    "access_token={}",
    'access_token": "{}"',
    "refresh_token={}&x=1",
)


@pytest.mark.parametrize("secret", [OLD, NEW, "ya29.made-up-token_0123", "0123456789abcdef"])
@pytest.mark.parametrize("form", FORMS)
def test_named_secrets_are_taken_out(form: str, secret: str) -> None:
    said = redact(form.format(secret))
    assert secret not in said and "***" in said
    assert said.startswith(form.partition("{}")[0].replace("{{", "{").rstrip("'\" ")[:3])


@pytest.mark.parametrize("secret", [OLD, NEW])
@pytest.mark.parametrize("form", ["{}", "said {}.", "<{}>", "({})", "key {} is not valid", "a/{}/b", "%22{}%22"])
def test_keys_are_known_by_their_form(form: str, secret: str) -> None:
    assert secret not in redact(form.format(secret))


def test_the_key_that_is_named_is_taken_out_wherever_it_is() -> None:
    assert redact("xxsome-keyxx", "some-key") == "xx***xx"


@pytest.mark.parametrize(
    "text",
    [
        "API key not valid. Please pass a valid API key.",
        "The key of line 3 occurs twice.",
        "bearer of news",
        "FAQ.html and AQ.short",
        "monkey=banana",
        "tokens: 12",
        "keys: a, b",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


@given(st.text(), st.text(alphabet="0123456789abcdef", min_size=20), st.text())
def test_nothing_around_a_key_saves_it(before: str, tail: str, after: str) -> None:
    assert f"AIza{tail}" not in redact(f"{before} AIza{tail} {after}")
