"""Models of customers who buy without a contract, by group: their parameters, alive, expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._cells import Counts, unknown
from cxresearch._html import Table
from cxresearch._results import Results, too_few, too_small
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.projection._model_fit import UNDETERMINED, Parameter, variants_error
from cxresearch.purchase_table import PurchaseTable
from cxresearch.purchases._bg_nbd import BG_NBD, MBG_NBD, BetaGeometric
from cxresearch.purchases._fit import Rows, Values, fit, variants
from cxresearch.purchases._histories import Cells, distinct
from cxresearch.purchases._local import Local
from cxresearch.retention import MIN_GROUP
from cxresearch.uncertainty import Floats, critical_value, log_interval

MODELS: Final[Mapping[str, BetaGeometric]] = {
    "bg_nbd": BG_NBD,
    "mbg_nbd": MBG_NBD,
}
NAMES: Final = {"bg_nbd": "BG/NBD", "mbg_nbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD"}
MIN_REPEAT: Final = 30  # customers who bought again, whom the parameters rest on
NOBODY: Final = 1e-3  # of a purchase, or of a week: who stops less than this does not stop
TAKEN: Final = ("model", "parameter", "horizon", "weeks")  # keys of findings


@dataclass(frozen=True, eq=False)
class PurchaseModel(Table):
    """One model fitted to one group.

    Parameters
    ----------
    model
        "bg_nbd", "mbg_nbd" or "pareto_nbd".
    group
        Labels of the group; empty for everybody.
    parameters
        In the order of `names`, in weeks, shape (1 + V, 4): row 0 is the fit. With replicates
        V = R and row 1 + r is without replicate r: one Newton step from the fit with the score
        and the information of those who are left.
    step
        None with replicates. Without them the variants come in pairs, this many standard errors
        of the observed information up and down along independent directions.
    log_likelihood, converged
        Of the fit, and whether the search for it ended on a top.
    edge
        Which parameters are at the edge of what is searched, shape (4,).
    n, n_repeat
        Customers, and those of them who bought again.
    confidence_level, as_of, population
        Of the findings.
    """

    model: str
    group: Mapping[str, str]
    parameters: Floats
    step: float | None
    log_likelihood: float
    converged: bool
    edge: tuple[bool, ...]
    n: int
    n_repeat: int
    confidence_level: float = 0.95
    as_of: str | None = None
    population: str = "customers"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return MODELS[self.model].parameters

    @property
    def name(self) -> str:
        """The model's name as it is written: BG/NBD."""
        return NAMES[self.model]

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2k − 2 log L."""
        return 2 * len(self.names) - 2 * self.log_likelihood

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
        return self._near(lambda p: MODELS[self.model].alive(p, histories)).take(place)

    def expected_near(self, cells: Cells, weeks: float) -> Local:
        """Return the expected purchases, ready to be multiplied and summed over customers."""
        histories, place = distinct(cells)
        return self._near(lambda p: MODELS[self.model].expected(p, histories, weeks)).take(place)

    def error(self, values: Floats) -> Floats:
        """Return the standard error of what was computed from all rows, (1 + V, ...) to (...)."""
        return variants_error(values, self.step)

    def parameter(self, name: str) -> Parameter:
        """Return one parameter with its interval on the log scale."""
        if name not in self.names:
            raise DataError(unknown("parameter", name, self.names))
        place = self.names.index(name)
        value = float(self.parameters[0, place])
        error = float(self.error(np.log(self.parameters[:, place])))
        lower, upper = log_interval(value, value * error, self.confidence_level)
        # r and alpha, and the two of who stops, run to their limits together
        pair = self.edge[place // 2 * 2 : place // 2 * 2 + 2]
        narrow = 2 * critical_value(self.confidence_level) * error < math.log(UNDETERMINED)
        determined = self.converged and narrow and not any(pair)
        return Parameter(value, float(lower), float(upper), value * error, determined)

    def findings(self) -> tuple[Finding, ...]:
        """Return `model_parameter` for each parameter."""
        return tuple(self._finding(name) for name in self.names)

    def sentence(self, lang: str = "en") -> str:
        """Return the parameters in words."""
        words.check_language(lang)
        return " ".join(finding.sentence for finding in self.findings())

    def to_frame(self) -> pd.DataFrame:
        """Return one row per parameter; an undetermined one has no interval."""
        rows = []
        for name in self.names:
            found = self.parameter(name)
            ends = (found.ci_lower, found.ci_upper) if found.determined else (math.nan, math.nan)
            rows.append(
                {
                    **self.group,
                    "model": self.name,
                    "parameter": name,
                    "value": found.value,
                    "value_ci_lower": ends[0],
                    "value_ci_upper": ends[1],
                    "log_likelihood": self.log_likelihood,
                    "aic": self.aic,
                }
            )
        return pd.DataFrame(rows)

    def _near(self, function: Callable[[Floats], Floats]) -> Local:
        logs = np.log(self.parameters)
        return Local.of(function, logs[0], logs - logs[0])

    def _finding(self, name: str) -> Finding:
        found = self.parameter(name)
        whom = f"{self.population}{words.with_group(self.group)}"
        of = f"Parameter {name} of the {self.name} model for {whom}"
        values: tuple[float | None, float | None, float | None] = (None, None, None)
        said = f"{of} is not determined by the counts: {self._why_not(name)}."
        if found.determined:
            values = found.value, found.ci_lower, found.ci_upper
            said = (
                f"{of} is {words.parameter_interval(found.value, found.ci_lower, found.ci_upper)}."
            )
        return Finding(
            "model_parameter",
            *values,
            self.n,
            "parameter",
            said,
            {"model": self.model, "parameter": name, **self.group},
            confidence_level=self.confidence_level,
            as_of=self.as_of,
        )

    def _why_not(self, name: str) -> str:
        """Return why a parameter is not determined."""
        if not self.converged:
            return "the search for it did not settle"
        first, second = np.array(self.edge).reshape(2, 2)[self.names.index(name) // 2]
        if name in ("r", "alpha"):
            return "they look alike in how often they buy" if first else "too little tells it"
        stops = self.parameters[0, 2] / self.parameters[0, 3]
        if (first or second) and stops < NOBODY:
            return "nobody seems to stop"
        return "they look alike in when they stop" if first or second else "too little tells it"


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
    _check_arguments(table, models)
    large = [g for g, n in enumerate(table.n) if n >= min_group]
    repeat = _repeat_customers(table)
    kept = [g for g in large if repeat[g] >= min_repeat]
    fitted = table.take(kept)
    results = tuple(
        _fitted(fitted, g, model, confidence_level) for g in range(len(kept)) for model in models
    )
    suppressed = (
        *too_small(table, len(table.groups) - len(large), min_group),
        *too_few(table, len(large) - len(kept), min_repeat, "who bought again"),
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

    def likelihood(logs: Floats) -> Values:
        return of.log_likelihood(logs, histories)

    customers = np.bincount(place, one.customers)
    found = fit(likelihood, customers, [np.log(start) for start in of.starts])
    moves, step = variants(likelihood, found, rows, table.n_replicates)
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


def _check_arguments(table: PurchaseTable, models: Sequence[str]) -> None:
    problems = [unknown("model", model, list(MODELS)) for model in models if model not in MODELS]
    if not models:
        problems.append(f"there are 0 models, must be at least 1 of {words.and_list(MODELS)}.")
    problems += [
        f"a group column is called {column!r}, which findings use for something else, must have "
        "another name: rename it in the recipe."
        for column in table.group_columns
        if column in TAKEN
    ]
    if problems:
        raise DataError(problems)
