"""The one table of routes."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from emulator.api import batches, caches, files, generate
from emulator.call.api_call import ApiCall

Handler = Callable[[ApiCall], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """A method and a path. `name` is how the ledger counts it: without the version, over which all state is one."""

    method: str
    path: str
    handler: Handler
    keyless: bool = False
    spends: bool = False  # refused while the account may not spend: creates, uploads, generation

    @property
    def name(self) -> str:
        return f"{self.method} {self.path.replace('/{v}', '')}"

    @property
    def pattern(self) -> re.Pattern[str]:
        text = self.path.replace("{v}", "(?P<v>v1|v1beta|v1alpha)").replace("{model}", "(?P<model>.+)")
        return re.compile(text.replace("{id}", "(?P<id>[^/:]+)") + "$")


ROUTES = (
    Route("POST", "/upload/{v}/files", files.start_upload, spends=True),
    Route("GET", "/{v}/files", files.list_),
    Route("GET", "/{v}/files/{id}:download", files.download),
    Route("GET", "/download/{v}/files/{id}:download", files.download),
    Route("GET", "/{v}/files/{id}", files.get),
    Route("DELETE", "/{v}/files/{id}", files.delete),
    Route("POST", "/{v}/models/{model}:batchGenerateContent", batches.create_generate, spends=True),
    Route("POST", "/{v}/models/{model}:asyncBatchEmbedContent", batches.create_embed, spends=True),
    Route("GET", "/{v}/batches", batches.list_),
    Route("GET", "/{v}/batches/{id}", batches.get),
    Route("POST", "/{v}/batches/{id}:cancel", batches.cancel),
    Route("DELETE", "/{v}/batches/{id}", batches.delete),
    Route("POST", "/{v}/cachedContents", caches.create, spends=True),
    Route("GET", "/{v}/cachedContents", caches.list_),
    Route("GET", "/{v}/cachedContents/{id}", caches.get),
    Route("PATCH", "/{v}/cachedContents/{id}", caches.patch),
    Route("DELETE", "/{v}/cachedContents/{id}", caches.delete),
    Route("POST", "/{v}/models/{model}:generateContent", generate.generate, spends=True),
    Route("POST", "/{v}/models/{model}:streamGenerateContent", generate.stream, spends=True),
    Route("POST", "/{v}/models/{model}:countTokens", generate.count_tokens),
    Route("POST", "/{v}/models/{model}:embedContent", generate.embed_one, spends=True),
    Route("POST", "/{v}/models/{model}:batchEmbedContents", generate.embed_many, spends=True),
    Route("GET", "/{v}/models", generate.list_models),
    Route("GET", "/{v}/tunedModels", generate.list_tuned),
    Route("GET", "/{v}/models/{model}", generate.get_model),
)
UPLOAD_CHUNK = Route("POST", "/upload/{v}/files?upload_id", files.upload_chunk, keyless=True)
_PATTERNS = [(route, route.pattern) for route in ROUTES]


def find_route(method: str, path: str, query: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a call and what its path names. An upload's chunks are told from its start by their query."""
    for route, pattern in _PATTERNS:
        if route.method == method and (match := pattern.match(path)):
            is_chunk = route.handler is files.start_upload and "upload_id=" in query
            return (UPLOAD_CHUNK if is_chunk else route), match.groupdict()
    return None
