"""Questions about rules by model, by type and by MIME: each is refused, so that asking costs nothing."""

from tests.contract.contract_client import OTHER, Json, ServiceClient

PRO = "gemini-2.5-pro"
NEWER = "gemini-3.1-pro-preview"
JSON = "application/json"
F: Json = {"name": "f", "description": "Of a place"}
HI: Json = {"role": "user", "parts": [{"text": "hi"}]}
CALL: Json = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
RESPONSE: Json = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": 1}}}]}


def _config(**values: object) -> Json:
    return {"contents": [HI], "generationConfig": values}


def _schema(value: Json) -> Json:
    return _config(responseMimeType=JSON, responseSchema={"type": "OBJECT", "properties": {"m": value}})


def _tools(*declarations: Json, **more: object) -> Json:
    return {"contents": [HI], "tools": [{"functionDeclarations": list(declarations)}], **more}


def _blob(mime: str) -> Json:
    return {"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": mime, "data": "eA=="}}]}]}


RULES: dict[str, tuple[str, Json, str]] = {  # question -> model, request, how the refusal begins
    "a thinking level on 2.5": (OTHER, _config(thinkingConfig={"thinkingLevel": "LOW"}), "Thinking level is not"),
    "too large a thinking budget": (PRO, _config(thinkingConfig={"thinkingBudget": 52_428}), "The thinking budget"),
    "thinking turned off on 2.5 Pro": (PRO, _config(thinkingConfig={"thinkingBudget": 0}), "Budget 0 is invalid"),
    "thinking turned off on 3.1 Pro": (NEWER, _config(thinkingConfig={"thinkingBudget": 0}), "Budget 0 is invalid"),
    "too long an output": (OTHER, _config(maxOutputTokens=1_000_000), "max_output_tokens"),
    "two candidates on 3.1 Pro": (NEWER, _config(candidateCount=2), "Multiple candidates"),
    "functions beside JSON on 2.5": (OTHER, _tools(F, generationConfig={"responseMimeType": JSON}), "Function calling"),
    "two functions of one name": (OTHER, _tools(F, F), "Duplicate function declaration found: f"),
    "a function's name with a space": (OTHER, _tools({"name": "my tool"}), "* GenerateContentRequest.tools[0]."),
    "a call without a response": (OTHER, {**_tools(F), "contents": [HI, CALL, HI]}, "Please ensure that the number"),
    "a response without a call": (OTHER, {**_tools(F), "contents": [HI, RESPONSE]}, "Please ensure that function"),
    "a call without its signature": (
        NEWER,
        {**_tools(F), "contents": [HI, CALL, RESPONSE]},
        "Function call is missing",
    ),
    "an empty object": (OTHER, _schema({"type": "OBJECT", "properties": {}}), "* GenerateContentRequest.generation_"),
    "an enum of integers": (OTHER, _schema({"type": "INTEGER", "enum": ["1"]}), "* GenerateContentRequest.generation_"),
    "an unknown format": (OTHER, _schema({"type": "STRING", "format": "uri"}), "* GenerateContentRequest.generation_"),
    "bytes of no type": (OTHER, _blob("application/octet-stream"), "Unsupported MIME type: "),
    "a GIF": (OTHER, _blob("image/gif"), "Unsupported MIME type: "),
}


def ask_rule(service: ServiceClient, name: str) -> tuple[int, str]:
    """Status of the refusal and its beginning, as long as the text that is expected."""
    model, request, text = RULES[name]
    error = service.error("POST", f"models/{model}:generateContent", request)
    return error["http"], error["message"][: len(text)]


def cut_exchange(service: ServiceClient) -> int:
    """The status of a cache whose contents end inside a tool exchange."""
    words = {"role": "user", "parts": [{"text": "word " * 3000}]}
    body = {"model": f"models/{OTHER}", "contents": [words, CALL], "tools": [{"functionDeclarations": [F]}]}
    status, answer = service.call("POST", "cachedContents", body)
    if status == 200:
        service.call("DELETE", answer["name"])
    return status
