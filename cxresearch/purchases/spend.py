"""How much customers spend per purchase, and whether that goes with how often they buy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._language import tr
from cxresearch._results import Results, key_problems, too_few, too_small
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.purchase_table import PurchaseTable
from cxresearch.purchases._fit import Problem, Rows, fit, variants
from cxresearch.purchases._fitted import FittedModel
from cxresearch.purchases._gamma_gamma import (
    PARAMETERS,
    STARTS,
    Spend,
    expected_mean,
    log_likelihood,
)
from cxresearch.purchases._local import Local
from cxresearch.purchases.models import MIN_REPEAT, TAKEN
from cxresearch.retention import MIN_GROUP
from cxresearch.uncertainty import (
    Floats,
    jackknife_se,
    leave_one_out,
    log_interval,
    normal_interval,
)

SPENT_AGAIN: Final = "who spent something when they bought again"


@dataclass(frozen=True, eq=False)
class SpendModel(FittedModel):
    """What the customers of one group spend per purchase, after the Gamma-Gamma model.

    Fields as in `FittedModel`, and these. `n` counts the customers the model is fitted to: those
    who bought again and spent something on it.

    Parameters
    ----------
    correlation
        Of the number of repeat purchases with the mean spend on them, and the same without each
        replicate, shape (1 + R,); NaN where either is the same for all.
    currency
        Of the spend; None where it is not known.
    """

    correlation: Floats = field(kw_only=True)
    currency: str | None = field(default=None, kw_only=True)

    rests_on: ClassVar[Mapping[str, tuple[int, ...]]] = dict.fromkeys(PARAMETERS, (0, 1, 2))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return PARAMETERS

    @property
    def n_without_spend(self) -> int:
        """Customers who bought again, but for nothing: the model leaves them out."""
        return self.n_repeat - self.n

    @property
    def has_mean(self) -> bool:
        """Whether the distribution of mean spend has a mean: q above 1."""
        return bool(self.parameters[0, 1] > 1)

    def expected_spend(self, table: PurchaseTable) -> Local:
        """Return the spend per purchase to expect of a customer of each cell, in the mean.

        What the customers of a cell spent on repeat purchases, `repeat_spend`, is drawn towards
        the mean of all by the model, the more the fewer their purchases. NaN for who has not
        bought again where the distribution has no mean.
        """
        each = table.repeat_spend / np.maximum(table.customers, 1e-300)
        of = Spend(table.frequency, each / np.maximum(table.frequency, 1))
        return self.near(lambda p: expected_mean(p, of))

    def mean_spend(self) -> tuple[float, float, float] | None:
        """Return the spend per purchase of a customer drawn at random, with its interval.

        p γ/(q − 1); None where the distribution has no mean.
        """
        if not self.has_mean:
            return None
        nobody = Spend(np.zeros(1, dtype=np.int64), np.zeros(1))
        rows = self.near(lambda p: np.log(expected_mean(p, nobody))).rows()[:, 0]
        value = float(np.exp(rows[0]))
        lower, upper = log_interval(value, value * self.error(rows), self.confidence_level)
        return value, float(lower), float(upper)

    def spend_frequency(self) -> tuple[float, float, float] | None:
        """Return the correlation of spend and frequency with its interval; None without one.

        Pearson's, with an interval on the scale of Fisher's z: the jackknife's, or with standard
        error 1/√(n − 3) where there are no replicates.
        """
        value = float(self.correlation[0])
        if not np.isfinite(value) or abs(value) >= 1 or self.n <= 3:
            return None
        z = np.arctanh(self.correlation)
        error = jackknife_se(z[1:]) if self.step is None else 1 / np.sqrt(self.n - 3)
        lower, upper = np.tanh(normal_interval(z[0], error, self.confidence_level))
        return value, float(lower), float(upper)

    def independence(self) -> Finding:
        """Return `spend_frequency_correlation`: the model takes it to be 0."""
        found = self.spend_frequency()
        whom = {"n": words.number(self.n), "whom": self._whom}
        said = tr(
            "Whether spend and frequency of {n} {whom} who bought again go together cannot be "
            "told: one is constant.",
            **whom,
        )
        if found:
            said = tr(
                "Spend per purchase and number of purchases of {n} {whom} who bought again have a "
                "correlation of {correlation}: {meaning}.",
                **whom,
                correlation=words.number_interval(*found),
                meaning=_meaning(*found),
            )
        return self._finding("spend_frequency_correlation", found, said, {}, "correlation")

    def _limit(self, name: str) -> str:
        p, q, _ = self.edge
        if p and not q:
            return tr("each customer seems to spend the same every time")
        return tr("they look alike in what they spend")


@dataclass(frozen=True, eq=False)
class SpendModels(Results[SpendModel]):
    """Spend of all groups that are large enough, and how many groups are not.

    Parameters
    ----------
    results, suppressed
        As in `Results`.
    table
        The counts they come from, modelled groups only, in the same order.
    confidence_level
        Of the intervals.
    """

    table: PurchaseTable = field(kw_only=True)
    confidence_level: float = field(kw_only=True)


def spend_models(
    table: PurchaseTable,
    *,
    min_group: int = MIN_GROUP,
    min_repeat: int = MIN_REPEAT,
    confidence_level: float = 0.95,
) -> SpendModels:
    """Fit the Gamma-Gamma model of spend per purchase to each group.

    Parameters
    ----------
    table
        Customers by frequency and mean spend (its `spend`). First purchases are no part of it,
        as in the papers.
    min_group
        Customers a group needs to be reported.
    min_repeat
        Customers who bought again, and spent something on it, that a group needs to be modelled.
    confidence_level
        Of the intervals.

    Notes
    -----
    Maximum likelihood; see `_gamma_gamma` for the formula and its source. Intervals are as those
    of `purchase_models`. The model takes spend and frequency as independent; whether they are is
    tested and said (`spend_frequency_correlation`).

    Raises
    ------
    DataError
        When a group column is called as a finding's own key.
    """
    problems = key_problems(table.group_columns, TAKEN)
    if problems:
        raise DataError(problems)
    _, small = table.split_small(min_group)
    large = [g for g, labels in enumerate(table.groups) if labels not in small]
    spent = table.spend[table.spend["mean_spend"] > 0]
    buyers = np.bincount(spent["group"], spent["customers"], len(table.groups))
    kept = [g for g in large if buyers[g] >= max(min_repeat, 1)]
    fitted = table.take(kept)
    return SpendModels(
        tuple(_fitted(fitted, g, confidence_level) for g in range(len(kept))),
        (
            *too_small(table, small, min_group),
            *too_few(table, len(large) - len(kept), min_repeat, SPENT_AGAIN),
        ),
        table=fitted,
        confidence_level=confidence_level,
    )


def _fitted(table: PurchaseTable, g: int, confidence_level: float) -> SpendModel:
    again = table.spend[table.spend["group"] == g]
    one = again[again["mean_spend"] > 0]
    x, mean, customers = (one[name].to_numpy() for name in ("frequency", "mean_spend", "customers"))
    unit = float(np.average(mean, weights=customers))  # so that no currency is too small or large
    problem = Problem(log_likelihood, Spend(x, mean / unit), customers)
    rows = Rows(np.arange(len(one)), customers, one["replicate"].to_numpy())
    found = fit(problem, [np.log(start) for start in STARTS])
    moves, step = variants(problem, found, rows, table.n_replicates)
    n = int(customers.sum())
    return SpendModel(
        "gamma_gamma",
        table.labels(g),
        np.exp(found.logs + moves) * np.array([1.0, 1.0, unit]),
        step,
        found.log_likelihood - n * np.log(unit),
        found.converged,
        tuple(found.edge.tolist()),
        n,
        int(again["customers"].sum()),
        confidence_level,
        table.as_of,
        table.population,
        correlation=_correlations(x, mean, rows, table.n_replicates),
        currency=table.currency,
    )


def _correlations(x: NDArray[Any], mean: Floats, rows: Rows, n_replicates: int) -> Floats:
    """Return Pearson's correlation over customers, of all and without each replicate, (1 + R,)."""
    a, b = (each - np.average(each, weights=rows.customers) for each in (x, mean))
    parts = np.stack([1 + 0 * a, a, b, a * a, b * b, a * b])
    own = rows.by_replicate(parts, n_replicates).T[:, :, None]
    n, sa, sb, aa, bb, ab = leave_one_out(own)[:, :, 0].T
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt((aa - sa * sa / n) * (bb - sb * sb / n))
        return np.where(scale > 1e-12 * np.sqrt(aa * bb), (ab - sa * sb / n) / scale, np.nan)


def _meaning(value: float, lower: float, upper: float) -> str:
    if lower <= 0 <= upper:
        return tr("no clear connection, as the Gamma-Gamma model assumes")
    share = words.percent(value**2, 0.001)
    if value > 0:
        return tr(
            "who buys more often spends more per purchase, which is {share} of the variance and "
            "none in the Gamma-Gamma model",
            share=share,
        )
    return tr(
        "who buys more often spends less per purchase, which is {share} of the variance and none "
        "in the Gamma-Gamma model",
        share=share,
    )
