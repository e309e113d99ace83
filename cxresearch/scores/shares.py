"""Shares of a whole with their intervals: of orders, of answers, of money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr, trn
from cxresearch._results import Results, too_small
from cxresearch.findings import Finding
from cxresearch.retention import MIN_GROUP
from cxresearch.scores.revenue_retention import few_amounts
from cxresearch.share_table import WINDOW, ShareTable
from cxresearch.uncertainty import Floats, critical_value, jackknife, wilson_interval

_SCORE_GROUP: Final = "score_group"
ANSWERED: Final = (
    mark("satisfied"),
    mark("not satisfied"),
    mark("easy"),
    mark("not easy"),
    mark("not promoter"),
)


@dataclass(frozen=True, eq=False)
class Share(Table):
    """The share of one group.

    Parameters
    ----------
    name
        What it is called among findings.
    share, share_ci_lower, share_ci_upper
        part/whole, 0–1, with its interval; NaN where totals do not say how customers differ.
    part, whole
        Counts, or sums of money.
    n
        Customers behind the whole.
    effective_n
        Independent customers that would tell as much.
    whole_word, part_word, definition, grade
        As in `ShareTable`.
    group
        Labels of the group.
    """

    name: str
    share: float
    share_ci_lower: float
    share_ci_upper: float
    part: float
    whole: float
    n: int
    effective_n: float
    whole_word: str
    part_word: str
    definition: str
    grade: str
    group: Mapping[str, str]
    confidence_level: float
    as_of: str | None

    @property
    def label(self) -> str:
        """Name of the group for a figure; empty for everybody."""
        return words.group_name(self.group)

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("share", "share_ci_lower", "share_ci_upper", "part", "whole")
        row = {**self.group, **{name: getattr(self, name) for name in names}, "customers": self.n}
        return pd.DataFrame([row])

    def sentence(self, lang: str | None = None) -> str:
        """Return the share as a natural frequency."""
        with speaking(lang):
            whole, some, spread = words.out_of(self.share, self.share_ci_lower, self.share_ci_upper)
            part, group = placed(self.part_word, self.group)
            about = {"whole": whole, "what": self.whole_word, "group": in_group(group)}
            about |= {"some": some, "part": part}
            if np.isnan(self.share_ci_lower):
                return tr("Of {whole} {what}{group}, {some} {part}.", **about)
            return tr(
                "Of {whole} {what}{group}, {some} {part} ({level} interval {spread}).",
                **about,
                level=words.level_words(self.confidence_level),
                spread=spread,
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return the share under its `name`."""
        return (
            Finding(
                self.name,
                self.share,
                self.share_ci_lower,
                self.share_ci_upper,
                self.n,
                "share",
                self.sentence(),
                self.group,
                confidence_level=self.confidence_level,
                grade=self.grade,
                as_of=self.as_of,
            ),
        )


def shares(
    table: ShareTable, *, min_group: int = MIN_GROUP, confidence_level: float = 0.95
) -> Results[Share]:
    """Return the share of each group with its interval.

    Parameters
    ----------
    table
        Parts and wholes, such as `Data.existing_revenue` returns.
    min_group
        Customers behind the whole that a group needs to be shown.
    confidence_level
        Of the interval.

    Notes
    -----
    Wilson's score interval where each of the whole is a customer of its own. Else it is taken at
    the effective number of customers p(1 − p)/SE², with the SE of the delete-a-group jackknife
    over customers, and never above the number of orders or answers (Korn & Graubard 1998, Survey
    Methodology 24, 193–201, with Wilson's interval in place of the exact one). The SE is that of
    few where few customers hold most of the orders or answers (`few_amounts`), or most of the
    squares of the jackknife of a sum of money (`few_squares`). At a share of 0 or 1 the customers
    are counted instead.
    """
    whole = table.whole.sum(axis=1)
    large, small = table.split_small(max(min_group, 1), np.where(whole > 0, table.n, 0))
    part, whole = large.part.sum(axis=1), large.whole.sum(axis=1)
    share, effective = part / whole, effective_customers(large, confidence_level)
    lower, upper = wilson_interval(share * effective, effective, confidence_level)
    results = tuple(
        Share(
            name=large.name,
            share=float(share[g]),
            # the share is a limit of its interval at 0 and 1, up to rounding
            share_ci_lower=float(np.minimum(lower[g], share[g])),
            share_ci_upper=float(np.maximum(upper[g], share[g])),
            part=float(part[g]),
            whole=float(whole[g]),
            n=round(float(large.n[g])),
            effective_n=float(effective[g]),
            whole_word=large.whole_word,
            part_word=large.part_word,
            definition=large.definition,
            grade=large.grade,
            group=large.labels(g),
            confidence_level=confidence_level,
            as_of=large.as_of,
        )
        for g in range(len(large.groups))
    )
    return Results(results, too_small(table, small, max(min_group, 1)))


def effective_customers(table: ShareTable, confidence_level: float) -> Floats:
    """Return the independent customers that would tell as much, shape (G,); NaN: not known."""
    people: Floats = table.n.astype(np.float64)
    if table.once or not len(people):
        return people
    if table.n_replicates < 2:
        return np.full_like(people, np.nan) if table.amounts else people
    # a leave-one-out group may be empty where all its customers share a replicate
    counts = (table.counts("part"), table.counts("whole"))
    found = jackknife(lambda a, w: a / np.where(w > 0, w, 1), *counts)
    few = few_squares(found.left_out[..., 0], confidence_level)
    wider = few if table.amounts else few_amounts(table.whole, confidence_level)
    error = found.standard_error[:, 0] * wider
    p = found.estimate[:, 0]
    inside = (p > 0) & (p < 1) & (error > 0)
    most = np.inf if table.amounts else table.whole.sum(axis=1)
    worth = np.minimum(p * (1 - p) / np.where(inside, error, 1.0) ** 2, most)
    return np.asarray(np.where(inside, worth, people))


def few_squares(left_out: Floats, confidence_level: float) -> Floats:
    """Return by how much intervals are wider whose SE rests on few squares, (R, G) to (G,).

    t/z, t with ν = (Σd²)²/Σd⁴ degrees of freedom, d = θ₋r − θ̄ (Satterthwaite 1946, Biometrics
    Bulletin 2, 110–114). Of 1,000 customers who spend unequally (lognormal, σ 1.5) with 5 % of
    the whole not in the part, 94 % of such 95 % intervals held the share, and 88 % without.
    """
    square = (left_out - left_out.mean(axis=0)) ** 2
    total, fourth = square.sum(axis=0), (square**2).sum(axis=0)
    worth = np.where(fourth > 0, total**2 / np.where(fourth > 0, fourth, 1.0), np.inf)
    t = stdtrit(np.clip(worth, 1.0, 1e6), 0.5 + confidence_level / 2)
    return np.asarray(t / critical_value(confidence_level))


def placed(part_word: str, group: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """Return the words for the part with the labels it has a place for, and the other labels."""
    inside = {column for column in group if f"{{{column}}}" in part_word}
    for column in inside:
        part_word = part_word.replace(f"{{{column}}}", group[column])
    return part_word, {column: label for column, label in group.items() if column not in inside}


def in_group(group: Mapping[str, str]) -> str:
    """Return the words for a group, to stand after the whole: ` in the last 3 whole months`."""
    rest = dict(group)
    window, score = rest.pop(WINDOW, None), rest.get(_SCORE_GROUP)
    answered = ""
    if score is not None and score not in words.SCORES:
        answered = tr(" ({scores})", scores=term(rest.pop(_SCORE_GROUP)))
    return f"{answered}{words.with_group(rest)}{_in_window(window)}"


def _in_window(window: str | None) -> str:
    if window is None:
        return ""
    return trn(" in the last whole month", " in the last {n} whole months", int(window), n=window)
