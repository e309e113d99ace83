"""Who signs up, what they feel, what they would answer, and when they leave.

Everything before the leaving is drawn for everybody up to the horizon, whether or not they are
still there: leaving then only cuts the paths. So the truth can be averaged over paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxresearch.simulate import settings as s


@dataclass(frozen=True, eq=False)
class People:
    """Sign-ups and their paths: M people, B blocks of six months.

    Arrays have shape (M,), `tickets` and `score` (M, B); codes index the names in the settings,
    region -1 is unknown.
    """

    start: s.Dates
    plan: s.Ints
    region: s.Ints
    channel: s.Ints
    quality: s.Floats
    frailty: s.Floats
    price: s.Floats
    onboarded: s.Bools
    silent: s.Bools
    tickets: s.Ints
    score: s.Ints

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, eq=False)
class Answers:
    """What would happen at each survey wave to somebody still there: arrays of shape (W, M)."""

    invited: s.Bools
    bounced: s.Bools
    answered: s.Bools
    delay: s.Ints  # days from invitation to answer
    score: s.Ints
    treated: s.Bools  # assigned to a call-back should they answer as a detractor


@dataclass(frozen=True, eq=False)
class Lives:
    """How each customership ends, shape (M,).

    `months` is the renewal that did not happen (0: none up to the horizon), `end` its date even
    when that lies after `as_of` (NaT: none), `cause` indexes CAUSES (-1: none), `notice` is NaT
    unless voluntary.
    """

    months: s.Ints
    cause: s.Ints
    end: s.Dates
    notice: s.Dates


def hazards(people: People, answers: Answers, settings: s.Settings) -> Iterator[s.Floats]:
    """Yield the voluntary hazard of renewal 1, 2, ... up to the horizon, shape (M,) each."""
    fixed = settings.voluntary_hazard * _fixed_risk(people, settings)
    called = _called_renewals(people, answers, settings)
    for renewal in range(1, settings.horizon + 1):
        block, first = divmod(renewal - 1, s.STATE_MONTHS)
        if first == 0:
            current = fixed * block_risk(people, block, settings)
        yield current if called is None else current * _call(called, renewal, settings)


def block_risk(people: People, block: int, settings: s.Settings) -> s.Floats:
    """Return the effect of the last block's tickets and of this block's score, shape (M,)."""
    by_score = settings.hazard_ratios[s.group_of(np.arange(11))]
    risk: s.Floats = by_score[people.score[:, block]] * np.exp(
        settings.confounding * s.HAZARD_TICKET * _recent(people.tickets, block)
    )
    return risk


def draw(
    settings: s.Settings, sign_ups: int, seed: np.random.SeedSequence
) -> tuple[People, Answers, Lives]:
    """Draw so many sign-ups; each purpose has a stream of its own."""
    people = _people(settings, sign_ups, s.stream(seed, "people"))
    answers = _answers(people, settings, s.stream(seed, "answers"))
    return people, answers, _lives(people, answers, settings, s.stream(seed, "lives"))


def _people(settings: s.Settings, size: int, rng: np.random.Generator) -> People:
    first = s.shift(settings.observed_from, -settings.months_before)
    days = int((settings.last_day - first).astype(np.int64)) + 1
    quality = rng.standard_normal(size)
    plan = np.searchsorted(np.cumsum(s.PLAN_SHARE[:-1]), rng.random(size)).astype(np.int8)
    onboarded = rng.random(size) < _expit(0.6 + 0.5 * quality)
    level = s.SCORE_LEVEL + np.asarray(s.PLAN_SCORE)[plan] + s.SCORE_QUALITY * quality
    level += s.SCORE_ONBOARDED * (onboarded - 0.5)
    tickets, score = _paths(settings, quality, level, rng)
    return People(
        start=_off_the_edge(first + rng.integers(0, days, size), settings),
        region=_regions(rng, size),
        channel=rng.choice(len(s.CHANNELS), size, p=(0.55, 0.30, 0.15)).astype(np.int8),
        frailty=_frailty(settings.frailty_variance, size, rng),
        price=np.exp(0.08 * quality + 0.10 * rng.standard_normal(size)),
        silent=rng.random(size) < _expit(-1.0 - 0.4 * quality),
        tickets=tickets,
        score=score,
        plan=plan,
        quality=quality,
        onboarded=onboarded,
    )


def _off_the_edge(start: s.Dates, settings: s.Settings) -> s.Dates:
    """Move sign-ups off the day of the month on which observation begins and ends.

    No renewal then falls on either edge of the window, so every convention about the edge gives
    the same counts.
    """
    day = start - start.astype("datetime64[M]").astype("datetime64[D]")
    edge = settings.observed_from - settings.observed_from.astype("datetime64[M]")
    moved: s.Dates = start + (day == edge)
    return moved


def _paths(
    settings: s.Settings, quality: s.Floats, level: s.Floats, rng: np.random.Generator
) -> tuple[s.Ints, s.Ints]:
    rate = s.STATE_MONTHS * s.TICKETS_PER_MONTH * np.exp(-0.3 * quality)
    shape = (len(quality), -(-settings.horizon // s.STATE_MONTHS))
    tickets, score = np.empty(shape, np.int8), np.empty(shape, np.int8)
    for block in range(shape[1]):
        tickets[:, block] = np.minimum(rng.poisson(rate), 100)
        felt = level + s.SCORE_TICKET * _recent(tickets, block)
        felt += s.SCORE_NOISE * rng.standard_normal(len(quality))
        felt += s.SCORE_MISHAP * (rng.random(len(quality)) < s.MISHAP_SHARE)
        score[:, block] = np.clip(np.rint(felt), 0, 10)
    return tickets, score


def _recent(tickets: s.Ints, block: int) -> s.Ints | int:
    return np.minimum(tickets[:, block - 1], s.MOST_TICKETS) if block else 0


def _frailty(variance: float, size: int, rng: np.random.Generator) -> s.Floats:
    return rng.gamma(1 / variance, variance, size) if variance > 0 else np.ones(size)


def _regions(rng: np.random.Generator, size: int) -> s.Ints:
    known = rng.choice(len(s.REGIONS), size, p=(0.35, 0.30, 0.20, 0.15))
    return np.where(rng.random(size) < 0.03, -1, known).astype(np.int8)


def _answers(people: People, settings: s.Settings, rng: np.random.Generator) -> Answers:
    shape = (len(settings.waves) if settings.surveyed else 0, len(people))
    score = np.empty(shape, np.int8)
    for wave, day in enumerate(settings.waves[: shape[0]]):
        block = np.clip(s.completed_months(people.start, day), 0, None) // s.STATE_MONTHS
        score[wave] = np.take_along_axis(people.score, block[:, None], axis=1)[:, 0]
    bounced = rng.random(shape, np.float32) < s.BOUNCED_SHARE
    return Answers(
        invited=rng.random(shape, np.float32) < s.INVITED_SHARE,
        bounced=bounced,
        answered=~bounced & (rng.random(shape) < answer_rate(people, score, settings)),
        delay=rng.integers(0, 11, shape, np.int8),
        score=score,
        treated=rng.random(shape, np.float32) < 0.5,
    )


def answer_rate(people: People, score: s.Ints, settings: s.Settings) -> s.Floats:
    """Return the probability that a delivered invitation is answered, shape of `score`."""
    rate = np.asarray(settings.response_rates, float)[s.group_of(score)]
    return rate * np.where(people.silent, s.SILENT_RESPONSE, 1.0)


def _fixed_risk(people: People, settings: s.Settings) -> s.Floats:
    moved = s.HAZARD_QUALITY * people.quality + s.HAZARD_ONBOARDED * people.onboarded
    risk = np.exp(settings.confounding * moved + s.HAZARD_SILENT * people.silent)
    plan: s.Floats = np.asarray(s.PLAN_HAZARD)[people.plan]
    return risk * people.frailty * plan


def assigned_day(settings: s.Settings, answers: Answers, wave: int) -> s.Dates:
    """Two days after the answer, the detractor is assigned to a call-back or held out."""
    day: s.Dates = settings.waves[wave] + answers.delay[wave].astype("timedelta64[D]") + 2
    return day


def _called_renewals(
    people: People, answers: Answers, settings: s.Settings
) -> NDArray[np.int64] | None:
    """First renewal that a call-back can still change, shape (W, M); far away when none."""
    if settings.call_hazard_ratio == 1.0:
        return None
    called = np.full(answers.score.shape, 10_000, np.int64)
    for wave in range(len(settings.waves)):
        if settings.waves[wave] >= settings.programme_from:
            day = assigned_day(settings, answers, wave)
            after = s.completed_months(people.start, day) + 2
            treated = answers.treated[wave] & answers.answered[wave] & answers.invited[wave]
            called[wave] = np.where(treated & (answers.score[wave] <= 6), after, 10_000)
    return called


def _call(called: NDArray[np.int64], renewal: int, settings: s.Settings) -> s.Floats:
    helped = ((called <= renewal) & (renewal < called + s.CALL_RENEWALS)).any(axis=0)
    return np.where(helped, settings.call_hazard_ratio, 1.0)


def _lives(
    people: People, answers: Answers, settings: s.Settings, rng: np.random.Generator
) -> Lives:
    """Leave at the first renewal at which the summed hazard exceeds an exponential draw."""
    threshold, mix = rng.standard_exponential(len(people)), rng.random(len(people))
    summed = np.zeros(len(people))
    months = np.zeros(len(people), np.int16)
    cause = np.full(len(people), -1, np.int8)
    for renewal, voluntary in enumerate(hazards(people, answers, settings), start=1):
        total = voluntary + sum(s.OTHER_HAZARDS)
        summed += total
        left = np.flatnonzero((summed >= threshold) & (months == 0))
        months[left] = renewal
        cause[left] = _cause(mix[left] * total[left], voluntary[left])
    end = np.where(months > 0, s.add_months(people.start, months), np.datetime64("NaT"))
    days = rng.integers(s.FIRST_NOTICE, s.LAST_NOTICE + 1, len(people))
    notice = np.where(cause == 0, end - days, np.datetime64("NaT"))
    return Lives(months, cause, end, notice)


def _cause(point: s.Floats, voluntary: s.Floats) -> s.Ints:
    others = np.cumsum(s.OTHER_HAZARDS[:-1])
    return np.where(point < voluntary, 0, 1 + np.searchsorted(others, point - voluntary))


def _expit(x: s.Floats) -> s.Floats:
    return 1 / (1 + np.exp(-x))
