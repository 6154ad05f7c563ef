"""Every rule that a request is held to before it is paid for: what it looks at, its words, its remedy, its source.

The checks beside this module find the values and name a rule; what is said of it stands here alone. A rule with a
`fact` depends on the model: where the catalog does not know that fact, the use is noted and nothing is refused.
"""

from __future__ import annotations

from typing import NamedTuple

from batch.errors import Fault

_NEWS = "collected refusals of 2026-11-28"


class Rule(NamedTuple):
    """One rule. `fault` and `remedy` are templates; `use` says what a row does that may be refused.

    `fact` is the field of the model's catalog entry that decides, "" where the rule is the same for every model. A
    rule without a fault only warns.
    """

    id: str
    looks_at: str
    use: str
    fault: str
    remedy: str
    source: str
    fact: str = ""


_RULES = (
    Rule(
        "thinking_level_kind",
        "generationConfig.thinkingConfig.thinkingLevel",
        "a thinkingLevel",
        "thinkingLevel is {value}, but {model} has no levels: its thinking is set by a budget.",
        'Write "thinkingBudget": 1024, or another number of tokens.',
        f"Page on thinking; qwen-code pull request 9094; {_NEWS}",
        "thinking",
    ),
    Rule(
        "thinking_level",
        "generationConfig.thinkingConfig.thinkingLevel",
        "a thinkingLevel",
        "thinkingLevel is {value}, which {model} does not have.",
        "Its levels are {levels}.",
        "Google's table of levels by model, copies of September 2026; kiss-translator issue 1048 has the refusal",
        "thinking_levels",
    ),
    Rule(
        "thinking_budget",
        "generationConfig.thinkingConfig.thinkingBudget",
        "a thinkingBudget",
        "thinkingBudget is {value:,}, which {model} does not take.",
        "Write {low:,} to {high:,}{or_off}, or -1 to leave it to the model.",
        f"Page on thinking: ranges by model; Roo-Code issue 4399; {_NEWS}",
        "thinking_budget",
    ),
    Rule(
        "thinking_off",
        "generationConfig.thinkingConfig.thinkingBudget",
        "a thinkingBudget of 0",
        "thinkingBudget is 0, but the thinking of {model} cannot be turned off.",
        "The least is {least_thinking}.",
        f'"Budget 0 is invalid. This model only works in thinking mode."; {_NEWS}',
        "thinking_off",
    ),
    Rule(
        "output_limit",
        "generationConfig.maxOutputTokens",
        "maxOutputTokens",
        "maxOutputTokens is {value:,}, but {model} gives at most {output_cap:,}.",
        "The highest value is {output_cap:,}.",
        "outputTokenLimit in the model list of August 2026",
        "output_cap",
    ),
    Rule(
        "candidates",
        "generationConfig.candidateCount",
        "a candidateCount",
        "candidateCount is {value:,}, but {model} gives at most {max_candidates}.",
        "The highest value is {max_candidates}; for more answers, write more rows.",
        f'"Multiple candidates is not enabled for this model", probed 2026-09-05; {_NEWS}',
        "max_candidates",
    ),
    Rule(
        "logprobs",
        "generationConfig.responseLogprobs",
        "responseLogprobs",
        "responseLogprobs is set, but {model} does not give the probabilities of tokens.",
        'Remove "responseLogprobs" and "logprobs".',
        '"Logprobs is not enabled for models/…": python-genai issue 1921; probed 2026-09-05',
        "logprobs",
    ),
    Rule(
        "aspect_ratio",
        "generationConfig.imageConfig.aspectRatio",
        "an aspectRatio",
        "aspectRatio is {value}, which {model} does not make.",
        "Its ratios are {ratios}.",
        "Guide to image generation: ratios by model, copies of August 2026",
        "aspect_ratios",
    ),
    Rule(
        "image_size",
        "generationConfig.imageConfig.imageSize",
        "an imageSize",
        "imageSize is {value}, which {model} does not make.",
        "Its sizes are {sizes}; the K is a capital.",
        "Guide to image generation: sizes by model, copies of August 2026",
        "picture_tokens",
    ),
    Rule(
        "logprobs_alone",
        "generationConfig.logprobs",
        "logprobs without responseLogprobs",
        "logprobs is set without responseLogprobs.",
        'Add "responseLogprobs": true, or remove "logprobs".',
        "Reference of GenerationConfig",
    ),
    Rule(
        "ultra_high_resolution",
        "generationConfig.mediaResolution",
        "the media resolution ULTRA_HIGH for all of a request",
        "generationConfig.mediaResolution is {value}, which only a single part can have.",
        "Write MEDIA_RESOLUTION_HIGH, or set it at the part.",
        "Page on media resolution, 2026-09-19",
    ),
    Rule(
        "functions_with_json",
        "tools[].functionDeclarations",
        "functions together with answers in JSON",
        "Functions and answers in JSON are asked for together, which {model} refuses.",
        'Leave out the functions or "responseMimeType", or choose a Gemini 3 model.',
        f'"Function calling with a response mime type: application/json is unsupported"; {_NEWS}',
        "functions_with_json",
    ),
    Rule(
        "functions_with_search",
        "tools[].googleSearch",
        "functions together with googleSearch",
        "Functions and googleSearch are asked for together, which {model} refuses.",
        "Leave out one of them, or choose a Gemini 3 model.",
        f'"Tool use with function calling is unsupported"; {_NEWS}',
        "functions_with_search",
    ),
    Rule(
        "part_media_resolution",
        "contents[].parts[].mediaResolution",
        "a mediaResolution at a part",
        "{path} is set, but {model} takes one resolution for the whole request only.",
        'Move it into "generationConfig", as "mediaResolution": "MEDIA_RESOLUTION_HIGH".',
        f"Page on media resolution, 2026-09-19; {_NEWS}",
        "part_media_resolution",
    ),
    Rule(
        "function_name",
        "tools[].functionDeclarations[].name",
        "a function name",
        'The function name "{name}" is not one that Gemini takes.',
        "Begin with a letter or an underscore; then letters, digits, _ . : or -, at most 64 characters in all.",
        f"Reference of FunctionDeclaration; {_NEWS}",
    ),
    Rule(
        "function_declared_twice",
        "tools[].functionDeclarations[].name",
        "a function name",
        'The function "{name}" is declared twice.',
        "Give every function its own name.",
        f'"Duplicate function declaration found"; {_NEWS}',
    ),
    Rule(
        "allowed_function",
        "toolConfig.functionCallingConfig.allowedFunctionNames",
        "allowedFunctionNames",
        'allowedFunctionNames has "{name}", which no tool of the row declares.',
        "Declare the function, or take its name out.",
        _NEWS,
    ),
    Rule(
        "first_turn",
        "contents[0].role",
        "a first turn of the model",
        "The first turn is the model's.",
        "Begin with a turn of the user; a call of a function needs the question before it.",
        f"obsidian-gemini issue 228; {_NEWS}",
    ),
    Rule(
        "response_without_call",
        "contents[].parts[].functionResponse",
        "a functionResponse",
        "contents[{turn}] has a functionResponse, but the turn before it calls no function.",
        "Put the responses directly after the turn with their calls.",
        '"Please ensure that function response turn comes immediately after a function call turn"; vscode issue 299295',
    ),
    Rule(
        "response_count",
        "contents[].parts[].functionResponse",
        "function calls",
        "contents[{turn}] calls {calls}, and the turn after it has {responses}.",
        "Put one functionResponse for each functionCall, all of them in the next turn.",
        '"the number of function response parts is equal to the number of function call parts"; vscode issue 299295',
    ),
    Rule(
        "thought_signature",
        "contents[].parts[].thoughtSignature",
        "calls of functions without a thoughtSignature",
        'The functionCall "{name}" in contents[{turn}] has no thoughtSignature, which {model} wants back.',
        "Send the model's part as it was received, with its thoughtSignature beside the functionCall.",
        "Page on thought signatures: checked for the first call of each step since the user's last message",
        "thought_signatures",
    ),
    Rule(
        "schema_empty_object",
        "responseSchema, parameters: properties",
        "an object without properties",
        "At {path}, an OBJECT has no properties.",
        'Describe its properties; a function without parameters needs no "parameters" at all.',
        '"properties: should be non-empty for OBJECT type"; browser-use issue 3786',
    ),
    Rule(
        "schema_free_dictionary",
        "responseSchema, parameters: additionalProperties",
        "a dictionary with names of any kind",
        "At {path}, an object may have names of any kind, which Gemini cannot be asked for.",
        'Ask for a list instead: {{"type": "ARRAY", "items": {{"type": "OBJECT", "properties": {{"name": {{"type":'
        ' "STRING"}}, "value": …}}}}}}.',
        f"opencode issue 11889; {_NEWS}",
    ),
    Rule(
        "schema_keyword_type",
        "responseSchema, parameters: properties, required, items",
        "a keyword at another type",
        'At {path}, "{keyword}" stands at {kind}.',
        '"{keyword}" goes with the type {wanted} only: correct the type, or remove it.',
        '"properties: only allowed for OBJECT type"; gemini-cli issue 3178',
    ),
    Rule(
        "schema_enum_type",
        "responseSchema, parameters: enum",
        "an enum of other things than texts",
        "At {path}, {what}; Gemini takes an enum of texts only.",
        'Write "type": "STRING" and "1" instead of 1, or "minimum" and "maximum".',
        '"enum: only allowed for STRING type"; browser-use issue 3786',
    ),
    Rule(
        "schema_format",
        "responseSchema, parameters: format",
        "a format",
        'At {path}, Gemini has no format "{format}" for {kind}.',
        "{known}, or say it in the description.",
        "\"format: only 'enum' and 'date-time' are supported for STRING type\"; gemini-cli issue 3178",
    ),
    Rule(
        "schema_large",
        "responseSchema, parameters: enum, minItems, maxItems",
        "long enums or large bounds of lists in a schema",
        "",
        'Gemini refuses schemas with "too many states for serving", without saying how many: try a few rows first.',
        '"The specified schema produces a constraint that has too many states for serving": python-genai issue 660',
    ),
    Rule(
        "media_type_missing",
        "inlineData.mimeType, fileData.mimeType",
        "media without a type",
        "{path}.mimeType is empty.",
        "{suggestion}",
        f"Documented MIME types; {_NEWS}",
    ),
    Rule(
        "media_type_malformed",
        "inlineData.mimeType, fileData.mimeType",
        "media of a type that is none",
        '{path}.mimeType is "{type}", which is no MIME type.',
        "{suggestion}",
        f"Documented MIME types; {_NEWS}",
    ),
    Rule(
        "media_type_refused",
        "inlineData.mimeType, fileData.mimeType",
        "media of a type that is refused",
        '{path}.mimeType is "{type}", which Gemini refuses.',
        "{suggestion}",
        '"Unsupported MIME type: …"; mscraftsman generative-ai issue 134',
    ),
    Rule(
        "media_type_unknown",
        "inlineData.mimeType, fileData.mimeType",
        "media of a type that is not among the documented ones",
        "",
        "Gemini may refuse it: try a few rows first.",
        "Documented MIME types, pages of September 2026",
    ),
    Rule(
        "media_bytes",
        "inlineData.data",
        "media whose bytes are something else",
        '{path} is said to be "{type}", but its bytes are {found}.',
        "Give the file itself; a download that failed often leaves a page of HTML.",
        '"Unable to process input image"; media types by their first bytes',
    ),
    Rule(
        "media_bytes_differ",
        "inlineData.data",
        "media whose bytes are of another type than is said",
        "",
        "Gemini may refuse it: correct the mimeType.",
        "Media types by their first bytes",
    ),
    Rule(
        "media_address",
        "fileData.fileUri",
        "files in Google Cloud Storage",
        "{path}.fileUri is an address in Google Cloud Storage, which only Vertex AI reads.",
        "Upload the file and give its uri, or give its bytes as inlineData.",
        f"Page on ways to give files; {_NEWS}",
    ),
)  # fmt: skip
RULES: dict[str, Rule] = {rule.id: rule for rule in _RULES}


def broken(rule_id: str, **words: object) -> Fault:
    """The fault of a rule that was broken, in words."""
    rule = RULES[rule_id]
    return Fault(rule.fault.format(**words), rule.remedy.format(**words), rule_id)


def warning(rule_id: str, rows: str, model: str) -> str:
    """What is said of rows whose use a rule cannot judge, or only warns of."""
    rule = RULES[rule_id]
    if rule.fault:
        return f"{rows} {rule.use}; whether {model or 'the model'} takes that is not known."
    return f"{rows} {rule.use}. {rule.remedy}"
