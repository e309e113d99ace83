"""Small worlds in which it is known how much scores and staying have to do with each other.

Customers sign up on days of several years, renew on the same day of each month, and are in one of
three states (detractor, passive, promoter) that can change every six months of tenure. On that day
they are asked, and some of them answer with a score of their state; so an answer describes the
state exactly until the next survey (`max_age_months=6`). Leaving voluntarily has a hazard
proportional to that of the current state. In the extract are the usual traps: customers gone
before `observed_from` are missing, whoever left after `as_of` is still there, a notice comes
before the end, and leavers who already know may answer accordingly (`symptom`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import cxresearch as cx
from cxresearch.tables import LifeTable

FIRST_DAY, AS_OF = dt.date(2020, 1, 1), dt.date(2024, 12, 31)
SIGN_UP_MONTHS, MONTHS, WAVE = 48, 60, 6  # 60 months until as_of, asked every 6 months
STATES = np.array(["detractor", "passive", "promoter"])
PLANS = np.array(["basic", "plus"])
SCORES = np.array([[0, 7], [7, 2], [9, 2]])  # lowest score of a state, and how many it has
MIX = np.array([[0.45, 0.30, 0.25], [0.15, 0.30, 0.55]])  # states by plan, when confounded
PLAIN_MIX = np.array([[0.30, 0.30, 0.40]] * 2)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """What is true in a world.

    Parameters
    ----------
    hazard_ratio
        Of leaving voluntarily, promoters to detractors; passives in between (square root).
    monthly_hazard
        Of a detractor with the plan basic, first renewal.
    stays
        Chance that a state outlasts a survey; otherwise it is drawn anew.
    response
        Chance to answer, by state.
    confounded
        Whether the plan moves both the scores and the hazard.
    plan_hazard_ratio
        Plus to basic, when confounded.
    frailty
        Standard deviation of an unobserved log hazard of each customer.
    ageing
        How much higher the first hazard is than the last, relatively; it falls with tenure.
    involuntary
        Monthly hazard of leaving for a reason that knows nothing of scores and plans.
    symptom
        Chance that somebody who leaves at the next renewal answers as a detractor.
    """

    n: int = 8000
    hazard_ratio: float = 1.0
    monthly_hazard: float = 0.025
    stays: float = 0.7
    response: tuple[float, float, float] = (0.4, 0.4, 0.4)
    confounded: bool = False
    plan_hazard_ratio: float = 0.4
    frailty: float = 0.0
    ageing: float = 0.0
    involuntary: float = 0.0
    symptom: float = 0.0
    observed_from: dt.date | None = None

    @property
    def log_hazard_ratios(self) -> Floats:
        """Conditional truth by state, detractors 0."""
        return np.log(self.hazard_ratio) * np.array([0, 0.5, 1])

    @property
    def mix(self) -> Floats:
        return MIX if self.confounded else PLAIN_MIX

    @property
    def plan_hazard(self) -> Floats:
        return np.array([1.0, self.plan_hazard_ratio if self.confounded else 1.0])

    @property
    def baseline(self) -> Floats:
        """Hazard of months 1 to 60."""
        return self.monthly_hazard * (1 + self.ageing * np.exp(-np.arange(MONTHS) / 12))


@dataclass(frozen=True, eq=False)
class Lives:
    """What only the simulator knows; N customers, W surveys (the first is at sign-up: no survey)."""

    plan: Ints  # (N,)
    risk: Floats  # (N,) hazard relative to a detractor with the plan basic
    state: Ints  # (N, W) from survey to survey
    exit: Ints  # (N,) months until the end; more than MONTHS when it is beyond the simulation
    voluntary: NDArray[np.bool_]  # (N,)
    answered: NDArray[np.bool_]  # (N, W)
    score: Ints  # (N, W)


def live(setting: Setting, rng: np.random.Generator) -> Lives:
    """Simulate all of `MONTHS` months of every customer, without a calendar."""
    n, waves = setting.n, MONTHS // WAVE
    plan = rng.integers(0, 2, n)
    risk = setting.plan_hazard[plan] * np.exp(setting.frailty * rng.standard_normal(n))
    state = _states(setting, plan, rng)
    relative = np.repeat(np.exp(setting.log_hazard_ratios)[state], WAVE, axis=1)
    hazard = np.cumsum(setting.baseline * relative, axis=1)
    voluntary = 1 + (hazard < (rng.exponential(size=n) / risk)[:, None]).sum(axis=1)
    forced = np.full(n, MONTHS + 1)
    if setting.involuntary:
        forced = rng.geometric(1 - np.exp(-setting.involuntary), n)
    exits = np.minimum(voluntary, forced)
    asked = exits[:, None] > WAVE * np.arange(waves)
    asked[:, 0] = False
    told = np.where(
        _leaves_next(exits, waves) & (rng.random(n) < setting.symptom)[:, None], 0, state
    )
    answered = asked & (rng.random((n, waves)) < np.array(setting.response)[state])
    low, many = SCORES[told, 0], SCORES[told, 1]
    score = low + (rng.random((n, waves)) * many).astype(np.int64)
    return Lives(plan, risk, state, exits, voluntary <= forced, answered, score)


def _states(setting: Setting, plan: Ints, rng: np.random.Generator) -> Ints:
    waves = MONTHS // WAVE
    edges = np.cumsum(setting.mix, axis=1)[plan][:, None, :2]
    drawn = (rng.random((len(plan), waves, 1)) > edges).sum(axis=2)
    keeps = rng.random((len(plan), waves)) < setting.stays
    keeps[:, 0] = False
    last_drawn = np.maximum.accumulate(np.where(keeps, 0, np.arange(waves)), axis=1)
    return np.take_along_axis(drawn, last_drawn, axis=1)


def _leaves_next(exits: Ints, waves: int) -> NDArray[np.bool_]:
    return exits[:, None] == WAVE * np.arange(waves) + 1


@dataclass(frozen=True, eq=False)
class World:
    """One extract, and what is true of it."""

    setting: Setting
    lives: Lives
    start: NDArray[np.datetime64]  # (N,) day of sign-up
    observed: NDArray[np.bool_]  # (N,) whether the extract knows the customer
    customer_id: NDArray[np.object_]  # (N,)
    notice_days: Ints  # (N,) from the notice to the end

    @cached_property
    def end(self) -> NDArray[np.datetime64]:
        """First day no longer a customer; NaT after `AS_OF`."""
        end = months_later(self.start, self.lives.exit)
        return np.where(end <= np.datetime64(AS_OF) + 1, end, np.datetime64("NaT"))

    @cached_property
    def customers(self) -> pd.DataFrame:
        frame = {
            "customer_id": self.customer_id,
            "start_date": self.start.astype("M8[s]"),
            "end_date": self.end.astype("M8[s]"),
            "plan": PLANS[self.lives.plan].astype(object),
        }
        return pd.DataFrame(frame)[self.observed]

    @cached_property
    def subscriptions(self) -> pd.DataFrame:
        gone, voluntary = ~np.isnat(self.end), self.lives.voluntary
        notice = self.end - self.notice_days
        cause = np.where(voluntary, "voluntary", "involuntary").astype(object)
        return self.customers[["customer_id", "start_date", "end_date"]].assign(
            subscription_id=("S" + self.customers["customer_id"]),
            cancel_type=np.where(gone, cause, None)[self.observed],
            notice_date=np.where(voluntary, notice, np.datetime64("NaT")).astype("M8[s]")[
                self.observed
            ],
        )

    @cached_property
    def survey_responses(self) -> pd.DataFrame:
        who, wave = np.nonzero(self._recorded)
        frame = {
            "response_id": [f"A{i:06d}" for i in range(len(who))],
            "customer_id": self.customer_id[who],
            "responded_at": months_later(self.start[who], WAVE * wave).astype("M8[s]"),
            "metric": "nps",
            "score": self.lives.score[who, wave],
        }
        return pd.DataFrame(frame)

    @cached_property
    def _recorded(self) -> NDArray[np.bool_]:
        """Answers in the extract, shape (N, W)."""
        waves = np.arange(self.lives.answered.shape[1])
        day = months_later(self.start[:, None], WAVE * waves)
        return self.lives.answered & (day <= np.datetime64(AS_OF)) & self.observed[:, None]

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        names = ("customers", "subscriptions", "survey_responses")
        return {name: getattr(self, name) for name in names}

    def open(self) -> cx.Data:
        """Open the extract as a company would."""
        return open_extract(self.frames, self.setting)

    def followup_rows(self, blackout: int = 1) -> pd.DataFrame:
        """Return one row per answer still followed `blackout` months later, without any SQL.

        Columns: `months` followed from there on, `churned`, what was known at the answer,
        the customer's number and a replicate of the customer.
        """
        until = np.datetime64(AS_OF) + 1
        completed = _months_between(self.start, until)
        exits = np.minimum(self.lives.exit, completed)
        who, wave = np.nonzero(self._recorded)
        months = exits[who] - WAVE * wave - blackout
        day = months_later(self.start[who], WAVE * wave)
        known = day >= np.datetime64(self.setting.observed_from or FIRST_DAY)
        frame = {
            "months": months,
            "churned": self.lives.exit[who] <= completed[who],
            "score_group": STATES[np.digitize(self.lives.score[who, wave], [7, 9])],
            "plan": PLANS[self.lives.plan[who]],
            "customer": who,
            "replicate": np.random.default_rng(5).permutation(self.setting.n)[who] % 256,
        }
        return pd.DataFrame(frame)[(months > 0) & known].reset_index(drop=True)

    def followup(self, group_by: tuple[str, ...] = ("score_group", "plan")) -> LifeTable:
        """Return the life table of `followup_rows`."""
        rows = self.followup_rows()
        return LifeTable.from_durations(
            rows["months"],
            rows["churned"],
            group=rows[list(group_by)],
            replicate=rows["replicate"],
            as_of=AS_OF.isoformat(),
            population="answers",
        )


def open_extract(frames: dict[str, pd.DataFrame], setting: Setting) -> cx.Data:
    """Open the tables of one world, or of several put together."""
    words = {"as_of": AS_OF, "currency": "EUR", "scales": {"nps": {"min": 0, "max": 10}}}
    if setting.observed_from:
        words["observed_from"] = setting.observed_from
    return cx.open_frames(frames, **words)


def world(seed: int, setting: Setting | None = None) -> World:
    """Draw one extract."""
    setting = setting or Setting()
    rng = np.random.default_rng(seed)
    lives = live(setting, rng)
    month = np.datetime64(FIRST_DAY, "M") + rng.integers(0, SIGN_UP_MONTHS, setting.n)
    # days 1 to 28: the same day exists in every month
    start = month.astype("M8[D]") + rng.integers(0, 28, setting.n)
    since = np.datetime64(setting.observed_from or FIRST_DAY)
    observed = months_later(start, lives.exit) > since
    names = np.array([f"K{i:06d}" for i in rng.permutation(setting.n)], dtype=object)
    return World(setting, lives, start, observed, names, rng.integers(0, 26, setting.n))


def months_later(day: NDArray[np.datetime64], months: Ints) -> NDArray[np.datetime64]:
    """Return the same day of a later month; days above 28 do not occur."""
    month = day.astype("M8[M]")
    return (month + months).astype("M8[D]") + (day - month.astype("M8[D]"))


def _months_between(start: NDArray[np.datetime64], until: np.datetime64) -> Ints:
    """Return completed months."""
    whole = (until.astype("M8[M]") - start.astype("M8[M]")).astype(np.int64)
    return whole - (months_later(start, whole) > until)


def true_retained(
    setting: Setting,
    months: int,
    *,
    first: bool = False,
    held: bool = False,
    blackout: int = 1,
    size: int = 100_000,
) -> Floats:
    """Return the share kept `months` months on, had all been detractors, passives, promoters.

    Of those who answered and are still there `blackout` months later, of all answers or of each
    customer's first; shape (3,). From there on everybody is put into one state, until it changes
    as states do, or for good (`held`). The chance is computed, not drawn; only the population is
    a large draw.
    """
    large = live(Setting(**(vars(setting) | {"n": size})), np.random.default_rng(0))
    start = np.random.default_rng(1).integers(0, SIGN_UP_MONTHS, size)[:, None]
    waves = np.arange(large.answered.shape[1])
    followed = np.minimum(large.exit[:, None], MONTHS - 1 - start)
    since = _months_between(
        np.array([FIRST_DAY], "M8[D]"), np.datetime64(setting.observed_from or FIRST_DAY)
    )
    asked = large.answered & (WAVE * waves + blackout < followed) & (start + WAVE * waves >= since)
    if first:
        asked &= np.cumsum(asked, axis=1) == 1
    # an answer whose months reach beyond the simulation is left out; its share is small
    asked &= WAVE * waves + blackout + months <= MONTHS
    kept = [_kept(setting, large, wave, (blackout, months, held)) for wave in waves]
    return np.stack([kept[w][asked[:, w]].sum(axis=0) for w in waves]).sum(axis=0) / asked.sum()


def _kept(setting: Setting, lives: Lives, wave: int, plan: tuple[int, int, bool]) -> Floats:
    """Return each customer's chance to be kept, by the state given to them, shape (N, 3)."""
    blackout, months, held = plan
    hazard = np.exp(setting.log_hazard_ratios)
    # chance[n, given, now]
    chance = np.broadcast_to(np.eye(3), (len(lives.plan), 3, 3)).copy()
    for month in range(WAVE * wave + blackout, min(WAVE * wave + blackout + months, MONTHS)):
        if month % WAVE == 0 and not held:
            mixed = chance.sum(axis=2, keepdims=True) * setting.mix[lives.plan][:, None, :]
            chance = setting.stays * chance + (1 - setting.stays) * mixed
        rate = setting.baseline[month] * lives.risk[:, None] * hazard + setting.involuntary
        chance *= np.exp(-rate)[:, None, :]
    return chance.sum(axis=2)
