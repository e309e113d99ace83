"""Who is likely to leave in the next months: groups of equal predicted risk, held to the truth.

Each half of the customers is predicted by a model that only saw the other half, put into groups
by that prediction, and then followed: what share of each group did leave, and was it as predicted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._cells import add_rows
from cxresearch._grouped import Counts
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.hazards import _risk_words as say
from cxresearch.hazards._calibration import (
    NOTHING,
    Triple,
    calibration_slope,
    concordance,
    observed_to_predicted,
)
from cxresearch.hazards._risk_model import (
    HeldOut,
    label_columns,
    predict_halves,
    risk_groups,
    split_in_halves,
)
from cxresearch.product_limit import retained_band, retained_share
from cxresearch.retention import MIN_GROUP
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats, jackknife

MOSTLY, MORE_OFTEN = 0.5, 1.25  # share of a group with a label, and that relative to everybody's
AT_MOST = 3  # labels that a group is described by


class About(NamedTuple):
    """What a result is about."""

    months: int
    confidence_level: float
    as_of: str | None
    population: str
    periods_per_year: int


@dataclass(frozen=True, eq=False)
class ChurnRisk(Table):
    """Groups of customers by predicted risk, from the lowest to the highest, and what happened.

    Parameters
    ----------
    about
        How far ahead (`months` from the day on which an answer counts), for whom, as of when.
    predicted
        Predicted share that leaves, by the model of the other half, in the same risk sets as
        `churn_rate`; shape (K,).
    churn_rate, churn_rate_ci_lower, churn_rate_ci_upper
        Share that left, product-limit with the jackknife over replicates, shape (K,). The
        predictions are taken as given: the interval is about the customers judged.
    at_risk, churned
        Answers at risk in the first month, and how many of their customers left, shape (K,). A
        customer who answered twice is counted twice; the replicates carry that.
    mostly
        What at least half of a group has in common and is less common elsewhere.
    observed_to_predicted
        Customers who left over customers predicted to leave, with its interval; 1 is calibrated.
    slope
        Of the observed on the predicted log hazard (Cox 1958, Biometrika 45, 562–565); 1 is
        calibrated, below 1 the predicted differences are too large.
    concordance
        Share of pairs of which the one who left first had the higher risk, weighted for
        censoring (Uno et al. 2011, Statistics in Medicine 30, 1105–1117); 0.5 is a coin.
    refusal
        Why there is no number; then all arrays are empty.
    """

    about: About
    predicted: Floats
    churn_rate: Floats
    churn_rate_ci_lower: Floats
    churn_rate_ci_upper: Floats
    at_risk: Counts
    churned: Counts
    mostly: tuple[str, ...]
    observed_to_predicted: Triple
    slope: Triple
    concordance: Triple
    refusal: str | None = None

    def __len__(self) -> int:
        return len(self.predicted)

    @property
    def as_predicted(self) -> NDArray[np.bool_]:
        """Whether the predicted share lies in the interval of the observed one, shape (K,)."""
        above = self.predicted >= self.churn_rate_ci_lower
        return np.asarray(above & (self.predicted <= self.churn_rate_ci_upper))

    @property
    def horizon(self) -> str:
        """`6 months`."""
        return words.counted(self.about.months, words.period_word(self.about.periods_per_year))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group, from the lowest predicted risk to the highest."""
        columns: dict[str, Any] = {
            "decile": [str(k + 1) for k in range(len(self))],
            "at_risk": self.at_risk,
            "churned": self.churned,
            "predicted_churn_rate": self.predicted,
        }
        names = ("churn_rate", "churn_rate_ci_lower", "churn_rate_ci_upper", "mostly")
        return pd.DataFrame(columns | {name: getattr(self, name) for name in names})

    def findings(self) -> tuple[Finding, ...]:
        """Return `churn_risk` of each group, and how far the predictions can be trusted.

        These are `risk_observed_to_predicted`, `risk_slope` and `risk_concordance`. A refusal is
        one finding without a number that says why.
        """
        if self.refusal:
            said = tr(
                "Who is likely to leave within {horizon} is not known. {why}",
                horizon=self.horizon,
                why=self.refusal,
            )
            return (self._finding("churn_risk", NOTHING, None, said),)
        groups = [self._group_finding(k) for k in range(len(self))]
        return (*groups, *self._quality())

    def sentence(self, lang: str | None = None) -> str:
        """Return the lowest and the highest group, and whether they are as predicted, in words."""
        with speaking(lang):
            found = self.findings()
            ends = dict.fromkeys((0, len(self) - 1)) if len(self) else {0: None}
            said = [found[k].sentence for k in ends]
            said += [f.sentence for f in found[len(self) :] if len(self)]
            return words.sentences(said)

    def _group_finding(self, k: int) -> Finding:
        about = self.about
        values = _triple(self.churn_rate, self.churn_rate_ci_lower, self.churn_rate_ci_upper, k)
        who = say.placed_words(about.population, say.place_words(k, len(self)))
        guess = float(self.predicted[k])
        said = say.group_words(values, guess, who, self.horizon, about.confidence_level)
        sentence = f"{said}{say.few_words(float(self.churned[k]))}"
        n = round(float(self.at_risk[k]))
        return self._finding("churn_risk", values, n, sentence, decile=str(k + 1))

    def _quality(self) -> tuple[Finding, ...]:
        n, level = round(float(self.at_risk.sum())), self.about.confidence_level
        ratio, slope, order = self.observed_to_predicted, self.slope, self.concordance
        agreement = say.agreement_words(int(self.as_predicted.sum()), len(self))
        level_said = words.sentences([say.ratio_words(ratio, level), agreement])
        return (
            self._finding("risk_observed_to_predicted", ratio, n, level_said, unit="ratio"),
            self._finding("risk_slope", slope, n, say.slope_words(slope, level), unit="slope"),
            self._finding("risk_concordance", order, n, say.concordance_words(order, level)),
        )

    def _finding(
        self,
        name: str,
        values: Triple,
        n: int | None,
        sentence: str,
        *,
        unit: str = "share",
        **extra: str,
    ) -> Finding:
        group = {**extra, "months": str(self.about.months)}
        level, as_of = self.about.confidence_level, self.about.as_of
        value, low, high = (x if math.isfinite(x) else None for x in values)
        return Finding(
            name, value, low, high, n, unit, sentence, group, confidence_level=level, as_of=as_of
        )


def churn_risk(
    table: LifeTable,
    months: int = 6,
    *,
    groups: int = 10,
    min_group: int = MIN_GROUP,
    min_events: int = 10,
    confidence_level: float = 0.95,
) -> ChurnRisk:
    """Predict who leaves within some months, and hold the prediction to customers not seen by it.

    Parameters
    ----------
    table
        Answers by what was known when they were given, months since they count: `life_table` with
        a design of the kind "followup". Every group column is used.
    months
        How far ahead.
    groups
        Groups of about equal size, at most, and at most one per combination of labels; answers
        with the same prediction stay together.
    min_group
        Answers that each group must still have at risk in the last month; smaller ones are put
        to their neighbour. Also what a label needs in each half to have a risk of its own.
    min_events
        Customers who left that every label to be told apart needs, in each half.
    confidence_level
        Of the intervals.

    Returns
    -------
    ChurnRisk
        With a `refusal` in place of numbers where the data cannot support them.

    Raises
    ------
    DataError
        When an argument breaks its rule, or customers have no replicates to split them by.
    """
    _check(table, months, groups)
    about = About(months, confidence_level, table.as_of, table.population, table.periods_per_year)
    if months > table.axis[-1]:
        return _refused(tr("Nobody was followed for so long: look less far ahead."), about)
    counts = split_in_halves(table, months)
    labels = label_columns(table, counts[0], max(min_group, 1))
    held = predict_halves(counts, labels, min_events)
    if isinstance(held, str):
        return _refused(held, about)
    member = risk_groups(held, min(groups, len(table.groups)), max(min_group, 1))
    if member is None:
        few = words.fewer_than(max(min_group, 1), table.population)
        said = tr("In the last month {few} were at risk: look less far ahead.", few=few)
        return _refused(said, about)
    return _judged(table, held, member, about, min_group)


def _judged(
    table: LifeTable, held: HeldOut, member: NDArray[np.int64], about: About, min_group: int
) -> ChurnRisk:
    level = about.confidence_level
    n_groups = int(member.max()) + 1
    n, d = (add_rows(x, member, n_groups) for x in (held.at_risk, held.churned))
    total, events = n.sum(axis=1), d.sum(axis=1)
    error = jackknife(retained_share, n, d).standard_error
    low, high = retained_band(total, events, error, level)
    return ChurnRisk(
        about,
        _predicted(held, member, total),
        1 - retained_share(total, events)[:, -1],
        1 - high[:, -1],
        1 - low[:, -1],
        total[:, 1],
        events.sum(axis=-1),
        tuple(_mostly(table, held.size, member == k, min_group) for k in range(len(n))),
        observed_to_predicted(held, level),
        calibration_slope(held, level),
        concordance(held, level),
    )


def _predicted(held: HeldOut, member: NDArray[np.int64], at_risk: Counts) -> Floats:
    """Return predicted churn of each group in the risk sets that were observed, shape (K,)."""
    expected = add_rows(held.at_risk.sum(axis=1) * held.hazard, member, len(at_risk))
    hazard = np.divide(expected, at_risk, out=np.zeros(expected.shape), where=at_risk > 0)
    return np.asarray(1 - np.prod(1 - hazard, axis=-1))


def _mostly(table: LifeTable, size: Floats, inside: NDArray[np.bool_], min_group: int) -> str:
    """Return what most of a group have in common, in words; labels of few answers never."""
    found = []
    both = np.array(table.groups * 2, dtype=object).reshape(len(size), -1)
    for place, column in enumerate(table.group_columns):
        for label in sorted(set(both[:, place])):
            having = both[:, place] == label
            count = size[inside & having].sum()
            share = count / size[inside].sum()
            lift = share / (size[having].sum() / size.sum())
            if count >= min_group and share >= MOSTLY and lift >= MORE_OFTEN:
                found.append((-lift, place, words.group_words({column: label})))
    most = sorted(found)[:AT_MOST]
    return tr(", ").join(text for _, _, text in sorted(most, key=lambda item: item[1]))


def _refused(reason: str, about: About) -> ChurnRisk:
    none = np.zeros(0)
    arrays = (none, none, none, none, none, none)
    return ChurnRisk(about, *arrays, (), NOTHING, NOTHING, NOTHING, reason)


def _triple(value: Floats, lower: Floats, upper: Floats, k: int) -> Triple:
    return float(value[k]), float(lower[k]), float(upper[k])


def _check(table: LifeTable, months: int, groups: int) -> None:
    problems = []
    if months < 1 or months != int(months):
        problems.append(f"months is {months!r}, must be a whole number from 1: take 6.")
    if groups not in range(2, 101):
        problems.append(f"groups is {groups!r}, must be from 2 to 100: ten are usual.")
    if table.n_replicates < 2:
        problems.append(
            "the table has 1 replicate, must have at least 2 to judge a model on customers it has "
            "not seen: build the table with a replicate for each customer."
        )
    if problems:
        raise DataError(problems)
