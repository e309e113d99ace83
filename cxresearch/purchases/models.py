"""Models of customers who buy without a contract, by group: their parameters, alive, expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol

import numpy as np

from cxresearch._grouped import Counts, unknown
from cxresearch._language import tr
from cxresearch._results import Results, key_problems, model_problems, too_few, too_small
from cxresearch.errors import DataError
from cxresearch.purchase_table import PurchaseTable
from cxresearch.purchases._bg_nbd import BG_NBD, MBG_NBD
from cxresearch.purchases._fit import Problem, Rows, Values, fit, variants
from cxresearch.purchases._fitted import NAMES, FittedModel
from cxresearch.purchases._histories import Cells, Histories, distinct
from cxresearch.purchases._local import Local
from cxresearch.purchases._pareto_nbd import PARETO_NBD
from cxresearch.retention import MIN_GROUP
from cxresearch.uncertainty import Floats

__all__ = ["MODELS", "NAMES", "PurchaseModel", "PurchaseModels", "purchase_models"]


class Model(Protocol):
    """What a model of buying and stopping can do, for N histories."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""

    @property
    def starts(self) -> tuple[tuple[float, ...], ...]:
        """Parameters to begin the search from."""

    def log_likelihood(self, logs: Floats, of: Histories) -> Values:
        """Return the log-likelihood and its gradient at log parameters (k,)."""

    def alive(self, parameters: Floats, of: Histories) -> Floats:
        """Return the probability to be alive, (..., k) to (..., N)."""

    def expected(self, parameters: Floats, of: Histories, weeks: float) -> Floats:
        """Return the expected purchases, (..., k) to (..., N)."""


MODELS: Final[Mapping[str, Model]] = {
    "bg_nbd": BG_NBD,
    "mbg_nbd": MBG_NBD,
    "pareto_nbd": PARETO_NBD,
}
MIN_REPEAT: Final = 30  # customers who bought again, whom the parameters rest on
NOBODY: Final = 1e-3  # of a purchase, or of a week: who stops less than this does not stop
BOUGHT_AGAIN: Final = "who bought again"
TAKEN: Final = ("model", "parameter", "horizon", "unit", "weeks")  # keys of findings


@dataclass(frozen=True, eq=False)
class PurchaseModel(FittedModel):
    """How often the customers of one group buy and when they stop, after one model; in weeks.

    Fields as in `FittedModel`; the model is "bg_nbd", "mbg_nbd" or "pareto_nbd".
    """

    rests_on: ClassVar[Mapping[str, tuple[int, ...]]] = {
        **dict.fromkeys(("r", "alpha"), (0, 1)),
        **dict.fromkeys(("a", "b", "s", "beta"), (2, 3)),
    }

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return MODELS[self.model].parameters

    def alive(self, cells: Cells) -> Floats:
        """Return the probability that a customer of each cell is alive, shape (1 + V, N).

        `cells` have a frequency, recency and age in days, such as a `PurchaseTable`.
        """
        return self.alive_near(cells).rows()

    def expected(self, cells: Cells, weeks: float) -> Floats:
        """Return the expected purchases in the next weeks of each customer, shape (1 + V, N)."""
        return self.expected_near(cells, weeks).rows()

    def alive_near(self, cells: Cells) -> Local:
        """Return the probability to be alive, ready to be multiplied and summed over customers."""
        histories, place = distinct(cells)
        return self.near(lambda p: MODELS[self.model].alive(p, histories)).take(place)

    def expected_near(self, cells: Cells, weeks: float) -> Local:
        """Return the expected purchases, ready to be multiplied and summed over customers."""
        histories, place = distinct(cells)
        return self.near(lambda p: MODELS[self.model].expected(p, histories, weeks)).take(place)

    def _limit(self, name: str) -> str:
        if name in ("r", "alpha"):
            return tr("they look alike in how often they buy")
        stops, stays = self.parameters[0, 2:]
        return (
            tr("nobody seems to stop")
            if stops < NOBODY * stays
            else tr("they look alike in when they stop")
        )


@dataclass(frozen=True, eq=False)
class PurchaseModels(Results[PurchaseModel]):
    """Models of all groups that are large enough, and how many groups are not.

    Parameters
    ----------
    results, suppressed
        As in `Results`; all models of the first group, then of the next.
    table
        The counts they come from, modelled groups only, in the same order.
    models
        Names of the models.
    confidence_level
        Of the intervals.
    """

    table: PurchaseTable = field(kw_only=True)
    models: tuple[str, ...] = field(kw_only=True)
    confidence_level: float = field(kw_only=True)

    def of(self, model: str) -> tuple[PurchaseModel, ...]:
        """Return one model for each group, in the order of the table's groups."""
        if model not in self.models:
            raise DataError(unknown("model", model, self.models))
        return tuple(result for result in self.results if result.model == model)


def purchase_models(
    table: PurchaseTable,
    *,
    models: Sequence[str] = tuple(MODELS),
    min_group: int = MIN_GROUP,
    min_repeat: int = MIN_REPEAT,
    confidence_level: float = 0.95,
) -> PurchaseModels:
    """Fit models of how often customers buy and when they stop to each group.

    Parameters
    ----------
    table
        Customers by frequency, recency and age.
    models
        Of "bg_nbd", "mbg_nbd" and "pareto_nbd".
    min_group
        Customers a group needs to be reported.
    min_repeat
        Customers who bought again that a group needs to be modelled.
    confidence_level
        Of the intervals.

    Notes
    -----
    Maximum likelihood (see `_bg_nbd` and `_pareto_nbd` for the formulas and their sources).
    Intervals are symmetric in the logarithm of a parameter; standard errors are the jackknife's
    over the replicates, or from the observed information where there is one replicate.

    Raises
    ------
    DataError
        When a model is not known, or a group column is called as a finding's own key.
    """
    problems = [*model_problems(models, list(MODELS)), *key_problems(table.group_columns, TAKEN)]
    if problems:
        raise DataError(problems)
    _, small = table.split_small(min_group)
    large = [g for g, labels in enumerate(table.groups) if labels not in small]
    repeat = _repeat_customers(table)
    kept = [g for g in large if repeat[g] >= min_repeat]
    fitted = table.take(kept)
    results = tuple(
        _fitted(fitted, g, model, confidence_level) for g in range(len(kept)) for model in models
    )
    suppressed = (
        *too_small(table, small, min_group),
        *too_few(table, len(large) - len(kept), min_repeat, BOUGHT_AGAIN),
    )
    return PurchaseModels(
        results,
        suppressed,
        table=fitted,
        models=tuple(models),
        confidence_level=confidence_level,
    )


def _fitted(table: PurchaseTable, g: int, model: str, confidence_level: float) -> PurchaseModel:
    one, of = table.take([g]), MODELS[model]
    histories, place = distinct(one)
    rows = Rows(place, one.customers, one.replicate)

    problem = Problem(of.log_likelihood, histories, np.bincount(place, one.customers))
    found = fit(problem, [np.log(start) for start in of.starts])
    moves, step = variants(problem, found, rows, table.n_replicates)
    return PurchaseModel(
        model,
        table.labels(g),
        np.exp(found.logs + moves),
        step,
        found.log_likelihood,
        found.converged,
        tuple(found.edge.tolist()),
        int(one.customers.sum()),
        int(_repeat_customers(one)[0]),
        confidence_level,
        table.as_of,
        table.population,
    )


def _repeat_customers(table: PurchaseTable) -> Counts:
    again = table.customers * (table.frequency > 0)
    return np.bincount(table.group, again, minlength=len(table.groups)).astype(int)
