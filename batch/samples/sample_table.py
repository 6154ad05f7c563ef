"""A table to ask about: reviews of a shop, as it would export them."""

from __future__ import annotations

import csv
import io

from batch.samples.sample_inputs import Rng
from batch.samples.sample_texts import DETAILS, ITEMS, REVIEW_ENDS, REVIEW_STARTS, SENTIMENTS

TITLE = "A table of reviews"
ROWS = 200
DESCRIPTION = f"{ROWS} rows → mood, urgency, part"
FILE_NAME = "reviews.csv"
INSTRUCTION = "What is the mood of this review of {{item}}, how urgent is it, and which part is it about? {{comment}}"
FIELDS = "mood: positive | negative | neutral; urgency: 1..5; part: text"


def reviews() -> bytes:
    """The table as CSV; the same on every computer."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["number", "item", "received", "stars", "comment"])
    for number in range(1, ROWS + 1):
        rng = Rng(5_000_000 + number)
        sentiment = rng.pick(SENTIMENTS)
        day = f"2026-{rng.number(1, 11):02d}-{rng.number(1, 28):02d}"
        comment = f"{rng.pick(REVIEW_STARTS[sentiment])} {rng.pick(DETAILS)} {rng.pick(REVIEW_ENDS[sentiment])}"
        writer.writerow([number, rng.pick(ITEMS), day, rng.number(1, 5), comment])
    return text.getvalue().encode()
