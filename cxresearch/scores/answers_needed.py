"""How many answers each of two waves needs before a change can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch._results import Results, too_small
from cxresearch.errors import CxError
from cxresearch.findings import Finding
from cxresearch.retention import MIN_GROUP
from cxresearch.score_table import WAVE, ScoreTable
from cxresearch.scores._score_intervals import ADDED, ADDED_EACH, Estimates, estimates
from cxresearch.scores._score_measures import Measure, measure_of
from cxresearch.scores.levels import in_group, in_wave
from cxresearch.uncertainty import Floats, critical_value, log_interval


@dataclass(frozen=True, eq=False)
class AnswersNeeded(Table):
    """Answers that each of two waves needs, for changes of several sizes.

    Parameters
    ----------
    points
        Sizes of the change: points of NPS, or percentage points of a share, shape (k,).
    answers_needed, answers_needed_ci_lower, answers_needed_ci_upper
        Answers per wave, shape (k,), and the interval that comes from not knowing the
        distribution of the answers better.
    answers
        How many there were in the wave that the distribution was taken from.
    power
        Chance of an interval without 0 when the change is real.
    """

    metric: str
    points: tuple[float, ...]
    answers_needed: Floats
    answers_needed_ci_lower: Floats
    answers_needed_ci_upper: Floats
    answers: int
    power: float
    unit: str
    group: Mapping[str, str]
    confidence_level: float
    as_of: str | None

    def findings(self) -> tuple[Finding, ...]:
        """Return `responses_needed` for each size of change."""
        own = {} if self.metric == "nps" else {"metric": self.metric}
        labels = {name: label for name, label in self.group.items() if name != WAVE}
        return tuple(
            Finding(
                "responses_needed", *self._values(i), self.answers, "answers per wave",
                self._sentence(i), {"points": f"{size:g}", **own, **labels},
                confidence_level=self.confidence_level, as_of=self.as_of,
            )
            for i, size in enumerate(self.points)
        )  # fmt: skip

    def sentence(self, lang: str | None = None) -> str:
        """Return the answers needed in words, and how many there were."""
        with speaking(lang):
            return words.sentences(self._sentence(i) for i in range(len(self.points)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per size of change."""
        name = "answers_needed"
        columns = {n: getattr(self, n) for n in (name, f"{name}_ci_lower", f"{name}_ci_upper")}
        return pd.DataFrame({**self.group, "points": self.points, **columns})

    def _values(self, i: int) -> tuple[float, float, float]:
        ends = (self.answers_needed_ci_lower, self.answers_needed_ci_upper)
        return (float(self.answers_needed[i]), *(float(end[i]) for end in ends))  # type: ignore[return-value]

    def _sentence(self, i: int) -> str:
        value, low, high = self._values(i)
        # a number without a natural unit: digits down to a quarter of the interval, and to its end
        coarsest = 10.0 ** min(3, int(np.log10(max(low, 1))))
        unit = words.rounding_unit(low / 4, high / 4, coarsest=coarsest)
        needed, lowest, highest = (words.number(x, unit) for x in (value, low, high))
        what = "point" if self.unit == "points" else "percentage point"
        return tr(
            "To see a change of {size} of {name}{group}, each of two waves needs {needed} answers "
            "({level} interval {low} to {high}; {power} power); there were {answers}{wave}.",
            size=words.counted_digits(f"{self.points[i]:g}", what),
            name=self.metric.upper(),
            group=in_group(self.group),
            needed=needed,
            level=words.level_words(self.confidence_level),
            low=lowest,
            high=highest,
            power=words.percent(self.power),
            answers=words.number(self.answers),
            wave=in_wave(self.group),
        )


def responses_needed(
    table: ScoreTable,
    points: Sequence[float] = (3, 5, 10),
    *,
    power: float = 0.8,
    min_group: int = MIN_GROUP,
    confidence_level: float = 0.95,
) -> Results[AnswersNeeded]:
    """Return the answers per wave that it takes to see a change, from the latest distribution.

    Parameters
    ----------
    table
        Answers; where there are waves, the latest whole one is taken.
    points
        Changes to be seen, in points (NPS) or percentage points (CSAT, CES).
    power
        Chance of seeing a change of that size.
    min_group
        Customers who answered that a group needs to be shown.
    confidence_level
        At which a change counts as seen, and of the interval of the number.

    Raises
    ------
    CxError
        When a change or the power is not possible.

    Notes
    -----
    n = 2 s² (z₁₋α/₂ + z_power)²/d², s² the variance of one answer, times the design effect where
    customers answer more than once. The interval is that of s² by the delta method, on the log
    scale; for a change between two waves of different customers.
    """
    sizes = tuple(float(size) for size in points)
    _check(sizes, power)
    waves = table.whole_waves or table.shown_waves
    latest = table.select(wave=waves[-1]) if waves else table
    large, small = latest.split_small(max(min_group, 1))
    measure = measure_of(table)
    found = estimates(large, measure)
    levels = (power, confidence_level)
    needed = [_needed(large, found, g, measure, (sizes, *levels)) for g in range(len(large.groups))]
    return Results(tuple(needed), too_small(latest, small, max(min_group, 1)))


def _needed(
    table: ScoreTable,
    found: Estimates,
    g: int,
    measure: Measure,
    ask: tuple[tuple[float, ...], float, float],
) -> AnswersNeeded:
    sizes, power, level = ask
    variance, error = _variance(found, g)
    reach = critical_value(level) + float(ndtri(power))
    step = np.asarray(sizes) / 100
    factor = 2 * reach**2 / step**2 * found.design_effect[g]
    low, high = log_interval(variance, error, level)
    needed, lowest, highest = (np.ceil(factor * v) for v in (variance, low, high))
    return AnswersNeeded(
        table.metric, sizes, needed, lowest, highest, round(float(found.answers[g])), power,
        measure.unit, table.labels(g), level, table.as_of,
    )  # fmt: skip


def _variance(found: Estimates, g: int) -> tuple[float, float]:
    """Return the variance of one answer and its standard error, by its influence function."""
    p, d, n = (float(x[g]) for x in (found.high, found.low, found.effective_n))
    if p + d - (p - d) ** 2 <= 0:  # all answers alike: three unlike ones are added
        p, d, n = *((x * n + ADDED_EACH) / (n + ADDED) for x in (p, d)), n + ADDED
    mean = p - d
    influence = np.array([1 - 2 * mean, 1 + 2 * mean])
    shares = np.array([p, d])
    square = float(shares @ influence**2) - float(shares @ influence) ** 2
    return p + d - mean**2, float(np.sqrt(square / n))


def _check(points: Sequence[float], power: float) -> None:
    problems = [
        f"points has {size:g}, must be above 0 and at most 200: a change in points."
        for size in points
        if not 0 < size <= 200
    ]
    if not 0 < power < 1:
        problems.append(f"power is {power!r}, must be between 0 and 1: write 0.8 for 80 %.")
    if problems:
        raise CxError(problems)
