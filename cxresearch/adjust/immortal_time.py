"""How much of the gap between ever-promoters and others is time in which nobody could leave."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr
from cxresearch.adjust._rung import NONE, Ends, Rung
from cxresearch.adjust.bias_ladder import BiasLadder
from cxresearch.errors import CxError
from cxresearch.findings import Finding, without_number
from cxresearch.uncertainty import Floats, critical_value

NAIVE, CORRECTED = "ever_promoter_from_signup", "ever_promoter_from_answer"
NO_TIME = mark(
    "None of the naive gap between ever-promoters and others is immortal time: counted from the "
    "answer on the gap is larger, and the share is {share} ({level} interval; of the log hazard "
    "ratio)."
)
UNCLEAR = mark(
    "It is not clear how much of the naive gap between ever-promoters and others is immortal time: "
    "{share} ({level} interval; of the log hazard ratio)."
)
PART = mark(
    "Of the naive gap between ever-promoters and others, {share} is time before the answer, in "
    "which nobody could have left ({level} interval; of the log hazard ratio)."
)
ALL_OF_IT = mark(
    "All of the naive gap between ever-promoters and others and more is time before the answer, in "
    "which nobody could have left: {share}; counted from the answer on, no clear gap is left "
    "({level} interval; of the log hazard ratio)."
)
REVERSED = mark(
    "All of the naive gap between ever-promoters and others and more is time before the answer, in "
    "which nobody could have left: {share}; counted from the answer on, the gap points the other "
    "way ({level} interval; of the log hazard ratio)."
)


@dataclass(frozen=True, eq=False)
class ImmortalTimeShare(Table):
    """Share of the naive log hazard ratio that goes when the same groups are counted properly.

    Parameters
    ----------
    share, share_ci_lower, share_ci_upper
        1 minus the corrected log hazard ratio over the naive one. 0: counting properly changes
        nothing; 1: nothing is left of the gap; above 1: the gap points the other way; below 0:
        it is larger. NaN when refused.
    refusal
        Why there is no number.
    """

    share: float
    share_ci_lower: float
    share_ci_upper: float
    refusal: str | None
    n: int
    confidence_level: float
    as_of: str | None

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("share", "share_ci_lower", "share_ci_upper")
        return pd.DataFrame([{f"immortal_time_{name}": getattr(self, name) for name in names}])

    def sentence(self, lang: str | None = None) -> str:
        """Return the share in words; above 1 it is all of the gap and more."""
        with speaking(lang):
            if self.refusal is not None:
                return tr("No share of immortal time: {why}.", why=self.refusal)
            ends = (self.share_ci_lower, self.share_ci_upper)
            share = words.percent_interval(self.share, *ends)
            level = words.level_words(self.confidence_level)
            return _said(self.share, *ends).format(share=share, level=level)

    def findings(self) -> tuple[Finding, ...]:
        """Return `immortal_time_share`, or why there is none."""
        said = self.sentence()
        if self.refusal is not None:
            return (without_number(said, as_of=self.as_of),)
        ends = (self.share, self.share_ci_lower, self.share_ci_upper)
        level = self.confidence_level
        name = "immortal_time_share"
        return (
            Finding(name, *ends, self.n, "share", said, confidence_level=level, as_of=self.as_of),
        )


def _said(share: float, lower: float, upper: float) -> str:
    """Return what to say, with places for the share and the level of its interval."""
    if upper < 0:
        return term(NO_TIME)
    if lower <= 0:
        return term(UNCLEAR)
    if share <= 1:
        return term(PART)
    return term(ALL_OF_IT if lower <= 1 else REVERSED)


def immortal_time_share(ladder: BiasLadder) -> ImmortalTimeShare:
    """Return 1 − log HR(ever from the answer) / log HR(ever from sign-up), with its interval.

    Refused when a rung or its replicates are missing, or the naive log hazard ratio is not
    clearly different from 0: a share of no gap is no number.

    Notes
    -----
    Both rungs count the same customers, so their estimates vary together: the jackknife takes
    the covariance from the replicates. The interval of the ratio is Fieller's (1954, Journal of
    the Royal Statistical Society B 16, 175–185), which is finite exactly when the naive log
    hazard ratio differs from 0 at the same level.

    Raises
    ------
    CxError
        When the ladder has no rung at all.
    """
    if not len(ladder):
        raise CxError("the ladder has 0 rungs, must have at least 1: add a table.")
    first = ladder.rungs[0]
    naive, corrected = ladder.get(NAIVE), ladder.get(CORRECTED)
    refusal, values = _share(naive, corrected, first.confidence_level)
    n = 0 if naive is None else naive.n
    return ImmortalTimeShare(*values, refusal, n, first.confidence_level, first.as_of)


def _share(
    naive: Rung | None, corrected: Rung | None, confidence_level: float
) -> tuple[str | None, Ends]:
    if naive is None or corrected is None:
        return tr("the ladder lacks ever-promoters from sign-up or from the answer on"), NONE
    reason = naive.hazard_refusal or corrected.hazard_refusal
    if reason is not None:
        return reason, NONE
    left = [rung.left_out for rung in (corrected, naive)]
    if len(left[0]) < 2 or len(left[0]) != len(left[1]):
        said = tr("the tables have no replicates in common, from which the interval would come")
        return said, NONE
    logs = [math.log(rung.hazard_ratio[0]) for rung in (corrected, naive)]
    ends = fieller(np.array(logs), _covariance(np.stack(left)), confidence_level)
    if ends is None:
        return tr("from sign-up, ever-promoters and others do not clearly differ"), NONE
    return None, (1 - logs[0] / logs[1], 1 - ends[1], 1 - ends[0])


def fieller(
    values: Floats, covariance: Floats, confidence_level: float
) -> tuple[float, float] | None:
    """Return the interval of values[0]/values[1], None where the second may be 0.

    The ratios ρ for which |a − ρb| <= z·SE(a − ρb).
    """
    z2 = critical_value(confidence_level) ** 2
    square, cross, top = (
        float(values[i] * values[j] - z2 * covariance[i, j]) for i, j in ((1, 1), (0, 1), (0, 0))
    )
    if square <= 0:
        return None
    half = math.sqrt(max(cross**2 - square * top, 0))
    return (cross - half) / square, (cross + half) / square


def _covariance(left_out: Floats) -> Floats:
    """Return the jackknife covariance of several statistics, shape (k, R) to (k, k)."""
    replicates = left_out.shape[-1]
    centred = left_out - left_out.mean(axis=-1, keepdims=True)
    return np.asarray((replicates - 1) / replicates * centred @ centred.T)
