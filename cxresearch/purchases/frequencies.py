"""Customers by how often they bought again, as counted and after each model.

A model that gets these counts wrong has no claim to what comes after them, so this is also where
it is decided which models a band of all together holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc, gammaln

from cxresearch import _format as words
from cxresearch._grouped import Counts
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch._results import Results
from cxresearch.findings import Finding
from cxresearch.projection._forecast import Standing, standing
from cxresearch.purchase_table import DAYS_PER_WEEK, PurchaseTable
from cxresearch.purchases._histories import Histories
from cxresearch.purchases.models import MODELS, PurchaseModel, PurchaseModels
from cxresearch.uncertainty import Floats, wilson_interval

CLASSES: Final = ("0", "1", "2", "3", "4", "5", "6", "7 and more")
FEW_EXPECTED: Final = 5.0  # customers in a class; fewer join the class before
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
NODES, WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2  # on 0 to 1


@dataclass(frozen=True, eq=False)
class FrequencyFit(Table):
    """Customers of one group by repeat purchases, as counted and after one model.

    Parameters
    ----------
    customers, customers_ci_lower, customers_ci_upper
        Counted in each of `CLASSES`, shape (8,), with Wilson's interval of what chance leaves.
    expected
        After the model, shape (8,).
    chi_square, freedom, misfit_p_value
        Pearson's test of the counts against the model; p is NaN where classes are too few.
    of
        The model.
    """

    customers: Counts
    customers_ci_lower: Floats
    customers_ci_upper: Floats
    expected: Floats
    chi_square: float
    freedom: int
    of: PurchaseModel

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.of.group

    @property
    def misfit_p_value(self) -> float:
        """P value of the test; NaN where there are too few classes for one."""
        return float(chdtrc(self.freedom, self.chi_square)) if self.freedom > 0 else math.nan

    def to_frame(self) -> pd.DataFrame:
        """Return one row per class."""
        columns = {"repeat_purchases": CLASSES, "expected_customers": self.expected}
        frame = pd.DataFrame(columns)
        for end in ("", "_ci_lower", "_ci_upper"):
            frame[f"customers{end}"] = getattr(self, f"customers{end}")
        labels = {**self.group, "model": self.of.model}
        return pd.DataFrame(labels, index=frame.index).join(frame)

    def sentence(self, lang: str | None = None) -> str:
        """Return whether the model departs from the counts, in words."""
        with speaking(lang):
            of, p = self.of, self.misfit_p_value
            said = {"model": of.name, "whom": term(of.population) + words.with_group(of.group)}
            if math.isnan(p):
                return tr(
                    "Whether the {model} model fits the numbers of repeat purchases of {whom} "
                    "cannot be tested: too few bought.",
                    **said,
                )
            if p > 1 - of.confidence_level:
                return tr(
                    "No clear departure of the {model} model from the numbers of repeat purchases "
                    "of {whom} (chi-square by number, {p}).",
                    **said,
                    p=words.p_value(p),
                )
            return tr(
                "The {model} model departs from the numbers of repeat purchases of {whom} by more "
                "than chance (chi-square by number, {p}): read its figures as rough.",
                **said,
                p=words.p_value(p),
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `model_fit_p_value`."""
        of, p = self.of, self.misfit_p_value
        value = None if math.isnan(p) else p
        numbers = (value, None, None, of.n, "p-value")
        group = {"model": of.model, **of.group}
        return (Finding("model_fit_p_value", *numbers, self.sentence(), group, as_of=of.as_of),)


class AllGroups(NamedTuple):
    """One model for all groups together, as `standing` reads it."""

    model: str
    aic: float
    misfit_p_value: float


def purchase_frequencies(models: PurchaseModels) -> Results[FrequencyFit]:
    """Compare how many customers bought again never, once, twice, … with what each model says.

    Parameters
    ----------
    models
        Result of `purchase_models`.

    Notes
    -----
    As fig. 2 of Fader, Hardie & Lee 2005 (Marketing Science 24, 275–284), whose test this is too:
    Pearson's, with one degree of freedom less for each parameter. Since the parameters are fitted
    to more than these counts, the test is a little strict (Chernoff & Lehmann 1954, Annals of
    Mathematical Statistics 25, 579–586).
    """
    fits = tuple(_fit(model, one) for one, found in each_group(models) for model in found)
    return Results(fits, models.suppressed)


def each_group(
    models: PurchaseModels,
) -> Iterator[tuple[PurchaseTable, tuple[PurchaseModel, ...]]]:
    """Return the cells of each group and its models."""
    for g in range(len(models.table.groups)):
        yield models.table.take([g]), tuple(models.of(name)[g] for name in models.models)


def classes(table: PurchaseTable) -> NDArray[np.int64]:
    """Return the class of each cell, a position in `CLASSES`."""
    return np.minimum(table.frequency, len(CLASSES) - 1)


def model_standing(models: PurchaseModels) -> Standing:
    """Return how much each model counts, and which of them a band holds: the same in all groups.

    `projection._forecast.standing` on the likelihood and the chi-square of all groups together,
    so that a difference of two groups is one of the same models.
    """
    fits = purchase_frequencies(models)
    named = list(dict.fromkeys(fit.of.model for fit in fits))
    if not named:
        return Standing({}, ())
    ranked = [_ranked(name, [fit for fit in fits if fit.of.model == name]) for name in named]
    return standing(ranked, whole=True)


def _ranked(model: str, fits: Sequence[FrequencyFit]) -> AllGroups:
    freedom = sum(fit.freedom for fit in fits)
    p = chdtrc(freedom, sum(fit.chi_square for fit in fits)) if freedom > 0 else math.nan
    return AllGroups(model, sum(fit.of.aic for fit in fits), float(p))


def _fit(model: PurchaseModel, table: PurchaseTable) -> FrequencyFit:
    seen = np.bincount(classes(table), table.customers, len(CLASSES)).astype(table.customers.dtype)
    ages, place = np.unique(table.age, return_inverse=True)
    people = np.bincount(place, table.customers)
    expected = people @ frequency_chances(model, ages / DAYS_PER_WEEK)
    joined = _joined(expected)
    count, mean = (np.bincount(joined, x) for x in (seen, expected))
    distance = float(((count - mean) ** 2 / mean).sum())
    n, level = seen.sum(), model.confidence_level
    lower, upper = (n * end for end in wilson_interval(seen, n, level))
    freedom = len(mean) - 1 - len(model.names)
    return FrequencyFit(seen, lower, upper, expected, distance, freedom, model)


def frequency_chances(model: PurchaseModel, age: Floats) -> Floats:
    """Return the chance of each class for customers of so many weeks, (A,) to (A, 8).

    P(X(T) = x) = ∫ L(x, t, T) t^(x − 1)/Γ(x) dt over the time t of the last purchase from 0 to T:
    the likelihood of a history is the same whenever the x − 1 purchases before the last were.
    """
    chances = [_chance(model, x, age) for x in range(len(CLASSES) - 1)]
    rest = np.maximum(1 - np.sum(chances, axis=0), 0)
    return np.stack([*chances, rest], axis=-1)


def _chance(model: PurchaseModel, x: int, age: Floats) -> Floats:
    last = age[:, None] * (NODES if x else np.zeros(1))
    ends = np.broadcast_to(age[:, None], last.shape)
    of = Histories(np.full(last.size, x), last.ravel(), ends.ravel())
    log = MODELS[model.model].log_likelihood(np.log(model.parameters[0]), of)[0]
    if x == 0:
        return np.exp(log)
    density = np.exp(log.reshape(last.shape) - gammaln(x)) * last ** (x - 1)
    return np.asarray(age * (density @ WEIGHTS))


def _joined(expected: Floats) -> NDArray[np.int64]:
    """Return which classes are tested as one: small ones join the one before, from the end."""
    starts, total = np.zeros(len(expected), dtype=np.int64), 0.0
    for i in range(len(expected) - 1, 0, -1):
        total += expected[i]
        if total >= FEW_EXPECTED:
            starts[i], total = 1, 0.0
    return np.cumsum(starts)
