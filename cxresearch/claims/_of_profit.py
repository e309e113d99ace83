"""Tests of claims about profit: what more retention is worth, and what it costs to keep more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import pandas as pd
from sqlglot import exp

from cxresearch._language import mark, term, tr
from cxresearch.claims.measured import Evidence, Lacking
from cxresearch.claims.settings import ClaimSettings
from cxresearch.projection.fitted import projections
from cxresearch.retention import first_safe_tenure
from cxresearch.roi._effect import Effect
from cxresearch.roi._profit_uplift import ProfitUplift
from cxresearch.roi.economics import Concept, Economics
from cxresearch.roi.effect import effect_of_experiment
from cxresearch.roi.own_curve import OwnCurve, own_curve
from cxresearch.roi.profit_uplifts import differing, profit_uplifts
from cxresearch.roi.readings import Lift
from cxresearch.source import Data

SNAPSHOT: Final = mark(
    "the extract is a snapshot: who left earlier is not in it, so it holds no retention of a firm"
)
FOLLOWED: Final = mark("the days on which customers came and left, also of those who left long ago")
UNCLEAR_LIFT: Final = mark(
    "it is not clear that any were kept, so the cost of one has no upper end"
)
NO_COSTS: Final = mark("costs of contacts or of new customers are not known")
CHANCE: Final = {
    True: mark("chance decided who was to be contacted"),
    False: mark("that chance decided who was to be contacted is not stated (parameter randomised)"),
}
WITHIN: Final = 10  # customers at risk up to which the curve is taken


class Terms(NamedTuple):
    """A reading of the claim about retention and profit."""

    reading: str
    lift: Lift
    concept: Concept = "customer_value"
    horizon: int | None = None
    year: int | None = None


POINTS: Final = Lift(points=0.05)
READINGS: Final = (
    Terms("points", POINTS),
    Terms("relative", Lift(relative=0.05)),
    Terms("fewer_churners", Lift(fewer_churners=0.05)),
    Terms("points_5_years", POINTS, horizon=5),
    Terms("points_annual_profit", POINTS, "annual_profit", year=5),
)


def retention_profit(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S3-1: profit with 5 % more retention, in its readings, on the company's own curve."""
    if data.snapshot_months is not None:
        yield Lacking("S3-1", SNAPSHOT, FOLLOWED)
        return
    life = data.life_table()
    fitted = projections(
        life,
        start=first_safe_tenure(life, settings.min_group),
        min_group=settings.min_group,
        min_at_risk=WITHIN,
        confidence_level=settings.confidence_level,
    )
    own = own_curve(fitted, average="all_years")
    for terms in READINGS:
        yield _uplift(own, terms, settings)


def closed_loop(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S1-3a: who stayed a year of those to be contacted, less those held out."""
    effect = _effect(data, settings)
    yield _of_effect("S1-3a", "assigned", effect, (effect.value, effect.ci_lower, effect.ci_upper))


def cost_of_keeping(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S3-2: cost of contacts per customer kept, over the cost of winning one."""
    effect, won = _effect(data, settings), data.unit_costs().per_new_customer
    contact = _contact_cost(data, settings.rule)
    if won is None or contact is None:
        yield Lacking("S3-2", NO_COSTS)
    elif effect.ci_lower <= 0:
        yield Lacking("S3-2", UNCLEAR_LIFT)
    else:
        each = contact / won
        ends = (each / effect.value, each / effect.ci_upper, each / effect.ci_lower)
        yield _of_effect("S3-2", "per_customer_kept", effect, ends)


def _contact_cost(data: Data, rule: str) -> float | None:
    """Return what was spent on contacts per customer assigned to be contacted."""
    counted = ("SUM(cost) AS cost", "COUNT(DISTINCT customer_id) AS customers")
    tree = exp.select(*counted).from_("interventions").where(exp.column("arm").eq("treat"))
    if rule:
        tree = tree.where(exp.column("assignment_rule").eq(rule))
    cost, customers = data.query(tree).iloc[0]
    return float(cost) / float(customers) if customers and pd.notna(cost) else None


def _effect(data: Data, settings: ClaimSettings) -> Effect:
    return effect_of_experiment(
        data.experiment_table(rule=settings.rule),
        randomised=settings.randomised,
        min_group=settings.min_group,
        confidence_level=settings.confidence_level,
    )


def _of_effect(
    claim: str, reading: str, effect: Effect, ends: tuple[float, float, float]
) -> Evidence:
    return Evidence(
        claim,
        reading,
        *ends,
        effect.n,
        "share" if claim == "S1-3a" else "ratio",
        effect.grade,
        tr(
            "Customers in the arm that they were assigned to, whatever happened then, over the 12 "
            "months from the assignment; {chance}.",
            chance=term(CHANCE[effect.grade == "A"]),
        ),
        as_of=effect.as_of,
        confidence_level=effect.confidence_level,
    )


def _uplift(own: OwnCurve, terms: Terms, settings: ClaimSettings) -> Evidence | Lacking:
    economics = _economics(terms, settings)
    every = profit_uplifts(
        own,
        economics,
        lifts=(terms.lift,),
        renewals=("every",),
        concepts=(terms.concept,),
        models=tuple(dict.fromkeys((own.best, *own.credible))),
        year=terms.year,
        confidence_level=settings.confidence_level,
    )
    found, *others = every
    if found.reason:
        return Lacking("S3-1", found.reason)
    judged = _of_uplift(terms.reading, found, own, economics)
    if not (rivals := differing(found, others)):
        return judged
    ends = [end for one in (found, *rivals) for end in one.values[1:]]
    said = tr(" The interval holds those of all models that the counts do not rule out.")
    return replace(
        judged,
        ci_lower=min(ends),
        ci_upper=max(ends),
        definition=judged.definition + said,
        only_if="",
    )


def _economics(terms: Terms, settings: ClaimSettings) -> Economics:
    """Return terms under which margins cancel: nothing is spent on winning or keeping anybody."""
    return Economics(
        annual_discount_rate=settings.annual_discount_rate,
        first_margin=settings.first_margin,
        horizon=terms.horizon,
        annual_margin=1.0,
        acquisition_cost=0.0,
        retention_cost=0.0,
        fixed_cost_share=0.0,
    )


def _of_uplift(reading: str, found: ProfitUplift, own: OwnCurve, economics: Economics) -> Evidence:
    return Evidence(
        "S3-1",
        reading,
        *found.values,
        own.n,
        "share",
        "D",
        tr(
            "{profit}; every yearly retention rate is lifted, {by}{since}, and nothing is spent on "
            "it or on winning customers.{limits}",
            profit=_profit(found, economics),
            by=found.whose.by(found.model),
            since=found.whose.since,
            limits=found.limits,
        ),
        only_if=found.cut if found.standing == "holds only if cut" else "",
        as_of=found.whose.as_of,
        confidence_level=found.whose.confidence_level,
    )


def _profit(found: ProfitUplift, economics: Economics) -> str:
    """Return which profit it is, in words."""
    if found.asked.concept == "customer_value":
        return tr("Value of a new customer, {terms}", terms=economics.words)
    return tr(
        "Contribution of year {year} of a firm to which as many customers come every year",
        year=found.asked.year,
    )
