"""Discounted residual lifetime: how many more periods a customer of some tenure stays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch._results import Results
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.projection._forecast import COMBINED, together
from cxresearch.projection._model_fit import ModelFit, model_name
from cxresearch.projection._projected import Projection
from cxresearch.projection.fitted import Projections
from cxresearch.uncertainty import Floats, log_interval

TAIL = 1e-6  # periods that the sum may leave out
LONGEST = 20_000  # periods that are summed at most

Row: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class ResidualLifetime(Table):
    """Discounted periods that customers of one tenure have left, after one model.

    Parameters
    ----------
    residual_lifetime, residual_lifetime_ci_lower, residual_lifetime_ci_upper
        In periods.
    beyond_data_share
        Share of it that lies beyond the longest tenure that was fitted, 0–1.
    tenure
        Periods they have been customers.
    model
        "geometric", "sbg", "bdw" or "combined".
    annual_discount_rate
        0.1 for 10 % a year.
    horizon
        Periods ahead that are counted; 0 for all.
    projection
        The group's projection.
    """

    residual_lifetime: float
    residual_lifetime_ci_lower: float
    residual_lifetime_ci_upper: float
    beyond_data_share: float
    tenure: int
    model: str
    annual_discount_rate: float
    horizon: int
    projection: Projection

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.projection.group

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        ends = ("residual_lifetime_ci_lower", "residual_lifetime_ci_upper")
        names = ("residual_lifetime", *ends, "beyond_data_share")
        columns: dict[str, Any] = {**self.group, "model": self.model, "tenure": self.tenure}
        return pd.DataFrame([columns | {name: getattr(self, name) for name in names}])

    def sentence(self, lang: str | None = None) -> str:
        """Return the residual lifetime in words, with what of it lies beyond the data."""
        with speaking(lang):
            observed = self.projection.observed
            unit = words.period_word(observed.periods_per_year)
            said = tr(
                "{Since}, {whom} have on average another {left}{ahead}, {level} interval, "
                "discounted at {rate} a year, by {models}; {beyond} of it lies beyond the data.",
                Since=self._since(unit),
                whom=f"{term(observed.population)}{words.with_group(self.group)}",
                left=words.quantity(*self._values(), unit),
                ahead=self._ahead(unit),
                level=words.level_words(observed.confidence_level),
                rate=tr("{number} %", number=f"{100 * self.annual_discount_rate:.4g}"),
                models=self._models(),
                beyond=words.percent(self.beyond_data_share),
            )
            return f"{said}{self._before()}"

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `residual_lifetime`."""
        observed = self.projection.observed
        value, lower, upper = self._values()
        return (
            Finding(
                "residual_lifetime",
                value,
                lower,
                upper,
                observed.n,
                f"{words.period_word(observed.periods_per_year)}s",  # in every language
                self.sentence(),
                {"model": self.model, "tenure": str(self.tenure), **self.group},
                confidence_level=observed.confidence_level,
                grade="D",
                as_of=observed.as_of,
            ),
        )

    def _since(self, unit: str) -> str:
        if not self.tenure:
            return tr("At the start")
        return tr("After {tenure}", tenure=words.counted(self.tenure, unit))

    def _ahead(self, unit: str) -> str:
        if not self.horizon:
            return ""
        return tr(" within the next {ahead}", ahead=words.counted(self.horizon, unit))

    def _models(self) -> str:
        if self.model == COMBINED:
            return tr("all credible models together")
        return tr("the {model} model", model=model_name(self.model))

    def _before(self) -> str:
        """Return that the tenure itself lies before the data, where customers came in late."""
        start, observed = self.projection.start, self.projection.observed
        if self.tenure >= start:
            return ""
        unit = words.period_word(observed.periods_per_year)
        return tr(
            " So does what comes before: {whom} are observed from {start} on.",
            whom=term(observed.population),
            start=words.counted(start, unit),
        )

    def _values(self) -> tuple[float, float, float]:
        ends = (self.residual_lifetime_ci_lower, self.residual_lifetime_ci_upper)
        return self.residual_lifetime, *ends


def residual_lifetimes(
    projected: Projections,
    tenures: Sequence[int],
    *,
    annual_discount_rate: float,
    horizon: int = 0,
) -> Results[ResidualLifetime]:
    """Return the discounted expected residual lifetime at each tenure, by model and together.

    Parameters
    ----------
    projected
        Result of `projections`.
    tenures
        Whole periods that customers have been there already; 0 for new ones.
    annual_discount_rate
        0.1 for 10 % a year; turned into the rate of one period, (1 + d)^(1/periods) − 1.
    horizon
        Periods ahead that are counted; 0 for all, which needs a discount rate above 0.

    Notes
    -----
    DERL(n) = Σ S(n + j)/S(n) · (1 + d)^(1 − j), j = 1, 2, …: the renewals that are still to come,
    seen from just before the next one, which counts in full (Fader & Hardie 2010, Marketing
    Science 29, 85–93; their n is the tenure plus 1). For the sBG it has the closed form
    (β + n)/(α + β + n) · ₂F₁(1, β + n + 1; α + β + n + 1; 1/(1 + d)). Here it is summed for every
    model until what remains is below a millionth of a period. Intervals are on the log scale;
    the combined one as in `_forecast`.

    Raises
    ------
    DataError
        When an argument breaks its rule.
    """
    _check_arguments(tenures, annual_discount_rate, horizon)
    found: list[ResidualLifetime] = []
    for result in projected:
        rate = (1 + annual_discount_rate) ** (-1 / result.observed.periods_per_year)
        length = horizon or _enough(rate, annual_discount_rate)
        rows = _residual(result, tenures, rate ** np.arange(length))
        found += [
            ResidualLifetime(*row, tenure, model, annual_discount_rate, horizon, result)
            for (tenure, model), row in rows.items()
        ]
    return Results(tuple(found), projected.suppressed)


def _residual(
    result: Projection, tenures: Sequence[int], discount: Floats
) -> dict[tuple[int, str], Row]:
    """Return estimate, ends and share beyond the data by tenure and model, those together first."""
    each = {fit.model: _sums(fit, tenures, discount, result.longest) for fit in result.fits}
    level = result.observed.confidence_level
    rows: dict[tuple[int, str], Row] = {}
    for i, tenure in enumerate(tenures):
        values = {model: total[0, i] for model, (total, _, _) in each.items()}
        ends = {model: log_interval(values[model], x[1][i], level) for model, x in each.items()}
        mean, low, high = together(result.standing, values, ends)
        beyond = sum(result.standing.weights[model] * each[model][2][i] for model in each)
        rows[tenure, COMBINED] = (float(mean), float(low), float(high), float(beyond / mean))
        for model, value in values.items():
            low, high = ends[model]
            share = float(each[model][2][i] / value) if value > 0 else 0.0
            rows[tenure, model] = (float(value), float(low), float(high), share)
    return rows


def _sums(
    fit: ModelFit, tenures: Sequence[int], discount: Floats, longest: int
) -> tuple[Floats, Floats, Floats]:
    """Return the sums (1 + M, K), their errors (K,), and what of them is beyond the data (K,)."""
    length = len(discount)
    log = fit.log_retained(np.arange(max(tenures, default=0) + length + 1))
    totals, beyond = [], []
    for tenure in tenures:
        stay = log[:, tenure + 1 : tenure + 1 + length] - log[:, tenure, None]
        np.exp(stay, out=stay)
        stay *= discount
        totals.append(stay.sum(axis=-1))
        beyond.append(stay[0, max(longest - tenure, 0) :].sum())
    total = np.stack(totals, axis=-1)
    return total, fit.error(total), np.array(beyond)


def _enough(rate: float, annual: float) -> int:
    """Return how many periods to sum, so that all others together are below `TAIL`."""
    needed = math.log(TAIL * (1 - rate)) / math.log(rate) if rate < 1 else math.inf
    if needed > LONGEST:
        raise DataError(
            f"annual_discount_rate is {annual!r}, must be higher where nothing ends the sum: say "
            "how many periods ahead count (horizon; residual_horizon in the report)."
        )
    return math.ceil(needed)


def _check_arguments(tenures: Sequence[int], annual_discount_rate: float, horizon: int) -> None:
    problems = [] if len(tenures) else ["there are 0 tenures, must be at least 1: name one."]
    problems += [
        f"tenure is {tenure!r}, must be a whole number from 0: count whole periods."
        for tenure in tenures
        if tenure < 0 or tenure != int(tenure)
    ]
    if not 0 <= annual_discount_rate <= 10:
        problems.append(
            f"annual_discount_rate is {annual_discount_rate!r}, must be from 0 to 10: "
            "write 0.1 for 10 % a year."
        )
    if not 0 <= horizon <= LONGEST:
        problems.append(f"horizon is {horizon!r}, must be from 0 to {LONGEST}: 0 counts all.")
    if problems:
        raise DataError(problems)
