"""A tile: a small picture, or a sign and a reason in its place, and a few words under it. Plain HTML, all escaped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Literal

Tone = Literal["", "good", "again", "decide", "lost"]


@dataclass(frozen=True)
class Tile:
    """What a tile shows. Without an `address` the picture's place has the sign alone, with `reason` under it.

    `icon` is a name of Material Symbols; it is also seen until the picture has come. `tone` says by colour what the
    words say: a file that is lost, or one that asks for a decision. `badge` lies over a corner of the picture.
    """

    icon: str
    address: str = ""
    alt: str = ""
    name: str = ""
    words: str = ""
    reason: str = ""
    badge: str = ""
    tone: Tone = ""


def tile_html(tile: Tile) -> str:
    """One tile."""
    picture = f'<img src="{escape(tile.address)}" alt="{escape(tile.alt)}" loading="lazy">' if tile.address else ""
    reason = f'<span class="gbr-tile-reason">{escape(tile.reason)}</span>' if tile.reason else ""
    name = f'<div class="gbr-tile-name" title="{escape(tile.name)}">{escape(tile.name)}</div>' if tile.name else ""
    words = f'<div class="gbr-tile-words">{escape(tile.words)}</div>' if tile.words else ""
    badge = f'<span class="gbr-tile-badge">{escape(tile.badge)}</span>' if tile.badge else ""
    sign = f'<span class="gbr-icon" aria-hidden="true">{escape(tile.icon)}</span>'
    place = f'<div class="gbr-tile-picture">{sign}{reason}{picture}{badge}</div>'
    return f'<div class="gbr-tile gbr-tone-{tile.tone or "plain"}">{place}{name}{words}</div>'


def grid_html(tiles: Iterable[Tile], label: str) -> str:
    """Tiles side by side, as many as fit; two on a narrow screen. `label` is what they are, for those who listen."""
    items = "".join(f"<li>{tile_html(tile)}</li>" for tile in tiles)
    return f'<ul class="gbr-tiles" aria-label="{escape(label)}">{items}</ul>'
