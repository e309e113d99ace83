"""Shops whose truth is known: orders, answers and customers as a company would bring them.

Customers buy at random times and stop without a word, after a BG/NBD, MBG/NBD or Pareto/NBD with
Gamma-Gamma spend. Scores say which kind a customer is of, so that score groups differ in truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import hyp2f1

from cxresearch.purchase_table import PurchaseTable

WEEK, WEEKS_PER_YEAR = 7, 52.1775
SCORES = {"promoter": (9, 11), "passive": (7, 9), "detractor": (0, 7)}
# what CDNOW's customers look like (Fader, Hardie & Lee 2005; Fader & Hardie 2013)
BG_NBD, PARETO_NBD = (0.243, 4.414, 0.793, 2.426), (0.553, 10.578, 0.606, 11.669)
GAMMA_GAMMA = (6.25, 3.74, 15.45)


@dataclass(frozen=True)
class Kind:
    """How the customers of one score group buy, in weeks, and what they spend."""

    model: str = "bg_nbd"
    parameters: tuple[float, float, float, float] = (0.8, 8.0, 1.2, 4.0)
    spend: tuple[float, float, float] = GAMMA_GAMMA

    @property
    def mean_spend(self) -> float:
        """Of one purchase, over all customers: pγ/(q − 1)."""
        p, q, gamma = self.spend
        return p * gamma / (q - 1)

    def purchases(self, weeks):
        """Expected repeat purchases of a new customer, E[X(t)] (eq. 9 of Fader, Hardie & Lee
        2005 for the BG/NBD, eq. 6 of Batislam, Denizel & Filiztekin 2007 for the MBG/NBD, eq. 17
        of Schmittlein, Morrison & Colombo 1987 for the Pareto/NBD)."""
        t = np.asarray(weeks, dtype=float)
        r, alpha, a, b = self.parameters
        if self.model == "pareto_nbd":
            return r * b / (alpha * (a - 1)) * (1 - (b / (b + t)) ** (a - 1))
        shape = b if self.model == "bg_nbd" else b + 1
        factor = (a + b - 1 if self.model == "bg_nbd" else b) / (a - 1)
        left = (alpha / (alpha + t)) ** r
        return factor * (
            1 - left * hyp2f1(r, shape, a + b - (self.model == "bg_nbd"), t / (alpha + t))
        )

    def alive(self, weeks):
        """Chance that a customer who came so many weeks ago is still one; Pareto/NBD only."""
        assert self.model == "pareto_nbd"
        return (self.parameters[3] / (self.parameters[3] + np.asarray(weeks))) ** self.parameters[2]


PROMOTER = Kind(parameters=(1.0, 8.0, 0.8, 4.0), spend=(6.25, 3.74, 18.0))
DETRACTOR = Kind(parameters=(0.8, 8.0, 1.4, 3.5), spend=(6.25, 3.74, 14.0))
SCORE_GROUPS: Mapping[str, Kind] = {"promoter": PROMOTER, "detractor": DETRACTOR}


@dataclass(frozen=True)
class Habits:
    """What is untidy about orders, as shares of purchases; `returned` is of the amounts too."""

    several: float = 0.0  # purchases that are split into two orders of one day
    returned: float = 0.0  # purchases whose amount comes back whole, a week later
    zero: float = 0.0  # orders of nothing, on days of their own
    nobody: float = 0.0  # orders without a customer


@dataclass(frozen=True)
class Shop:
    """One draw of a shop, and what is true of it.

    `purchases` has one row per purchase: customer_id, group, day, amount; `until` is the last
    day that models see, and the orders go on for `later_days`.
    """

    transactions: pd.DataFrame
    purchases: pd.DataFrame
    members: pd.DataFrame  # customer_id, group, first (day)
    kinds: Mapping[str, Kind]
    start: pd.Timestamp
    entry_days: int
    until: pd.Timestamp
    later_days: int
    habits: Habits = field(default_factory=Habits)

    def expected_purchases(self, group: str, weeks: int) -> float:
        """Purchases of a customer of the group in the weeks after `until`, at any day of entry."""
        return float(self._later(group, np.array([weeks]))[0])

    def alive(self, group: str) -> float:
        """Share of the group still there at `until`; Pareto/NBD only."""
        return float(self.kinds[group].alive(self._ages()).mean())

    def value(
        self, group: str, weeks: int, margin_share: float, annual_discount_rate: float
    ) -> float:
        """Discounted margin of a customer of the group in the weeks after `until`, less returns."""
        week = np.arange(1, weeks + 1)
        bought = np.diff(self._later(group, week), prepend=0.0)
        discounted = (bought * (1 + annual_discount_rate) ** (-week / WEEKS_PER_YEAR)).sum()
        return float(
            discounted * self.kinds[group].mean_spend * margin_share * (1 - self.habits.returned)
        )

    def survey_responses(self, rng: np.random.Generator) -> pd.DataFrame:
        """One NPS answer of each customer, on some day from the first purchase to `until`."""
        people, n = self.members, len(self.members)
        span = (self.until - people["first"]).dt.days.to_numpy()
        day = people["first"] + pd.to_timedelta((span * rng.random(n)).astype(int), unit="D")
        low, high = np.array([SCORES[group] for group in people["group"]]).T
        columns = {
            "response_id": [f"R{i:06d}" for i in range(n)],
            "customer_id": people["customer_id"],
        }
        return pd.DataFrame(
            columns | {"responded_at": day, "metric": "NPS", "score": rng.integers(low, high)}
        )

    def customers(self) -> pd.DataFrame:
        """One row per customer, with an attribute that is the score group under another name."""
        return self.members[["customer_id", "group"]].rename(columns={"group": "club"})

    def table(self, column: str = "score_group") -> PurchaseTable:
        """The purchases as counts, by plain pandas; the column is the score group ("": none)."""
        cells = self._cells()
        by = [column] if column else []
        cells = cells.rename(columns={"group": column}) if column else cells
        rows = cells[[*by, "replicate", "frequency", "recency", "age", *SUMS]].groupby(
            [*by, "replicate", "frequency", "recency", "age"], as_index=False
        ).sum()  # fmt: skip
        repeat = cells[cells["frequency"] > 0]
        mean = (repeat["repeat_spend"] / repeat["frequency"]).round(2)
        spend = repeat.assign(mean_spend=mean).groupby(
            [*by, "replicate", "frequency", "mean_spend"], as_index=False
        )["customers"].sum()  # fmt: skip
        words = {"until": str(self.until.date()), "later_days": self.later_days, "currency": "EUR"}
        return PurchaseTable.from_counts(rows, spend, by, **words)

    def _ages(self) -> np.ndarray:
        """Weeks from the first purchase to the end of `until`, all days of entry alike."""
        whole = (self.until - self.start).days
        return (whole - np.arange(self.entry_days)) / WEEK

    def _later(self, group: str, weeks: np.ndarray) -> np.ndarray:
        kind, ages = self.kinds[group], self._ages()[:, None]
        return (kind.purchases(ages + weeks) - kind.purchases(ages)).mean(axis=0)

    def _cells(self) -> pd.DataFrame:
        """One row per customer with what the table counts."""
        found = self.purchases.merge(self.members[["customer_id", "first"]], on="customer_id")
        seen, last = found["day"] <= self.until, self.until + pd.Timedelta(days=self.later_days)
        repeat, later = (
            found[seen & (found["day"] > found["first"])],
            found[~seen & (found["day"] <= last)],
        )
        people = self.members.set_index("customer_id")
        out = pd.DataFrame({"group": people["group"], "replicate": np.arange(len(people)) % 256})
        by, after = repeat.groupby("customer_id"), later.groupby("customer_id")
        latest = by["day"].max().reindex(out.index).fillna(people["first"])
        returns = self.transactions[self.transactions["net_revenue"] < 0]
        back = (
            returns[returns["order_date"] <= self.until].groupby("customer_id")["net_revenue"].sum()
        )
        columns = {
            "frequency": by.size(), "repeat_spend": by["amount"].sum(),
            "later_purchases": after.size(), "later_spend": after["amount"].sum(), "returned": -back,
        }  # fmt: skip
        filled = {name: x.reindex(out.index).fillna(0) for name, x in columns.items()}
        out = out.assign(**filled, customers=1).astype({"frequency": int, "later_purchases": int})
        out["recency"] = (latest - people["first"]).dt.days
        out["age"] = (self.until - people["first"]).dt.days
        return out.reset_index(drop=True)


SUMS = ["customers", "repeat_spend", "later_purchases", "later_spend", "returned"]


def shop(
    n: int,
    rng: np.random.Generator,
    kinds: Mapping[str, Kind] = SCORE_GROUPS,
    *,
    habits: Habits = Habits(),
    start: str = "2024-01-01",
    entry_days: int = 84,
    days: int = 364,
    later_days: int = 182,
) -> Shop:
    """Draw a shop of `n` customers of each kind, who come within `entry_days` of the start."""
    begin, whole = pd.Timestamp(start), days + later_days
    frames, people = [], []
    for group, kind in kinds.items():
        entry = rng.integers(0, entry_days, n)
        who, week = _times(kind, (whole + 1 - entry) / WEEK, rng)
        day = entry[who] + np.floor(week * WEEK).astype(int)
        ids = np.array([f"{group[:2].upper()}{i:06d}" for i in range(n)])
        amounts = _amounts(kind, who, n, rng)
        rows = pd.DataFrame(
            {"customer_id": ids[who], "group": group, "day": day, "amount": amounts}
        )
        frames.append(rows)
        people.append(pd.DataFrame({"customer_id": ids, "group": group, "first": entry}))
    bought = _apart(pd.concat(frames, ignore_index=True))
    bought = bought[bought["day"] <= whole].reset_index(drop=True)
    bought["day"] = begin + pd.to_timedelta(bought["day"], unit="D")
    bought["amount"] = bought["amount"].round(2)
    members = pd.concat(people, ignore_index=True).sort_values("customer_id", ignore_index=True)
    members["first"] = begin + pd.to_timedelta(members["first"], unit="D")
    until = begin + pd.Timedelta(days=days)
    orders = _orders(bought, habits, begin + pd.Timedelta(days=whole), rng)
    return Shop(orders, bought, members, kinds, begin, entry_days, until, later_days, habits)


def _times(
    kind: Kind, weeks: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Customers and times of all their purchases, in weeks since the first, which is one of them."""
    r, alpha, a, b = kind.parameters
    n = len(weeks)
    rate, ends = rng.gamma(r, 1 / alpha, n), weeks.copy()
    pareto = kind.model == "pareto_nbd"
    if pareto:
        ends = np.minimum(weeks, rng.exponential(1 / rng.gamma(a, 1 / b, n)))
    stop = np.zeros(n) if pareto else rng.beta(a, b, n)
    who, now = np.arange(n), np.zeros(n)
    found = [(who, now)]
    if kind.model == "mbg_nbd":  # may stop after the first purchase as well
        going = rng.random(n) >= stop
        who, now = who[going], now[going]
    while len(who):
        now = now + rng.exponential(1 / rate[who])
        here = now < ends[who]
        who, now = who[here], now[here]
        found.append((who, now))
        going = rng.random(len(who)) >= stop[who]
        who, now = who[going], now[going]
    return np.concatenate([w for w, _ in found]), np.concatenate([t for _, t in found])


def _apart(rows: pd.DataFrame) -> pd.DataFrame:
    """Put purchases of one customer and day on days one after the other, so that each counts."""
    rows = rows.sort_values(["customer_id", "day"], ignore_index=True)
    turn = rows.groupby("customer_id").cumcount()
    later = (rows["day"] - turn).groupby(rows["customer_id"]).cummax() + turn
    return rows.assign(day=later)


def _amounts(kind: Kind, who: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    p, q, gamma = kind.spend
    return rng.gamma(p, 1 / rng.gamma(q, 1 / gamma, n)[who])


def _orders(
    bought: pd.DataFrame, habits: Habits, last: pd.Timestamp, rng: np.random.Generator
) -> pd.DataFrame:
    """Purchases as orders, with what is untidy about them."""
    rows = bought[["customer_id", "day", "amount"]]
    split = rng.random(len(rows)) < habits.several
    half = (rows["amount"][split] / 2).round(2)
    whole = rows.assign(amount=rows["amount"].where(~split, rows["amount"] - half))
    parts = [whole, rows[split].assign(amount=half)]
    back = rows[rng.random(len(rows)) < habits.returned]
    parts.append(back.assign(amount=-back["amount"], day=back["day"] + pd.Timedelta(days=WEEK)))
    nothing = rows[rng.random(len(rows)) < habits.zero]
    parts.append(nothing.assign(amount=0.0, day=nothing["day"] + pd.Timedelta(days=3)))
    nobody = rows[rng.random(len(rows)) < habits.nobody]
    parts.append(nobody.assign(customer_id=None))
    orders = pd.concat(parts, ignore_index=True)
    orders = orders[orders["day"] <= last].sort_values("day", kind="stable", ignore_index=True)
    orders.insert(1, "order_id", [f"O{i:07d}" for i in range(len(orders))])
    return orders.rename(columns={"day": "order_date", "amount": "net_revenue"})
