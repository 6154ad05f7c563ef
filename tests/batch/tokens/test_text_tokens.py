"""Estimates of tokens come close to what was measured, and say when they cannot."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.media.scale import MediaScale
from batch.media.tokens import Weighing
from batch.tokens import text_tokens
from batch.tokens.text_tokens import TokenEstimate

MEASURED = {  # characters per token on lines in the script alone
    "english": 4.2,
    "code": 3.6,
    "russian": 4.3,
    "greek": 2.8,
    "arabic": 3.3,
    "japanese": 2.3,
    "korean": 2.0,
    "chinese": 1.7,
}
TEXTS = {
    "english": "The committee met on Tuesday to discuss the proposal. Although several members had doubts about its "
    "cost, most agreed that something ought to be done before winter, and asked for a report by 15 May.",
    "code": "def load(path):\n    with open(path) as f:\n        rows = [json.loads(line) for line in f if line]\n"
    "    return {r['id']: r['value'] * 2 for r in rows}\n",
    "russian": "Комитет собрался во вторник, чтобы обсудить предложение. Большинство согласилось с ним.",
    "greek": "Η επιτροπή συνεδρίασε την Τρίτη για να συζητήσει την πρόταση και οι περισσότεροι συμφώνησαν.",
    "arabic": "اجتمعت اللجنة يوم الثلاثاء لمناقشة الاقتراح ووافق معظم الأعضاء على ضرورة القيام بشيء ما",
    "japanese": "委員会は火曜日に提案について話し合うために集まりました。多くの人は賛成しました。",
    "korean": "위원회는 화요일에 제안을 논의하기 위해 모였습니다. 대부분은 동의했습니다.",
    "chinese": "委员会于星期二开会讨论了这项提案。大多数人同意应该在冬天之前采取行动。",
}


@pytest.mark.parametrize("script", MEASURED)
def test_each_script_comes_out_as_measured(script: str) -> None:
    assert len(TEXTS[script]) / text_tokens.estimate_text(TEXTS[script]) == pytest.approx(MEASURED[script], rel=0.12)


def test_no_text_has_no_tokens_and_any_text_has_some() -> None:
    assert text_tokens.estimate_text("") == 0
    assert text_tokens.estimate_text("a") == 1
    assert text_tokens.estimate_text("\ud800") >= 1


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=400))
def test_the_fast_path_for_ascii_agrees_with_the_histogram(text: str) -> None:
    data = text.encode()
    assert text_tokens._ascii_weight(data) == pytest.approx(sum(text_tokens._slice_weights(data)))


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_longer_text_never_has_fewer_tokens(text: str, more: str) -> None:
    assert text_tokens.estimate_text(text + more) >= text_tokens.estimate_text(text)


def test_a_text_longer_than_a_slice_is_counted_whole() -> None:
    text = "я" * (text_tokens._SLICE + 1)
    assert text_tokens.estimate_text(text) == round(len(text) / 4.25)


def test_a_hundred_thousand_short_texts_take_well_under_two_seconds() -> None:
    text = "Classify this review: the battery lasts two days, but the screen is dim. " * 4
    started = time.process_time()
    for _ in range(100_000):
        text_tokens.estimate_text(text)
    assert time.process_time() - started < 2


def text_of(n: int) -> str:
    """A text of n estimated tokens."""
    return "7" * n


class TestRequest:
    """A whole request."""

    def test_counts_every_text_once_wherever_it_stands(self) -> None:
        request = {
            "systemInstruction": {"parts": [{"text": text_of(100)}]},
            "contents": [
                {"role": "user", "parts": [{"text": text_of(20)}, {"text": text_of(3)}]},
                {"role": "model", "parts": [{"text": text_of(1000)}]},
                {"parts": [{"text": text_of(5)}]},
            ],
        }
        assert text_tokens.estimate_request(request) == TokenEstimate(text=1128)
        assert [slot for slot, _ in text_tokens.prompt_parts(request)] == [
            "system",
            "user/mid",
            "user/mid",
            "model/mid",
            "user/last",
        ]

    def test_reads_snake_case_as_well(self) -> None:
        request = {"system_instruction": {"parts": [{"text": text_of(9)}]}, "contents": {"parts": {"text": text_of(2)}}}
        assert text_tokens.estimate_request(request).total == 11

    def test_counts_tools_and_calls_by_their_json(self) -> None:
        tool = {"functionDeclarations": [{"name": "look_up", "description": "Finds a part by its number."}]}
        call = {"functionCall": {"name": "look_up", "args": {"number": 12345}}}
        request = {"tools": [tool], "contents": [{"role": "model", "parts": [call]}]}
        assert 15 < text_tokens.estimate_request(request).text < 80

    def test_counts_inline_text_as_text_and_media_by_kind(self) -> None:
        wav = b"RIFF\0\0\0\0WAVEfmt " + (16).to_bytes(4, "little") + b"\1\0\1\0" + (8000).to_bytes(4, "little")
        wav += (16_000).to_bytes(4, "little") + b"\2\0\x10\0data" + (160_000).to_bytes(4, "little")
        gif = b"GIF89a" + (100).to_bytes(2, "little") * 2
        pdf = b"%PDF-1.4 <</Type /Pages /Count 3>> <</Type/Page>>"
        blobs = [("audio/wav", wav), ("image/gif", gif), ("application/pdf", pdf), ("text/csv", b"1234")]
        parts = [{"inlineData": {"mimeType": m, "data": base64.b64encode(d).decode()}} for m, d in blobs]
        old = MediaScale(Weighing("2.5"))
        found = text_tokens.estimate_request({"contents": [{"parts": parts}]}, scale=old)
        # 160,000 bytes at 16,000 a second are 10 s of 32 tokens; one small picture; three pages; four digits
        assert found == TokenEstimate(text=4, image=258, document=774, audio=320)
        assert found.media == 1352
        found = text_tokens.estimate_request({"contents": [{"parts": parts}]})
        assert found == TokenEstimate(text=4, image=1120, document=1680, audio=250)

    @pytest.mark.parametrize(
        "part",
        [
            {"fileData": {"fileUri": "files/a", "mimeType": "application/pdf"}},
            {"file_data": {"file_uri": "files/a"}},
            {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            {"inlineData": {"mimeType": "image/png"}},
        ],
    )
    def test_says_unknown_where_nothing_is_known(self, part: dict[str, object]) -> None:
        old = MediaScale(Weighing("2.5"))
        found = text_tokens.estimate_request({"contents": [{"parts": [part, {"text": text_of(5)}]}]}, scale=old)
        assert found == TokenEstimate(text=5, unknown=1)

    def test_takes_sizes_that_are_known_of_files_and_caches(self) -> None:
        part = {"fileData": {"fileUri": "files/a"}}
        request = {"contents": [{"parts": [part]}], "cachedContent": "cachedContents/c"}
        known = {"files/a": 516, "cachedContents/c": 7021}
        assert text_tokens.estimate_request(request, known) == TokenEstimate(document=516, cached=7021)
        assert text_tokens.estimate_request(request).unknown == 2
        assert text_tokens.estimate_request(request, known).total == 7537

    @pytest.mark.parametrize(
        "request_", [{}, {"contents": None}, {"contents": "x"}, {"contents": [{"parts": [None, 3]}]}]
    )
    def test_never_fails_on_odd_shapes(self, request_: dict[str, object]) -> None:
        assert text_tokens.estimate_request(request_) == TokenEstimate()
