"""How many customers of a shop are still there, and how often they buy in the next weeks.

Nobody tells a shop that they stop. A model reads it from how often somebody bought and how long
ago the last time was: who bought every week and has not come for a season is gone more likely than
who always came twice a year.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr, trn
from cxresearch._results import Results
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.projection._forecast import COMBINED, Standing
from cxresearch.purchase_table import PurchaseTable
from cxresearch.purchases._alive_map import AliveMap, alive_map
from cxresearch.purchases._together import (
    Ends,
    Row,
    banded,
    by_models,
    endless,
    estimate,
    per_customer,
)
from cxresearch.purchases.frequencies import each_group, model_standing
from cxresearch.purchases.models import PurchaseModel, PurchaseModels
from cxresearch.uncertainty import Floats, log_interval, logit_interval

LONGEST: Final = 1040  # weeks, twenty years


@dataclass(frozen=True, eq=False)
class CustomersAlive(Table):
    """Customers of one group who are still there, and how often they buy in the next weeks.

    Parameters
    ----------
    probability_alive, probability_alive_ci_lower, probability_alive_ci_upper
        Mean over the customers, 0–1, after all credible models together; NaN where nobody stops
        in any of them, which leaves open how many did.
    expected_purchases, expected_purchases_ci_lower, expected_purchases_ci_upper
        Per customer in the next `weeks`.
    weeks
        After `until`.
    alive_by_model, purchases_by_model
        Estimate, lower and upper end of both by model; "combined" is all together.
    credible
        Names of the models that the intervals hold.
    nobody_stops
        Whether nobody stops in any of these.
    until
        ISO day up to which purchases were counted.
    of
        One of the models, for what all of them share.
    """

    probability_alive: float
    probability_alive_ci_lower: float
    probability_alive_ci_upper: float
    expected_purchases: float
    expected_purchases_ci_lower: float
    expected_purchases_ci_upper: float
    weeks: int
    alive_by_model: Mapping[str, Row]
    purchases_by_model: Mapping[str, Row]
    credible: tuple[str, ...]
    nobody_stops: bool
    until: str
    of: PurchaseModel

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.of.group

    def to_frame(self) -> pd.DataFrame:
        """Return one row per model, all together first."""
        ends = ("", "_ci_lower", "_ci_upper")
        rows = []
        for model, alive in self.alive_by_model.items():
            row: dict[str, Any] = {**self.group, "model": model, "customers": self.of.n}
            row |= {f"alive_share{end}": x for end, x in zip(ends, alive, strict=True)}
            bought = self.purchases_by_model[model]
            row |= {f"expected_purchases{end}": x for end, x in zip(ends, bought, strict=True)}
            rows.append(row | {"weeks": self.weeks})
        return pd.DataFrame(rows)

    def sentence(self, lang: str | None = None) -> str:
        """Return both numbers in words."""
        with speaking(lang):
            return words.sentences(finding.sentence for finding in self.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return `probability_alive` and `expected_purchases`."""
        weeks = {"weeks": str(self.weeks)}
        return (
            self._finding(
                "probability_alive", self.alive_by_model[COMBINED], self._say_alive(), {}
            ),
            self._finding(
                "expected_purchases",
                self.purchases_by_model[COMBINED],
                self._say_purchases(),
                weeks,
            ),
        )

    def _say_alive(self) -> str:
        if self.nobody_stops:
            return tr(
                "How many {whom} are still active on {day} cannot be told {by}.",
                whom=self._whom,
                day=words.day(self.until),
                by=self._by,
            )
        whole, there, spread = words.out_of(*self.alive_by_model[COMBINED])
        return trn(
            "Of {whole} {whom}, {there} is still active on {day} {by} ({level} interval {spread}); "
            "nobody tells, so this is read from how often they bought and how long ago.",
            "Of {whole} {whom}, {there} are still active on {day} {by} ({level} interval "
            "{spread}); nobody tells, so this is read from how often they bought and how long ago.",
            1 if there == "1" else 2,
            whole=whole,
            whom=self._whom,
            there=there,
            day=words.day(self.until),
            by=self._by,
            level=words.level_words(self.of.confidence_level),
            spread=spread,
        )

    def _say_purchases(self) -> str:
        return tr(
            "{Whom} buy {times} times each on average in the {weeks} after {day}, projected {by} "
            "({level} interval).",
            Whom=words.sentence_start(self._whom),
            times=words.number_interval(*self.purchases_by_model[COMBINED]),
            weeks=words.counted(self.weeks, "week"),
            day=words.day(self.until),
            by=self._by,
            level=words.level_words(self.of.confidence_level),
        )

    @property
    def _by(self) -> str:
        return by_models(self.credible, nobody_stops=self.nobody_stops)

    @property
    def _whom(self) -> str:
        return term(self.of.population) + words.with_group(self.group)

    def _finding(self, name: str, row: Row, sentence: str, labels: Mapping[str, str]) -> Finding:
        return Finding(
            name,
            *row,
            self.of.n,
            "purchases" if labels else "share",
            sentence,
            {**labels, **self.group},
            confidence_level=self.of.confidence_level,
            grade="D",
            as_of=self.of.as_of,
        )


def customers_alive(models: PurchaseModels, *, weeks: int = 52) -> Results[CustomersAlive]:
    """Return how many customers are still there, and how often they buy in the next weeks.

    Parameters
    ----------
    models
        Result of `purchase_models`.
    weeks
        After the day up to which purchases were counted.

    Notes
    -----
    The mean over the customers of P(alive | x, t_x, T) and of E[Y(t) | x, t_x, T]; see `_bg_nbd`
    and `_pareto_nbd` for the formulas and their sources. In the BG/NBD nobody can stop before
    the second purchase, so it counts all who bought once as alive. Intervals by model are on the
    logit and the log scale; for all models together see `projection._forecast`.

    Raises
    ------
    DataError
        When weeks is not a whole number from 1 to 1040.
    """
    problems = weeks_problems(weeks)
    if problems:
        raise DataError(problems)
    found = model_standing(models)
    alike = models.table.until
    return Results(
        tuple(_alive(one, fits, found, (weeks, alike)) for one, fits in each_group(models)),
        models.suppressed,
    )


def alive_maps(models: PurchaseModels) -> Results[AliveMap]:
    """Return the probability to be alive by frequency and time since the last purchase.

    Parameters
    ----------
    models
        Result of `purchase_models`.
    """
    found = model_standing(models)
    maps = tuple(alive_map(one, fits, found) for one, fits in each_group(models))
    return Results(maps, models.suppressed)


def weeks_problems(weeks: int) -> list[str]:
    """Return what to say of weeks that are not a whole number from 1 to 1040."""
    if 1 <= weeks <= LONGEST and float(weeks).is_integer():
        return []
    return [f"weeks is {weeks!r}, must be a whole number from 1 to {LONGEST}: write 52 for a year."]


def _alive(
    table: PurchaseTable,
    fits: tuple[PurchaseModel, ...],
    found: Standing,
    words_of: tuple[int, str],
) -> CustomersAlive:
    weeks, until = words_of
    level = fits[0].confidence_level

    def rows(said: Mapping[str, Floats], interval: Ends) -> dict[str, Row]:
        each = {fit.model: estimate(fit, said[fit.model]) for fit in fits}
        return banded(found, each, interval, level)

    there = {fit.model: per_customer(fit, fit.alive_near(table), table) for fit in fits}
    buy = {fit.model: per_customer(fit, fit.expected_near(table, weeks), table) for fit in fits}
    alive, bought = rows(there, logit_interval), rows(buy, log_interval)
    open_ended = endless(fits, found.credible)
    if open_ended:
        alive = {name: (row[0], math.nan, math.nan) for name, row in alive.items()}
        alive[COMBINED] = (math.nan, math.nan, math.nan)
    numbers = (*alive[COMBINED], *bought[COMBINED], weeks, alive, bought)
    return CustomersAlive(*numbers, tuple(found.credible), open_ended, until, fits[0])
