"""Addresses of pictures for this browser session: good for some hours, the same as long as they are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.shared import session
from ui.shared.app_state import PictureFolder, get_state
from ui.thumbnails.maker import EDGES

TILE, LARGE = EDGES
WHOLE = 0
_TOKENS = "picture_tokens"


def picture_address(originals: Path, sha256: str, edge: int) -> str:
    """Where the browser finds a file of `originals` as a picture: `TILE`, `LARGE`, or `WHOLE` for a picture as it is.

    Whoever draws it has checked that the folder's run or draft is the visitor's own.
    """
    return f"/api/picture/{_token(originals)}/{edge}/{sha256}"


def _token(originals: Path) -> str:
    """One for each folder, so that a browser asks for each picture once."""
    tokens: dict[str, str] = st.session_state.setdefault(_TOKENS, {})
    issued = get_state().picture_tokens
    if issued.peek(tokens.get(str(originals), "")) is None:
        folder = PictureFolder(originals, originals.parent / "thumbnails", session.owner_id())
        tokens[str(originals)] = issued.issue(folder)
    return tokens[str(originals)]
