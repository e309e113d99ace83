"""League tables that do not mistake luck for merit: groups against the limits of a funnel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxresearch import _format as words
from cxresearch._grouped import Labels
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr, trn
from cxresearch._results import too_small
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.retention import MIN_GROUP
from cxresearch.score_table import WAVE, ScoreTable
from cxresearch.scores._score_intervals import estimates
from cxresearch.scores._score_measures import measure_of
from cxresearch.scores.control_chart import pooled_shares
from cxresearch.uncertainty import Floats, Interval, critical_value

INNER, OUTER = 0.95, 0.998
WHERE = {0.0: mark("within"), INNER: mark("outside 95 %"), OUTER: mark("outside 99.8 %")}


@dataclass(frozen=True, eq=False)
class League(Table):
    """Scores of groups beside the limits within which chance alone would leave them.

    Parameters
    ----------
    groups
        Labels of the groups, fewest answers first, G of them.
    score
        Points (NPS) or shares, shape (G,).
    answers, effective_n
        Answers, and how many independent ones they are worth, shape (G,).
    overall
        Score of all groups together.
    outside
        0 within the limits, 0.95 or 0.998 outside those, shape (G,).
    """

    metric: str
    group_columns: Labels
    groups: tuple[Labels, ...]
    score: Floats
    answers: Floats
    effective_n: Floats
    overall: float
    outside: Floats
    variance: float
    total: float
    suppressed: tuple[Finding, ...]
    unit: str
    definition: str
    as_of: str | None

    def limits(self, effective_n: ArrayLike, level: float) -> Interval:
        """Return the limits for groups with so many independent answers, each of their shape.

        Overall score ± z √(s²(1/n − 1/N)): the group itself is part of the overall score.
        """
        n = np.asarray(effective_n, dtype=np.float64)
        factor, floor = (100.0, -100.0) if self.unit == "points" else (1.0, 0.0)
        room = np.maximum(1 / n - 1 / self.total, 0)
        half = factor * critical_value(level) * np.sqrt(self.variance * room)
        return np.maximum(self.overall - half, floor), np.minimum(self.overall + half, factor)

    def findings(self) -> tuple[Finding, ...]:
        """Return how many groups lie outside; the count is exact, so its interval is itself."""
        if len(self.groups) < 2:
            return self.suppressed
        count = int((self.outside >= OUTER).sum())
        found = Finding(
            "groups_out_of_limits", count, count, count, None, "groups", self.sentence(),
            {"limits": "99.8 %", **({} if self.metric == "nps" else {"metric": self.metric})},
            as_of=self.as_of,
        )  # fmt: skip
        return (found, *self.suppressed)

    def sentence(self, lang: str | None = None) -> str:
        """Return which groups lie outside the limits, and how many would by chance."""
        with speaking(lang):
            if len(self.groups) < 2:
                return tr("There are too few groups for a league table.")
            inner = int((self.outside >= INNER).sum())
            about = {
                "groups": len(self.groups),
                "name": self.metric.upper(),
                "overall": self._told(self.overall),
                "chance": words.number((1 - INNER) * len(self.groups), 0.1),
                "far": self._far(),
            }
            if not inner:
                return tr(
                    "Of {groups} groups, none lies outside the 95 % limits around the {name} of "
                    "them all, {overall}, where chance alone puts {chance} on average; {far}.",
                    **about,
                )
            return trn(
                "Of {groups} groups, {n} lies outside the 95 % limits around the {name} of them "
                "all, {overall}, where chance alone puts {chance} on average; {far}.",
                "Of {groups} groups, {n} lie outside the 95 % limits around the {name} of them "
                "all, {overall}, where chance alone puts {chance} on average; {far}.",
                inner,
                n=inner,
                **about,
            )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group, fewest answers first."""
        name = self.metric if self.unit == "points" else f"{self.metric}_share"
        labels = {c: [group[i] for group in self.groups] for i, c in enumerate(self.group_columns)}
        limits = [term(WHERE[float(level)]) for level in self.outside]
        return pd.DataFrame({**labels, "answers": self.answers, name: self.score, "limits": limits})

    def label(self, g: int) -> str:
        """Return the labels of a group as one text."""
        return words.group_name(self._group(g))

    def _group(self, g: int) -> dict[str, str]:
        return dict(zip(self.group_columns, self.groups[g], strict=True))

    def _far(self) -> str:
        far = [self._named(int(g)) for g in np.flatnonzero(self.outside >= OUTER)]
        if not far:
            return tr("none outside the 99.8 % limits")
        return tr("outside the 99.8 % limits: {groups}", groups=words.and_list(far))

    def _named(self, g: int) -> str:
        said = {"group": words.group_words(self._group(g)), "score": self._told(self.score[g])}
        if self.score[g] > self.overall:
            return tr("{group} ({score}, above)", **said)
        return tr("{group} ({score}, below)", **said)

    def _told(self, score: float) -> str:
        return words.number(score) if self.unit == "points" else words.percent(score)


def score_league(table: ScoreTable, *, min_group: int = MIN_GROUP) -> League:
    """Return the scores of groups with the limits within which chance alone would leave them.

    Parameters
    ----------
    table
        Answers by group; take `wave="none"`, since waves are pooled.
    min_group
        Customers who answered that a group needs to be shown.

    Raises
    ------
    DataError
        When nothing is grouped.

    Notes
    -----
    Funnel plot (Spiegelhalter 2005, Statistics in Medicine 24, 1185–1202): the limits are those
    of a group that has the overall distribution of answers, at its effective number of answers.
    Groups are not ranked. With G groups about 0.05 G lie outside the 95 % limits by chance.
    """
    columns = tuple(name for name in table.group_columns if name != WAVE)
    if not columns:
        raise DataError("nothing is grouped, must be: take score_table(…, group_by=[…]).")
    pooled = table.pooled(*columns) if WAVE in table.group_columns else table
    large, small = pooled.split_small(max(min_group, 1))
    large = large.take([int(g) for g in np.argsort(large.n_answers, kind="stable")])
    measure = measure_of(table)
    found = estimates(large, measure)
    overall, variance, total = pooled_shares(found) if len(large.groups) else (np.nan,) * 3
    parts = League(
        table.metric, columns, large.groups, measure.factor * found.score, found.answers,
        found.effective_n, measure.factor * overall, np.zeros(len(large.groups)), variance, total,
        too_small(pooled, small, max(min_group, 1)), measure.unit, measure.definition,
        table.as_of,
    )  # fmt: skip
    return replace(parts, outside=_outside(parts))


def _outside(found: League) -> Floats:
    outside = np.zeros(len(found.groups))
    for level in (INNER, OUTER):
        lower, upper = found.limits(found.effective_n, level)
        outside[(found.score < lower) | (found.score > upper)] = level
    return outside
