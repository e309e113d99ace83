"""One rung of the bias ladder: its numbers and its words.

A naive rung is wrong, so a `Rung` has no sentence, no finding and no picture of its own: only a
`BiasLadder` shows it, beside the rung that counts the same groups properly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from cxresearch import _format as words
from cxresearch._cells import Labels, unknown
from cxresearch.errors import DataError
from cxresearch.findings import Finding, without_number
from cxresearch.hazards._hazard_ratios import ratio_digits
from cxresearch.uncertainty import Floats

Ends = tuple[float, float, float]  # value, lower, upper
NONE: Final[Ends] = (math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Step:
    """What is to be known of a design.

    Parameters
    ----------
    title
        How it counts, in words.
    counted
        What a row of its table is: a customer, an answer, or a stretch of a customer's time.
    corrected_by
        The design that counts the same groups properly, when this one is naive.
    since_answer
        Whether the clock begins at the answer rather than at sign-up.
    adjusted
        Whether what was known before the survey is adjusted for.
    reference
        Whom the exposed are compared with, where that is not a score.
    """

    title: str
    counted: str = "customers"
    corrected_by: str | None = None
    since_answer: bool = False
    adjusted: bool = False
    reference: str | None = None


STEPS: Final = {
    "ever_promoter_from_signup": Step(
        "ever a promoter, from sign-up",
        corrected_by="ever_promoter_from_answer",
        reference="other",
    ),
    "first_score_from_signup": Step(
        "first score, from sign-up", corrected_by="first_score_from_answer"
    ),
    "ever_promoter_from_answer": Step(
        "ever a promoter, from the answer on", "stretches of time", reference="other"
    ),
    "first_score_from_answer": Step("first score, from the answer on"),
    "current_score": Step("current score, as it changes", "stretches of time"),
    "each_score": Step("each score, from the answer on", "answers", since_answer=True),
    "weighted": Step("each score, weighted", "answers", since_answer=True, adjusted=True),
    "doubly_robust": Step("each score, doubly robust", "answers", since_answer=True, adjusted=True),
}
_LANDMARK: Final = re.compile(r"landmark_(\d+)")


def step(design: str) -> Step:
    """Return what is to be known of a design.

    Raises
    ------
    DataError
        When it does not exist.
    """
    landmark = _LANDMARK.fullmatch(design)
    if landmark:
        return Step(f"score at month {landmark[1]}, from there on")
    if design not in STEPS:
        raise DataError(unknown("design", design, [*STEPS, "landmark_6"]))
    return STEPS[design]


@dataclass(frozen=True, eq=False, repr=False)
class Rung:
    """Hazard ratio and difference of customers kept, by one way of counting.

    Parameters
    ----------
    design
        A key of `STEPS`, or `landmark_6`.
    labels
        The two groups, exposed and reference.
    hazard_ratio
        Value, lower and upper end; NaN when refused.
    hazard_refusal
        Why there is no hazard ratio.
    retained
        Share of the exposed and of the reference still there.
    difference
        Their difference, lower and upper end; NaN when refused.
    difference_refusal
        Why there is no difference.
    start, months
        Those who reached `start` are followed for `months`.
    n, events
        Rows counted and customers' losses in the two groups.
    covariates
        What is adjusted for.
    left_out
        Log hazard ratio without each replicate, shape (R,); empty where there is none.
    """

    design: str
    labels: tuple[str, str]
    months: int
    hazard_ratio: Ends = NONE
    hazard_refusal: str | None = None
    retained: tuple[float, float] = (math.nan, math.nan)
    difference: Ends = NONE
    difference_refusal: str | None = None
    start: int = 0
    n: int = 0
    events: int = 0
    covariates: Labels = ()
    left_out: Floats = field(default_factory=lambda: np.zeros(0))
    confidence_level: float = 0.95
    as_of: str | None = None

    @property
    def step(self) -> Step:
        """What is to be known of the design."""
        return step(self.design)

    @property
    def naive(self) -> bool:
        """Whether it counts time in which nobody could have left."""
        return self.step.corrected_by is not None

    @property
    def title(self) -> str:
        """How it counts, in words."""
        known = words.and_list(name.replace("_", " ") for name in self.covariates)
        return self.step.title + (f" for {known}" if self.step.adjusted and known else "")

    @property
    def reported(self) -> bool:
        """Whether there is any number."""
        return self.hazard_refusal is None or self.difference_refusal is None

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why numbers are missing, each reason once."""
        said = (self.hazard_refusal, self.difference_refusal)
        return tuple(dict.fromkeys(reason for reason in said if reason))

    def refused(self, reason: str) -> Rung:
        """Return it without any number."""
        return replace(
            self,
            hazard_ratio=NONE,
            difference=NONE,
            retained=(math.nan, math.nan),
            hazard_refusal=reason,
            difference_refusal=reason,
            left_out=np.zeros(0),
        )

    def __repr__(self) -> str:
        return f"Rung({self.design!r}, {'naive' if self.naive else 'corrected'})"


def rung_findings(rung: Rung, corrected: Rung) -> Iterator[Finding]:
    """Yield the findings of a rung; `corrected` is itself, or what a naive one stands beside."""
    yield _finding(
        rung,
        "hazard_ratio",
        rung.hazard_ratio,
        (rung.hazard_refusal, _hazard_words(rung, corrected)),
    )
    yield _finding(
        rung,
        "retained_difference",
        rung.difference,
        (rung.difference_refusal, _difference_words(rung, corrected)),
    )


def heading(rung: Rung, *, short: bool = False) -> str:
    """Return how the rung counts, to stand in a table or a figure; a naive one is named wrong."""
    title = rung.step.title if short else rung.title
    return f"{_capital(title)} (wrong)" if rung.naive else _capital(title)


def hazard_cell(rung: Rung) -> str:
    """Return `0.72 (0.67 to 0.78)`."""
    return words.MISSING if rung.hazard_refusal is not None else _times(rung)


def difference_cell(rung: Rung) -> str:
    """Return `12 (9 to 15)`, customers of 100."""
    if rung.difference_refusal is not None:
        return words.MISSING
    return words.number_interval(*(100 * x for x in rung.difference))


def rung_row(rung: Rung) -> dict[str, str]:
    """Return the rung as a line of the table that people read."""
    return {
        "counted by": heading(rung),
        "hazard ratio": hazard_cell(rung),
        f"more kept of 100 over {rung.months} months": difference_cell(rung),
        "rows": f"{words.number(rung.n)} {rung.step.counted}",
        "losses": words.number(rung.events),
        "not reported": "; ".join(rung.refusals),
    }


def _finding(rung: Rung, name: str, values: Ends, said: tuple[str | None, str]) -> Finding:
    refusal, sentence = said
    group = {"design": rung.design}
    if name == "retained_difference":
        group["months"] = str(rung.months)
    if refusal is not None:
        what = "hazard ratio" if name == "hazard_ratio" else "difference of customers kept"
        said_why = f"No {what} ({rung.title}): {refusal}."
        return without_number(said_why, group, as_of=rung.as_of)
    unit = "ratio" if name == "hazard_ratio" else "share"
    return Finding(
        name,
        *values,
        rung.n,
        unit,
        sentence,
        group,
        confidence_level=rung.confidence_level,
        as_of=rung.as_of,
    )


def _hazard_words(rung: Rung, corrected: Rung) -> str:
    first, second = (f"{label}s" for label in rung.labels)
    leave = "seem to leave" if rung.naive else "leave"
    said = f"{first} {leave} at {_times(rung)} times the rate of {second} ({_base(rung)})"
    whole = _with_method(rung, said, _unclear(rung.hazard_ratio, "leaving", same=1))
    return f"{whole}{_of_curves(rung)}{_beside(rung, f'{_times(corrected)} times')}"


def _difference_words(rung: Rung, corrected: Rung) -> str:
    unit = words.rounding_unit(*rung.difference[1:], coarsest=0.01)
    kept = [words.number(100 * share, 100 * unit) for share in rung.retained]
    sides = words.and_list(
        f"of 100 {label}s {share}" for label, share in zip(rung.labels, kept, strict=True)
    )
    be = "seem to be" if rung.naive else "are"
    said = f"{sides} {be} still there {_when(rung)}, a difference of {_per_hundred(rung)}"
    whole = _with_method(rung, said, _unclear(rung.difference, "customers kept", same=0))
    return f"{whole}{_beside(rung, f'{_per_hundred(corrected)}, {_when(corrected)}')}"


def _with_method(rung: Rung, said: str, unclear: str) -> str:
    """Return the sentence with how it was counted: last where it is the answer, else first."""
    if unclear:
        return f"{unclear} ({rung.title}): {said}."
    return (
        f"{_capital(said)} ({rung.title})."
        if rung.step.adjusted
        else f"{_capital(rung.title)}: {said}."
    )


def _unclear(values: Ends, what: str, *, same: float) -> str:
    return f"No clear difference in {what}" if values[1] <= same <= values[2] else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _per_hundred(rung: Rung) -> str:
    level = words.level_words(rung.confidence_level)
    return f"{difference_cell(rung)} with its {level} interval"


def _when(rung: Rung) -> str:
    months = f"{rung.months} {words.plural('month', rung.months)}"
    if rung.step.since_answer:
        return f"{months} after the answer counts"
    return f"{months} after month {rung.start} as a customer" if rung.start else f"after {months}"


def _base(rung: Rung) -> str:
    level = words.level_words(rung.confidence_level)
    n, left = words.number(rung.n), words.number(rung.events)
    losses = f"{left} of them followed by a loss" if rung.step.since_answer else f"{left} losses"
    return f"{level} interval; {n} {rung.step.counted}, {losses}"


def _of_curves(rung: Rung) -> str:
    if rung.design != "doubly_robust":
        return ""
    return f" It is the ratio of the cumulative hazards over {rung.months} months."


def _beside(rung: Rung, corrected: str) -> str:
    if not rung.naive:
        return ""
    return (
        " This count is wrong: it credits the time before the answer, in which nobody who "
        "answered could have left, to the answer. The same groups counted from the answer on: "
        f"{corrected}."
    )


def _times(rung: Rung) -> str:
    value, lower, upper = ratio_digits(*rung.hazard_ratio)
    return f"{value} ({lower} to {upper})"
