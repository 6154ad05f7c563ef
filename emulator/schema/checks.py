"""What the service refuses in a well-formed request. Every check raises the service's 400.

Wordings are from Google's own tests and recorded answers where those show one; the rest are in the same manner.
"""

from typing import Any

from emulator.core.errors import ServiceError, invalid, payload_too_large
from emulator.core.models import Model
from emulator.schema.config_checks import check_config
from emulator.schema.media_checks import check_base64, check_mime_type
from emulator.schema.tool_checks import check_history, check_tools

_DATA_FIELDS = {
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
    "audioTranscription",
}
INLINE_BYTES, INLINE_PDF_BYTES = 100 * 1024 * 1024, 50 * 1024 * 1024
_ROLES = {"user", "model", "function", "tool", "system"}


def _check_inline_sizes(contents: list[dict[str, Any]]) -> None:
    """What a request may hold inline: 100 MB in all, 50 MB a document (the page on file inputs, 2026-01-12)."""
    total = 0
    for content in contents:
        for part in content.get("parts") or ():
            if blob := part.get("inlineData"):
                size = len(blob.get("data") or "")
                total += size
                if blob.get("mimeType") == "application/pdf" and size * 3 // 4 > INLINE_PDF_BYTES:
                    raise payload_too_large(INLINE_PDF_BYTES)  # the wording is assumed
    if total > INLINE_BYTES:
        raise payload_too_large(INLINE_BYTES)


def check_contents(request: dict[str, Any], message: str = "GenerateContentRequest", required: bool = True) -> None:
    """Contents are there, roles are known, every part holds one thing."""
    contents = request.get("contents")
    if not contents:
        if required:
            raise invalid(f"* {message}.contents: contents is not specified\n")
        return
    _check_inline_sizes(contents)
    for index, content in enumerate(contents):
        if content.get("role", "user") not in _ROLES:
            raise invalid("Please use a valid role: user, model.")
        parts = content.get("parts")
        if not parts:
            raise invalid(f"* {message}.contents[{index}].parts: contents.parts must not be empty.\n")
        for number, part in enumerate(parts):
            if len(part) != 1 or "text" not in part:
                _check_part(part, f"{message}.contents[{index}].parts[{number}]")


def _check_part(part: dict[str, Any], place: str) -> None:
    data = part.keys() & _DATA_FIELDS
    if len(data) > 1:
        names = ", ".join(sorted(data))
        raise invalid(f"* {place}.data: oneof field 'data' is already set. Cannot set '{names}'\n")
    if not data and "thoughtSignature" not in part:
        raise invalid(f"* {place}.data: required oneof field 'data' must have one initialized field\n")
    blob = part.get("inlineData")
    if blob is not None and not blob.get("data"):
        raise invalid(f"* {place}.inline_data.data: required field is not set\n")
    if blob is not None and not blob.get("mimeType"):
        raise invalid(f"* {place}.inline_data.mime_type: required field is not set\n")
    if blob is not None:
        check_mime_type(blob["mimeType"])
        check_base64(blob["mimeType"], blob["data"])
    if "fileData" in part:
        _check_file_data(part["fileData"], place)


def _check_file_data(file: dict[str, Any], place: str) -> None:
    if not file.get("fileUri"):
        raise invalid(f"* {place}.file_data.file_uri: required field is not set\n")
    if file.get("mimeType"):
        check_mime_type(file["mimeType"])


def _check_resolutions(contents: list[dict[str, Any]], model: Model) -> None:
    """A resolution of a single part is for 3.x only."""
    if model.generation < 3 and any("mediaResolution" in part for content in contents for part in content["parts"]):
        raise invalid(f"Media resolution of a part is not supported for models/{model.id}.")


def check_request(request: dict[str, Any], model: Model) -> None:
    """Everything that can be said without looking at files and caches."""
    check_contents(request)
    check_exchange(request, model, begins="cachedContent" not in request)
    if config := request.get("generationConfig"):
        check_config(config, model)
    model_name = request.get("model")
    if model_name and model_name.removeprefix("models/") != model.id:
        raise invalid(
            f"Model in the request ({model_name}) and in the address (models/{model.id}) have to be the same."
        )


def check_exchange(
    request: dict[str, Any], model: Model, message: str = "GenerateContentRequest", begins: bool = True
) -> None:
    """What turns and tools have to be, in a request and in a cache alike."""
    contents = request.get("contents") or []
    _check_resolutions(contents, model)
    check_history(contents, model, begins)
    check_tools(request, model, message)


def input_too_long(limit: int) -> ServiceError:
    return invalid(f"The input token count exceeds the maximum number of tokens allowed {limit}.")
