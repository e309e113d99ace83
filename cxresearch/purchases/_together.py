"""Numbers per customer after each model with their errors, and after all of them together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._language import trn
from cxresearch.projection._forecast import COMBINED, Standing, together
from cxresearch.purchase_table import PurchaseTable
from cxresearch.purchases._fitted import NAMES
from cxresearch.purchases._local import Local
from cxresearch.purchases.models import NOBODY, PurchaseModel
from cxresearch.uncertainty import Floats, Interval

Row: TypeAlias = tuple[float, float, float]  # estimate, lower, upper
Ends: TypeAlias = Callable[[float, float, float], Interval]  # of value, standard error, level


class Days(NamedTuple):
    """Histories in days, as `PurchaseModel` reads them; each of shape (N,)."""

    frequency: NDArray[np.int64]
    recency: NDArray[np.int64]
    age: NDArray[np.int64]


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    standard_error: float


def per_customer(model: PurchaseModel, said: Local, table: PurchaseTable) -> Floats:
    """Return the mean over the customers of one group, at the fit and each variant, (1 + V,)."""
    replicate = table.replicate if model.step is None else None
    people = Local(np.ones(len(table.customers)), 0 * said.slopes, said.moves)
    return said.total(table.customers, replicate) / people.total(table.customers, replicate)


def estimate(model: PurchaseModel, rows: Floats) -> Estimate:
    """Return the first row, with the standard error that the others make."""
    return Estimate(float(rows[0]), float(model.error(rows)))


def banded(
    found: Standing, estimates: Mapping[str, Estimate], interval: Ends, level: float
) -> dict[str, Row]:
    """Return each number with its interval by model, and that of all models together first.

    That one is the Akaike-weighted mean, in the hull of the intervals of the credible models.
    """
    ends = {name: interval(*both, level) for name, both in estimates.items()}
    values = {name: np.asarray(both.value) for name, both in estimates.items()}
    rows = {COMBINED: together(found, values, ends)}
    rows |= {name: (values[name], *ends[name]) for name in estimates}
    return {name: (float(row[0]), float(row[1]), float(row[2])) for name, row in rows.items()}


def endless(fits: Iterable[PurchaseModel], credible: Collection[str]) -> bool:
    """Return whether nobody stops in any credible model of a group.

    Then the counts say no more of stopping than that it is rare: the parameters are at the edge
    of what is searched, where no replicate moves them and a jackknife would be all certainty.
    """
    return all(_nobody_stops(fit) for fit in fits if fit.model in credible)


def by_models(credible: Iterable[str], *, nobody_stops: bool = False) -> str:
    """Return `by the BG/NBD and MBG/NBD models together`."""
    names = [NAMES[name] for name in credible]
    listed = words.and_list(names)
    if nobody_stops:
        return trn(
            "by the {names} model, in which nobody seems to stop",
            "by the {names} models together, in which nobody seems to stop",
            len(names),
            names=listed,
        )
    return trn("by the {names} model", "by the {names} models together", len(names), names=listed)


def _nobody_stops(fit: PurchaseModel) -> bool:
    stops, stays = fit.parameters[0, 2:]
    return fit.at_limit(fit.names[2]) and bool(stops < NOBODY * stays)
