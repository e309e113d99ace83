"""Projected retention: what stays beyond the data, by three models and by all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from cxresearch import _format as words
from cxresearch._language import term, tr, trn
from cxresearch._results import Results, key_problems, model_problems
from cxresearch._retention_curve import RetentionCurve
from cxresearch.errors import DataError
from cxresearch.findings import Finding, without_number
from cxresearch.projection._forecast import model_curves, standing
from cxresearch.projection._model_fit import ModelFit, fit_models
from cxresearch.projection._projected import FAR, Projection
from cxresearch.projection._renewal_models import MODELS
from cxresearch.retention import MIN_GROUP, retention_curves
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import leave_one_out

SOME = 6  # tenures that are proposed at most
MIN_EVENTS = 30  # customers who left: ten for each parameter of the largest model
TAKEN = (
    "model",
    "parameter",
    "tenure",
    "fit_periods",
)  # keys of findings, which no group column may be called


@dataclass(frozen=True, eq=False)
class Projections(Results[Projection]):
    """Projections of all groups that are large enough, and how many are not.

    Parameters
    ----------
    results, suppressed
        As in `Results`.
    table
        The counts they come from, projected groups only, in the same order.
    models
        Names of the models that were asked for.
    confidence_level
        Of the intervals.
    """

    table: LifeTable = field(kw_only=True)
    models: tuple[str, ...] = field(kw_only=True)
    confidence_level: float = field(kw_only=True)

    @property
    def tenures(self) -> list[int]:
        """A few whole years up to the horizon; the horizon itself where it is shorter than one."""
        return _some_years(self, min((result.horizon for result in self.results), default=0))

    @property
    def tenures_seen(self) -> list[int]:
        """The start, and a few whole years after it within the data of every group."""
        return [self.start, *_some_years(self, min((r.longest for r in self.results), default=0))]

    @property
    def start(self) -> int:
        """Tenure that the curves are conditional on; 0 where there is no curve."""
        return max((result.start for result in self.results), default=0)

    def findings(self, tenures: Sequence[int] | None = None) -> tuple[Finding, ...]:
        """Return the `projected_retained` of each group, as `Projection.findings` does."""
        found = [finding for result in self.results for finding in result.findings(tenures)]
        return (*found, *self.suppressed)

    def parameters(self) -> tuple[Finding, ...]:
        """Return the `model_parameter` of each group, model and parameter."""
        return tuple(finding for result in self.results for finding in result.parameters())

    def first_parameters(self, periods: Sequence[int]) -> tuple[Finding, ...]:
        """Return `model_parameter` fitted to the first so many periods only, for each of `periods`.

        Their groups say to how many: `fit_periods`. As papers do it, to try the rest.
        """
        fit_again = partial(
            projections,
            self.table,
            models=self.models,
            start=self.start,
            min_group=1,
            confidence_level=self.confidence_level,
        )
        return tuple(
            replace(found, group={"fit_periods": str(until), **found.group})
            for until in periods
            if until > self.start
            for found in fit_again(fit_periods=until).parameters()
        )

    def fit_tests(self) -> tuple[Finding, ...]:
        """Return the `model_fit_p_value` of each group and model."""
        return tuple(finding for result in self.results for finding in result.fit_tests())


def projections(
    table: LifeTable,
    *,
    models: Sequence[str] = tuple(MODELS),
    horizon: int = 0,
    fit_periods: int = 0,
    start: int = 0,
    min_group: int = MIN_GROUP,
    min_events: int = MIN_EVENTS,
    min_at_risk: int = 1,
    confidence_level: float = 0.95,
) -> Projections:
    """Fit retention models to each group and project its retention, with what they leave open.

    Parameters
    ----------
    table
        Counts by group and tenure; several cohorts and late entry are welcome.
    models
        Of "geometric", "sbg" and "bdw"; a group with as many periods as a model has parameters,
        or fewer, goes without that model.
    horizon
        Last tenure that is projected; 0 for twice as far as the data of each group reach, in whole
        years.
    fit_periods
        Fit to the first so many periods only; 0 for all.
    start
        Tenure that the curves are conditional on: the share of those who reached it. All periods
        are fitted whatever it is.
    min_group
        Customers a group needs to be reported.
    min_events
        Customers who left within the fitted periods that a group needs to be projected.
    min_at_risk
        Where fewer are at risk, the observed curve ends, and with it the data.
    confidence_level
        Of the intervals.

    Notes
    -----
    Maximum likelihood with late entry, P(T)/S(entry); see `_renewal_models`. Standard errors are
    the jackknife's over the replicates, or from the observed information where there is one
    replicate. Intervals of shares are on the log-log scale. For the band of all models together
    see `_forecast`.

    Who leaves at tenure 0, before the first renewal, is no matter of the models: S(0) is the
    observed share that remained, and the models speak of the renewals after it.

    Raises
    ------
    DataError
        When an argument breaks its rule, or a group column is called as a finding's own key.
    """
    check_arguments(table, models, {"horizon": horizon, "fit_periods": fit_periods})
    if 0 < fit_periods <= start:
        raise DataError(
            f"fit_periods is {fit_periods}, must be above start, which is {start}: fit more "
            "periods, or take 0 for all."
        )
    curves = retention_curves(
        table,
        start=start,
        min_group=min_group,
        min_at_risk=max(min_at_risk, 1),
        confidence_level=confidence_level,
    )
    until = min(fit_periods or table.axis[-1], table.axis[-1])
    events = curves.table.churned[..., 1 : until + 1].sum(axis=(1, 2))
    kept = [g for g, n in enumerate(events) if n >= min_events]
    large = curves.table.take(kept)
    fits = fit_groups(large, models, until)
    fitted = [g for g, found in enumerate(fits) if found]
    observed = [curves[kept[g]] for g in fitted]
    end = horizon or _far(observed, until)
    results = tuple(
        _projection(fits[g], curve, until, end, whole=not table.weighted)
        for g, curve in zip(fitted, observed, strict=True)
    )
    few = not_projected(table, len(events) - len(results), min_events, _first(table, until))
    return Projections(
        results,
        (*curves.not_reported, *few),
        table=large.take(fitted),
        models=tuple(models),
        confidence_level=confidence_level,
    )


def fit_groups(
    table: LifeTable, models: Sequence[str], until: int
) -> tuple[tuple[ModelFit, ...], ...]:
    """Fit the models to the first periods of each group, whose variants are its replicates.

    What is at risk up to a tenure does not depend on what comes after it: leaving the later
    columns out censors everybody who is still at risk there.
    """
    rows = None if table.n_replicates > 1 else 1
    n, d = (
        leave_one_out(table.counts(name))[:rows, :, : until + 1] for name in ("at_risk", "churned")
    )
    return tuple(
        fit_models(n[:, g], d[:, g], models, step=None, whole=not table.weighted)
        for g in range(len(table.groups))
    )


def _projection(
    fits: tuple[ModelFit, ...], observed: RetentionCurve, until: int, horizon: int, *, whole: bool
) -> Projection:
    tenure = np.arange(observed.start, max(horizon, observed.start + 1) + 1)
    found = standing(fits, whole=whole)
    curves = model_curves(fits, tenure, observed.confidence_level, found)
    return Projection(curves, fits, found, observed, until)


def _far(observed: Sequence[RetentionCurve], until: int) -> int:
    """Return twice the tenure that the data of each group reach, in whole years if it is one."""
    far = FAR * min((min(until, curve.longest) for curve in observed), default=0)
    year = observed[0].periods_per_year if observed else 1
    return far // year * year or far


def _some_years(projected: Projections, last: int) -> list[int]:
    year = projected.table.periods_per_year
    years = [t for t in range(last // year * year, 0, -year) if t > projected.start] or [last]
    return years[:: -(-len(years) // SOME)][::-1]


def _first(table: LifeTable, until: int) -> str:
    period = words.period_word(table.periods_per_year)
    return tr("the first {until}", until=words.counted(until, period))


def not_projected(table: LifeTable, count: int, min_events: int, span: str) -> tuple[Finding, ...]:
    """Return how many groups are not projected, as one finding that names none of them."""
    if not count:
        return ()
    why = {"few": words.fewer_than(min_events, table.population), "span": span}
    said = trn(
        "{n} group is not projected: {few} left within {span}, or there are too few periods for "
        "any model.",
        "{n} groups are not projected: {few} left within {span}, or there are too few periods for "
        "any model.",
        count,
        n=words.number(count),
        **why,
    )
    if not table.group_columns:
        said = tr(
            "{Whom} are not projected: {few} left within {span}, or there are too few periods for "
            "any model.",
            Whom=words.sentence_start(term(table.population)),
            **why,
        )
    return (without_number(said, as_of=table.as_of),)


def check_arguments(table: LifeTable, models: Sequence[str], counts: Mapping[str, int]) -> None:
    """Raise when a model, a number of periods or a group column breaks its rule."""
    problems = model_problems(models, list(MODELS))
    problems += [
        f"{name} is {value!r}, must be a whole number of periods from 0: take 0 for the usual."
        for name, value in counts.items()
        if value < 0 or value != int(value)
    ]
    problems += key_problems(table.group_columns, TAKEN)
    if problems:
        raise DataError(problems)
