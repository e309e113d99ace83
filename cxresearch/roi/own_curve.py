"""A company's own retention in years, as the claim speaks of it: by model, and as one average."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import unknown
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch._results import key_problems
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.findings import Finding
from cxresearch.product_limit import retained_share
from cxresearch.projection._forecast import conditional
from cxresearch.projection._model_fit import STEP, ModelFit, variants_error
from cxresearch.projection._projected import Projection
from cxresearch.projection.fitted import Projections, fit_groups
from cxresearch.roi._curve_words import by_words, on_average, stays
from cxresearch.roi._labels import labelled_table
from cxresearch.roi._mixture import sbg_nodes
from cxresearch.roi._strand import (
    CONSTANT,
    PRODUCT_LIMIT,
    Strand,
    constant_strand,
    yearly_rates,
)
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats, leave_one_out, logit_interval

Average = Literal["all_years", "first_year"]
AVERAGES: Final[tuple[Average, ...]] = get_args(Average)
OF_PROJECTIONS: Final = ("sbg", "bdw")
TAKEN: Final = ("model", "year")  # keys of findings
ENDS: Final = ("retention_rate", "retention_rate_ci_lower", "retention_rate_ci_upper")


@dataclass(frozen=True, eq=False)
class OwnCurve(Table):
    """Retention by year of one group, after each model and as it was observed.

    Parameters
    ----------
    projection
        The group's projection.
    table
        Its counts, one group.
    average
        Which single rate stands beside the curve: "all_years", of all customer-years seen, or
        "first_year".
    average_fit
        The rate of all customer-years, with its variants: the geometric model.
    """

    projection: Projection
    table: LifeTable
    average: Average
    average_fit: ModelFit

    @property
    def models(self) -> tuple[str, ...]:
        """Names of models: "constant", what was fitted, and "product_limit"."""
        fitted = [fit.model for fit in self.projection.fits if fit.model in OF_PROJECTIONS]
        return (CONSTANT, *fitted, PRODUCT_LIMIT)

    @property
    def best(self) -> str:
        """The model with the lowest AIC of those in which customers differ; "constant" for none."""
        weights = self.projection.standing.weights
        fitted = [model for model in self.models if model in OF_PROJECTIONS]
        return max(fitted, key=lambda model: weights[model], default=CONSTANT)

    @property
    def credible(self) -> tuple[str, ...]:
        """Models in which customers differ that the counts do not rule out (see `_forecast`)."""
        return tuple(model for model in self.models if model in self.projection.standing.credible)

    @property
    def reach(self) -> int:
        """Whole years within the data, from the start of the curve on."""
        return (self.projection.longest - self.start) // self.table.periods_per_year

    @property
    def start(self) -> int:
        """Periods that everybody has stayed already when the curve begins."""
        return self.projection.start

    @property
    def start_words(self) -> str:
        """How long everybody has stayed already, in words: `12 months`; empty for not at all."""
        return self._unit(self.start) if self.start else ""

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.projection.group

    @property
    def n(self) -> int:
        """Customers it rests on."""
        return self.projection.observed.n

    @property
    def confidence_level(self) -> float:
        """Of the intervals."""
        return self.projection.observed.confidence_level

    @property
    def average_rate(self) -> tuple[float, float, float]:
        """The one rate a year, and the ends of its interval."""
        strand = self.strand(CONSTANT)
        rows = strand.retained(1)[:, 1]
        ends = logit_interval(rows[0], strand.error(rows), self.confidence_level)
        return float(rows[0]), float(ends[0]), float(ends[1])

    def strand(self, model: str) -> Strand:
        """Return retention by year after one model, with all its variants.

        Raises
        ------
        DataError
            When there is no such model.
        """
        if model not in self.models:
            raise DataError(unknown("model", model, list(self.models)))
        if model == CONSTANT:
            return self._constant()
        if model == PRODUCT_LIMIT:
            rows, step = self._observed()
            return self._strand(model, lambda years: rows[:, : years + 1], step, self.reach)
        fit = next(fit for fit in self.projection.fits if fit.model == model)
        return self._strand(model, lambda years: self._fitted(fit, years), fit.step, None, fit)

    def to_frame(self) -> pd.DataFrame:
        """Return the retention rate of each year within the data, one row per model and year."""
        frame = pd.concat([self._rates(model) for model in self.models], ignore_index=True)
        return pd.DataFrame(dict(self.group), index=frame.index).join(frame)

    def _repr_html_(self) -> str:
        return labelled_table(self.to_frame())

    def findings(self) -> tuple[Finding, ...]:
        """Return `yearly_retention` {model, year}, and the average rate as {model: constant}."""
        rows = self.to_frame()
        every = [
            self._finding(row, {"model": str(row["model"]), "year": str(row["year"])})
            for row in rows[rows["model"] != CONSTANT].to_dict("records")
        ]
        return (self._finding(rows.iloc[0].to_dict(), {"model": CONSTANT}), *every)

    def sentence(self, lang: str | None = None) -> str:
        """Return the average rate, the first and the last year's, and how far the data reach."""
        with speaking(lang):
            rates = self._rates(PRODUCT_LIMIT)
            first, last = (words.percent_interval(*_ends(rates.iloc[i])) for i in (0, -1))
            values = {
                "share": words.percent_interval(*self.average_rate),
                "people": self._people,
                "since": self._since,
                "first": first,
                "last": last,
                "year": self.reach,
                "level": words.level_words(self.confidence_level),
            }
            return on_average(self.average, values)

    @property
    def _people(self) -> str:
        return f"{term(self.table.population)}{words.with_group(self.group)}"

    @property
    def _since(self) -> str:
        """From when on a curve that begins late counts; empty for all."""
        return tr(", counted from {time} on", time=self.start_words) if self.start else ""

    def _rates(self, model: str) -> pd.DataFrame:
        strand = self.strand(model)
        rates = yearly_rates(strand.retained(self.reach))
        error = variants_error(rates, strand.step)
        lower, upper = logit_interval(rates[0], error, self.confidence_level)
        columns: dict[str, Any] = {"model": model, "year": np.arange(self.reach) + 1}
        columns |= dict(zip(ENDS, (rates[0], lower, upper), strict=True))
        return pd.DataFrame(columns)

    def _finding(self, row: Mapping[Any, Any], key: dict[str, str]) -> Finding:
        value, lower, upper = _ends(row)
        whole, stay, spread = words.out_of(value, lower, upper)
        values = {
            "n": whole, "people": self._people, "stay": stay, "year": key.get("year"),
            "by": by_words(key["model"]), "since": self._since, "spread": spread,
            "level": words.level_words(self.confidence_level),
        }  # fmt: skip
        sentence = stays(values)
        return Finding(
            "yearly_retention", value, lower, upper, self.n, "share", sentence,
            {**key, **self.group},
            confidence_level=self.confidence_level, as_of=self.table.as_of,
        )  # fmt: skip

    def _strand(
        self,
        model: str,
        retained: Callable[[int], Floats],
        step: float | None,
        longest: int | None,
        fit: ModelFit | None = None,
    ) -> Strand:
        nodes, late = None, self.start > 0
        if fit is not None and model == "sbg":
            periods = {"periods_per_year": self.table.periods_per_year, "start": self.start}
            nodes = partial(sbg_nodes, fit.coordinates, **periods)
        return Strand(model, retained, nodes, step, longest, self._ages(step), self.reach, late)

    def _constant(self) -> Strand:
        if self.average == "first_year":
            rows, step = self._observed()
            rate = rows[:, 1]
        else:
            at = np.array([0, self.table.periods_per_year])
            rate = np.exp(np.diff(self.average_fit.log_retained(at))[:, 0])
            step = self.average_fit.step
        return constant_strand(rate, step=step, ages=self._ages(step))

    def _fitted(self, fit: ModelFit, years: int) -> Floats:
        at = self.start + self.table.periods_per_year * np.arange(years + 1)
        shares = conditional(fit, at, self.start)
        # who leaves before the first period is over was a customer all the same
        shares[:, 0] = 1.0
        return shares

    def _observed(self) -> tuple[Floats, float | None]:
        """Return the product-limit curve by year and its variants, and what those are.

        With one replicate the hazard of each period moves by itself, so that the delta method
        gives Greenwood's error.
        """
        n, d = (leave_one_out(self.table.counts(x))[:, 0] for x in ("at_risk", "churned"))
        step = None
        if self.table.n_replicates == 1:
            n, d, step = n[:1], d[:1], STEP
            d = np.concatenate([d, d + _moves(n[0], d[0])])
            n = np.broadcast_to(n, d.shape)
        shares = retained_share(n, d, self.start)
        at = self.start + self.table.periods_per_year * np.arange(self.reach + 1)
        shares = shares[:, at]
        shares[:, 0] = 1.0
        return shares, step

    def _ages(self, step: float | None) -> Floats:
        """Return the share of today's customers by completed years since the start."""
        there = leave_one_out(self.table.censored)[: 1 if step is not None else None, 0]
        there = there[:, self.start :].astype(float)
        years = np.arange(there.shape[1]) // self.table.periods_per_year
        count = np.stack([there[:, years == y].sum(axis=1) for y in range(years[-1] + 1)], axis=1)
        total = count.sum(axis=1, keepdims=True)
        share = np.full(count.shape, np.nan)
        return np.asarray(np.divide(count, total, out=share, where=total > 0))

    def _unit(self, count: int) -> str:
        return words.counted(count, words.period_word(self.table.periods_per_year))


def own_curve(
    projected: Projections, *, average: Average, group: Mapping[str, str] | None = None
) -> OwnCurve:
    """Return retention in years from a projection, whatever periods that counts in.

    Parameters
    ----------
    projected
        Result of `projections`.
    average
        The single rate that stands beside the curve: "all_years", of all customer-years seen
        (1 − churned/at risk per period, to the power of the periods of a year), or "first_year",
        the observed share of the first year.
    group
        Labels of the group, where there is more than one.

    Raises
    ------
    NotEnoughError
        When nothing is projected, or the data do not reach a year.
    DataError
        When `average` is not known, or several groups are projected and none is named.
    """
    found = _chosen(projected, average, group)
    index = projected.results.index(found)
    table = projected.table.take([index])
    fit = fit_groups(table, ("geometric",), min(found.fitted_until, table.axis[-1]))[0][0]
    own = OwnCurve(found, table, average, fit)
    if own.reach < 1:
        raise NotEnoughError(
            tr(
                "the data reach {time}, must reach a year, since the claim speaks of a year's "
                "retention.",
                time=own._unit(found.longest - found.start),
            )
        )
    return own


def _chosen(projected: Projections, average: str, group: Mapping[str, str] | None) -> Projection:
    if average not in AVERAGES:
        raise DataError(unknown("average", average, list(AVERAGES)))
    if problems := key_problems(projected.table.group_columns, TAKEN):
        raise DataError(problems)
    if not len(projected):
        said = words.sentences(finding.sentence for finding in projected.suppressed)
        why = said or tr("no group is left.")
        raise NotEnoughError(tr("There is no retention curve in years: {why}", why=why))
    fits = [x for x in projected if group is None or dict(x.group) == dict(group)]
    if len(fits) != 1:
        labels = [words.group_words(x.group) for x in projected]
        raise DataError(
            f"group is {group!r}, must name exactly one of {', '.join(labels)}: give its labels, "
            "or project everybody together."
        )
    return fits[0]


def _moves(at_risk: Floats, churned: Floats) -> Floats:
    """Return churn moved up and down by a small part of its binomial error, a period at a time."""
    share = np.divide(churned, at_risk, out=np.zeros(at_risk.shape), where=at_risk > 0)
    moves = np.diag(STEP * np.sqrt(at_risk * share * (1 - share)))
    return np.stack([moves, -moves], axis=1).reshape(-1, len(at_risk))


def _ends(row: Mapping[Any, Any] | pd.Series[Any]) -> tuple[float, float, float]:
    value, lower, upper = (float(row[name]) for name in ENDS)
    return value, lower, upper
