"""Inputs that are not known exactly: named distributions, and draws that may go together.

A measured input has the normal distribution of its interval. An entered one is spread between the
two ends that somebody is ready to defend, in a shape that has a name.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtr, ndtri

from cxresearch._grouped import unknown
from cxresearch._language import mark
from cxresearch.errors import DataError
from cxresearch.uncertainty import Floats, critical_value

Kind = Literal["fixed", "normal", "lognormal", "uniform", "triangular", "pert"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SAID: Final[dict[Kind, str]] = {
    "fixed": mark("fixed"),
    "normal": mark("normal"),
    "lognormal": mark("lognormal"),
    "uniform": mark("uniform"),
    "triangular": mark("triangular"),
    "pert": mark("pert"),
}
BOUNDED: Final[tuple[Kind, ...]] = ("pert", "triangular", "uniform")
TENTH: Final = float(ndtri(0.9))  # the ends of a normal hold the middle eight tenths
SINGULAR: Final = 1e-9  # smallest eigenvalue of correlations that can be drawn
PERT: Final = 4.0  # how much more the most likely value counts than an end
Pairs = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Uncertain:
    """What is known of one input: a distribution with a name.

    Make one with `fixed`, `normal`, `measured`, `lognormal`, `uniform`, `triangular` or `pert`.

    Parameters
    ----------
    kind
        Name of the distribution.
    low, high
        Its stated ends: least and most of a bounded one, else the points below which a tenth and
        nine tenths lie.
    middle
        The most likely value of a triangular or PERT distribution, the mean of a normal one, the
        median of a lognormal one.
    is_measured
        Whether it is an estimate with an interval, rather than entered.

    Raises
    ------
    DataError
        When the three are not in order.
    """

    kind: Kind
    low: float
    middle: float
    high: float
    is_measured: bool = False

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise DataError(problems)

    @classmethod
    def fixed(cls, value: float) -> Self:
        """Return an input without any doubt."""
        return cls("fixed", value, value, value)

    @classmethod
    def normal(cls, low: float, high: float) -> Self:
        """Return a normal distribution with a tenth below `low` and a tenth above `high`."""
        return cls("normal", low, (low + high) / 2, high)

    @classmethod
    def measured(
        cls, value: float, ci_lower: float, ci_upper: float, confidence_level: float = 0.95
    ) -> Self:
        """Return the normal distribution of an estimate with this interval.

        Its standard error is half the interval over the normal quantile of its level, also where
        the interval is a little wider on one side.
        """
        tenth = TENTH * (ci_upper - ci_lower) / 2 / critical_value(confidence_level)
        return cls("normal", value - tenth, value, value + tenth, is_measured=True)

    @classmethod
    def lognormal(cls, low: float, high: float) -> Self:
        """Return a lognormal distribution with a tenth below `low` and a tenth above `high`."""
        middle = math.sqrt(low * high) if low > 0 and high > 0 else math.nan
        return cls("lognormal", low, middle, high)

    @classmethod
    def uniform(cls, low: float, high: float) -> Self:
        """Return a distribution in which all between two ends is as likely."""
        return cls("uniform", low, (low + high) / 2, high)

    @classmethod
    def triangular(cls, low: float, most_likely: float, high: float) -> Self:
        """Return a triangular distribution from its ends and its most likely value."""
        return cls("triangular", low, most_likely, high)

    @classmethod
    def pert(cls, low: float, most_likely: float, high: float) -> Self:
        """Return a PERT distribution: a smooth one with less in its ends than a triangle.

        Beta with α = 1 + 4(m − a)/(b − a) and β = 1 + 4(b − m)/(b − a) on [a, b], so that its mean
        is (a + 4m + b)/6 (Malcolm, Roseboom, Clark & Fazar 1959, Operations Research 7, 646–669).
        """
        return cls("pert", low, most_likely, high)

    @classmethod
    def between(cls, kind: Kind, low: float, value: float, high: float) -> Self:
        """Return a bounded distribution by its name; fixed where both ends are the value."""
        if kind not in BOUNDED:
            raise DataError(
                f"the distribution is {kind!r}, must be one of {', '.join(BOUNDED)} where least "
                "and most are given: take pert."
            )
        if low == value == high:
            return cls.fixed(value)
        return cls(kind, low, (low + high) / 2 if kind == "uniform" else value, high)

    @property
    def known(self) -> bool:
        """Whether there is no doubt: it is fixed, or both ends are the same."""
        return self.high == self.low

    @property
    def ends(self) -> tuple[float, float]:
        """Stated ends, between which one input at a time is moved."""
        return self.low, self.high

    def quantile(self, share: ArrayLike) -> Floats:
        """Return the values below which these shares of the distribution lie."""
        u = np.asarray(share, dtype=np.float64)
        if self.known:
            return np.full(u.shape, self.middle)
        if self.kind == "normal":
            return np.asarray(self.middle + self._scale(self.low, self.high) * ndtri(u))
        if self.kind == "lognormal":
            sigma = self._scale(math.log(self.low), math.log(self.high))
            return np.asarray(self.middle * np.exp(sigma * ndtri(u)))
        return np.asarray(self.low + (self.high - self.low) * self._within(u))

    def _scale(self, low: float, high: float) -> float:
        return (high - low) / (2 * TENTH)

    def _within(self, u: Floats) -> Floats:
        """Return quantiles of a bounded distribution on 0 to 1."""
        peak = (self.middle - self.low) / (self.high - self.low)
        if self.kind == "uniform":
            return u
        if self.kind == "pert":
            return np.asarray(betaincinv(1 + PERT * peak, 1 + PERT * (1 - peak), u))
        rising = np.sqrt(u * peak)
        return np.where(u < peak, rising, 1 - np.sqrt((1 - u) * (1 - peak)))


def draw(
    inputs: Mapping[str, Uncertain], *, draws: int, seed: int, correlation: Pairs | None = None
) -> dict[str, Floats]:
    """Return seeded draws of inputs, each of shape (draws,).

    Parameters
    ----------
    inputs
        Distributions by name.
    draws
        How many.
    seed
        Of the generator: the same seed gives the same draws. Each input has a stream of its own,
        so that another input more changes no draw of this one.
    correlation
        Rank correlation (Spearman) by pair of names; all other pairs are independent.

    Notes
    -----
    Gaussian copula: normal draws with correlation 2 sin(π ρ/6) have the rank correlation ρ
    (Pearson 1907; Iman & Conover 1982, Communications in Statistics B 11, 311–334), and each is
    turned into its own distribution by its quantiles, which leaves ranks as they are.

    Raises
    ------
    DataError
        When a pair names what is not drawn, or the correlations do not fit together.
    """
    moving = [name for name, input_ in inputs.items() if not input_.known]
    problems = correlation_problems(moving, correlation or {})
    if problems:
        raise DataError(problems)
    root = np.linalg.cholesky(_matrix(moving, correlation or {}))
    streams = [
        np.random.default_rng([seed, zlib.crc32(name.encode())]).standard_normal(draws)
        for name in moving
    ]
    together = root @ np.array(streams).reshape(len(moving), draws)
    ranks = dict(zip(moving, ndtr(together), strict=True))
    half = np.full(draws, 0.5)
    return {name: inputs[name].quantile(ranks.get(name, half)) for name in inputs}


def correlation_problems(names: Sequence[str], correlation: Pairs) -> list[str]:
    """Return what is wrong with rank correlations of inputs, of which these names are uncertain."""
    problems = list(_pair_problems(names, correlation))
    if problems or np.linalg.eigvalsh(_matrix(names, correlation)).min(initial=1.0) > SINGULAR:
        return problems
    said = ", ".join(f"{a} and {b} {rank:g}" for (a, b), rank in correlation.items())
    return [
        f"the correlations ({said}) do not fit together, must be such as three or more inputs can "
        "have at once: bring one of them closer to 0."
    ]


def _matrix(names: Sequence[str], correlation: Pairs) -> Floats:
    """Return the correlations of the normal draws."""
    matrix = np.eye(len(names))
    for (first, second), rank in correlation.items():
        i, j = names.index(first), names.index(second)
        matrix[i, j] = matrix[j, i] = 2 * math.sin(math.pi * rank / 6)
    return matrix


def _pair_problems(names: Sequence[str], correlation: Pairs) -> Iterator[str]:
    seen: set[frozenset[str]] = set()
    for pair, rank in correlation.items():
        for name in pair:
            if name not in names:
                yield unknown("correlation: uncertain input", name, names)
        if len(set(pair)) < len(pair) or frozenset(pair) in seen:
            yield f"correlation is of {' and '.join(pair)}, must be of two, once: name others."
        seen.add(frozenset(pair))
        if not -1 < rank < 1:
            yield (
                f"the correlation of {' and '.join(pair)} is {rank!r}, must be between -1 and 1: "
                "write 0.3 for a weak one."
            )


def _problems(u: Uncertain) -> Iterator[str]:
    if u.kind not in KINDS:
        yield f"the distribution is {u.kind!r}, must be one of {', '.join(KINDS)}: take pert."
    if u.kind == "lognormal" and not (u.low > 0 and u.high > 0):
        yield (
            f"the ends of a lognormal are {u.low:.10g} and {u.high:.10g}, must be above 0: take "
            "another distribution."
        )
    elif not math.isfinite(u.low + u.middle + u.high):
        yield f"the ends are {u.low!r}, {u.middle!r} and {u.high!r}, must be finite: enter numbers."
    elif u.low > u.high:
        yield f"low is {u.low:.10g} and high is {u.high:.10g}, must be in order: swap them."
    elif not u.low <= u.middle <= u.high:
        yield (
            f"the most likely value is {u.middle:.10g}, must lie between the ends {u.low:.10g} and "
            f"{u.high:.10g}: widen them."
        )
