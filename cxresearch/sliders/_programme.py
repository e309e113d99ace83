"""Sliders for the question whether a programme pays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cxresearch import _format as words
from cxresearch.roi._payments import discounted
from cxresearch.roi._risk import ProgrammeRisk
from cxresearch.roi.programme import Programme
from cxresearch.sliders._answer import Answer, Number
from cxresearch.sliders._grid import Slider, State, money, plain, slider
from cxresearch.sliders._words import NEVER, NOTHING, PROGRAMME, amount, fill, points, snap

MOVED = (
    "lift", "base_retention", "annual_margin", "annual_discount_rate", "annual_cost",
    "one_off_cost",
)  # fmt: skip
BEYOND = 1e-9


def programme_spec(risk: ProgrammeRisk) -> dict[str, Any]:
    """Return what the sliders of a programme are made from."""
    plan = risk.programme
    held = {name: value for name, value in plan.values.items() if name not in MOVED}
    fixed = {**held, "ramp": list(plan.ramp), "horizon": plan.horizon, "currency": plan.currency}
    return {
        "kind": "programme",
        "sliders": [plain(each) for each in _sliders(plan)],
        "choices": [],
        "fixed": fixed,
        "report": risk.worth_words,
    }


def programme_answer(spec: Mapping[str, Any], state: State) -> Answer:
    """Return value, break-even and payback with the values of a state."""
    plan = Programme(**spec["fixed"], **state)
    needed = plan.break_even_lift
    sums = np.cumsum(discounted(plan.cash_flows, plan.annual_discount_rate))
    numbers: dict[str, Number] = {
        "npv": plan.npv,
        "needed": needed,
        "payback": plan.payback_month,
        "payback_today": plan.discounted_payback_month,
        "sums": [float(x) for x in sums],
    }
    worth = amount(plan.npv, plan.currency)
    return Answer(
        fill(PROGRAMME["pays" if plan.npv >= 0 else "loses"], npv=worth),
        tuple(_lines(plan, needed)),
        _caption(plan, [float(x) for x in sums]),
        numbers,
        (
            worth,
            fill(NOTHING) if needed is None else points(needed),
            fill(NEVER) if plan.payback_month is None else _month(plan.payback_month),
        ),
    )


def _sliders(plan: Programme) -> list[Slider]:
    most = max(0.1, 2 * plan.lift)
    worth = plan.customers * plan.reached * plan.annual_margin / 10 or 1.0
    return [
        slider("lift", "points", plan.lift, (min(0.0, 2 * plan.lift), min(1.0, most), 0.0025)),
        slider("base_retention", "share", plan.base_retention, (0.5, 0.99, 0.005)),
        money("annual_margin", plan.annual_margin, 100.0, free=False),
        slider("annual_discount_rate", "share", plan.annual_discount_rate, (0.04, 0.2, 0.005)),
        money("annual_cost", plan.annual_cost, worth, free=True),
        money("one_off_cost", plan.one_off_cost, worth, free=True),
    ]


def _lines(plan: Programme, needed: float | None) -> Iterator[str]:
    yield _needs(plan, needed)
    if plan.lift > plan.largest_lift + BEYOND:
        yield fill(PROGRAMME["beyond"], most=points(plan.largest_lift))
    plain, today = plan.payback_month, plan.discounted_payback_month
    span = words.counted(plan.horizon, "year")
    if plain is None:
        yield fill(PROGRAMME["back_never"], span=span)
        return
    if today == 0:
        yield fill(PROGRAMME["back_at_once"])
        return
    yield fill(PROGRAMME["back"], month=_month(plain))
    if today is None:
        yield fill(PROGRAMME["back_today_never"], span=span)
    else:
        yield fill(PROGRAMME["back_today"], month=_month(today))


def _needs(plan: Programme, needed: float | None) -> str:
    if needed is None:
        return fill(PROGRAMME["needs_too_much"])
    if needed == 0:
        return fill(PROGRAMME["needs_nothing"])
    return fill(PROGRAMME["needs"], needed=points(needed), lift=points(plan.lift))


def _caption(plan: Programme, sums: list[float]) -> str:
    lowest = min(range(len(sums)), key=sums.__getitem__)
    said = {"first": sums[0], "least": sums[lowest], "last": sums[-1]}
    return fill(
        PROGRAMME["caption"], year=lowest, span=words.counted(plan.horizon, "year"),
        **{name: amount(value, plan.currency) for name, value in said.items()},
    )  # fmt: skip


def _month(month: float) -> str:
    return words.number(math.ceil(snap(month)))
