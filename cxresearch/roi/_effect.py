"""A lift that a programme is credited with: number, interval, grade, and what it may be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import shorten
from typing import Final, NamedTuple

from cxresearch import _format as words
from cxresearch._language import speaking
from cxresearch.findings import Finding
from cxresearch.roi.uncertain import Uncertain

RULE: Final = 120  # characters of a rule that are said


class Base(NamedTuple):
    """Retention of those held out, how sure, and how its error goes with that of the lift."""

    value: float
    ci_lower: float
    ci_upper: float
    rank_correlation: float


@dataclass(frozen=True)
class Effect:
    """How many more stay a year, as a share: 0.02 for 2 percentage points.

    Parameters
    ----------
    value
        The lift.
    ci_lower, ci_upper
        Its interval; where it was entered, the ends it was entered with.
    grade
        A randomised, B adjusted with a sensitivity analysis, C association, D entered.
    source
        Where it comes from, in words.
    distribution
        What the simulation draws from.
    base
        Retention without the programme, where the same experiment measured it.
    population
        Whom it was measured among, in words.
    rule
        By what rule they were chosen, in the words of the data.
    """

    value: float
    ci_lower: float
    ci_upper: float
    grade: str
    source: str
    distribution: Uncertain
    confidence_level: float = 0.95
    n: int | None = None
    as_of: str | None = None
    base: Base | None = field(default=None, repr=False)
    population: str = "customers"
    rule: str = ""

    @property
    def entered(self) -> bool:
        """Whether somebody typed it."""
        return not self.distribution.is_measured

    @property
    def words(self) -> str:
        """The lift in words, to stand in a sentence: `we measured 2 percentage points (1 to 3)`."""
        if self.entered:
            exactly = "exactly " if self.distribution.known else ""
            return f"we assume {exactly}{points(self.value)}{self._between}"
        value, low, high = points_of(self.value, self.ci_lower, self.ci_upper)
        said = f"{value} {words.plural('percentage point', float(value))} (from {low} to {high})"
        if self.grade == "A":
            return f"we measured {said}{self._among}"
        return f"what was observed is a difference of {said}, an association"

    @property
    def is_association(self) -> bool:
        """Whether it was observed, but nobody left to chance whom it is seen in."""
        return not (self.entered or self.grade == "A")

    @property
    def _among(self) -> str:
        return f" among {words.number(self.n)} {self.population}" if self.n else ""

    def sentence(self, lang: str | None = None) -> str:
        """Return the lift, its interval and what it rests on, in words."""
        with speaking(lang):
            if self.entered:
                said = f"We assume that {points(self.value)} more stay a year{self._between}"
                return f"{said}: entered, not measured."
            said = spread(self.value, self.ci_lower, self.ci_upper)
            level = words.level_words(self.confidence_level)
            clear = "" if self.ci_lower > 0 or self.ci_upper < 0 else "No clear difference: "
            if self.grade == "A":
                lead = "in" if clear else "In"
                return (
                    f"{clear}{lead} {self.source} {said} more stayed a year, with its {level} interval."
                    f" {self._elsewhere}"
                )
            lead = "a" if clear else "A"
            return (
                f"{clear}{lead} difference of {said} with its {level} interval was observed "
                f"({self.source}): an association. What follows holds only if as much of it as is "
                f"entered as attribution were the programme's doing. {self._elsewhere}"
            )

    @property
    def _elsewhere(self) -> str:
        """Say that others than those it was measured among may be otherwise."""
        rule = f" (rule: {words.plain(shorten(self.rule, RULE))})" if self.rule else ""
        return (
            f"It was measured{self._among}{rule}: that it is the same for everybody reached, and "
            "in every year that counts, is an assumption."
        )

    @property
    def _between(self) -> str:
        """The ends it was entered with, in words."""
        if self.distribution.known:
            return ""
        low, high = (f"{100 * end:.6g}" for end in self.distribution.ends)
        return f", between {low} and {high}"

    def findings(self) -> tuple[Finding, ...]:
        """Return `lift_used`."""
        return (
            Finding(
                "lift_used",
                self.value,
                self.ci_lower,
                self.ci_upper,
                self.n,
                "share",
                self.sentence(),
                confidence_level=self.confidence_level,
                grade=self.grade,
                as_of=self.as_of,
            ),
        )


def points(share: float) -> str:
    """Return a share in percentage points, as it was entered: `2 percentage points`."""
    said = f"{100 * share:.6g}"
    return f"{said} {words.plural('percentage point', float(said))}"


def points_of(value: float, lower: float, upper: float) -> tuple[str, str, str]:
    """Return a share and its interval in percentage points, rounded by the interval."""
    unit = words.rounding_unit(100 * lower, 100 * upper)
    low, middle, high = (words.number(100 * share, unit) for share in (lower, value, upper))
    return middle, low, high


def spread(value: float, lower: float, upper: float) -> str:
    """Return an estimated share in percentage points, with its interval."""
    return words.quantity(100 * value, 100 * lower, 100 * upper, "percentage point")
