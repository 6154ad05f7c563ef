"""The table of fields, and what is said of a name that it does not have."""

from __future__ import annotations

import pytest

from batch.requests.field_table import ENUMS, MESSAGES, RANGES, FieldSpec, camel_case, find_field, unknown_field_fault


def test_every_type_in_the_table_is_a_message_an_enum_or_a_scalar() -> None:
    scalars = {"str", "bool", "int", "num", "any", "obj", "Schema"}
    kinds = {field.kind for fields in MESSAGES.values() for field in fields.values()}
    assert kinds <= scalars | ENUMS.keys() | MESSAGES.keys()


def test_every_range_belongs_to_a_number() -> None:
    numbers = {field.name for fields in MESSAGES.values() for field in fields.values() if field.kind in ("int", "num")}
    assert RANGES.keys() <= numbers


def test_fields_are_found_in_both_spellings() -> None:
    spec = FieldSpec("maxOutputTokens", "int", repeated=False)
    assert find_field("GenerationConfig", "maxOutputTokens") == find_field("GenerationConfig", "max_output_tokens")
    assert find_field("GenerationConfig", "max_output_tokens") == spec
    assert find_field("Request", "safetySettings") == FieldSpec("safetySettings", "SafetySetting", repeated=True)
    assert find_field("Request", "temperature") is None


def test_only_underscores_before_a_letter_become_humps() -> None:
    assert camel_case("response_json_schema") == "responseJsonSchema"
    assert camel_case("_responseJsonSchema") == "_responseJsonSchema"


@pytest.mark.parametrize(
    ("message", "name", "fault", "remedy"),
    [
        ("Request", "max_tokens", 'no field "max_tokens" directly in the request', '"maxOutputTokens"'),
        ("Request", "temperature", "in the wrong place", 'inside "generationConfig"'),
        ("GenerationConfig", "thinkingLevel", "in the wrong place", 'inside "thinkingConfig"'),
        ("GenerationConfig", "audioTimestamp", "only on Vertex AI", "Remove it."),
        ("Request", "http_options", "a setting of the SDK", "Remove it."),
        ("GenerationConfig", "temprature", "no field", 'Did you mean "temperature"?'),
        ("Request", "temprature", "no field", 'Did you mean "temperature"? It belongs inside "generationConfig".'),
        ("Blob", "zzz", "no field", 'The fields here are "mimeType", "data"'),
    ],
)
def test_what_was_meant_is_said(message: str, name: str, fault: str, remedy: str) -> None:
    found = unknown_field_fault(message, name, "")
    assert fault in found.fault
    assert remedy in found.remedy
