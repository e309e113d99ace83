"""Who referred whom: a customer of that day, a promoter more often than others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cxresearch.simulate import settings as s
from cxresearch.simulate.people import People
from cxresearch.simulate.world import Extract

_ODDS = np.asarray(s.REFERRAL_ODDS)


def referrers(
    extract: Extract, joined: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw who referred each of `joined`: the position of that customer, -1 where nobody is there.

    Drawn uniformly from those who had started, again and again until it is one who is still a
    customer and is accepted by the odds: exact, and without a list of the customers of each day.
    """
    start, end, day = extract.people.start, extract.lives.end, extract.people.start[joined]
    order = np.argsort(start, kind="stable")
    started = np.searchsorted(start[order], day)  # on an earlier day, so nobody refers themselves
    gone = np.searchsorted(np.sort(end[~np.isnat(end)]), day, side="right")
    found = np.full(len(joined), -1)
    left = np.flatnonzero(started > gone)
    while len(left):
        who = order[rng.integers(0, started[left])]
        odds = score_odds(extract.people, who, s.completed_months(start[who], day[left]))
        taken = ~(end[who] <= day[left]) & (rng.random(len(left)) * _ODDS.max() < odds)
        found[left[taken]] = who[taken]
        left = left[~taken]
    return found


def score_odds(people: People, person: s.Ints, month: s.Ints) -> NDArray[np.int64]:
    """Return the odds of these customers to be the one who refers, by their score in a month."""
    odds: NDArray[np.int64] = _ODDS[s.group_of(people.score[person, month // s.STATE_MONTHS])]
    return odds


def referrals_per_odds(extract: Extract) -> tuple[np.datetime64, s.Floats]:
    """Return the referrals expected up to each day per unit of odds, and the first of these days.

    Everybody who signs up is referred, and known to be, with the same chance; the referral goes to
    one of the customers of the day, in proportion to their odds. Shape (days + 1,): position d is
    the sum over the d days from the first one on.
    """
    first, last = extract.settings.observed_from, extract.settings.last_day
    days, start = int((last - first).astype(np.int64)) + 1, extract.people.start
    joined = np.bincount(_place(start[start >= first], first, days), minlength=days)
    there = _odds_of_the_day(extract, first, days)
    share = s.EARNED_SHARE * s.SOURCE_KNOWN_SHARE
    per_day = np.divide(share * joined, there, out=np.zeros(days), where=there > 0)
    return first, np.concatenate([[0.0], np.cumsum(per_day)])


def _odds_of_the_day(extract: Extract, first: np.datetime64, days: int) -> s.Floats:
    """Sum the odds of those who had started on an earlier day and are still there, day by day."""
    people, end, change = extract.people, extract.lives.end, np.zeros(days + 1)
    everyone = np.arange(len(people))
    for block in range(people.score.shape[1]):
        month = np.full(len(people), s.STATE_MONTHS * block)
        odds = score_odds(people, everyone, month)
        begin = s.add_months(people.start, month) + (block == 0)
        until = s.add_months(people.start, month + s.STATE_MONTHS)
        until = np.maximum(np.where(end < until, end, until), begin)
        for day, sign in ((begin, 1), (until, -1)):
            change += sign * np.bincount(_place(day, first, days), odds, minlength=days + 1)
    return np.cumsum(change)[:days]


def _place(day: s.Dates, first: np.datetime64, days: int) -> NDArray[np.int64]:
    """Return the number of each day from `first` on: 0 for earlier ones, `days` for later ones."""
    return np.clip((day - first).astype(np.int64), 0, days)
