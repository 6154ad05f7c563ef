"""Tell for which API a line was written, and convert it."""

from __future__ import annotations

from typing import Any

from batch.dialects.anthropic import convert_message
from batch.dialects.conversion import Conversion, Json
from batch.dialects.openai_chat import convert_chat, convert_completion, convert_embedding
from batch.dialects.openai_responses import convert_response
from batch.rules.model_rules import ModelRules

CHAT, RESPONSES = "OpenAI chat completions", "OpenAI responses"
COMPLETIONS, EMBEDDINGS = "OpenAI completions", "OpenAI embeddings"
ANTHROPIC, VERTEX = "Anthropic messages", "Vertex AI prediction"
_BODIES = ("body", "params", "request", "modelInput")  # the last is Bedrock's


def is_foreign(names: set[str]) -> bool:
    """Whether a line with these names may be for another API: a quick look, which says yes rather than no."""
    return bool(names & {"body", "params", "messages", "instances", "modelInput"}) or {"model", "input"} <= names


def convert_line(line: Json, rules: ModelRules) -> Conversion | None:
    """The conversion of a line; None for one that was written for Gemini, or for nothing that is known."""
    name = line.get("custom_id", line.get("recordId"))
    key = "" if name is None else str(name)
    body = next((line[name] for name in _BODIES if isinstance(line.get(name), dict)), line)
    if "contents" in body:
        return None
    if isinstance(body.get("instances"), list):
        return _convert_instances(body, Conversion(VERTEX, key))
    form = _form(str(line.get("url") or ""), line, body)
    if form == ANTHROPIC:
        return convert_message(body, Conversion(form, key), rules)
    if form == RESPONSES:
        return convert_response(body, Conversion(form, key), rules)
    if form == COMPLETIONS:
        return convert_completion(body, Conversion(form, key), rules)
    if form == EMBEDDINGS:
        return convert_embedding(body, Conversion(form, key))
    if form == CHAT:
        return convert_chat(body, Conversion(form, key), rules)
    if form:
        conversion = Conversion("OpenAI", key)
        conversion.refuse(f"calls of {form[:60]}", "Only chat completions, responses and embeddings are converted.")
        return conversion
    return None


def _form(url: str, line: Json, body: Json) -> str:
    """The form of a line: by its address, else by what its body holds. An unknown address is returned itself."""
    if url:
        known = {
            "/chat/completions": CHAT,
            "/responses": RESPONSES,
            "/completions": COMPLETIONS,
            "/embeddings": EMBEDDINGS,
            "/messages": ANTHROPIC,
        }
        return next((form for ending, form in known.items() if url.rstrip("/").endswith(ending)), url)
    if "messages" in body:
        is_anthropic = "params" in line or "anthropic_version" in body or "system" in body
        return ANTHROPIC if is_anthropic else CHAT
    if "input" in body and ("model" in body or body is not line):
        return EMBEDDINGS if "embed" in str(body.get("model", "")) else RESPONSES
    return COMPLETIONS if "prompt" in body and body is not line and "body" in line else ""


def _convert_instances(body: Json, conversion: Conversion) -> Conversion:
    """A prediction's instances: one text, as the older models of Vertex took it."""
    instances: list[Any] = body["instances"]
    one = instances[0] if len(instances) == 1 else None
    text = one if isinstance(one, str) else None
    if isinstance(one, dict):
        text = next((one[name] for name in ("prompt", "content", "text") if isinstance(one.get(name), str)), None)
    if text is None:
        conversion.refuse("instances that are not one text", "Give each text a line of its own.")
        return conversion
    conversion.set("instances", "contents", [{"role": "user", "parts": [{"text": text}]}])
    given = body.get("parameters")
    parameters: Json = given if isinstance(given, dict) else {}
    for name in ("temperature", "maxOutputTokens", "topP", "topK", "candidateCount", "stopSequences"):
        conversion.set_config(name, name, parameters.get(name))
    return conversion.finish()
