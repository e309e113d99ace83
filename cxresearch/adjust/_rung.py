"""One rung of the bias ladder: how it counts, and its numbers.

A naive rung is wrong, so a `Rung` has no sentence, no finding and no picture of its own: only a
`BiasLadder` shows it, beside the rung that counts the same groups properly.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from cxresearch import _format as words
from cxresearch._grouped import Labels, unknown
from cxresearch._language import mark, term, tr
from cxresearch.errors import DataError
from cxresearch.hazards._hazard_ratios import column_words
from cxresearch.uncertainty import Floats

Ends = tuple[float, float, float]  # value, lower, upper
NONE: Final[Ends] = (math.nan, math.nan, math.nan)
COUNTED: Final = (mark("{n} stretches of time"), mark("stretches of time"))
OTHER: Final = mark("other")


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
        mark("ever a promoter, from sign-up"),
        corrected_by="ever_promoter_from_answer",
        reference=OTHER,
    ),
    "first_score_from_signup": Step(
        mark("first score, from sign-up"), corrected_by="first_score_from_answer"
    ),
    "ever_promoter_from_answer": Step(
        mark("ever a promoter, from the answer on"), "stretches of time", reference=OTHER
    ),
    "first_score_from_answer": Step(mark("first score, from the answer on")),
    "current_score": Step(mark("current score, as it changes"), "stretches of time"),
    "each_score": Step(mark("each score, from the answer on"), "answers", since_answer=True),
    "weighted": Step(mark("each score, weighted"), "answers", since_answer=True, adjusted=True),
    "doubly_robust": Step(
        mark("each score, doubly robust"), "answers", since_answer=True, adjusted=True
    ),
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
        return Step(tr("score at month {month}, from there on", month=landmark[1]))
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
        known = words.and_list(column_words(name) for name in self.covariates)
        title = term(self.step.title)
        adjusted = self.step.adjusted and known
        return tr("{title} for {known}", title=title, known=known) if adjusted else title

    @property
    def sides(self) -> tuple[str, str]:
        """The two groups as people say them: promoters, detractors."""
        return words.plural(self.labels[0], 2), words.plural(self.labels[1], 2)

    @property
    def counted(self) -> str:
        """How many rows were counted: `12,345 answers`."""
        return term(f"{{n}} {self.step.counted}").replace("{n}", words.number(self.n))

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
