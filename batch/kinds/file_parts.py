"""Parts of a request that come from files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def uploaded_part(file: Mapping[str, Any]) -> dict[str, Any]:
    """The part that refers to an uploaded file, of the resource that the upload returned."""
    return {"fileData": {"fileUri": file["uri"], "mimeType": file["mimeType"]}}
