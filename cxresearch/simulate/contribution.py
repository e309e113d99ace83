"""What those who answer go on to bring, expected: margin, tickets and referrals, bill by bill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch.designs import Design
from cxresearch.simulate import settings as s
from cxresearch.simulate.people import hazards
from cxresearch.simulate.referrals import referrals_per_odds, score_odds
from cxresearch.simulate.surveys import answered_wave
from cxresearch.simulate.tables import margin_rate, price
from cxresearch.simulate.world import Extract, World

HORIZONS: Final = (12, 24, 36)
_WAIT: Final = Design("followup").blackout_days
_SEEN: Final = 5  # months after `observed_from` at which the first wave's answers count for sure
_PARTS: Final = ("margin", "tickets", "referrals")


@dataclass(frozen=True, eq=False)
class Clocks:
    """Answers to the relationship survey that count, shape (A,).

    `since` is the renewal at which the clock begins: the first one on or after the day on which
    the answer counts. `followed` is for how many months from there on the extract is complete.
    """

    person: NDArray[np.int64]
    group: s.Ints
    since: NDArray[np.int64]
    followed: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.person)


def clocks(extract: Extract) -> Clocks:
    """Return the answers whose customers renewed when their clock began, and are followed on."""
    settings, lives = extract.settings, extract.lives
    waves = range(len(extract.answers.score))  # none where no table asked for needs answers
    answered = np.array([answered_wave(extract, wave) for wave in waves], dtype=bool)
    wave, person = np.nonzero(answered.reshape(-1, len(extract.ids)))
    day = settings.waves[wave] + extract.answers.delay[wave, person].astype(np.int64) + _WAIT
    start = extract.people.start[person]
    since = s.completed_months(start, day - 1) + 1
    followed = s.completed_months(start, settings.last_day) - since
    counts = ~(lives.end[person] <= day) & ~(lives.notice[person] <= day) & (followed > 0)
    counts &= (lives.months[person] == 0) | (lives.months[person] > since)
    group = s.group_of(extract.answers.score[wave, person])
    return Clocks(person[counts], group[counts], since[counts], followed[counts])


def remaining_contribution(world: World) -> dict[str, Any]:
    """Return the truth about value: its definition, and the sums per score group and horizon."""
    settings, followed = world.settings, clocks(world.extract)
    horizons = [months for months in HORIZONS if months + _SEEN <= settings.months]
    sums = _sums(world, followed, max(horizons)) if horizons else {}
    groups = {
        name: {str(h): {part: told(sums[part][code, h - 1]) for part in _PARTS} for h in horizons}
        for code, name in enumerate(s.GROUPS)
    }
    return {"definition": _DEFINITION, "currency": s.CURRENCY, "answers": len(followed), **groups}


_DEFINITION: Final = (
    "Expected sums over the next so many bills of a customer whose answer to the relationship "
    f"survey counts, not discounted, by the score group of the answer: bill 0 is the renewal on "
    f"or after the {_WAIT}th day after the answer, paid by everybody who is counted, and tickets "
    "and referrals are those of the month that a bill begins. Month by month, among the answers "
    "that the extract follows so far: the expected share of those still there who stay one month "
    "more, given each one's path, multiplied up, times the expected margin, tickets and referrals "
    "of one who is there. A customer counts once per answer. Later waves are followed for fewer "
    "months, so late months describe the answers of early waves. It describes the groups as they "
    "are, not what a score would change."
)


def _sums(world: World, followed: Clocks, longest: int) -> dict[str, s.Floats]:
    """Add up what each month brings, times the share still there: shape (groups, months) each."""
    total = {name: np.zeros((len(s.GROUPS), longest)) for name in ("before", "here", "whole")}
    total |= {part: np.zeros((len(s.GROUPS), longest)) for part in _PARTS}
    for where, weights in _months(world, followed, longest):
        for name, weight in weights.items():
            np.add.at(total[name], where, weight)
    with np.errstate(invalid="ignore"):  # a group without answers has no figures
        there = np.cumprod(total["here"] / total["before"], axis=1)
        seen = {part: total["here" if part == "margin" else "whole"] for part in _PARTS}
        return {part: np.cumsum(there * total[part] / seen[part], axis=1) for part in _PARTS}


def _months(
    world: World, followed: Clocks, longest: int
) -> Iterator[tuple[tuple[s.Ints, s.Ints], dict[str, s.Floats]]]:
    """Yield, renewal by renewal, the place (group, month) and the weights of those on the clock.

    `before` and `here` are the chances to be there just before the renewal and after it, `whole`
    that of being there where the extract holds the month after it; the others are the chances
    times what is expected of somebody who is there.
    """
    summed, rows = np.zeros(len(followed)), world.kept[followed.person]
    expected = _Expected(world.extract)
    for renewal, voluntary in enumerate(hazards(world.people, world.answers, world.settings), 1):
        month = renewal - followed.since
        on = np.flatnonzero((month >= 0) & (month < longest) & (month <= followed.followed))
        if not len(on):  # as at the last renewal, which may lie beyond the latent half-years
            continue
        before, now = np.exp(-summed[on]), month[on]
        summed[on] += np.where(now > 0, voluntary[rows[on]] + sum(s.OTHER_HAZARDS), 0)
        here = np.exp(-summed[on])
        whole = here * (now < followed.followed[on])
        person = followed.person[on]
        weights = {"before": before, "here": here, "whole": whole}
        weights["margin"] = here * expected.margin(person, renewal)
        weights["tickets"] = whole * expected.tickets(person, renewal)
        weights["referrals"] = whole * expected.referrals(person, renewal)
        yield (followed.group[on], now), weights


class _Expected:
    """What a customer who is there brings in a month of tenure, given the path; shape of person."""

    def __init__(self, extract: Extract) -> None:
        self.extract = extract
        self.first, self.referred = referrals_per_odds(extract)

    def margin(self, person: s.Ints, month: int) -> s.Floats:
        at = np.full(len(person), month)
        rate = margin_rate(self.extract.people.plan[person], at)
        margin: s.Floats = price(self.extract, person, at) * rate
        return margin

    def tickets(self, person: s.Ints, month: int) -> s.Floats:
        """Tickets of the half-year fall on any of its days alike."""
        begin = month - month % s.STATE_MONTHS
        days = self._days(person, month, 1) / self._days(person, begin, s.STATE_MONTHS)
        tickets: s.Floats = days * self.extract.people.tickets[person, month // s.STATE_MONTHS]
        return tickets

    def referrals(self, person: s.Ints, month: int) -> s.Floats:
        start, last = self.extract.people.start[person], len(self.referred) - 1
        begin, end = (
            np.clip((s.add_months(start, at) - self.first).astype(np.int64), 0, last)
            for at in (month, month + 1)
        )
        odds = score_odds(self.extract.people, person, np.full(len(person), month))
        referrals: s.Floats = odds * (self.referred[end] - self.referred[begin])
        return referrals

    def _days(self, person: s.Ints, month: int, months: int) -> s.Floats:
        start = self.extract.people.start[person]
        days = s.add_months(start, month + months) - s.add_months(start, month)
        return days.astype(float)


def told(value: float) -> float | None:
    """Round; None where nobody is followed so far, since JSON has no NaN."""
    return None if np.isnan(value) else round(float(value), 4)
