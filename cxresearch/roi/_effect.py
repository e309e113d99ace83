"""A lift that a programme is credited with: number, interval, grade, and what it may be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import shorten
from typing import Final, NamedTuple

from cxresearch import _format as words
from cxresearch._language import speaking, term, tr, trn
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
            if self.distribution.known:
                return tr("we assume exactly {points}", points=points(self.value))
            low, high = self._between
            return tr(
                "we assume {points}, between {low} and {high}",
                points=points(self.value),
                low=low,
                high=high,
            )
        value, low, high = points_of(self.value, self.ci_lower, self.ci_upper)
        said = trn(
            "{n} percentage point (from {low} to {high})",
            "{n} percentage points (from {low} to {high})",
            float(value),
            n=value,
            low=low,
            high=high,
        )
        if self.grade == "A":
            return tr("we measured {points}{among}", points=said, among=self._among)
        return tr("what was observed is a difference of {points}, an association", points=said)

    @property
    def is_association(self) -> bool:
        """Whether it was observed, but nobody left to chance whom it is seen in."""
        return not (self.entered or self.grade == "A")

    @property
    def _among(self) -> str:
        if not self.n:
            return ""
        population = term(self.population)
        return tr(" among {n} {population}", n=words.number(self.n), population=population)

    def sentence(self, lang: str | None = None) -> str:
        """Return the lift, its interval and what it rests on, in words."""
        with speaking(lang):
            if self.entered:
                return self._assumed()
            return self._measured() if self.grade == "A" else self._observed()

    def _assumed(self) -> str:
        much = points(self.value)
        if self.distribution.known:
            return tr(
                "We assume that {points} more stay a year: entered, not measured.", points=much
            )
        low, high = self._between
        return tr(
            "We assume that {points} more stay a year, between {low} and {high}: entered, not "
            "measured.",
            points=much,
            low=low,
            high=high,
        )

    def _measured(self) -> str:
        if self._clear:
            return tr(
                "In {source} {points} more stayed a year, with its {level} interval.{elsewhere}",
                **self._said,
            )
        return tr(
            "No clear difference: in {source} {points} more stayed a year, with its {level} "
            "interval.{elsewhere}",
            **self._said,
        )

    def _observed(self) -> str:
        if self._clear:
            return tr(
                "A difference of {points} with its {level} interval was observed ({source}): an "
                "association. What follows holds only if as much of it as is entered as "
                "attribution were the programme's doing.{elsewhere}",
                **self._said,
            )
        return tr(
            "No clear difference: a difference of {points} with its {level} interval was observed "
            "({source}): an association. What follows holds only if as much of it as is entered as "
            "attribution were the programme's doing.{elsewhere}",
            **self._said,
        )

    @property
    def _clear(self) -> bool:
        return self.ci_lower > 0 or self.ci_upper < 0

    @property
    def _said(self) -> dict[str, str]:
        return {
            "points": spread(self.value, self.ci_lower, self.ci_upper),
            "level": words.level_words(self.confidence_level),
            "source": term(self.source),
            "elsewhere": self._elsewhere,
        }

    @property
    def _elsewhere(self) -> str:
        """Say that others than those it was measured among may be otherwise."""
        rule = words.plain(shorten(self.rule, RULE))
        return tr(
            " It was measured{among}{rule}: that it is the same for everybody reached, and in "
            "every year that counts, is an assumption.",
            among=self._among,
            rule=tr(" (rule: {rule})", rule=rule) if self.rule else "",
        )

    @property
    def _between(self) -> tuple[str, str]:
        """The ends it was entered with, in points."""
        low, high = (f"{100 * end:.6g}" for end in self.distribution.ends)
        return low, high

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
    return trn("{n} percentage point", "{n} percentage points", float(said), n=said)


def points_of(value: float, lower: float, upper: float) -> tuple[str, str, str]:
    """Return a share and its interval in percentage points, rounded by the interval."""
    unit = words.rounding_unit(100 * lower, 100 * upper)
    low, middle, high = (words.number(100 * share, unit) for share in (lower, value, upper))
    return middle, low, high


def spread(value: float, lower: float, upper: float) -> str:
    """Return an estimated share in percentage points, with its interval."""
    return words.quantity(100 * value, 100 * lower, 100 * upper, "percentage point")
