"""How sure a programme is to pay: draws of its inputs, and what they make of its value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from cxresearch._checks import check_level
from cxresearch._grouped import unknown
from cxresearch.errors import DataError
from cxresearch.roi._effect import Effect
from cxresearch.roi._payments import discounted, payback_months
from cxresearch.roi._risk import ProgrammeRisk
from cxresearch.roi._tornado import information, tornado
from cxresearch.roi.programme import INPUTS, RANGES, Programme, cure, range_words
from cxresearch.roi.uncertain import Pairs, Uncertain, draw
from cxresearch.uncertainty import Floats

DRAWS: Final = 20_000
FEWEST, MOST = 1000, 1_000_000
TAIL: Final = 0.005  # of a distribution without ends, that may lie beyond what an input can be


def programme_risk(
    programme: Programme,
    inputs: Mapping[str, Uncertain],
    *,
    effect: Effect | None = None,
    correlation: Pairs | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    confidence_level: float = 0.95,
) -> ProgrammeRisk:
    """Return value, chance of loss, break-even and payback with what is not known of the inputs.

    Parameters
    ----------
    programme
        The plan as entered.
    inputs
        Distributions by name of the input (`INPUTS`); all others stay as entered.
    effect
        Where the lift comes from; its distribution is taken, and its grade is said.
    correlation
        Rank correlation by pair of names, as in `draw`.
    draws
        How many; the chance of loss is then known to about half a point.
    seed
        The same seed gives the same draws.
    confidence_level
        Share of the draws within an interval, and level of the intervals of the simulation.

    Raises
    ------
    DataError
        When an input does not exist, the value as entered is outside its ends, the ends are more
        than it can be, or the correlations do not fit together.
    """
    check_level(confidence_level)
    spreads = dict(inputs) | ({"lift": effect.distribution} if effect else {})
    problems = [*_problems(programme, spreads), *_draw_problems(draws, seed)]
    if problems:
        raise DataError(problems)
    drawn = _drawn(spreads, draws, seed, correlation)
    values = {name: np.full(draws, value) for name, value in programme.values.items()} | drawn
    payments = programme.payments(values)
    today = discounted(payments, values["annual_discount_rate"])
    npv = today.sum(axis=-1)
    return ProgrammeRisk(
        programme=programme,
        inputs=spreads,
        effect=effect,
        drawn=drawn,
        npv=npv,
        needed=programme.needed(values),
        most=1 - values["base_retention"],
        payback=payback_months(payments),
        discounted_payback=payback_months(today),
        tornado=tornado(programme, spreads, drawn, npv, confidence_level),
        information=information(npv, npv, confidence_level),
        confidence_level=confidence_level,
    )


def _drawn(
    spreads: Mapping[str, Uncertain], draws: int, seed: int, correlation: Pairs | None
) -> dict[str, Floats]:
    """Return the draws; what is beyond all an input can be is at the end of it."""
    found = draw(spreads, draws=draws, seed=seed, correlation=correlation)
    return {name: np.clip(values, *RANGES[name]) for name, values in found.items()}


def _problems(programme: Programme, spreads: Mapping[str, Uncertain]) -> Iterator[str]:
    for name, spread in spreads.items():
        if name not in INPUTS:
            yield unknown("input", name, list(INPUTS))
            continue
        yield from spread_problems(name, programme.values[name], spread)


def spread_problems(name: str, value: float, spread: Uncertain) -> Iterator[str]:
    """Yield what is wrong with the distribution of an input, beside its value as entered."""
    low, high = spread.ends
    if not low <= value <= high:
        yield (
            f"{name} is {value:.10g} and its ends are {low:.10g} and {high:.10g}, must lie "
            "between them: widen them, or enter another value."
        )
    least, most = (float(end) for end in spread.quantile([0.0, 1.0]))
    if not np.isfinite([least, most]).all():
        least, most = (float(end) for end in spread.quantile([TAIL, 1 - TAIL]))
    beyond = least < RANGES[name][0] or most > RANGES[name][1]
    if beyond and not spread.is_measured:  # an estimate near an end is still an estimate
        yield (
            f"{name} reaches from {least:.4g} to {most:.4g} ({spread.kind}), must be "
            f"{range_words(name)}: {cure(name)}, or take pert."
        )


def _draw_problems(draws: int, seed: int) -> Iterator[str]:
    if not (FEWEST <= draws <= MOST and float(draws).is_integer()):
        yield (f"draws is {draws!r}, must be a whole number from {FEWEST} to {MOST}: take {DRAWS}.")
    if not (seed >= 0 and float(seed).is_integer()):
        yield f"seed is {seed!r}, must be a whole number from 0: take 1."
