"""Two flows side by side: the difference of their values, its parts, and how many times as much."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np

from cxresearch.adjust._rung import NONE, Ends
from cxresearch.uncertainty import Floats
from cxresearch.value._band import Band, band
from cxresearch.value._flow import Flow
from cxresearch.value._shapley import PARTS, Stream, shapley_parts
from cxresearch.value.terms import Terms

Curves: TypeAlias = tuple[str, str]  # of the exposed and of the reference


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two flows over the same bills; the difference is the first minus the second.

    Parameters
    ----------
    exposed, reference
        The two groups, weighted or not.
    terms
        Which bills count.
    """

    exposed: Flow
    reference: Flow
    terms: Terms

    @property
    def best(self) -> Curves:
        """The curves that estimates are taken from."""
        return self.exposed.best, self.reference.best

    @property
    def credible(self) -> list[Curves]:
        """Every pair of credible curves: nothing says that the same model holds for both."""
        return list(product(self.exposed.credible, self.reference.credible))

    @property
    def data_end(self) -> int:
        """Last month up to which both groups are seen."""
        return min(self.exposed.data_end, self.reference.data_end)

    @property
    def projected(self) -> bool:
        """Whether a bill of either group lies beyond the data."""
        return int(self.terms.months[-1]) > self.data_end

    @property
    def borrowed(self) -> int:
        """Bills of either group that take the mean of other months, since too few are known."""
        return max(side.borrowed(self.terms) for side in (self.exposed, self.reference))

    @property
    def stays_longer(self) -> bool:
        """Whether more of the exposed are there, over the bills as they are discounted."""
        sides = zip((self.exposed, self.reference), self.best, strict=True)
        one, other = (side.retained[curve][0, self.terms.months] for side, curve in sides)
        return float(((one - other) * self.terms.factors).sum()) >= 0

    def difference(self, curves: Curves) -> Floats:
        """Return the difference after two curves, shape (1 + R,)."""
        one, other = self._values(curves)
        return one - other

    def log_ratio(self, curves: Curves) -> Floats:
        """Return the log of the ratio after two curves, shape (1 + R,); both above 0."""
        one, other = self._values(curves)
        return np.asarray(np.log(one) - np.log(other))

    def parts(self, curves: Curves) -> Floats:
        """Return the parts of the difference after two curves, shape (1 + R, 4)."""
        one = _stream(self.exposed, self.terms, curves[0])
        other = _stream(self.reference, self.terms, curves[1])
        return shapley_parts(one, other, self.terms.factors)

    def values(self, level: float) -> tuple[Ends, Ends]:
        """Return both values with their intervals."""
        first, second = (
            value_band(side, self.terms, level) for side in (self.exposed, self.reference)
        )
        return first, second

    def difference_band(self, level: float) -> Ends:
        """Return the difference with its interval."""
        return ends_of(band(self.difference(self.best), map(self.difference, self.credible), level))

    def part_bands(self, level: float) -> Mapping[str, Ends]:
        """Return each part with its interval."""
        found = band(self.parts(self.best), map(self.parts, self.credible), level)
        return {part: ends_of(Band(*(x[i] for x in found))) for i, part in enumerate(PARTS)}

    def ratio_band(self, level: float) -> Ends:
        """Return the ratio with an interval that is symmetric on the log scale.

        There is none (NaN) where a value is not above 0 in all that the interval rests on.
        """
        if min(map(self._least, [self.best, *self.credible])) <= 0:
            return NONE
        logs = band(self.log_ratio(self.best), map(self.log_ratio, self.credible), level)
        value, lower, upper = (math.exp(x) for x in logs)
        return value, lower, upper

    def _values(self, curves: Curves) -> tuple[Floats, Floats]:
        sides = zip((self.exposed, self.reference), curves, strict=True)
        one, other = (side.value(self.terms, curve) for side, curve in sides)
        return one, other

    def _least(self, curves: Curves) -> float:
        return float(np.min(self._values(curves)))


def value_band(side: Flow, terms: Terms, level: float) -> Ends:
    """Return the value of one flow with its interval."""
    curves = (side.value(terms, curve) for curve in side.credible)
    return ends_of(band(side.value(terms), curves, level))


def share_left(adjusted: Comparison, crude: Comparison, level: float) -> Ends:
    """Return what part of the crude difference is left in the adjusted one.

    The curves beyond the data are the same pair on both sides wherever both have it.
    """

    def left(curves: tuple[Curves, Curves]) -> Floats:
        return adjusted.difference(curves[0]) / crude.difference(curves[1])

    same = [(pair, pair) for pair in crude.credible if pair in adjusted.credible]
    pairs = same or list(product(adjusted.credible, crude.credible))
    return ends_of(band(left((adjusted.best, crude.best)), map(left, pairs), level))


def _stream(side: Flow, terms: Terms, curve: str) -> Stream:
    return Stream(*_bills(side, terms, curve))


def _bills(side: Flow, terms: Terms, curve: str) -> Iterator[Floats]:
    for months in (side.retained[curve], side.margin, side.cost, side.referral):
        yield months[:, terms.months]


def ends_of(found: Band) -> Ends:
    """Return a band of one number as value, lower and upper end."""
    return float(found.value), float(found.lower), float(found.upper)
