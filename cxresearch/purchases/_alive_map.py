"""Who is still there by how often they bought and how long ago: what models say, as a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch.findings import Finding
from cxresearch.projection._forecast import Standing
from cxresearch.purchase_table import DAYS_PER_WEEK, PurchaseTable
from cxresearch.purchases._together import Days, by_models, endless
from cxresearch.purchases.models import PurchaseModel
from cxresearch.uncertainty import Floats

STEPS: Final = (1, 2, 4, 8, 13, 26, 52)  # weeks between columns
TIMES: Final = (0, 1, 2, 3, 4, 6, 9, 15, 25)  # repeat purchases of the rows
COLUMNS: Final = 9


@dataclass(frozen=True, eq=False)
class AliveMap(Table):
    """Probability to be alive by number of repeat purchases and weeks since the last purchase.

    Parameters
    ----------
    frequency, weeks_since
        Of the rows, shape (F,), and of the columns, shape (S,).
    probability_alive
        After all credible models together, shape (F, S); NaN where nobody can be.
    age
        Weeks since the first purchase: the median of the group. Who bought once only came as
        long ago as the column says.
    credible, nobody_stops, of
        As in `CustomersAlive`.
    """

    frequency: NDArray[np.int64]
    weeks_since: NDArray[np.int64]
    probability_alive: Floats
    age: float
    credible: tuple[str, ...]
    nobody_stops: bool
    of: PurchaseModel

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.of.group

    @property
    def source(self) -> str:
        """By which models, in words."""
        return by_models(self.credible, nobody_stops=self.nobody_stops)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per number of repeat purchases."""
        frame = pd.DataFrame({"repeat_purchases": self.frequency})
        for weeks, column in zip(self.weeks_since, self.probability_alive.T, strict=True):
            frame[f"{weeks}_weeks_share"] = column
        return pd.DataFrame(dict(self.group), index=frame.index).join(frame)

    def sentence(self, lang: str | None = None) -> str:
        """Return what the map says of who bought most often, in words."""
        with speaking(lang):
            known = np.flatnonzero(np.isfinite(self.probability_alive[-1]))
            share, other = (
                words.percent(float(self.probability_alive[-1, at])) for at in known[[0, -1]]
            )
            first, last = (
                words.counted(int(self.weeks_since[at]), "week") for at in known[[0, -1]]
            )
            return tr(
                "Of {whom} who bought {times} times again since their first purchase {age} ago, "
                "{share} are still active where the last purchase was {first} ago, and {other} "
                "where it was {last} ago, {source}.",
                whom=term(self.of.population) + words.with_group(self.group),
                times=self.frequency[-1],
                age=words.counted(round(self.age), "week"),
                share=share,
                first=first,
                other=other,
                last=last,
                source=self.source,
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return nothing: the map has no headline number."""
        return ()


def alive_map(table: PurchaseTable, fits: Sequence[PurchaseModel], found: Standing) -> AliveMap:
    """Return the map of one group, at the median age of its customers."""
    age = _median(table)
    often = np.array([x for x in TIMES if x <= table.frequency.max()])
    since = _columns(age)
    x, ago = (grid.ravel() for grid in np.meshgrid(often, since * DAYS_PER_WEEK, indexing="ij"))
    # who never came again came for the first time then
    days = Days(x, np.where(x > 0, age - ago, 0), np.where(x > 0, age, ago))
    possible = (x == 0) | (days.recency >= x)
    days = days._replace(recency=np.maximum(days.recency, 0))
    each = [found.weights[fit.model] * fit.alive_near(days).value for fit in fits]
    alive = np.where(possible, np.sum(each, axis=0), np.nan).reshape(len(often), len(since))
    by = (tuple(found.credible), endless(fits, found.credible))
    return AliveMap(often, since, alive, age / DAYS_PER_WEEK, *by, fits[0])


def _median(table: PurchaseTable) -> int:
    """Return the median age of the customers in days."""
    order = np.argsort(table.age)
    half = np.cumsum(table.customers[order])
    return int(table.age[order][np.searchsorted(half, half[-1] / 2)])


def _columns(age: int) -> NDArray[np.int64]:
    weeks = age // DAYS_PER_WEEK
    step = next((step for step in STEPS if weeks // step < COLUMNS), STEPS[-1])
    return np.arange(0, weeks + 1, step)
