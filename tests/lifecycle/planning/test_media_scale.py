"""Files beside the requests are weighed for the run's model and resolution, and added to exact counts of text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from batch.media.blob_uri import blob_part, blob_uri
from batch.media.facts import MediaFacts
from batch.media.scale import MediaScale
from batch.media.tokens import Weighing
from batch.model import Generation
from batch.pricing.catalog import CatalogModel
from lifecycle.core.models import RunSpec
from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs.file_drafts import FileInput, prepare_files
from lifecycle.planning.media_scale import UnknownSize, cached_contents, count_with_files, media_scale, weighing_of

NAME = "ab" * 32
MODEL = "gemini-3.8-flash"


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    Image.new("RGB", (1000, 700)).save(tmp_path / "a.png")
    generation = Generation(media_resolution="low")
    return (
        prepare_files(FileInput([tmp_path / "a.png"], "Read."), tmp_path / "d", generation=generation).folder / REQUESTS
    )


def test_the_resolution_is_the_settings_or_that_of_the_requests(requests: Path) -> None:
    model = CatalogModel(family="2.5")
    asked = RunSpec(MODEL, generation=Generation(media_resolution="high"))
    assert weighing_of(requests, asked, model) == Weighing("2.5", "high")
    assert weighing_of(requests, RunSpec(MODEL), None) == Weighing("", "low")


def test_files_of_a_draft_are_known_by_its_index(requests: Path) -> None:
    uri = json.loads(requests.read_text("utf-8"))["request"]["contents"][0]["parts"][1]["fileData"]["fileUri"]
    for weighing, tokens in ((Weighing("3"), 1120), (Weighing("2.5"), 6 * 258), (Weighing("3", "low"), 280)):
        weight = media_scale(requests, weighing).weigh_file(uri)
        assert weight is not None and weight.tokens == tokens


def test_counts_of_text_are_asked_for_and_files_are_added() -> None:
    asked: list[bytes] = []

    def count(prefix: bytes) -> int:
        asked.append(prefix)
        return 7

    scale = MediaScale(Weighing("3"), {blob_uri(NAME): MediaFacts("application/pdf", pages=2)}.get)
    counter = count_with_files(count, scale)
    parts = b",".join([b'{"text":"Read."}', blob_part(NAME, "application/pdf")])
    assert counter(b'{"contents":[{"role":"user","parts":[' + parts + b"]}]}") == 7 + 1120
    assert json.loads(asked[0]) == {"contents": [{"role": "user", "parts": [{"text": "Read."}]}]}
    assert counter(b'{"contents":[{"parts":[' + blob_part(NAME, "application/pdf") + b"]}]}") == 1120
    assert counter(b'{"contents":[]}') == 7 and len(asked) == 2
    with pytest.raises(UnknownSize):
        counter(b'{"contents":[{"parts":[' + blob_part("cd" * 32, "application/pdf") + b"]}]}")


def test_files_in_a_cache_say_themselves_how_closely_they_are_looked_at() -> None:
    contents = [{"role": "user", "parts": [{"text": "Read."}, {"fileData": {"fileUri": "x"}}]}]
    low = {"mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}
    (cached,) = cached_contents(contents, Weighing("3", "low"))
    assert cached == {"role": "user", "parts": [{"text": "Read."}, {**low, "fileData": {"fileUri": "x"}}]}
    own = {"mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}, "fileData": {"fileUri": "x"}}
    assert cached_contents([{"parts": [own]}], Weighing("3", "low"))[0]["parts"] == [own]
    assert (
        cached_contents(contents, Weighing("2.5", "low")) == cached_contents(contents, Weighing("3")) == (contents[0],)
    )
