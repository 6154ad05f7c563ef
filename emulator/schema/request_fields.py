"""The fields that requests may have, as one table, and the reader that holds requests to it.

A reader accepts snake_case beside camelCase at any depth, answers an unknown field with the service's 400, and
returns the request in camelCase. Inside maps and free-form values (metadata, args, JSON schemas) nothing is renamed.

The table follows the REST reference of v1beta and what google-genai 3.4.0 can send to it. Notation of a type: `s`
string, `i` integer, `f` number, `b` boolean, `e` enum, `*` any JSON, the name of a message or of an enum whose values
matter, `[…]` a list, `{…}` a map.
"""

import re
from collections.abc import Callable
from typing import Any

from emulator.core.errors import ServiceError

Reader = Callable[[Any], Any]
_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)
_TABLE = """
GenerateContentRequest: model=s contents=[Content] systemInstruction=Content tools=[Tool] toolConfig=ToolConfig
  safetySettings=[SafetySetting] generationConfig=GenerationConfig cachedContent=s serviceTier=e store=b
  continuationToken=s labels={s}
Content: parts=[Part] role=s
Part: text=s inlineData=Blob fileData=FileData functionCall=FunctionCall functionResponse=FunctionResponse
  executableCode=ExecutableCode codeExecutionResult=CodeExecutionResult thought=b thoughtSignature=s
  videoMetadata=VideoMetadata mediaResolution=PartMediaResolution partMetadata=* toolCall=ToolCall
  toolResponse=ToolResponse audioTranscription=* mediaProcessing=e speechMetadata=SpeechMetadata
  documentMetadata=DocumentMetadata spreadsheetMetadata=SpreadsheetMetadata audioMetadata=AudioMetadata
Blob: mimeType=s data=s displayName=s
FileData: mimeType=s fileUri=s displayName=s
FunctionCall: id=s name=s args=* partialArgs=* willContinue=b
FunctionResponse: id=s name=s response=* willContinue=b scheduling=e parts=*
ExecutableCode: id=s language=e code=s
CodeExecutionResult: id=s outcome=e output=s
VideoMetadata: startOffset=s endOffset=s fps=f contentLayers=*
PartMediaResolution: level=e numTokens=i
ToolCall: id=s toolType=e args=*
ToolResponse: id=s toolType=e response=*
SpeechMetadata: speaker=s style=s
DocumentMetadata: startPage=i endPage=i contentLayers=[e]
SpreadsheetMetadata: visibleCells=s sheetIndex=i contentLayers=[e]
AudioMetadata: startOffset=s endOffset=s
Tool: functionDeclarations=[FunctionDeclaration] googleSearch=GoogleSearch googleSearchRetrieval=GoogleSearchRetrieval
  googleMaps=GoogleMaps codeExecution=Empty urlContext=Empty computerUse=ComputerUse fileSearch=FileSearch mcpServers=*
GoogleSearch: searchTypes=SearchTypes timeRangeFilter=Interval
SearchTypes: webSearch=Empty imageSearch=Empty
Interval: startTime=s endTime=s
GoogleSearchRetrieval: dynamicRetrievalConfig=DynamicRetrievalConfig
DynamicRetrievalConfig: mode=e dynamicThreshold=f
GoogleMaps: authConfig=* enableWidget=b
ComputerUse: environment=e excludedPredefinedFunctions=[s] enablePromptInjectionDetection=b disabledSafetyPolicies=[e]
FileSearch: fileSearchStoreNames=[s] topK=i metadataFilter=s
FunctionDeclaration: name=s description=s behavior=e parameters=Schema parametersJsonSchema=* response=Schema
  responseJsonSchema=*
ToolConfig: functionCallingConfig=FunctionCallingConfig retrievalConfig=RetrievalConfig
  includeServerSideToolInvocations=b
FunctionCallingConfig: mode=e allowedFunctionNames=[s] streamFunctionCallArguments=b
RetrievalConfig: latLng=LatLng languageCode=s
LatLng: latitude=f longitude=f
SafetySetting: category=e threshold=e
GenerationConfig: candidateCount=i stopSequences=[s] maxOutputTokens=i temperature=f topP=f topK=f seed=i
  responseMimeType=s responseSchema=Schema responseJsonSchema=* _responseJsonSchema=* presencePenalty=f
  frequencyPenalty=f responseLogprobs=b logprobs=i enableEnhancedCivicAnswers=b responseModalities=[Modality]
  speechConfig=SpeechConfig thinkingConfig=ThinkingConfig imageConfig=ImageConfig mediaResolution=e
  translationConfig=* audioTranscriptionConfig=* enableAffectiveDialog=b
ThinkingConfig: includeThoughts=b thinkingBudget=i thinkingLevel=e
ImageConfig: aspectRatio=s imageSize=s
SpeechConfig: voiceConfig=VoiceConfig multiSpeakerVoiceConfig=MultiSpeakerVoiceConfig languageCode=s
VoiceConfig: prebuiltVoiceConfig=PrebuiltVoiceConfig replicatedVoiceConfig=* voice=s
PrebuiltVoiceConfig: voiceName=s
MultiSpeakerVoiceConfig: speakerVoiceConfigs=[SpeakerVoiceConfig]
SpeakerVoiceConfig: speaker=s voiceConfig=VoiceConfig
Schema: type=Type format=s title=s description=s nullable=b enum=[s] items=Schema properties={Schema} required=[s]
  minItems=i maxItems=i minProperties=i maxProperties=i minLength=i maxLength=i minimum=f maximum=f pattern=s
  example=* default=* anyOf=[Schema] propertyOrdering=[s] additionalProperties=* defs={Schema} ref=s
CountTokensRequest: model=s contents=[Content] generateContentRequest=GenerateContentRequest
EmbedContentRequest: model=s content=Content taskType=e title=s outputDimensionality=i autoTruncate=b
  embedContentConfig=EmbedContentConfig
EmbedContentConfig: taskType=e title=s outputDimensionality=i autoTruncate=b documentOcr=b
  audioTrackExtraction=b
BatchEmbedContentsRequest: requests=[EmbedContentRequest]
CachedContent: name=s model=s displayName=s contents=[Content] systemInstruction=Content tools=[Tool]
  toolConfig=ToolConfig ttl=s expireTime=s createTime=s updateTime=s usageMetadata=*
CachedContentExpiry: ttl=s expireTime=s model=s displayName=s
UploadFile: file=File
File: name=s displayName=s mimeType=s sizeBytes=i createTime=s updateTime=s expirationTime=s sha256Hash=s uri=s
  downloadUri=s state=e source=e error=* videoMetadata=*
CreateGenerateBatch: batch=GenerateContentBatch
GenerateContentBatch: name=s model=s displayName=s inputConfig=GenerateInput priority=i webhookConfig=WebhookConfig
GenerateInput: fileName=s requests=GenerateRows
GenerateRows: requests=[GenerateRow]
GenerateRow: request=GenerateContentRequest metadata=*
CreateEmbedBatch: batch=EmbedContentBatch
EmbedContentBatch: name=s model=s displayName=s inputConfig=EmbedInput priority=i webhookConfig=WebhookConfig
EmbedInput: fileName=s requests=EmbedRows
EmbedRows: requests=[EmbedRow]
EmbedRow: request=EmbedContentRequest metadata=*
WebhookConfig: uris=[s] userMetadata=*
Empty:
"""


class InvalidField(Exception):
    """A value that does not fit. `path` is where, outermost first; `text` says what, given that place."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.field = field  # set only when a name is unknown
        self.path: list[str] = []

    def nested_in(self, step: str) -> "InvalidField":
        self.path.insert(0, step)
        return self

    @property
    def location(self) -> str:
        return ".".join(self.path).replace(".[", "[")

    def http_error(self) -> ServiceError:
        """The 400 of an HTTP body (wording: python-genai issue 1451)."""
        if self.field:
            where = f" at '{self.location}'" if self.path else ""
            text = f'Invalid JSON payload received. Unknown name "{self.field}"{where}: Cannot find field.'
        else:
            text = f"Invalid value at '{self.location}' {self.text}"
        violation: dict[str, Any] = {"description": text}
        if self.path:
            violation = {"field": self.location, **violation}
        detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
        return ServiceError(3, text, [detail])

    def row_error(self) -> ServiceError:
        """The error of one line of a file (wording of the first kind: inspect_ai issue 3273)."""
        if self.field:
            return ServiceError(3, f"no such field: '{self.field}'")
        return ServiceError(3, f"Invalid value at '{self.location}' {self.text}")


def to_snake_case(camel: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "_" + m[1].lower(), camel)


def _string(value: Any) -> Any:
    if isinstance(value, str):
        return value
    raise InvalidField(f"(TYPE_STRING), {_describe_value(value)}")


def _integer(value: Any) -> Any:
    if type(value) is int:
        return value
    if (isinstance(value, float) and value.is_integer()) or (isinstance(value, str) and _INTEGER.fullmatch(value)):
        number = int(value)
        if -(2**63) <= number < 2**63:
            return number
    raise InvalidField(f"(TYPE_INT32), {_describe_value(value)}")


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise InvalidField(f"(TYPE_FLOAT), {_describe_value(value)}")


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    raise InvalidField(f"(TYPE_BOOL), {_describe_value(value)}")


def _enum(value: Any) -> Any:
    if isinstance(value, str):
        return value.upper()
    if type(value) is int:
        return value
    raise InvalidField(f"(TYPE_ENUM), {_describe_value(value)}")


def _enum_reader(names: tuple[str, ...]) -> Reader:
    """A reader of an enum that clients may send by number, as Google's proto client does."""

    def read_enum(value: Any) -> Any:
        is_index = type(value) is int and 0 <= value < len(names)
        return names[value] if is_index else _enum(value)

    return read_enum


def _anything(value: Any) -> Any:
    return value


def _describe_value(value: Any) -> str:
    return f'"{value}"' if isinstance(value, (str, int, float)) else "Starting an object on a scalar field"


_SCALARS: dict[str, Reader] = {
    "s": _string,
    "i": _integer,
    "f": _number,
    "b": _boolean,
    "e": _enum,
    "*": _anything,
    "Type": _enum_reader(("UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")),
    "Modality": _enum_reader(("UNSPECIFIED", "TEXT", "IMAGE", "AUDIO")),
}
_MESSAGES: dict[str, dict[str, tuple[str, str, Reader]]] = {}  # message -> either spelling -> (camel, snake, reader)


def read(message: str, value: Any) -> dict[str, Any]:
    """Hold `value` to a message of the table and return it in camelCase. Raises InvalidField."""
    if type(value) is not dict:
        raise InvalidField(f"({message}), {_describe_value(value)}")
    fields = _MESSAGES[message]
    out = {}
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            raise InvalidField("", field=name)
        if item is None:
            continue
        try:
            out[field[0]] = field[2](item)
        except InvalidField as error:
            raise error.nested_in(field[1]) from None
    return out


def read_body(message: str, value: Any) -> dict[str, Any]:
    """As `read`, for the body of an HTTP request: raises the service's 400."""
    try:
        return read(message, value)
    except InvalidField as error:
        raise error.http_error() from None


def _list_of(reader: Reader) -> Reader:
    def read_list(value: Any) -> Any:
        items = value if type(value) is list else [value]  # the service takes a single item for a list of one
        out = []
        for index, item in enumerate(items):
            try:
                out.append(reader(item))
            except InvalidField as error:
                raise error.nested_in(f"[{index}]") from None
        return out

    return read_list


def _map_of(reader: Reader) -> Reader:
    def read_map(value: Any) -> Any:
        if type(value) is not dict:
            raise InvalidField(f"(map), {_describe_value(value)}")
        out = {}
        for index, (key, item) in enumerate(value.items()):
            try:
                out[key] = reader(item)
            except InvalidField as error:
                raise error.nested_in(f"[{index}].value") from None
        return out

    return read_map


def _reader(notation: str) -> Reader:
    if notation[0] == "[":
        return _list_of(_reader(notation[1:-1]))
    if notation[0] == "{":
        return _map_of(_reader(notation[1:-1]))
    return _SCALARS.get(notation) or (lambda value: read(notation, value))


for _entry in re.findall(r"^(\w+):((?:.*\n(?:  .*\n)*))", _TABLE, re.M):
    _MESSAGES[_entry[0]] = {}
    for _camel, _notation in (pair.split("=") for pair in _entry[1].split()):
        _field = (_camel, to_snake_case(_camel), _reader(_notation))
        _MESSAGES[_entry[0]] |= {_camel: _field, to_snake_case(_camel): _field}
_MESSAGES["Schema"] |= {"$defs": _MESSAGES["Schema"]["defs"], "$ref": _MESSAGES["Schema"]["ref"]}
