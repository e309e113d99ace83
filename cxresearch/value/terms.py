"""What a value is said in: the discount rate, how far ahead it looks, and when the first bill is.

Nothing here has a silent default that moves a value: whether the first margin comes now or at the
end of the first period alone moves it by a whole payment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxresearch import _format as words
from cxresearch._language import ENGLISH, language, tr
from cxresearch.errors import DataError
from cxresearch.uncertainty import Floats

FirstMargin = Literal["now", "end_of_period"]
FIRST_MARGINS: Final[tuple[FirstMargin, ...]] = get_args(FirstMargin)
LONGEST: Final = 1200  # periods, 100 years of months: nobody stays a customer longer


@dataclass(frozen=True)
class Terms:
    """The bills that count, and what each of them is worth today.

    Parameters
    ----------
    annual_discount_rate
        0.1 for 10 % a year.
    horizon
        Bills that count, in periods.
    first_margin
        "now": the first bill is today's, so that the bills are those of t = 0 to horizon − 1.
        "end_of_period": it is that of one period later, t = 1 to horizon.
    periods_per_year
        12 when periods are months.

    Raises
    ------
    DataError
        Naming every value that breaks its rule.
    """

    annual_discount_rate: float
    horizon: int
    first_margin: FirstMargin
    periods_per_year: int = 12

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise DataError(problems)
        object.__setattr__(self, "horizon", int(self.horizon))

    @property
    def months(self) -> NDArray[np.int64]:
        """Periods t of the bills that count, shape (horizon,)."""
        return np.arange(self.horizon) + (self.first_margin == "end_of_period")

    @property
    def span(self) -> str:
        """The periods of the bills in words, to stand after an article: `36 months`, `month`."""
        unit = words.period_word(self.periods_per_year)
        alone = self.horizon == 1 and language() == ENGLISH
        return unit if alone else words.counted(self.horizon, unit)

    @property
    def from_answer(self) -> str:
        """Over which periods a value is: `the 36 months from the answer on`."""
        return tr("the {span} from the answer on", span=self.span)

    @property
    def rate_per_period(self) -> float:
        """Discount rate of one period, (1 + annual)^(1/periods) − 1."""
        return float(np.expm1(np.log1p(self.annual_discount_rate) / self.periods_per_year))

    @property
    def factors(self) -> Floats:
        """What 1 paid with each bill is worth today, (1 + annual)^(−t/periods)."""
        return self.discount(self.months)

    def period_problems(self, periods_per_year: int) -> list[str]:
        """Return what is wrong where a table counts in other periods."""
        if periods_per_year == self.periods_per_year:
            return []
        return [
            f"the table counts {periods_per_year} periods a year and the terms "
            f"{self.periods_per_year}, must be the same: say the terms in the table's periods."
        ]

    def discount(self, months: NDArray[np.int64]) -> Floats:
        """Return what 1 paid in each of these periods is worth today."""
        return np.asarray((1 + self.annual_discount_rate) ** -(months / self.periods_per_year))


def constant_value(
    retention: ArrayLike,
    margin: ArrayLike,
    rate: ArrayLike,
    *,
    first_margin: FirstMargin,
    horizon: int | None = None,
) -> Floats:
    """Return the value of a margin per period at a retention rate that never changes.

    Parameters
    ----------
    retention
        Share that stays from each period to the next, 0–1.
    margin
        Contribution of each period that a customer is there.
    rate
        Discount rate of one period (`Terms.rate_per_period`); the annual one where periods are
        years.
    first_margin
        As in `Terms`.
    horizon
        Bills that count; None for all there ever are.

    Returns
    -------
    ndarray
        In the shape that the arguments broadcast to.

    Notes
    -----
    m(1 + d)/(1 + d − r) with the first margin now and m r/(1 + d − r) with the first at the end of
    the period (Gupta & Lehmann 2003, Journal of Interactive Marketing 17, 9–24), both times
    1 − (r/(1 + d))^H for H bills, as a geometric series. True where all customers are alike; where
    they are not, it is too low for those who have stayed (Fader & Hardie 2010, Marketing Science
    29, 85–93).

    Raises
    ------
    DataError
        When an argument breaks its rule, or all bills are asked for that never end.
    """
    r, m, d = (np.asarray(x, dtype=np.float64) for x in (retention, margin, rate))
    problems = list(_constant_problems(r, d, first_margin, horizon))
    if problems:
        raise DataError(problems)
    with np.errstate(divide="ignore"):
        log = np.log(r) - np.log1p(d)  # of what is left of a margin from one period to the next
    first = 1.0 if first_margin == "now" else np.exp(log)
    shrinks = log < 0
    rest = -np.expm1(np.where(shrinks, log, -1.0))
    if horizon is None:
        return np.asarray(m * first / rest)
    bills = np.where(shrinks, -np.expm1(horizon * np.where(shrinks, log, -1.0)) / rest, horizon)
    return np.asarray(m * first * bills)


def _problems(terms: Terms) -> Iterator[str]:
    rate, horizon = terms.annual_discount_rate, terms.horizon
    if not 0 <= rate <= 1:
        yield (
            f"annual_discount_rate is {rate!r}, must be a share from 0 to 1 per year: write 0.1 "
            "for 10 % a year."
        )
    if not (1 <= horizon <= LONGEST and float(horizon).is_integer()):
        yield (
            f"horizon is {horizon!r}, must be a whole number of periods from 1 to {LONGEST}: "
            "write 36 for three years of months."
        )
    yield from _first_problems(terms.first_margin)
    if terms.periods_per_year < 1:
        yield (
            f"periods_per_year is {terms.periods_per_year!r}, must be at least 1: write 12 for "
            "months."
        )


def _first_problems(first_margin: str) -> Iterator[str]:
    if first_margin not in FIRST_MARGINS:
        yield (
            f"first_margin is {first_margin!r}, must be one of {', '.join(FIRST_MARGINS)}: say "
            "whether the first bill is today's or that of one period later."
        )


def _constant_problems(
    retention: Floats, rate: Floats, first_margin: str, horizon: int | None
) -> Iterator[str]:
    if not ((retention >= 0) & (retention <= 1)).all():
        yield (
            f"retention is {_out_of(retention, 0, 1)}, must be a share from 0 to 1: write 0.85 "
            "for 85 %."
        )
    if not ((rate >= 0) & (rate <= 1)).all():
        yield (
            f"rate is {_out_of(rate, 0, 1)}, must be a share from 0 to 1 per period: write 0.1 "
            "for 10 %."
        )
    yield from _first_problems(first_margin)
    if horizon is not None and not (horizon >= 1 and float(horizon).is_integer()):
        yield f"horizon is {horizon!r}, must be a whole number from 1: leave it out for all bills."
    if horizon is None and np.any((retention == 1) & (rate == 0)):
        yield (
            "retention is 1 at a rate of 0, must be below 1, or the rate above 0, where all bills "
            "count: say how many do (horizon)."
        )


def _out_of(values: Floats, low: float, high: float) -> float:
    wrong = ~((values >= low) & (values <= high))
    return float(values[wrong].flat[0])
