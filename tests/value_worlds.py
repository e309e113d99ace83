"""Small worlds in which it is known what customers of each score group go on to bring.

Customers sign up all the time, renew on the same day of each month and leave at a rate of their
own (frailty), so that those who are left are ever more loyal. In each of their first 30 months they
are asked with the same chance on any of its days; a customer may answer several times. Who is
content scores higher, leaves later, pays more and calls less; what is paid grows with tenure and is
higher where the frailty is low. In the extract are the usual traps: whoever left before
`OBSERVED_FROM` is missing, and everything ends on `AS_OF`. Months in which answers fall are alike
at any time, so those who are followed for longer differ in nothing from the others.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from worlds import months_later

import cxresearch as cx
from cxresearch.value.prices import Prices, prices
from cxresearch.value.terms import Terms
from cxresearch.value_table import ValueTable

OBSERVED_FROM, AS_OF = dt.date(2018, 1, 1), dt.date(2025, 12, 31)
ASKED, BEFORE, WINDOW = 30, 30, 96  # months: of tenure with answers, of sign-ups before, observed
TERMS = Terms(0.10, 24, "now")
PER_TICKET, PER_MONTH = 9.0, 1.0
GROUPS = np.array(["detractor", "passive", "promoter"], dtype=object)
PLANS = np.array(["basic", "plus"], dtype=object)
BANDS = np.array(["0 to 5", "6 to 11", "12 to 23", "24 and more"], dtype=object)


@dataclass(frozen=True)
class Setting:
    """What is true in a world.

    Parameters
    ----------
    sign_ups
        Customers who ever sign up; 400 leave about 300 answers that count in the extract.
    plan
        How much the plan moves the score, the margin and the log hazard: a known confounder.
    content
        How much being content moves them, which nobody knows but from the score.
    growth
        Of the margin, per month of tenure.
    """

    sign_ups: int = 400
    plan: float = 0.0
    content: float = 1.0
    growth: float = 0.02
    frailty: float = 0.6


@dataclass(frozen=True, eq=False)
class Lives:
    """What only the simulator knows of N customers and their A answers."""

    start: np.ndarray
    plan: np.ndarray
    hazard: np.ndarray
    margin: np.ndarray  # of the first bill
    calls: np.ndarray  # tickets a month
    exit: np.ndarray  # renewal at which they leave
    who: np.ndarray  # (A,)
    answered: np.ndarray  # (A,) day
    month: np.ndarray  # (A,) of tenure
    score: np.ndarray  # (A,)
    since: np.ndarray  # (A,) renewal at which the clock begins

    @property
    def group(self) -> np.ndarray:
        return np.digitize(self.score, [7, 9])


def live(setting: Setting, rng: np.random.Generator) -> Lives:
    """Draw customers, and their answers as long as they are there."""
    n = setting.sign_ups
    plan, content = rng.integers(0, 2, n), setting.content * rng.standard_normal(n)
    frail, other = setting.frailty * rng.standard_normal(n), 0.2 * rng.standard_normal(n)
    better = setting.plan * (plan - 0.5)
    hazard = 0.03 * np.exp(frail - 0.25 * content - 0.6 * better)
    first = np.datetime64(OBSERVED_FROM, "M") - BEFORE
    start = (first + rng.integers(0, BEFORE + WINDOW, n)).astype("M8[D]") + rng.integers(0, 28, n)
    exits = 1 + np.floor(rng.exponential(1 / hazard)).astype(np.int64)
    asked = (rng.random((n, ASKED)) < 0.06) & (exits[:, None] > np.arange(ASKED))
    who, month = np.nonzero(asked)
    answered = months_later(start[who], month) + rng.integers(0, 28, len(who))
    counts, since = answered + 30, month + 1
    for _ in range(2):
        since = since + (months_later(start[who], since) < counts)
    felt = 7.6 + 1.1 * content[who] + better[who] + 1.3 * rng.standard_normal(len(who))
    return Lives(
        start,
        plan,
        hazard,
        margin=20 * np.exp(0.15 * content - 0.25 * frail + other + 0.5 * better),
        calls=0.15 * np.exp(-0.3 * content),
        exit=exits,
        who=who,
        answered=answered,
        month=month,
        score=np.clip(np.rint(felt), 0, 10).astype(np.int64),
        since=since,
    )


def true_values(setting: Setting, chunks: int = 20, size: int = 200_000) -> pd.DataFrame:
    """Return what answers that count are worth by group, plan and tenure band: sum and number.

    Of a very large draw in which everybody is followed to the end. Chances of being there and
    tickets are expected ones, given what only the simulator knows; nothing is estimated.
    """
    rng, parts = np.random.default_rng(2024), []
    for _ in range(chunks):
        lives = live(Setting(**(vars(setting) | {"sign_ups": size})), rng)
        kept = lives.exit[lives.who] > lives.since  # who paid the first bill
        who, since = lives.who[kept], lives.since[kept]
        value = np.zeros(len(who))
        for month, factor in zip(TERMS.months, TERMS.factors, strict=True):
            bill = lives.margin[who] * (1 + setting.growth * (since + month))
            bill -= PER_TICKET * lives.calls[who] + PER_MONTH
            value += factor * np.exp(-lives.hazard[who] * month) * bill
        parts.append(
            pd.DataFrame(
                {
                    "score_group": GROUPS[lives.group[kept]],
                    "plan": PLANS[lives.plan[who]],
                    "tenure_band": BANDS[np.digitize(lives.month[kept], [6, 12, 24])],
                    "value": value,
                    "answers": 1,
                }
            )
        )
    return pd.concat(parts).groupby(["score_group", "plan", "tenure_band"]).sum()


def true_difference(setting: Setting, known: tuple[str, ...] = (), **size: int) -> float:
    """Return how much more promoters are worth than detractors, in the same mix of what is known.

    The mix is that of everybody who answered; without anything known, each group has its own.
    """
    cells = true_values(setting, **size).reset_index()
    by = cells.groupby(["score_group", *known])[["value", "answers"]].sum()
    mean = by["value"] / by["answers"]
    if not known:
        return float(mean["promoter"] - mean["detractor"])
    mix = cells.groupby(list(known))["answers"].sum() / cells["answers"].sum()
    return float(((mean["promoter"] - mean["detractor"]) * mix).sum())


def frames(setting: Setting, seeds: range) -> dict[str, pd.DataFrame]:
    """Return the extracts of several worlds as one, in which `draw` is known of customers."""
    parts = [_frames(setting, seed) for seed in seeds]
    return {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}


def _frames(setting: Setting, seed: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    lives = live(setting, rng)
    begin, last = np.datetime64(OBSERVED_FROM), np.datetime64(AS_OF)
    ids = np.array([f"D{seed:05d}-{i}" for i in range(setting.sign_ups)], dtype=object)
    end = months_later(lives.start, lives.exit)
    known = (end > begin) & (lives.start <= last)
    customers = {
        "customer_id": ids,
        "start_date": lives.start.astype("M8[s]"),
        "end_date": np.where(end <= last, end, np.datetime64("NaT")).astype("M8[s]"),
        "plan": PLANS[lives.plan],
        "draw": f"{seed:05d}",
    }
    who, month = _months(lives, known)
    day = months_later(lives.start[who], month)
    paid = lives.margin[who] * (1 + setting.growth * month) + rng.standard_normal(len(who))
    calls = rng.poisson(lives.calls[who])
    called = np.repeat(day + rng.integers(0, 28, len(who)), calls)
    seen = called <= last
    told = known[lives.who] & (lives.answered >= begin) & (lives.answered <= last)
    told &= lives.answered < end[lives.who]
    return {
        "customers": pd.DataFrame(customers)[known],
        "revenue": pd.DataFrame(
            {
                "customer_id": ids[who],
                "month": day.astype("M8[M]").astype("M8[s]"),
                "revenue": np.round(1.5 * paid, 2),
                "contribution_margin": np.round(paid, 2),
            }
        ),
        "touchpoints": pd.DataFrame(
            {
                "customer_id": np.repeat(ids[who], calls)[seen],
                "event_at": called[seen].astype("M8[s]"),
                "event_type": "ticket",
            }
        ),
        "survey_responses": pd.DataFrame(
            {
                "response_id": [f"A{seed:05d}-{i}" for i in np.flatnonzero(told)],
                "customer_id": ids[lives.who[told]],
                "responded_at": lives.answered[told].astype("M8[s]"),
                "metric": "nps",
                "score": lives.score[told],
            }
        ),
    }


def _months(lives: Lives, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the months of tenure that the extract has bills of: customers and months."""
    begin, last = np.datetime64(OBSERVED_FROM, "M"), np.datetime64(AS_OF, "M")
    since = lives.start.astype("M8[M]")
    first = np.maximum((begin - since).astype(np.int64), 0)
    until = np.minimum(lives.exit, (last - since).astype(np.int64) + 1)
    until = np.where(known, np.maximum(until, first), first)
    who = np.repeat(np.arange(len(first)), until - first)
    begun = np.cumsum(until - first) - (until - first)
    return who, first[who] + np.arange(len(who)) - begun[who]


def tables(setting: Setting, seeds: range, known: tuple[str, ...] = ()) -> dict[int, ValueTable]:
    """Return the value table of each world, through an extract that is opened and SQL."""
    words = {"as_of": AS_OF, "observed_from": OBSERVED_FROM, "currency": "EUR"}
    scales = {"nps": {"min": 0, "max": 10}}
    with cx.open_frames(frames(setting, seeds), scales=scales, **words) as data:
        found = data.value_table(["score_group", "draw", *known])
    return {seed: found.select(draw=f"{seed:05d}").pooled("score_group", *known) for seed in seeds}


def costs(table: ValueTable) -> Prices:
    """Return the prices, of which those of service are entered."""
    return prices(table, cost_per_ticket=PER_TICKET, cost_per_month=PER_MONTH)
