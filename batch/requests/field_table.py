"""Every field that a GenerateContentRequest may have, as one table, and advice for the ones that it may not.

The table holds what google-genai 3.4.0 can send to the Gemini API (its `…_to_mldev` converters) and what Google's
cookbook sends. The notation of a type: `str`, `bool`, `int`, `num`, `any` (any JSON), `obj` (any object), an enum
or a message by its name, and `[…]` for a list. Names inside `any` and `obj` are the user's own: nothing is renamed.
"""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple

from batch.errors import Fault
from batch.formatting import quoted_list


def _word_set(text: str, prefix: str = "") -> frozenset[str]:
    return frozenset(prefix + word for word in text.split())


ENUMS: dict[str, frozenset[str]] = {
    "HarmCategory": _word_set(
        "UNSPECIFIED HARASSMENT HATE_SPEECH SEXUALLY_EXPLICIT DANGEROUS_CONTENT CIVIC_INTEGRITY JAILBREAK IMAGE_HATE"
        " IMAGE_DANGEROUS_CONTENT IMAGE_HARASSMENT IMAGE_SEXUALLY_EXPLICIT",
        "HARM_CATEGORY_",
    ),
    "HarmBlockThreshold": _word_set(
        "HARM_BLOCK_THRESHOLD_UNSPECIFIED BLOCK_LOW_AND_ABOVE BLOCK_MEDIUM_AND_ABOVE BLOCK_ONLY_HIGH BLOCK_NONE OFF"
    ),
    "Modality": _word_set("MODALITY_UNSPECIFIED TEXT IMAGE AUDIO VIDEO"),
    "MediaResolution": _word_set("UNSPECIFIED LOW MEDIUM HIGH ULTRA_HIGH", "MEDIA_RESOLUTION_"),
    "ThinkingLevel": _word_set("THINKING_LEVEL_UNSPECIFIED MINIMAL LOW MEDIUM HIGH XHIGH"),
    "CallingMode": _word_set("MODE_UNSPECIFIED AUTO ANY NONE VALIDATED"),
    "Behavior": _word_set("UNSPECIFIED BLOCKING NON_BLOCKING"),
    "Scheduling": _word_set("SCHEDULING_UNSPECIFIED SILENT WHEN_IDLE INTERRUPT"),
    "Language": _word_set("LANGUAGE_UNSPECIFIED PYTHON"),
    "CodeOutcome": _word_set("UNSPECIFIED OK FAILED DEADLINE_EXCEEDED", "OUTCOME_"),
    "ServiceTier": _word_set("UNSPECIFIED FLEX STANDARD PRIORITY"),
}

_TABLE: dict[str, str] = {
    "Request": "contents:[Content] systemInstruction:Content tools:[Tool] toolConfig:ToolConfig"
    " safetySettings:[SafetySetting] generationConfig:GenerationConfig cachedContent:str model:str labels:obj"
    " serviceTier:ServiceTier store:bool continuationToken:str",
    "EmbedRequest": "content:Content taskType:str title:str outputDimensionality:int autoTruncate:bool model:str",
    "Content": "parts:[Part] role:str",
    "Part": "text:str inlineData:Blob fileData:FileData functionCall:FunctionCall functionResponse:FunctionResponse"
    " executableCode:ExecutableCode codeExecutionResult:CodeExecutionResult toolCall:obj toolResponse:obj"
    " thought:bool thoughtSignature:str videoMetadata:VideoMetadata mediaResolution:PartMediaResolution"
    " partMetadata:obj audioTranscription:obj mediaProcessing:any speechMetadata:obj documentMetadata:obj"
    " spreadsheetMetadata:obj audioMetadata:obj",
    "Blob": "mimeType:str data:str displayName:str",
    "FileData": "mimeType:str fileUri:str displayName:str",
    "FunctionCall": "id:str name:str args:obj",
    "FunctionResponse": "id:str name:str response:obj willContinue:bool scheduling:Scheduling parts:[any]",
    "ExecutableCode": "id:str language:Language code:str",
    "CodeExecutionResult": "id:str outcome:CodeOutcome output:str",
    "VideoMetadata": "startOffset:str endOffset:str fps:num contentLayers:[any]",
    "PartMediaResolution": "level:MediaResolution numTokens:int",
    "Tool": "functionDeclarations:[FunctionDeclaration] googleSearch:obj googleSearchRetrieval:obj googleMaps:obj"
    " codeExecution:obj urlContext:obj computerUse:obj fileSearch:obj mcpServers:[any]",
    "FunctionDeclaration": "name:str description:str behavior:Behavior parameters:Schema parametersJsonSchema:any"
    " response:Schema responseJsonSchema:any",
    "ToolConfig": "functionCallingConfig:FunctionCallingConfig retrievalConfig:RetrievalConfig"
    " includeServerSideToolInvocations:bool",
    "FunctionCallingConfig": "mode:CallingMode allowedFunctionNames:[str]",
    "RetrievalConfig": "latLng:LatLng languageCode:str",
    "LatLng": "latitude:num longitude:num",
    "SafetySetting": "category:HarmCategory threshold:HarmBlockThreshold",
    "GenerationConfig": "temperature:num topP:num topK:num candidateCount:int maxOutputTokens:int stopSequences:[str]"
    " responseLogprobs:bool logprobs:int presencePenalty:num frequencyPenalty:num seed:int responseMimeType:str"
    " responseSchema:Schema responseJsonSchema:any _responseJsonSchema:any responseModalities:[Modality]"
    " mediaResolution:MediaResolution speechConfig:SpeechConfig thinkingConfig:ThinkingConfig"
    " imageConfig:ImageConfig enableEnhancedCivicAnswers:bool enableAffectiveDialog:bool responseFormat:[any]"
    " translationConfig:obj audioTranscriptionConfig:obj",
    "ThinkingConfig": "includeThoughts:bool thinkingBudget:int thinkingLevel:ThinkingLevel",
    "ImageConfig": "aspectRatio:str imageSize:str",
    "SpeechConfig": "voiceConfig:VoiceConfig multiSpeakerVoiceConfig:MultiSpeakerVoiceConfig languageCode:str",
    "VoiceConfig": "prebuiltVoiceConfig:PrebuiltVoiceConfig replicatedVoiceConfig:obj voice:str",
    "PrebuiltVoiceConfig": "voiceName:str",
    "MultiSpeakerVoiceConfig": "speakerVoiceConfigs:[SpeakerVoiceConfig]",
    "SpeakerVoiceConfig": "speaker:str voiceConfig:VoiceConfig",
}

# What Google's documentation allows; a value outside is refused for the row. (lowest, highest), None: no end.
RANGES: dict[str, tuple[float | None, float | None]] = {
    "temperature": (0, 2),
    "topP": (0, 1),
    "topK": (1, None),
    "candidateCount": (1, None),
    "maxOutputTokens": (1, None),
    "thinkingBudget": (-1, None),
    "logprobs": (0, 20),
    "seed": (-(2**31), 2**31 - 1),
}


class FieldSpec(NamedTuple):
    """A field's wire name and type; `repeated` if its value is a list of that type."""

    name: str
    kind: str
    repeated: bool


def _parse_fields(message: str) -> dict[str, FieldSpec]:
    fields = {}
    for entry in message.split():
        name, kind = entry.split(":")
        fields[name] = FieldSpec(name, kind.strip("[]"), kind.startswith("["))
    return fields


MESSAGES: dict[str, dict[str, FieldSpec]] = {name: _parse_fields(fields) for name, fields in _TABLE.items()}


def camel_case(name: str) -> str:
    """The wire's spelling of a field: max_output_tokens is maxOutputTokens."""
    return re.sub(r"(?<=[a-z0-9])_([a-z0-9])", lambda m: m[1].upper(), name)


def find_field(message: str, name: str) -> FieldSpec | None:
    """The field of that name, in camelCase or snake_case; None if the message has no such field."""
    fields = MESSAGES[message]
    return fields.get(name) or fields.get(camel_case(name))


# Where the fields of a message live, for people.
FIELD_LOCATIONS = {
    "Request": 'directly in the request, beside "contents"',
    "GenerationConfig": 'inside "generationConfig"',
    "ThinkingConfig": 'inside "thinkingConfig", which is inside "generationConfig"',
    "ImageConfig": 'inside "imageConfig", which is inside "generationConfig"',
    "Part": 'inside one of the "parts" of "contents"',
    "Content": 'inside one of the "contents"',
    "SafetySetting": 'inside one of the "safetySettings"',
    "Tool": 'inside one of the "tools"',
    "FunctionDeclaration": 'inside one of the "functionDeclarations" of a tool',
    "FunctionCallingConfig": 'inside "functionCallingConfig", which is inside "toolConfig"',
    "Blob": 'inside "inlineData"',
    "FileData": 'inside "fileData"',
}
_WRITE_INSTEAD = 'Write "{}" instead.'
# Names that come from other libraries and APIs, by message ("" for any), and what to do about them.
_COMMON_MISTAKES: dict[tuple[str, str], str] = {
    ("", "config"): 'The SDK\'s "config" does not exist on the wire. Put temperature and the like into'
    ' "generationConfig"; put systemInstruction, tools, safetySettings and cachedContent beside "contents".',
    ("", "max_tokens"): _WRITE_INSTEAD.format("maxOutputTokens") + ' It goes inside "generationConfig".',
    ("", "max_completion_tokens"): _WRITE_INSTEAD.format("maxOutputTokens") + ' It goes inside "generationConfig".',
    ("", "maxTokens"): _WRITE_INSTEAD.format("maxOutputTokens") + ' It goes inside "generationConfig".',
    ("", "stop"): _WRITE_INSTEAD.format("stopSequences") + ' It goes inside "generationConfig".',
    ("", "reasoning_effort"): 'Write "thinkingConfig": {"thinkingLevel": "LOW"} inside "generationConfig".',
    ("", "response_format"): 'Write "responseMimeType" and "responseSchema" inside "generationConfig".',
    ("Request", "system"): 'Write "systemInstruction": {"parts": [{"text": "…"}]} instead.',
    ("Request", "systemPrompt"): 'Write "systemInstruction": {"parts": [{"text": "…"}]} instead.',
    ("Request", "messages"): 'Write "contents": [{"role": "user", "parts": [{"text": "…"}]}] instead.',
    ("Request", "prompt"): 'Write "contents": [{"role": "user", "parts": [{"text": "…"}]}] instead.',
    ("Request", "request"): 'Take one level away: a "request" stands inside the request.',
    ("Request", "key"): 'Put "key" beside "request", not into it.',
    ("Request", "metadata"): 'Put "metadata" beside "request", not into it.',
    ("Content", "content"): 'Write "parts": [{"text": "…"}] instead.',
    ("Content", "text"): 'Write "parts": [{"text": "…"}] instead.',
    ("Part", "image"): 'Write "inlineData": {"mimeType": "image/png", "data": "…base64…"} instead.',
    ("Part", "image_url"): 'Write "fileData": {"mimeType": "image/png", "fileUri": "…"} instead.',
    ("Part", "type"): 'A part has no type; its field says what it is, as in {"text": "…"}.',
}
_AMBIGUOUS_NAMES = _word_set("name description response mode data behavior")
_VERTEX_ONLY = _word_set(
    "routingConfig modelSelectionConfig modelArmorConfig audioTimestamp generationOutputConfig retrieval"
    " enterpriseWebSearch parallelAiSearch exaAiSearch streamFunctionCallArguments method partialArgs"
    " personGeneration prominentPeople outputMimeType outputCompressionQuality imageOutputOptions"
)
_SDK_ONLY = _word_set("httpOptions shouldReturnHttpResponse automaticFunctionCalling automaticContinuation")


def unknown_field_fault(message: str, name: str, path: str) -> Fault:
    """Say what is wrong with a field that does not belong where it is, and what was probably meant."""
    where = f" in {path}" if path else " directly in the request" if message == "Request" else ""
    wire_name = camel_case(name)
    advice = _common_mistake(message, name)
    if advice:
        return Fault(f'There is no field "{name}"{where}.', advice)
    if wire_name in _VERTEX_ONLY:
        return Fault(f'The field "{name}"{where} exists only on Vertex AI, not in the Gemini API.', "Remove it.")
    if wire_name in _SDK_ONLY:
        return Fault(f'The field "{name}"{where} is a setting of the SDK and is not part of a request.', "Remove it.")
    parent_message = _parent_message_of(wire_name, message)
    if parent_message:
        fault = f'The field "{name}" is in the wrong place{": it stands" + where if where else ""}.'
        return Fault(fault, f"It belongs {FIELD_LOCATIONS[parent_message]}.")
    return Fault(f'There is no field "{name}"{where}.', _suggest_field(message, wire_name))


def _common_mistake(message: str, name: str) -> str:
    for spelling in (name, camel_case(name)):
        advice = _COMMON_MISTAKES.get((message, spelling)) or _COMMON_MISTAKES.get(("", spelling))
        if advice:
            return advice
    return ""


def _parent_message_of(name: str, message: str) -> str:
    """The message where such a field belongs, if there is one that people know by name and the name tells."""
    if name in _AMBIGUOUS_NAMES:
        return ""
    return next((home for home in FIELD_LOCATIONS if home != message and name in MESSAGES[home]), "")


def _suggest_field(message: str, name: str) -> str:
    fields = MESSAGES[message]
    lowered = {field.lower(): field for field in fields}
    matches = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.7)
    if matches:
        return f'Did you mean "{lowered[matches[0]]}"?'
    everywhere = {
        field.lower(): (field, parent_message)
        for parent_message in FIELD_LOCATIONS
        for field in MESSAGES[parent_message]
        if field not in _AMBIGUOUS_NAMES
    }
    matches = difflib.get_close_matches(name.lower(), everywhere, n=1, cutoff=0.8)
    if matches:
        field, parent_message = everywhere[matches[0]]
        return f'Did you mean "{field}"? It belongs {FIELD_LOCATIONS[parent_message]}.'
    return f"The fields here are {quoted_list(tuple(fields), 20)}."
