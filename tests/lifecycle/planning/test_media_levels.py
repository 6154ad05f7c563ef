"""What files weigh and the run costs at every level of detail, held against forecasts that were made at each."""

from __future__ import annotations

import io
import wave
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from batch.model import ContextMode, Generation
from batch.pricing import catalog
from lifecycle.core.models import RunSpec
from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs.drafts import prepare
from lifecycle.inputs.file_drafts import FileInput, prepare_files
from lifecycle.planning.forecast import ExpectedHours, Forecast, forecast
from lifecycle.planning.media_levels import LEVELS
from lifecycle.planning.plan_json import plan_document

MODEL = "gemini-3.8-flash"
CATALOG = catalog.load()
TARIFF = CATALOG.tariff(MODEL, date(2026, 11, 1))


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    scans = tmp_path / "scans"
    scans.mkdir()
    pages = [Image.new("L", (300, 400), shade) for shade in (10, 200)]
    pages[0].save(scans / "a.pdf", save_all=True, append_images=pages[1:])
    pages[0].save(scans / "b.png")
    (scans / "c.png").write_bytes((scans / "b.png").read_bytes())
    (scans / "d.wav").write_bytes(silence())
    (scans / "e.webm").write_bytes(b"\x1aE\xdf\xa3" + bytes(200))
    return prepare_files(FileInput([scans], "Read."), tmp_path / "d").folder / REQUESTS


def silence() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(1000)
        sound.writeframes(bytes(4000))
    return out.getvalue()


def planned(requests: Path, level: str = "") -> Forecast:
    spec = RunSpec(MODEL, generation=Generation(media_resolution=level), context=ContextMode.NONE)
    return forecast(requests, spec, tariff=TARIFF, model=CATALOG.models[MODEL], hours=ExpectedHours(1, 1, 0))


def test_each_level_costs_what_a_forecast_at_it_says(requests: Path) -> None:
    at_default = planned(requests)
    levels = at_default.levels
    assert levels is not None and levels.kinds == {"PDF": 1, "picture": 1, "sound": 1, "video": 1}
    assert (levels.level, levels.sent, levels.unknown) == ("", 5, 1)
    sound = 4 * 25
    pictures = {"": 2 * 560 + 2 * 1120, "low": 4 * 280, "medium": 4 * 560, "high": 4 * 1120}
    assert levels.tokens == {level: tokens + sound for level, tokens in pictures.items()}
    for level in LEVELS:
        assert levels.usd[level] == pytest.approx(planned(requests, level).estimate.usd.expected)
    assert at_default.estimate.at_least and at_default.estimate.unknown_size == 1


def test_the_plan_as_a_document_has_them(requests: Path) -> None:
    files = plan_document(planned(requests, "low"), MODEL, TARIFF)["files"]
    assert files["media_resolution"] == "low" and files["levels"]["default"]["tokens"] == 3460
    assert plan_document(planned(requests), MODEL, None)["files"]["levels"]["low"]["usd_expected"] is None


def test_requests_without_files_have_none(tmp_path: Path) -> None:
    draft = prepare(
        '{"key": "a", "request": {"contents": [{"parts": [{"text": "Hi"}]}]}}', tmp_path / "d", kind="jsonl"
    )
    found = planned(draft.folder / REQUESTS)
    assert found.levels is None and plan_document(found, MODEL, TARIFF)["files"] is None
