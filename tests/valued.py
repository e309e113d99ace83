"""Answers with money whose scores, losses and bills share traits that are known, and the truth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms
from cxresearch.value_table import LIFE, MONEY, ValueTable

PRICES = Prices(
    cost_per_ticket=5.0, referral_value=40.0, currency="EUR", entered=("cost_per_ticket",)
)
TERMS = Terms(0.10, 24, "now")

BANDS = ("0 to 5", "6 to 11")
PLANS = ("basic", "premium")
PAIR = ("promoter", "detractor")
TRAITS = ("tenure_band", "plan")


@dataclass(frozen=True)
class World:
    """How scores, losses and money depend on tenure, plan and a trait that nobody recorded.

    The hidden trait goes with both leaving and the bill, not with the score: who pays more stays
    longer, so that the mean bill of those who are left rises.
    """

    confounding: float = 1.2  # of the logit of a high score, by each trait
    loss: float = 0.03  # monthly, of a detractor with basic in the first months
    by_score: float = -0.3  # log hazard ratio of promoters
    by_trait: float = -0.6  # of premium, and of those who have stayed longer
    margin: float = 20.0
    margin_by_score: float = 2.0
    margin_by_plan: float = 15.0
    hidden: float = 0.5
    tickets: float = 0.4  # a month, of detractors; half as many of promoters
    referrals: float = 0.02  # a month, of promoters
    shortest: int = 30
    longest: int = 40

    def hazard(self, group, band, plan, hidden):
        high = np.where(group == "promoter", 1.0, np.where(group == "passive", 0.5, 0.0))
        traits = (band == BANDS[1]) * 1.0 + (plan == PLANS[1])
        return self.loss * np.exp(
            self.by_score * high + self.by_trait * traits - self.hidden * hidden
        )

    def bill(self, group, plan, hidden):
        more = self.margin_by_score * (group == "promoter") + self.margin_by_plan * (
            plan == PLANS[1]
        )
        return self.margin + more + 4 * hidden

    def tickets_of(self, group):
        return self.tickets * np.where(group == "promoter", 0.5, 1.0)

    def referrals_of(self, group):
        return self.referrals * np.where(group == "promoter", 1.0, 0.25)

    def chance(self, group, band, plan):
        """Chance of the score, given what was known before."""
        level = self.level(band, plan)
        above, below = 1 / (1 + np.exp(0.5 - level)), 1 / (1 + np.exp(0.5 + level))
        return {"promoter": above, "detractor": below, "passive": 1 - above - below}[group]

    def level(self, band, plan):
        return self.confounding * ((band == BANDS[1]) * 1.0 + (plan == PLANS[1]) - 1.0)

    def value(self, group, terms, prices, *, as_they_are=False):
        """Value of everybody, had all been in the group; or of those who are in it."""
        total, mass = 0.0, 0.0
        for band, plan, hidden in product(BANDS, PLANS, (-1.0, 1.0)):
            share = self.chance(group, band, plan) if as_they_are else 1.0
            stay = (1 - self.hazard(group, band, plan, hidden)) ** terms.months
            each = self.bill(group, plan, hidden) - prices.cost_per_ticket * self.tickets_of(group)
            each = each + prices.referral_value * self.referrals_of(group)
            total += share * float((stay * terms.factors).sum() * each)
            mass += share
        return total / mass

    def difference(self, terms, prices, **words):
        return float(np.subtract(*(self.value(g, terms, prices, **words) for g in PAIR)))


def rows(world: World, n: int, seed: int) -> pd.DataFrame:
    """Draw n answers, one per customer."""
    rng = np.random.default_rng(seed)
    band, plan = rng.choice(BANDS, n), rng.choice(PLANS, n)
    hidden = rng.choice([-1.0, 1.0], n)
    utility = world.level(band, plan) + rng.logistic(0, 1, n)
    group = np.select([utility > 0.5, utility > -0.5], ["promoter", "passive"], "detractor")
    leaves = rng.geometric(world.hazard(group, band, plan, hidden))
    ends = rng.integers(world.shortest, world.longest + 1, n)
    return pd.DataFrame(
        {
            "score_group": group,
            "tenure_band": band,
            "plan": plan,
            "months": np.minimum(leaves, ends),
            "churned": leaves <= ends,
            "bill": world.bill(group, plan, hidden),
            "tickets_a_month": world.tickets_of(group),
            "referrals_a_month": world.referrals_of(group),
            "replicate": rng.permutation(n) % 256,
            "seed": seed,
        }
    )


def months_of(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per answer and month 0, 1, … up to the exit, with all that is counted."""
    rng = np.random.default_rng(int(frame["seed"].iloc[0]))
    long = frame.loc[frame.index.repeat(frame["months"] + 1)].copy()
    t = long.groupby(level=0).cumcount().to_numpy()
    there = t < long["months"].to_numpy()
    noise = rng.normal(0, 5, len(long))
    last, churned = t == long["months"].to_numpy(), long["churned"].to_numpy()
    counts = {
        "tenure": t,
        "entered": (t == 0) * 1,
        "churned": (last & churned) * 1,
        "censored": (last & ~churned) * 1,
        "paying": there * 1,
        "margin": there * (long["bill"] + noise),
        "served": there * 1,
        "tickets": there * rng.poisson(long["tickets_a_month"]),
        "referrals": there * rng.poisson(long["referrals_a_month"]),
        "direct_cost": 0.0,
    }
    return long.assign(**counts, revenue=2.0 * counts["margin"])


def table(frame: pd.DataFrame, known: tuple[str, ...] = TRAITS, **words) -> ValueTable:
    """Count rows."""
    long = months_of(frame)
    columns = ["score_group", *known]
    counts = long.groupby([*columns, "replicate", "tenure"], as_index=False)[[*LIFE, *MONEY]].sum()
    options = {"population": "answers", "currency": "EUR", "as_of": "2025-12-31"} | words
    return ValueTable.from_counts(counts, columns, **options)


def draw(world: World, n: int, seed: int, known: tuple[str, ...] = TRAITS, **words) -> ValueTable:
    """Draw n answers and count them."""
    return table(rows(world, n, seed), known, **words)
