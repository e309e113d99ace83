"""Sliders for the claim that 5 % more retention go with 25 % more profit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cxresearch import _format as words
from cxresearch.roi._cut import cut_words
from cxresearch.roi._levels import Asked, Levels, levels
from cxresearch.roi._not_defined import NotDefinedError, no_profit
from cxresearch.roi._profit_uplift import ProfitUplift
from cxresearch.roi._strand import CONSTANT, Strand, constant_strand
from cxresearch.roi.constant import ENOUGH
from cxresearch.roi.economics import BY_YEAR, CONCEPTS, MONTHLY_BELOW, Economics
from cxresearch.roi.profit_claim import ProfitClaim
from cxresearch.roi.readings import READINGS, Lift
from cxresearch.sliders._answer import Answer
from cxresearch.sliders._grid import Choice, Slider, State, money, plain, slider
from cxresearch.sliders._words import (
    CLAIM,
    NOTHING,
    amount,
    fill,
    profit_words,
    share,
    snap,
)

COSTS = ("annual_margin", "acquisition_cost", "retention_cost")
DIGITS = 12  # of the curve
EXACT = 0.001  # arithmetic on what was put in is said with one decimal of a percent
FINER = 1e-5
NOISE = 1e-9  # margins of a year: costs that are just covered leave no profit but rounding


def claim_spec(claim: ProfitClaim) -> dict[str, Any]:
    """Return what the sliders of a claim are made from: numbers and counts, no customer."""
    terms, strand = claim.economics, claim.whose.strands[claim.model]
    sliders = _sliders(claim)
    fixed = {
        "target": claim.target,
        "first_margin": terms.first_margin,
        "horizon": terms.horizon,
        "fixed_cost_share": terms.fixed_cost_share,
        "year": claim.year,
        "renewals": "first" if claim.renewals == "first" else "every",
        "ages": [float(x) for x in np.nan_to_num(strand.ages[0])],
        "firm_years": strand.firm_years,
        "late": strand.late,
        "retained": None if not _has_curve(claim) else _retained(claim, sliders),
        "longest": strand.longest,
    }
    return {
        "kind": "claim",
        "sliders": [plain(each) for each in sliders],
        "choices": [plain(each) for each in _choices(claim, curve=fixed["retained"] is not None)],
        "fixed": fixed,
        "units": {one.asked.lift.reading: _unit(one) for one in claim.headline},
        "one_rate": claim.renewals == "each_customer" and claim.model != CONSTANT,
        "report": {one.asked.lift.reading: one.sentence() for one in claim.headline},
    }


def claim_answer(spec: Mapping[str, Any], state: State) -> Answer:
    """Return how much higher profit is with the values of a state."""
    strand, asked = _strand(spec, state), _asked(spec, state)
    try:
        found = _profits(strand, asked)
    except NotDefinedError as reason:
        said = fill(CLAIM["refused"], reason=reason)
        return Answer(said, (_read(state),), "", {"uplift": None}, (fill(NOTHING),))
    before, after = float(found.before[0]), float(found.after[0])
    target = spec["fixed"]["target"]
    numbers = {
        "before": before,
        "after": after,
        "uplift": after / before - 1,
        "claimed": before * (1 + target),
    }
    unit = spec["units"][state["reading"]] if state.get("curve") == "own" else EXACT
    much = _much(numbers["uplift"], target, unit)
    headline = _headline(spec, state, numbers["uplift"], much)
    lines = tuple(_lines(state, strand, asked))
    return Answer(headline, lines, _caption(asked, target, numbers), numbers, (much,))


def _sliders(claim: ProfitClaim) -> list[Slider]:
    terms = claim.economics
    margin = terms.annual_margin
    return [
        slider("base_retention", "share", claim.whose.rate, (0.5, 0.99, 0.005)),
        slider("lift", "lift", claim.lift_size, (0.005, 0.2, 0.005)),
        _discount(terms.annual_discount_rate),
        money("annual_margin", margin, margin, free=False),
        money("acquisition_cost", terms.acquisition_cost, 3 * margin, free=True),
        money("retention_cost", terms.retention_cost, margin / 5, free=True),
    ]


def _choices(claim: ProfitClaim, *, curve: bool) -> Iterator[Choice]:
    yield Choice("reading", READINGS)
    others = (concept for concept in CONCEPTS if concept != claim.concept)
    gone = {"base_value"} if np.isnan(claim.whose.strands[claim.model].ages).any() else set()
    yield Choice("profit", (claim.concept, *(x for x in others if x not in gone)))
    if curve:
        yield Choice("curve", ("own", "one"))


def _has_curve(claim: ProfitClaim) -> bool:
    """Return whether the report's own curve can be lifted here, and gives an answer there."""
    if claim.model == CONSTANT or claim.renewals == "each_customer":
        return False
    asked = next(iter(claim.headline)).asked
    try:
        levels(claim.whose.strands[claim.model], asked)
    except NotDefinedError:
        return False
    return True


def _retained(claim: ProfitClaim, sliders: list[Slider]) -> list[float]:
    """Return the share that stays by year, as far as any state of the sliders asks for it."""
    strand = claim.whose.strands[claim.model]
    longest = strand.longest
    if longest is None:
        rate = next(
            x for each in sliders if each.name == "annual_discount_rate" for x in each.values if x
        )
        terms = replace(claim.economics, annual_discount_rate=rate)
        asked = Asked(Lift(points=0.5), terms, "base_value", "every")
        value = asked.bills(strand) + asked.late + strand.ages.shape[1]
        longest = max(value, (strand.firm_years or 0) + claim.year)
    return [float(f"{x:.{DIGITS}g}") for x in strand.retained(longest)[0]]


def _discount(start: float) -> Slider:
    """Return the discount rates: none at all, and those that can be a year's."""
    every = slider("annual_discount_rate", "share", start, (0.04, 0.2, 0.005))
    values = tuple(x for x in every.values if x == 0 or x >= MONTHLY_BELOW)
    return every._replace(values=values, start=values.index(start))


def _strand(spec: Mapping[str, Any], state: State) -> Strand:
    fixed = spec["fixed"]
    ages = np.array([fixed["ages"]], dtype=np.float64)
    if state.get("curve") != "own":
        return constant_strand(np.array([float(state["base_retention"])]), ages=ages)
    curve = np.array([fixed["retained"]], dtype=np.float64)
    return Strand(
        "own", lambda years: curve[:, : years + 1], None, None, fixed["longest"], ages,
        fixed["firm_years"], fixed["late"],
    )  # fmt: skip


def _profits(strand: Strand, asked: Asked) -> Levels:
    found = levels(strand, asked)
    if found.before[0] < NOISE * asked.economics.annual_margin:
        raise NotDefinedError(no_profit)
    return found


def _asked(spec: Mapping[str, Any], state: State) -> Asked:
    fixed = spec["fixed"]
    terms = Economics(
        annual_discount_rate=state["annual_discount_rate"],
        first_margin=fixed["first_margin"],
        horizon=fixed["horizon"],
        fixed_cost_share=fixed["fixed_cost_share"],
        **{name: state[name] for name in COSTS},
    )
    return Asked(_lift(state), terms, state["profit"], fixed["renewals"], fixed["year"])


def _unit(one: ProfitUplift) -> float:
    """Return what an uplift on the own curve is rounded to: its interval supports no more."""
    return max(words.rounding_unit(one.uplift_ci_lower, one.uplift_ci_upper, 0.01), EXACT)


def _much(uplift: float, target: float, unit: float) -> str:
    """Return the uplift in percent, finer where it would look like the target and is not."""
    off = abs(uplift - target)
    return words.percent(snap(abs(uplift)), FINER if ENOUGH < off < unit else unit)


def _headline(spec: Mapping[str, Any], state: State, uplift: float, much: str) -> str:
    target = spec["fixed"]["target"]
    kind = "reached" if uplift >= target - ENOUGH else "missed" if uplift >= 0 else "lower"
    profit = profit_words(state["profit"], spec)
    return fill(CLAIM[kind], profit=profit, share=much, target=share(target))


def _caption(asked: Asked, target: float, numbers: Mapping[str, float]) -> str:
    by_year = "_by_year" if asked.concept in BY_YEAR else ""
    return fill(
        CLAIM[f"caption{by_year}"], target=share(target),
        **{name: amount(numbers[name], None) for name in ("before", "after", "claimed")},
    )  # fmt: skip


def _read(state: State) -> str:
    return fill(CLAIM["read"], lift=_lift(state).words)


def _lift(state: State) -> Lift:
    return Lift(**{state["reading"]: state["lift"]})


def _lines(state: State, strand: Strand, asked: Asked) -> Iterator[str]:
    yield _read(state)
    rate = strand.retained(1)[0, 1]
    stay = {"before": rate, "after": float(asked.lift.apply(rate))}
    said = {name: words.number(snap(100 * value), 0.1) for name, value in stay.items()}
    kind = "first" if asked.renewals == "first" else "one" if strand.alike else "own"
    yield fill(CLAIM[f"stay_{kind}"], **said)
    if cut := cut_words(strand, asked):
        yield fill(CLAIM["cut"], cut=cut)
    if not (asked.economics.acquisition_cost or asked.economics.retention_cost):
        yield fill(CLAIM["no_costs"])
