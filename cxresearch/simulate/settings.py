"""What a simulation can be told, and the constants of the model it draws from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxresearch._format import plural
from cxresearch.errors import CxError

Dates = NDArray[np.datetime64]
Ints = NDArray[np.integer]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Words = NDArray[np.object_]

TABLES: Final = (
    "customers",
    "subscriptions",
    "revenue",
    "transactions",
    "survey_invitations",
    "survey_responses",
    "touchpoints",
    "interventions",
    "costs",
)
GROUPS: Final = ("detractor", "passive", "promoter")
PLANS: Final = ("basic", "plus", "pro")
REGIONS: Final = ("north", "south", "east", "west")
CHANNELS: Final = ("web", "shop", "partner")
CAUSES: Final = ("voluntary", "involuntary", "company", "migration")
CURRENCY: Final = "EUR"
EARNED_SHARE: Final = 0.40  # of new customers; the others are bought
SOURCE_KNOWN_SHARE: Final = 0.85  # of both, how many are asked why they came
REFERRAL_ODDS: Final = (1, 2, 4)  # to be the one who referred: detractor, passive, promoter

STATE_MONTHS: Final = 6  # a new latent score every six months since sign-up
WAVE_MONTHS: Final = 6  # relationship survey twice a year
CALL_RENEWALS: Final = 5  # so that the call-backs of two waves never overlap
PROGRAMME_MONTHS: Final = 24  # detractors are called back in the last two years of history

PLAN_SHARE: Final = (0.50, 0.33, 0.17)
PLAN_HAZARD: Final = (1.25, 0.95, 0.70)
PLAN_SCORE: Final = (-0.25, 0.10, 0.55)
PLAN_PRICE: Final = (19.0, 29.0, 49.0)
PLAN_MARGIN: Final = (0.52, 0.60, 0.66)
YEARLY_RISE: Final = 0.03  # price rise at every anniversary year

SCORE_LEVEL: Final = 8.10
SCORE_QUALITY: Final = 0.9
SCORE_ONBOARDED: Final = 0.5
SCORE_TICKET: Final = -0.6
SCORE_NOISE: Final = 1.5
SCORE_MISHAP: Final = -6.0
MISHAP_SHARE: Final = 0.04  # of half-years; the bottom of the scale is used, as in real answers

HAZARD_QUALITY: Final = -0.35
HAZARD_ONBOARDED: Final = -0.40
HAZARD_TICKET: Final = 0.30
HAZARD_SILENT: Final = 0.30
OTHER_HAZARDS: Final = (0.0020, 0.0003, 0.0007)  # involuntary, company, migration

TICKETS_PER_MONTH: Final = 0.09
MOST_TICKETS: Final = 3  # a fourth ticket in six months changes nothing more
INVITED_SHARE: Final = 0.80
BOUNCED_SHARE: Final = 0.02
SILENT_RESPONSE: Final = 0.45  # a silent customer answers this fraction as often
FIRST_NOTICE, LAST_NOTICE = 3, 27  # days of notice; below 28, so it never spans two renewals


@dataclass(frozen=True)
class Settings:
    """The knobs of a simulation; everything else in the model is a documented constant.

    Parameters
    ----------
    customers
        Customers in the extract (not sign-ups: those who left before `observed_from` are
        drawn on top and appear in the truth only).
    seed
        The same settings with the same seed give the same tables.
    as_of
        Last day of the extract.
    months
        Months of history up to `as_of`; they fix `observed_from`.
    months_before
        Months of sign-ups before `observed_from`; 0 means that nobody enters late.
    promoter_hazard_ratio, detractor_hazard_ratio
        What the current score group does to the voluntary churn hazard, against passives.
        1.0 is no effect; without a detractor ratio, it is 1 / promoter ratio.
    call_hazard_ratio
        Effect of being assigned to a call-back on the voluntary hazard of the second to the
        sixth renewal after the assignment; 1.0 is no effect.
    confounding
        Multiplies the effect of quality, onboarding and tickets on churn; 0 removes it.
    frailty_variance
        Variance of the gamma frailty (mean 1); 0 makes everybody alike but for covariates.
    voluntary_hazard
        Monthly voluntary hazard at frailty 1 and all covariates at their reference.
    response_rates
        Answer probability of a detractor, a passive and a promoter who is not silent.
    tables
        Which tables to build; the customers are the same whichever are asked for.

    Raises
    ------
    CxError
        With every setting that is out of its range.
    """

    customers: int = 2_000
    seed: int = 1
    as_of: date = date(2025, 12, 31)
    months: int = 48
    months_before: int = 36
    promoter_hazard_ratio: float = 0.7
    detractor_hazard_ratio: float | None = None
    call_hazard_ratio: float = 1.0
    confounding: float = 1.0
    frailty_variance: float = 2.0
    voluntary_hazard: float = 0.022
    response_rates: tuple[float, float, float] = (0.45, 0.27, 0.52)
    tables: tuple[str, ...] = TABLES

    def __post_init__(self) -> None:
        problems = [*_whole_numbers(self), *_numbers(self), *_names(self)]
        if problems:
            raise CxError(problems)

    @property
    def observed_from(self) -> np.datetime64:
        """First day from which the extract holds everybody who left."""
        return shift(self.last_day + 1, -self.months)

    @property
    def last_day(self) -> np.datetime64:
        """`as_of` as NumPy date."""
        return np.datetime64(self.as_of)

    @property
    def horizon(self) -> int:
        """Longest tenure in months that can be seen, and one more for notices already given."""
        return self.months_before + self.months + 1

    @property
    def hazard_ratios(self) -> Floats:
        """Voluntary hazard ratio of a detractor, a passive and a promoter, shape (3,)."""
        detractor = self.detractor_hazard_ratio
        promoter = self.promoter_hazard_ratio
        return np.array([1 / promoter if detractor is None else detractor, 1.0, promoter])

    @property
    def waves(self) -> Dates:
        """Invitation days of the relationship survey, shape (W,)."""
        months = np.arange(2, self.months, WAVE_MONTHS)
        days = add_months(np.full(len(months), self.observed_from), months) + 14
        return days[days <= self.last_day]

    @property
    def surveyed(self) -> bool:
        """Whether answers matter at all: to a table asked for or, through calls, to churn."""
        tables = {"survey_invitations", "survey_responses", "interventions"}
        return self.call_hazard_ratio != 1.0 or not tables.isdisjoint(self.tables)

    @property
    def programme_from(self) -> np.datetime64:
        """First day on which a detractor's answer is assigned to a call-back or held out."""
        return shift(self.last_day + 1, -PROGRAMME_MONTHS)


def add_months(day: Dates, months: int | Ints) -> Dates:
    """Add calendar months; a day the target month lacks becomes its last day (31 → 28)."""
    month = day.astype("datetime64[M]")
    day_of_month = (day - month.astype("datetime64[D]")).astype(np.int64)
    target = month + np.asarray(months).astype("timedelta64[M]")
    first = target.astype("datetime64[D]")
    length = ((target + 1).astype("datetime64[D]") - first).astype(np.int64)
    moved: Dates = first + np.minimum(day_of_month, length - 1)
    return moved


def shift(day: np.datetime64, months: int) -> np.datetime64:
    """Add calendar months to one day."""
    moved: np.datetime64 = add_months(np.array([day]), months)[0]
    return moved


def completed_months(start: Dates, day: np.datetime64 | Dates) -> NDArray[np.int64]:
    """Return the largest k with `add_months(start, k)` on or before `day`."""
    until, since = np.asarray(day).astype("datetime64[M]"), start.astype("datetime64[M]")
    months = (until - since).astype(np.int64)
    late: NDArray[np.int64] = months - (add_months(start, months) > day)
    return late


def group_of(score: Ints) -> NDArray[np.int8]:
    """0 for detractors (0-6), 1 for passives (7-8), 2 for promoters (9-10)."""
    return ((score >= 7).astype(np.int8) + (score >= 9)).astype(np.int8)


_STREAMS: Final = (
    "people",
    "answers",
    "lives",
    "tickets",
    "surveys",
    "money",
    "programme",
    "sources",
    "referrals",
    "shop",
    "orders",
)  # the order is part of what a seed means: append only


def stream(seed: np.random.SeedSequence, name: str) -> np.random.Generator:
    """One generator per purpose, so that leaving out a table moves no other table."""
    key = (*seed.spawn_key, _STREAMS.index(name))
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))


_RANGES: Final = {"customers": (1, 10**9), "seed": (0, 2**63 - 1), "months": (6, 240)}
_MORE_RANGES: Final = {"months_before": (0, 240)}


def _whole_numbers(settings: Settings) -> Iterator[str]:
    for name, (low, high) in (_RANGES | _MORE_RANGES).items():
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            yield f"{name} is {value!r}, must be a whole number: write {name}={low}, for example."
        elif not low <= value <= high:
            yield f"{name} is {value}, must lie between {low} and {high}: choose another value."


def _numbers(settings: Settings) -> Iterator[str]:
    detractor = settings.detractor_hazard_ratio
    ratios = ("promoter_hazard_ratio", "call_hazard_ratio")
    bounds = dict.fromkeys(ratios, (0.05, 20.0))
    bounds |= {} if detractor is None else {"detractor_hazard_ratio": (0.05, 20.0)}
    bounds |= {"confounding": (0, 5), "frailty_variance": (0, 5), "voluntary_hazard": (0, 0.5)}
    values = {name: getattr(settings, name) for name in bounds}
    names = [f"response rate of a {group}" for group in GROUPS]
    values |= dict(zip(names, settings.response_rates, strict=False))
    for name, value in values.items():
        low, high = bounds.get(name, (0, 1))
        if not (isinstance(value, (int, float)) and math.isfinite(value) and low <= value <= high):
            yield f"The {name} is {value!r}, must lie between {low} and {high}: correct it."


def _names(settings: Settings) -> Iterator[str]:
    if len(settings.response_rates) != len(GROUPS):
        yield (
            f"response_rates has {len(settings.response_rates)} "
            f"{plural('value', len(settings.response_rates))}, must have "
            f"{len(GROUPS)}: one each for {', '.join(GROUPS)}."
        )
    for name in settings.tables:
        if name not in TABLES:
            yield f"{name!r} is no simulated table: choose from {', '.join(TABLES)}."
    if not isinstance(settings.as_of, date) or not 1900 <= settings.as_of.year <= 2200:
        yield f"as_of is {settings.as_of!r}, must be a date from 1900 to 2200: use datetime.date."
