"""Hold-out validation: what models of a shop said of weeks that they had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Counts
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch._results import Results
from cxresearch.errors import NotEnoughError
from cxresearch.findings import Finding
from cxresearch.projection._forecast import COMBINED, TOGETHER
from cxresearch.purchase_table import DAYS_PER_WEEK, PurchaseTable
from cxresearch.purchases._fitted import NAMES
from cxresearch.purchases.frequencies import CLASSES, classes, each_group, model_standing
from cxresearch.purchases.models import PurchaseModel, PurchaseModels
from cxresearch.uncertainty import Floats, jackknife_se, leave_one_out, log_interval


class PerCustomer(NamedTuple):
    """Purchases per customer by class of earlier purchases, each of shape (8,); NaN for nobody."""

    value: Floats
    ci_lower: Floats
    ci_upper: Floats


@dataclass(frozen=True, eq=False)
class PurchaseHoldout(Table):
    """Purchases after the day up to which a model was fitted, as predicted and as made.

    Parameters
    ----------
    predicted, actual
        Purchases of the group in the weeks held out.
    holdout_purchases, holdout_purchases_ci_lower, holdout_purchases_ci_upper
        Predicted less actual, as a share of actual: −0.04 for 4 % too few.
    customers
        By class of repeat purchases before (`CLASSES`), shape (8,).
    predicted_by_class, actual_by_class
        Purchases per customer in the weeks held out.
    model
        "bg_nbd", "mbg_nbd", "pareto_nbd" or "combined".
    weeks, until
        How many weeks were held out, and the day they come after.
    of
        One of the models, for what all of them share.
    """

    predicted: float
    actual: float
    holdout_purchases: float
    holdout_purchases_ci_lower: float
    holdout_purchases_ci_upper: float
    customers: Counts
    predicted_by_class: PerCustomer
    actual_by_class: PerCustomer
    model: str
    weeks: float
    until: str
    of: PurchaseModel

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.of.group

    @property
    def name(self) -> str:
        """The model's name as it is written."""
        return NAMES.get(self.model) or term(TOGETHER)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per class of earlier purchases."""
        frame = pd.DataFrame({"repeat_purchases": CLASSES, "customers": self.customers})
        for name in ("actual", "predicted"):
            values: PerCustomer = getattr(self, f"{name}_by_class")
            for end, column in zip(("", "_ci_lower", "_ci_upper"), values, strict=True):
                frame[f"{name}_per_customer{end}"] = column
        labels = {**self.group, "model": self.model}
        return pd.DataFrame(labels, index=frame.index).join(frame)

    def sentence(self, lang: str | None = None) -> str:
        """Return how far off the model was, in words; "no clear error" where the interval has 0."""
        with speaking(lang):
            value, low, high = self.values
            said = self._said()
            if np.isnan(value):
                return tr(
                    "Not compared in the {weeks} weeks after {day}: too few {whom} bought "
                    "anything.",
                    **said,
                )
            if low <= 0 <= high:
                return tr(
                    "No clear error in the {weeks} weeks after {day}: fitted to what came before, "
                    "{model} for {whom} predicted {predicted} purchases and {made} were made, "
                    "which is off by {off} ({level} interval).",
                    **said,
                    off=words.percent_interval(value, low, high),
                )
            off = words.percent_interval(abs(value), *sorted((abs(low), abs(high))))
            if value < 0:
                return tr(
                    "Fitted to what came before, {model} for {whom} predicted {predicted} "
                    "purchases in the {weeks} weeks after {day}, {off} lower than the {made} that "
                    "were made ({level} interval).",
                    **said,
                    off=off,
                )
            return tr(
                "Fitted to what came before, {model} for {whom} predicted {predicted} purchases "
                "in the {weeks} weeks after {day}, {off} higher than the {made} that were made "
                "({level} interval).",
                **said,
                off=off,
            )

    def _said(self) -> dict[str, str]:
        model = tr("the {model} model", model=self.name)
        return {
            "model": tr("all models together") if self.model == COMBINED else model,
            "whom": term(self.of.population) + words.with_group(self.group),
            "weeks": words.number(self.weeks, 1.0 if self.weeks == int(self.weeks) else 0.1),
            "day": words.day(self.until),
            "predicted": words.number(self.predicted),
            "made": words.number(self.actual),
            "level": words.level_words(self.of.confidence_level),
        }

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `holdout_purchases`."""
        return (
            Finding(
                "holdout_purchases",
                *self.values,
                self.of.n,
                "share",
                self.sentence(),
                {"model": self.model, **self.group},
                confidence_level=self.of.confidence_level,
                as_of=self.of.as_of,
            ),
        )

    @property
    def values(self) -> tuple[float, float, float]:
        """The error and the ends of its interval."""
        ends = (self.holdout_purchases_ci_lower, self.holdout_purchases_ci_upper)
        return self.holdout_purchases, *ends


def purchase_holdout(models: PurchaseModels) -> Results[PurchaseHoldout]:
    """Compare what each model says of the weeks after `until` with what customers bought in them.

    Parameters
    ----------
    models
        Result of `purchase_models`, on a table that holds later purchases.

    Notes
    -----
    By class of earlier purchases as fig. 4 of Fader, Hardie & Lee 2005 (Marketing Science 24,
    275–284). The interval of the error is the jackknife's on the log scale of predicted/actual:
    it has the errors of the fit and the chance in what was bought.

    Raises
    ------
    NotEnoughError
        When the table has no later purchases, or one replicate only.
    """
    _check(models.table)
    found = model_standing(models)
    held: list[PurchaseHoldout] = []
    for table, fits in each_group(models):
        rows = {fit.model: _predicted(fit, table) for fit in fits}
        mean = np.sum([found.weights[name] * rows[name] for name in rows], axis=0)
        each = rows | ({COMBINED: mean} if len(rows) > 1 else {})
        held += [_holdout(name, said, table, fits[0]) for name, said in each.items()]
    return Results(tuple(held), models.suppressed)


def _predicted(fit: PurchaseModel, table: PurchaseTable) -> Floats:
    """Return the purchases that the model predicts by class, all and without each, (1 + R, 8)."""
    said = fit.expected_near(table, table.later_days / DAYS_PER_WEEK)
    at = classes(table)
    columns = [
        said.times((at == c).astype(float)).total(table.customers, table.replicate)
        for c in range(len(CLASSES))
    ]
    return np.stack(columns, axis=-1)


def _holdout(
    model: str, predicted: Floats, table: PurchaseTable, of: PurchaseModel
) -> PurchaseHoldout:
    people, made = (_by_class(table, x) for x in (table.customers, table.later_purchases))
    total, actual = predicted.sum(axis=-1), made.sum(axis=-1)
    known = np.where((actual > 0).all(), actual, np.nan)
    ratio, level = total / known, of.confidence_level
    lower, upper = log_interval(ratio[0], jackknife_se(ratio[1:]), level)
    return PurchaseHoldout(
        float(total[0]),
        float(actual[0]),
        float(ratio[0] - 1),
        float(lower - 1),
        float(upper - 1),
        people[0].astype(table.customers.dtype),
        _per_customer(predicted, people, level),
        _per_customer(made, people, level),
        model,
        table.later_days / DAYS_PER_WEEK,
        table.until,
        of,
    )


def _by_class(table: PurchaseTable, counts: Counts) -> Counts:
    """Return counts by class, all and without each replicate, (1 + R, 8)."""
    shape = (table.n_replicates, len(CLASSES))
    place = np.ravel_multi_index((table.replicate, classes(table)), shape)
    cube = np.bincount(place, counts, shape[0] * shape[1]).reshape(1, *shape)
    return leave_one_out(cube)[:, 0]


def _per_customer(counts: Floats, people: Counts, level: float) -> PerCustomer:
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(people > 0, counts / people, np.nan)
    # a class of one replicate's customers only has no error to speak of
    ends = log_interval(mean[0], jackknife_se(mean[1:]), level)
    return PerCustomer(mean[0], *ends)


def _check(table: PurchaseTable) -> None:
    problems = []
    if not table.later_days or not table.later_purchases.any():
        problems.append(
            tr(
                "there are no purchases after {day}, must be some to compare with: say an earlier "
                "day up to which purchases are counted.",
                day=words.day(table.until),
            )
        )
    if table.n_replicates < 2:
        problems.append(
            tr(
                "the counts have {n} replicate, must have at least 2 for an interval: build the "
                "table with a replicate for each customer.",
                n=table.n_replicates,
            )
        )
    if problems:
        raise NotEnoughError(problems)
