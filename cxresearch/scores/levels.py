"""Levels of NPS, CSAT and CES, each with its interval and the answers behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch._results import Results, too_small
from cxresearch.errors import DataError
from cxresearch.exclusions import Waterfall
from cxresearch.findings import Finding
from cxresearch.retention import MIN_GROUP
from cxresearch.score_table import WAVE, ScoreTable
from cxresearch.scores._score_intervals import Estimates, estimates, hajek, score_interval
from cxresearch.scores._score_measures import Measure, measure_of
from cxresearch.uncertainty import Floats


@dataclass(frozen=True, eq=False)
class Score(Table):
    """The score of one group: NPS in points (−100 to 100), CSAT and CES as shares (0–1).

    Parameters
    ----------
    metric
        "nps", "csat" or "ces".
    score, score_ci_lower, score_ci_upper
        The score and its interval.
    answers
        Number of answers.
    effective_n
        How many independent answers with equal weights they are worth.
    customers
        Who answered; None where waves were pooled and nobody knows who answered twice.
    distribution
        Share of the answers (0–1) at each of `steps`, shape (K,).
    steps
        Scores of the scale, lowest first, shape (K,).
    values
        What each step counts for: 1, 0 or −1, shape (K,).
    complete
        Whether the extract holds all of the wave.
    definition
        What the score is, for below a figure.
    """

    metric: str
    score: float
    score_ci_lower: float
    score_ci_upper: float
    answers: int
    effective_n: float
    customers: int | None
    distribution: Floats
    steps: tuple[int, ...]
    values: Floats
    unit: str
    counted: str
    definition: str
    complete: bool
    group: Mapping[str, str]
    confidence_level: float
    as_of: str | None

    @property
    def label(self) -> str:
        """Name of the group for a figure; empty for everybody."""
        return words.group_name(self.group)

    @property
    def name(self) -> str:
        """NPS, CSAT or CES."""
        return self.metric.upper()

    def findings(self) -> tuple[Finding, ...]:
        """Return the score as a finding: `nps`, `csat` or `ces`."""
        values = (self.score, self.score_ci_lower, self.score_ci_upper)
        return (
            Finding(
                self.metric, *values, self.customers, self.unit, self.sentence(), self.group,
                confidence_level=self.confidence_level, as_of=self.as_of,
            ),
        )  # fmt: skip

    def sentence(self, lang: str | None = None) -> str:
        """Return the score in words, with its interval and the answers behind it."""
        with speaking(lang):
            said = self._in_points() if self.unit == "points" else self._in_share()
            partial = "" if self.complete else tr("The extract holds only part of this wave.")
            return words.sentences([said, partial])

    def to_frame(self) -> pd.DataFrame:
        """Return one row: the group, the score with its interval, answers and customers."""
        unit = "" if self.unit == "points" else "_share"
        name = f"{self.metric}{unit}"
        row = {
            **self.group,
            name: self.score,
            f"{name}_ci_lower": self.score_ci_lower,
            f"{name}_ci_upper": self.score_ci_upper,
            "answers": self.answers,
            "customers": self.customers,
        }
        return pd.DataFrame([row])

    def _in_points(self) -> str:
        ends = (self.score_ci_lower, self.score_ci_upper)
        unit = words.rounding_unit(*ends)
        score, low, high = (words.number(x, unit) for x in (self.score, *ends))
        return tr(
            "{name}{group} was {score} ({level} interval {low} to {high}){wave}, from {answers}.",
            **self._about(),
            score=score,
            low=low,
            high=high,
        )

    def _in_share(self) -> str:
        ends = (self.score_ci_lower, self.score_ci_upper)
        whole, some, spread = words.out_of(self.score, *ends)
        return tr(
            "Of {whole} {name} answers{group}{wave}, {some} {counted} ({level} interval {spread}), "
            "from {answers}.",
            **self._about(),
            whole=whole,
            some=some,
            spread=spread,
            counted=term(self.counted),
        )

    def _about(self) -> dict[str, str]:
        return {
            "name": self.name,
            "group": in_group(self.group),
            "wave": in_wave(self.group),
            "level": words.level_words(self.confidence_level),
            "answers": self._from(),
        }

    def _from(self) -> str:
        answers = words.counted(self.answers, "answer")
        if self.customers in {None, self.answers}:
            return answers
        customers = words.counted(self.customers or 0, "customer")
        return tr("{answers} of {customers}", answers=answers, customers=customers)


def score_levels(
    table: ScoreTable, *, min_group: int = MIN_GROUP, confidence_level: float = 0.95
) -> Results[Score]:
    """Return the score of every group: NPS, CSAT or CES, as the table's metric is.

    Parameters
    ----------
    table
        Answers by group, of which a wave may be one.
    min_group
        Customers who answered that a group needs to be shown.
    confidence_level
        Of the interval.

    Notes
    -----
    NPS: adjusted Wald interval (Rocks 2016, The American Statistician 70, 365–372). CSAT and CES:
    Wilson (1927, JASA 22, 209–212). Where customers answered more than once, both take the
    effective number of answers, by the delete-a-group jackknife over customers. Computed exactly
    for shares on a grid, the adjusted Wald interval covers the true NPS with 94 to 98 % from 30
    answers on, but with nearly no promoters or nearly no detractors with no less than 91 %; with 10
    answers and nearly no detractors it is 86 to 100 %.
    """
    large, small = table.split_small(max(min_group, 1))
    measure = measure_of(table)
    found = estimates(large, measure)
    levels = tuple(
        _score(large, measure, found, g, confidence_level) for g in range(len(large.groups))
    )
    return Results(in_time(levels, table), too_small(table, small, max(min_group, 1)))


def weighted_score(
    table: ScoreTable, weights: Sequence[float], *, confidence_level: float = 0.95
) -> Score:
    """Return the score of all groups together, with one weight for the answers of each group.

    Parameters
    ----------
    table
        Answers by group.
    weights
        One per group, in the order of `table.groups`, 0 or more: how many customers each answer
        stands for, up to a common factor.

    Raises
    ------
    DataError
        When weights and groups do not fit, or no answer has a weight.

    Notes
    -----
    Hájek mean with linearised standard error; the weights are taken as given.
    """
    each = np.asarray(weights, dtype=np.float64)
    fits = each.shape == (len(table.groups),)
    if not fits or not np.isfinite(each).all() or (each < 0).any() or not each @ table.n_answers:
        raise DataError(
            f"weights are {np.array2string(each, threshold=8)}, must be {len(table.groups)} "
            "numbers of at least 0, not all 0: give one per group, in the order of table.groups."
        )
    measure = measure_of(table)
    found = hajek(table, measure, each)
    share = np.einsum("g,grk->k", each, table.answers) / (each @ table.n_answers)
    return _score(table.pooled(), measure, found, 0, confidence_level, share=share)


def score_waterfall(table: ScoreTable) -> Waterfall:
    """Return how many answers are used, and how many are left out for which reason."""
    left_out = dict(sorted(table.left_out.items(), key=lambda item: (-item[1], item[0])))
    total = int(table.n_answers.sum()) + sum(left_out.values())
    where = f"to the {table.metric.upper()} question in the extract"
    return Waterfall("answers", total, left_out, table.as_of, {"metric": table.metric}, where)


def in_time(levels: Sequence[Score], table: ScoreTable) -> tuple[Score, ...]:
    """Return scores in the order of the waves, and of the groups within a wave."""
    place = {wave: i for i, wave in enumerate(table.waves)}
    return tuple(sorted(levels, key=lambda s: place.get(s.group.get(WAVE, ""), -1)))


def in_wave(group: Mapping[str, str]) -> str:
    """Return ` in 2025-Q3`; empty where there is no wave."""
    return tr(" in {wave}", wave=words.period_label(group[WAVE])) if WAVE in group else ""


def in_group(group: Mapping[str, str]) -> str:
    """Return ` with plan basic`, without the wave; empty for everybody."""
    return words.with_group({name: label for name, label in group.items() if name != WAVE})


def _score(
    table: ScoreTable,
    measure: Measure,
    found: Estimates,
    g: int,
    level: float,
    *,
    share: Floats | None = None,
) -> Score:
    lower, upper = (float(end[g]) for end in score_interval(found, measure, level))
    group, answers = table.labels(g), round(float(table.n_answers[g]))
    counts = table.answers[g].sum(axis=0)
    factor = measure.factor
    return Score(
        table.metric, factor * float(found.score[g]), factor * lower, factor * upper,
        answers, float(found.effective_n[g]), None if table.linked else round(float(table.n[g])),
        counts / counts.sum() if share is None else share, table.axis, measure.values,
        measure.unit, measure.counted, measure.definition,
        complete=group.get(WAVE) not in table.incomplete, group=group, confidence_level=level,
        as_of=table.as_of,
    )  # fmt: skip
