"""Which kinds there are, and which one a model's requests are of.

Requests for pictures and embeddings are still made and read as text is; what is known of their size and output is
their own.
"""

from __future__ import annotations

from dataclasses import replace

from batch.kinds.kind import RequestKind
from batch.kinds.text import RESPONSE_OVERHEAD_BYTES, TEXT
from batch.pricing import workload
from batch.pricing.catalog import CatalogModel

IMAGE_BYTES = 8_000_000.0  # a picture of 2K in base64, by a public report
EMBEDDING_BYTES = 60_000.0  # an embedding of 3,072 numbers in JSON

IMAGE = replace(
    TEXT,
    name="image",
    assumed_output=lambda thinking: workload.assumed_output("image"),
    result_bytes=lambda output_tokens: RESPONSE_OVERHEAD_BYTES + IMAGE_BYTES,
    pictures=True,
)
EMBEDDING = replace(
    TEXT,
    name="embedding",
    assumed_output=lambda thinking: workload.assumed_output("embedding"),
    result_bytes=lambda output_tokens: RESPONSE_OVERHEAD_BYTES + EMBEDDING_BYTES,
)
KINDS = {kind.name: kind for kind in (TEXT, IMAGE, EMBEDDING)}


def kind_of(model: CatalogModel | None) -> RequestKind:
    """The kind of a model's requests; text for one that the catalog does not know."""
    return KINDS[model.kind if model else TEXT.name]
