"""What the simulation knows and an analyst does not: each figure with its definition."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from cxresearch.simulate import settings as s
from cxresearch.simulate.contribution import HORIZONS, remaining_contribution
from cxresearch.simulate.people import answer_rate, hazards
from cxresearch.simulate.shop_truth import shop_truth
from cxresearch.simulate.surveys import answered_wave, invited_wave
from cxresearch.simulate.tables import margin_rate, price
from cxresearch.simulate.world import Extract, World

Truth = dict[str, Any]


def truth(world: World) -> Truth:
    """Everything known about a simulated world, ready for JSON."""
    return {
        "about": "Simulated customers; every figure here is known, not estimated.",
        "seed": world.settings.seed,
        "settings": asdict(world.settings) | {"as_of": str(world.settings.as_of)},
        "observed_from": str(world.settings.observed_from),
        "hazard_ratios": _hazard_ratios(world.settings),
        "retained": _retained(world),
        "nps": _waves(world),
        "remaining_margin": _remaining_margin(world),
        "remaining_contribution": remaining_contribution(world),
        "acquisition": _acquisition(),
        "shop": shop_truth(world),
    }


def _hazard_ratios(settings: s.Settings) -> Truth:
    ratios = dict(zip(s.GROUPS, settings.hazard_ratios.tolist(), strict=True))
    return {
        "definition": (
            "What the current score group does to the hazard of leaving voluntarily at the next "
            "renewal, against a passive customer with the same frailty and covariates. Other "
            "causes of leaving do not depend on the score at all. 'call' is the effect of being "
            "assigned to a call-back, on the second to the sixth renewal after the assignment."
        ),
        **ratios,
        "call": settings.call_hazard_ratio,
    }


def _acquisition() -> Truth:
    return {
        "definition": (
            "Chance of a customer to be won by a referral or word of mouth (earned), whatever "
            "else is true of them, and the chance that the source is recorded; else it is empty. "
            "Odds of a customer of the day, by score group, to be the one who referred them."
        ),
        "earned": s.EARNED_SHARE,
        "recorded": s.SOURCE_KNOWN_SHARE,
        "referral_odds": dict(zip(s.GROUPS, s.REFERRAL_ODDS, strict=True)),
    }


def _retained(world: World) -> Truth:
    overall: Truth = {}
    by_plan: dict[str, Truth] = {plan: {} for plan in s.PLANS}
    summed = np.zeros(len(world.people))
    paths = hazards(world.people, world.answers, world.settings)
    for renewal, voluntary in enumerate(paths, start=1):
        summed += voluntary + sum(s.OTHER_HAZARDS)
        if renewal % 12 == 0:
            retained = np.exp(-summed)
            overall[str(renewal)] = _round(retained.mean())
            for code, plan in enumerate(s.PLANS):
                by_plan[plan][str(renewal)] = _mean(retained[world.people.plan == code])
    return {
        "definition": (
            "Share still a customer after so many months, whatever the cause of leaving: the mean "
            "over everybody who ever signed up in the model, including those who left before "
            "observed_from and are in no table, of the product of (1 - hazard) over the renewals "
            "since sign-up, given each one's frailty, covariates and path of scores and tickets."
        ),
        "sign_ups": len(world.people),
        "overall": overall,
        "plan": by_plan,
    }


def _waves(world: World) -> Truth:
    waves = [_wave(world, wave) for wave in range(len(world.answers.score))]
    return {
        "definition": (
            "Per wave of the relationship survey: all customers of that day (invited or not), "
            "the share of each score group among them and their NPS in points (promoters less "
            "detractors, -100 to 100); the NPS expected of those who answer when everybody is "
            "asked, which is what silence does to the figure; the expected response rate of each "
            "group; and what the tables hold: invitations, answers and the naive NPS of these."
        ),
        "waves": waves,
    }


def _wave(world: World, wave: int) -> Truth:
    day = world.settings.waves[wave]
    here = world.active(day)
    score = world.answers.score[wave]
    group, rate = s.group_of(score[here]), answer_rate(world.people, score, world.settings)[here]
    extract = world.extract
    answered = answered_wave(extract, wave)
    return {
        "date": str(day),
        "customers": int(here.sum()),
        "share": _by_group(_shares(group)),
        "nps": _nps(_shares(group)),
        "nps_of_those_who_answer": _nps(_shares(group, rate)),
        "response_rate": {name: _mean(rate[group == code]) for code, name in enumerate(s.GROUPS)},
        "invitations": int(invited_wave(extract, wave).sum()),
        "answers": int(answered.sum()),
        "naive_nps": _nps(_shares(s.group_of(extract.answers.score[wave][answered]))),
    }


def _remaining_margin(world: World) -> Truth:
    return {
        "definition": (
            "Expected contribution margin, not discounted, of the next so many renewals of a "
            "customer of the first wave's day, given each one's path; the mean by score group on "
            "that day. It describes the groups as they are, not what a score would change."
        ),
        "currency": s.CURRENCY,
        **(_margin_by_group(world) if len(world.answers.score) else {}),
    }


def _margin_by_group(world: World) -> Truth:
    extract = world.extract
    day = np.full(len(extract.ids), world.settings.waves[0])
    here = np.flatnonzero(extract.here(np.arange(len(day)), day))
    group = s.group_of(extract.answers.score[0][here])
    total = _expected_margin(world, extract, here)
    return {
        name: {str(months): _mean(margin[group == code], 2) for months, margin in total.items()}
        for code, name in enumerate(s.GROUPS)
    }


def _expected_margin(world: World, extract: Extract, here: s.Ints) -> dict[int, s.Floats]:
    """Sum the margins of the next renewals, each times the chance of getting there."""
    settings, people = world.settings, extract.people
    before = s.completed_months(people.start[here], settings.waves[0])
    margin = {months: np.zeros(len(here)) for months in HORIZONS if months <= settings.months - 2}
    summed, paths = np.zeros(len(here)), hazards(world.people, world.answers, settings)
    for renewal, voluntary in enumerate(paths, start=1):
        later, month = renewal > before, np.full(len(here), renewal)
        summed += np.where(later, voluntary[world.kept[here]] + sum(s.OTHER_HAZARDS), 0)
        billed = price(extract, here, month) * margin_rate(people.plan[here], month)
        for months in margin:
            margin[months] += np.exp(-summed) * billed * (later & (renewal <= before + months))
    return margin


def _shares(group: s.Ints, weight: s.Floats | None = None) -> s.Floats:
    count = np.bincount(group, weight, minlength=3)
    return np.round(count / count.sum(), 6) if count.sum() else np.full(3, np.nan)


def _by_group(share: s.Floats) -> dict[str, float | None]:
    """Name the shares; None where nobody was a customer, since JSON has no NaN."""
    known = [None if np.isnan(value) else float(value) for value in share]
    return dict(zip(s.GROUPS, known, strict=True))


def _nps(share: s.Floats) -> float | None:
    return None if np.isnan(share[0]) else _round(100 * (share[2] - share[0]), 3)


def _mean(values: s.Floats, digits: int = 6) -> float | None:
    return _round(values.mean(), digits) if len(values) else None


def _round(value: float, digits: int = 6) -> float:
    return round(float(value), digits)
