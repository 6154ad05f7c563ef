"""Tiles are HTML in which everything that strangers wrote is text."""

from __future__ import annotations

from ui.thumbnails.tiles import Tile, grid_html, tile_html

BAD = '"><script>alert(1)</script>'


def test_nothing_that_was_given_is_markup() -> None:
    html = tile_html(Tile(BAD, BAD, BAD, BAD, BAD, BAD, BAD))
    assert "<script" not in html and html.count("&lt;script&gt;") == 8


def test_a_tile_without_a_picture_has_its_sign_and_its_reason() -> None:
    html = tile_html(Tile("block", reason="blocked", tone="decide"))
    assert "<img" not in html and "gbr-tone-decide" in html and ">blocked<" in html
    assert 'aria-hidden="true">block<' in html


def test_a_grid_is_a_list_with_a_name() -> None:
    html = grid_html([Tile("a"), Tile("b")], "Files")
    assert html.startswith('<ul class="gbr-tiles" aria-label="Files">') and html.count("<li>") == 2
