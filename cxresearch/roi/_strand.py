"""One idea of a company's retention by year: a curve, its variants, and who is there today."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from cxresearch.projection._model_fit import variants_error
from cxresearch.uncertainty import Floats

CONSTANT: Final = "constant"
PRODUCT_LIMIT: Final = "product_limit"
TINY: Final = 1e-12


class Nodes(NamedTuple):
    """Customers' own rates a year and how many have them, shape (1 + M, K); weights add up to 1."""

    rate: Floats
    weight: Floats


@dataclass(frozen=True, eq=False)
class Strand:
    """Retention by year after one model; row 0 is the estimate, the others are its variants.

    Parameters
    ----------
    model
        "constant", "sbg", "bdw", "product_limit".
    retained
        Returns the share there after 0, 1, … years up to a given one, shape (1 + M, years + 1).
    nodes
        Returns customers' own rates, split where a rate given as argument lies; None where the
        model knows no such rate.
    step
        What the variants are, as in `ModelFit`; there are none for a rate that was entered.
    longest
        Years that the curve is known for; None without end.
    ages
        Share of today's customers by completed years, shape (1 or 1 + M, A).
    firm_years
        For how many years customers have come; None for ever.
    late
        Whether the curve begins after the first renewal.
    """

    model: str
    retained: Callable[[int], Floats]
    nodes: Callable[[float], Nodes] | None
    step: float | None
    longest: int | None
    ages: Floats
    firm_years: int | None
    late: bool = False

    def __post_init__(self) -> None:
        # both are asked for again and again, once per lift and profit
        object.__setattr__(self, "retained", cache(self.retained))
        if self.nodes is not None:
            object.__setattr__(self, "nodes", cache(self.nodes))

    @property
    def alike(self) -> bool:
        """Whether all customers have one rate that never changes."""
        return self.model == CONSTANT

    def error(self, values: Floats) -> float:
        """Return the standard error of what was computed from all rows; NaN without variants."""
        return math.nan if len(values) == 1 else float(variants_error(values, self.step))


def constant_strand(
    rate: Floats, *, step: float | None = None, ages: Floats | None = None
) -> Strand:
    """Return the strand of one rate, shape (1 + M,), in a firm that has always been there."""

    def retained(years: int) -> Floats:
        return np.asarray(rate[:, None] ** np.arange(years + 1))

    def nodes(_: float) -> Nodes:
        return Nodes(rate[:, None], np.ones((len(rate), 1)))

    mix = np.ones((1, 1)) if ages is None else ages
    return Strand(CONSTANT, retained, nodes, step, None, mix, None)


def yearly_rates(curve: Floats) -> Floats:
    """Return the rates of a curve by year, 0 where nobody is left, shape (1 + M, years)."""
    before = curve[:, :-1]
    return np.divide(curve[:, 1:], before, out=np.zeros(before.shape), where=before > 0)
