"""Distinct purchase histories of customers, in the weeks that the models count in."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cxresearch.purchase_table import DAYS_PER_WEEK
from cxresearch.uncertainty import Floats


class Cells(Protocol):
    """Histories in days, such as a `PurchaseTable` holds, each of shape (N,)."""

    @property
    def frequency(self) -> NDArray[np.int64]:
        """Repeat purchases."""

    @property
    def recency(self) -> NDArray[np.int64]:
        """Days from the first purchase to the last."""

    @property
    def age(self) -> NDArray[np.int64]:
        """Days from the first purchase to the end of the count."""


class Histories(NamedTuple):
    """Repeat purchases x, and weeks from the first purchase to the last and to the end."""

    frequency: NDArray[np.int64]
    recency: Floats
    age: Floats

    def take(self, part: slice) -> Histories:
        """Return some of the histories."""
        return Histories(self.frequency[part], self.recency[part], self.age[part])


def distinct(cells: Cells) -> tuple[Histories, NDArray[np.int64]]:
    """Return each history once, and which of them every cell has."""
    x, last, age = (
        np.asarray(days, dtype=np.int64) for days in (cells.frequency, cells.recency, cells.age)
    )
    days = int(age.max(initial=0)) + 1
    keys, place = np.unique((x * days + last) * days + age, return_inverse=True)
    weeks = keys // days % days / DAYS_PER_WEEK, keys % days / DAYS_PER_WEEK
    return Histories(keys // days**2, *weeks), place


def columns(parameters: Floats) -> Floats:
    """Return parameters one by one, ready to meet N histories: (..., k) to (k, ..., 1)."""
    return np.moveaxis(np.asarray(parameters, dtype=float), -1, 0)[..., None]


def sums(terms: Floats) -> Floats:
    """Return the sums of no, one, two, … terms: log Γ(r + x)/Γ(r) is one of log(r + j)."""
    return np.concatenate([[0.0], np.cumsum(terms)])
