"""Samples whose answers are not text: captions to be drawn, and messages to be embedded."""

from __future__ import annotations

from collections.abc import Iterator

from batch.samples.sample_inputs import Request, Sample
from batch.samples.sample_texts import COMPLAINTS, CUSTOMER_REQUESTS, DETAILS

CAPTIONS = {  # the last two are refused in the rehearsal
    "lamp, oak foot": "A table lamp with an oak foot and a linen shade, lit from the left",
    "vase, one stripe": "A blue clay vase with a single pale stripe on a wooden shelf",
    "mug, steam": "A violet mug of tea with steam rising in front of a plain wall",
    "tent at dusk": "A small tent in a meadow at dusk, lit from inside",
    "rucksack, front": "A red canvas rucksack seen from the front on a light floor",
    "loaf on a board": "A round loaf of bread on a dark board, seen from above",
    "kettle, brass": "A brass kettle on a camping stove beside a lake",
    "two bicycles": "Two folding bicycles leaning against a brick wall",
    "clock, no hands": "A wall clock without hands in an empty hall",
    "stove, rain": "A camping stove under a tarpaulin in the rain",
    "knife, still life": "A still life with a bread knife [[emulate: image_safety]]",
    "loaf, cut": "A loaf cut into slices [[emulate: text_only]]",
}


def _captions() -> Iterator[tuple[str, Request]]:
    for name, caption in CAPTIONS.items():
        yield name, {"contents": [{"role": "user", "parts": [{"text": f"A photograph for a shop. {caption}."}]}]}


def _messages() -> Iterator[tuple[str, Request]]:
    """Every complaint with every wish, so that each message has neighbours."""
    for number, complaint in enumerate(COMPLAINTS):
        for turn in range(6):
            wish = CUSTOMER_REQUESTS[(number + turn) % len(CUSTOMER_REQUESTS)]
            detail = DETAILS[(number * 3 + turn) % len(DETAILS)]
            yield (
                f"message-{number * 6 + turn + 1:03d}",
                {"content": {"parts": [{"text": f"{complaint} {detail} {wish}"}]}},
            )


PICTURES = Sample(
    "captions",
    "Pictures to draw",
    f"{len(CAPTIONS)} captions → their pictures, two of them refused",
    _captions,
    kind="image",
)
EMBEDDINGS = Sample(
    "messages",
    "Texts to compare",
    f"{len(COMPLAINTS) * 6} messages → vectors, and which are alike",
    _messages,
    kind="embedding",
)
KIND_SAMPLES = {sample.name: sample for sample in (PICTURES, EMBEDDINGS)}
