"""What each request asks for that moves its price: how much it may put out, sound in it, searches of the web."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from batch.media.scale import MediaScale
from batch.media.tokens import MediaTokens
from lifecycle.requests.request_file import line_reader, shared_config

# Names of fields as the canonical requests have them; within a text their quotation marks are escaped.
MEDIA_FIELDS, AUDIO_TYPE, SEARCH_TOOL = (b'"inlineData":', b'"fileData":'), b'"audio/', b'"googleSearch":'
DEMAND_TYPES = [
    ("cap", "i8"),
    ("answers", "i8"),
    ("media", "?"),
    ("audio", "i8"),
    ("searches", "?"),
    ("picture_size", "U8"),
]


UNLIMITED = -1


class _Demand(NamedTuple):
    """One row of `OwnDemands.under`."""

    cap: int = UNLIMITED
    answers: int = 1
    media: bool = False
    audio: int = 0
    searches: bool = False
    picture_size: str = ""


PLAIN = _Demand()


class _Image(msgspec.Struct, rename="camel"):
    image_size: str | None = None


class _Generation(msgspec.Struct, rename="camel"):
    max_output_tokens: int | None = None
    candidate_count: int | None = None
    image_config: _Image | None = None


class _Blob(msgspec.Struct, rename="camel"):
    mime_type: str = ""
    data: str = ""


class _File(msgspec.Struct, rename="camel"):
    file_uri: str = ""
    mime_type: str | None = ""


class _Part(msgspec.Struct, rename="camel"):
    inline_data: _Blob | None = None
    file_data: _File | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _PricedRequest(msgspec.Struct, rename="camel"):
    generation_config: _Generation | None = None


class _Line(msgspec.Struct):
    request: _PricedRequest


class _MediaRequest(msgspec.Struct):
    contents: list[_Content] | None = None


class _MediaLine(msgspec.Struct):
    request: _MediaRequest


_decode = msgspec.json.Decoder(_Line).decode
_decode_config = msgspec.json.Decoder(_Generation).decode
_decode_media = msgspec.json.Decoder(_MediaLine).decode


class OwnDemands:
    """What each request of a file says itself, read once: held against the run's settings and the model's limit later.

    Few of many rows differ, so that each kind is held once, and of a row its number.
    """

    def __init__(self, requests: Path, rows: int, scale: MediaScale) -> None:
        numbers: dict[_Demand, int] = {}
        self._kind_of_row = np.fromiter(
            (numbers.setdefault(demand, len(numbers)) for demand in _read_rows(requests, scale)), np.uint32, count=rows
        )
        self._kinds = np.array(list(numbers), DEMAND_TYPES)
        self.has_media = bool(self._kinds["media"].any())

    def under(self, requests: Path, model_cap: int | None) -> Any:
        """An array with a record for each row, what all share and the model's limit taken into account.

        `cap` is the most output tokens of one answer (the request's own limit or the model's; -1 where neither is
        known), `answers` how many it asks for, `media` whether it holds pictures, pages or sound, `audio` the tokens of
        sound whose length is known, by the scale, and `searches` whether it may search the web; `picture_size` is that
        of the picture it asks for, "" where it names none.
        """
        kinds = self._kinds.copy()
        shared = _own(shared_config(requests) or b"{}")
        kinds["cap"] = np.where(kinds["cap"] < 0, shared.cap, kinds["cap"])
        if model_cap is not None:
            kinds["cap"] = np.where(kinds["cap"] < 0, model_cap, np.minimum(kinds["cap"], model_cap))
        kinds["picture_size"] = np.where(kinds["picture_size"] == "", shared.picture_size, kinds["picture_size"])
        return kinds[self._kind_of_row]


def _read_rows(requests: Path, scale: MediaScale) -> Iterator[_Demand]:
    reader = line_reader(requests)
    with requests.open("rb") as lines:
        for line in lines:
            try:
                config = _decode(line).request.generation_config
            except msgspec.MsgspecError:
                line = reader.whole(line)
                config = _decode(line).request.generation_config
            media = any(field in line for field in MEDIA_FIELDS)
            searches = SEARCH_TOOL in line
            if config is None and not media and not searches:
                yield PLAIN
                continue
            yield _of_config(config or _Generation())._replace(
                media=media, audio=_audio_tokens(line, scale) if media and AUDIO_TYPE in line else 0, searches=searches
            )


def _of_config(config: _Generation) -> _Demand:
    return _Demand(
        cap=UNLIMITED if config.max_output_tokens is None else config.max_output_tokens,
        answers=max(1, config.candidate_count or 1),
        picture_size=(config.image_config.image_size or "") if config.image_config else "",
    )


def _own(config: bytes) -> _Demand:
    return _of_config(_decode_config(config))


def _audio_tokens(line: bytes, scale: MediaScale) -> int:
    """Tokens of the sound of a request, as far as its length is known."""
    parts = [part for content in _decode_media(line).request.contents or () for part in content.parts or ()]
    weights = [_weigh_sound(part, scale) for part in parts]
    return sum(weight.tokens for weight in weights if weight is not None and weight.kind == "sound")


def _weigh_sound(part: _Part, scale: MediaScale) -> MediaTokens | None:
    if (blob := part.inline_data) is not None and blob.mime_type.startswith("audio/"):
        return scale.weigh_inline(blob.mime_type, blob.data)
    if (file := part.file_data) is not None and (file.mime_type or "").startswith("audio/"):
        return scale.weigh_file(file.file_uri)
    return None
