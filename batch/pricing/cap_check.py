"""Whether a limit of output tokens is too low for the answers: the share it would cut, and a better one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from batch.pricing.estimate import CostEstimate
from batch.pricing.output_lengths import FITTING_SHARE

SHARE_MEASURED, SHARE_GUESSED = 0.02, 0.2  # of answers cut from which on it is said
NEARLY_ALL = 0.95


@dataclass(frozen=True)
class CapWarning:
    """A limit that would cut the share `cut` of the answers. `better` is one that fits 99 of 100, None without any.

    Not `measured`: the lengths of answers are assumed.
    """

    cap: int
    cut: float
    better: int | None
    measured: bool

    def __str__(self) -> str:
        would = "would" if self.measured else "would probably"
        fits = f" {self.better:,} fits {FITTING_SHARE * 100:.0f} of 100." if self.better else ""
        return f"A limit of {self.cap:,} tokens {would} cut {describe_share(self.cut)}.{fits}"


def cap_warning(estimate: CostEstimate, model_cap: int | None) -> CapWarning | None:
    """What to say of the limits of a draft's rows; `model_cap` is the model's own. None where they leave room.

    Of several limits the one that most rows have is spoken of.
    """
    lengths = estimate.answers.lengths
    caps = [(n, cap) for cap, n in estimate.caps if cap is not None and (model_cap is None or cap < model_cap)]
    if lengths is None or not caps:
        return None
    cap = max(caps)[1]
    cut, measured = lengths.share_above(cap), estimate.answers.source != "guess"
    if cut < (SHARE_MEASURED if measured else SHARE_GUESSED):
        return None
    better = lengths.cap_that_fits(model_cap)
    return CapWarning(cap, cut, better if better > cap else None, measured)


def describe_share(share: float) -> str:
    """A share of answers as people say it: "1 in 3 answers"."""
    if share >= NEARLY_ALL:
        return "nearly all answers"
    if share >= 0.5:
        return f"{round(share * 10)} in 10 answers"
    return f"1 in {round(1 / share)} answers"
