"""A web shop for everybody who ever was a customer: who buys, when, and for how much.

Nobody has a contract with the shop, and nobody says when they stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch.simulate import settings as s
from cxresearch.simulate.tables import constant, names, numbered
from cxresearch.simulate.world import Extract

WEEK: Final = 7
FIRST_WEEKS: Final = 180.0  # mean wait for the first purchase; many never come to it
QUALITY_CUTS: Final = (-0.4307, 0.4307)  # thirds of the sign-ups
RETURNED_SHARE: Final = 0.05
RETURN_DAYS: Final = (3, 21)
COUPON_SHARE: Final = 0.01  # paid with a coupon altogether: an order of value 0
GUEST_SHARE: Final = 0.03  # of orders, by somebody who does not say who they are
MARGIN_SHARE, MARGIN_SPREAD = 0.35, 0.04
_FAR: Final = 1e6  # days


@dataclass(frozen=True)
class Kind:
    """How customers of one kind buy, in weeks, and what they spend.

    Attributes
    ----------
    r, alpha, a, b
        BG/NBD (Fader, Hardie & Lee 2005): purchases a week are gamma with shape r and rate alpha
        over customers; the chance to stop for good after a repeat purchase is beta with a and b.
    p, q, gamma
        Gamma-Gamma (Fader & Hardie 2013): what a purchase costs is gamma with shape p and a rate
        that is gamma with shape q and rate `gamma` over customers.
    """

    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    gamma: float

    @property
    def mean_spend(self) -> float:
        """Of a purchase that is paid, over all customers: p gamma / (q - 1)."""
        return self.p * self.gamma / (self.q - 1)


KINDS: Final = {
    "lower": Kind(r=1.2, alpha=18.0, a=2.4, b=2.4, p=4.0, q=4.0, gamma=24.0),
    "middle": Kind(r=1.3, alpha=15.0, a=1.8, b=5.4, p=4.0, q=4.0, gamma=27.0),
    "upper": Kind(r=1.5, alpha=13.0, a=1.2, b=13.8, p=4.0, q=4.0, gamma=30.0),
}


@dataclass(frozen=True, eq=False)
class Shoppers:
    """Customers of the extract who bought at least once by `as_of`, in its order, shape (K,).

    `person` is the position in the extract, `kind` indexes KINDS, `first` is the day of the first
    purchase.
    """

    person: NDArray[np.int64]
    kind: NDArray[np.int64]
    first: s.Dates


@dataclass(frozen=True, eq=False)
class _Orders:
    """Orders of one draw, shape (n,); `person` is -1 where nobody knows who bought."""

    person: NDArray[np.int64]
    day: s.Dates
    amount: s.Floats
    margin: s.Floats


def shoppers(extract: Extract, rng: np.random.Generator) -> Shoppers:
    """Draw who buys at all: the wait for the first purchase is exponential, and the same for all.

    It begins when the customer and the shop are both there, and no end of a contract ends it.
    """
    settings, people = extract.settings, extract.people
    wait = WEEK * FIRST_WEEKS * rng.standard_exponential(len(people))
    first = np.maximum(people.start, settings.observed_from) + np.floor(wait).astype(np.int64)
    person = np.flatnonzero(first <= settings.last_day)
    kind = np.searchsorted(QUALITY_CUTS, people.quality[person])
    return Shoppers(person, kind, first[person])


def transactions(
    extract: Extract, visits: np.random.Generator, orders: np.random.Generator
) -> pd.DataFrame:
    """One row per order, and one more where it came back.

    Parameters
    ----------
    extract
        The customers.
    visits, orders
        Streams for who buys when, and for what is in the orders.
    """
    last, who = extract.settings.last_day, shoppers(extract, visits)
    row, day = _visits(who, last, visits)
    bought = _bought(who, row, day, orders)
    at, days = _returns(bought, orders)
    seen = bought.day[at] + days <= last
    at, back = at[seen], (bought.day[at] + days)[seen]
    line = np.concatenate([np.arange(len(bought.day)), at])
    sign = np.repeat([1.0, -1.0], [len(bought.day), len(at)])
    date = np.concatenate([bought.day, back])
    order = np.lexsort((sign, line, date))
    line, sign = line[order], sign[order]
    return pd.DataFrame(
        {
            "customer_id": names(extract.ids.tolist(), bought.person[line]),
            "order_id": numbered("O", len(bought.day))[line],
            "order_date": date[order],
            "net_revenue": sign * bought.amount[line],
            "gross_margin": sign * bought.margin[line],
            "currency": constant(s.CURRENCY, len(line)),
        }
    )


def _visits(
    who: Shoppers, last: np.datetime64, rng: np.random.Generator
) -> tuple[NDArray[np.int64], s.Dates]:
    """Draw the rows in `who` and the days of all purchases: a loop over the n-th of everybody.

    Waits are rounded to whole days and take one at least, so that no two fall on one day.
    """
    r, alpha, a, b = (_of(who.kind, name) for name in ("r", "alpha", "a", "b"))
    rate, stops = rng.gamma(r, 1 / alpha), rng.beta(a, b)
    row, day = np.arange(len(who.first)), who.first
    found = [(row, day)]
    while len(row):
        wait = np.minimum(WEEK * rng.standard_exponential(len(row)) / rate[row], _FAR)
        day = day + np.maximum(np.rint(wait), 1).astype(np.int64)
        row, day = row[day <= last], day[day <= last]
        found.append((row, day))
        goes_on = rng.random(len(row)) >= stops[row]
        row, day = row[goes_on], day[goes_on]
    rows, days = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(days)


def _bought(
    who: Shoppers, row: NDArray[np.int64], day: s.Dates, rng: np.random.Generator
) -> _Orders:
    """Return the orders by day, those of guests too, with amounts and margins to the cent."""
    mean = _spend_rate(who.kind, rng)[row]
    guests = rng.binomial(len(row), GUEST_SHARE / (1 - GUEST_SHARE))
    like = np.floor(len(row) * rng.random(guests)).astype(np.int64)
    kind = who.kind[row]
    mean = np.concatenate([mean, _spend_rate(kind[like], rng)])
    kind, day = np.concatenate([kind, kind[like]]), np.concatenate([day, day[like]])
    person = np.concatenate([who.person[row], np.full(guests, -1)])
    paid = np.maximum(np.round(rng.gamma(_of(kind, "p"), 1 / mean), 2), 0.01)
    amount = np.where(rng.random(len(day)) < COUPON_SHARE, 0.0, paid)
    share = MARGIN_SHARE + MARGIN_SPREAD * rng.standard_normal(len(day))
    order = np.lexsort((person, day))
    margin = np.round(amount * share, 2)
    return _Orders(person[order], day[order], amount[order], margin[order])


def _spend_rate(kind: NDArray[np.int64], rng: np.random.Generator) -> s.Floats:
    """Draw the rate of the gamma distribution of what one customer's purchases cost."""
    rate: s.Floats = rng.gamma(_of(kind, "q"), 1 / _of(kind, "gamma"))
    return rate


def _returns(
    bought: _Orders, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw which orders come back whole, and after how many days."""
    back = (rng.random(len(bought.day)) < RETURNED_SHARE) & (bought.amount > 0)
    at = np.flatnonzero(back)
    return at, rng.integers(RETURN_DAYS[0], RETURN_DAYS[1] + 1, len(at))


def _of(kind: NDArray[np.int64], name: str) -> s.Floats:
    """Return one parameter for each of these kinds."""
    values: Sequence[float] = [getattr(one, name) for one in KINDS.values()]
    return np.asarray(values)[kind]
