"""Tests of claims about promoters and detractors: how long they stay and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cxresearch import _format as words
from cxresearch._language import mark, term, tr
from cxresearch.adjust._rung import Ends, Rung
from cxresearch.adjust.bias_ladder import bias_ladder
from cxresearch.claims.measured import Evidence, Lacking
from cxresearch.claims.settings import ClaimSettings
from cxresearch.designs import Design
from cxresearch.source import Data
from cxresearch.tables import LifeTable
from cxresearch.value._value_difference import ValueDifference
from cxresearch.value.difference import value_differences
from cxresearch.value.prices import prices
from cxresearch.value.terms import Terms

MONTHS: Final = 12
# What a rung of the ladder is called as a reading; the first adjusted one with numbers counts.
RUNGS: Final[Mapping[str, tuple[str, ...]]] = {
    "as_they_are": ("each_score",),
    "same_history": ("doubly_robust", "weighted"),
}
PART_CLAIMS: Final[Mapping[str, tuple[str, ...]]] = {
    "staying": ("S3-5a",),
    "spending": ("S0-11b", "S1-1b"),
    "cost_to_serve": ("S1-4",),
    "referring": ("S0-11d", "S1-1c", "S3-5b"),
}
TAKES: Final = mark(
    "what the parts of a value consist of: bills, tickets with their costs, referrals"
)
PART_READINGS: Final = ("as_they_are", "same_history")


def promoter_retention(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S0-11a, S0-11c and S1-2: who stays from the answer on, also with the same history."""
    ladder = bias_ladder(
        _followed(data, settings),
        months=MONTHS,
        min_at_risk=settings.min_group,
        confidence_level=settings.confidence_level,
    )
    for reading, designs in RUNGS.items():
        found = [ladder[design] for design in designs]
        rung = next((rung for rung in found if rung.reported), found[0])
        small = None
        if rung.n < settings.min_group:
            small = tr("fewer than {n} answers are followed", n=settings.min_group)
        why = (small or rung.difference_refusal, small or rung.hazard_refusal)
        for claim in ("S0-11a", "S0-11c"):
            yield _of_rung(claim, reading, rung, rung.difference, why[0])
        yield _of_rung("S1-2", reading, rung, rung.hazard_ratio, why[1])


def promoter_value(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S3-3 and what the difference in value is made of."""
    known = data.known_before(settings.adjust_for)
    paid = data.value_table(["score_group", *known], design=_design(settings))
    terms = Terms(settings.annual_discount_rate, settings.horizon, settings.first_margin)
    differences = value_differences(
        paid,
        prices(paid, data.unit_costs()),
        terms,
        min_group=settings.min_group,
        min_at_risk=settings.min_group,
        confidence_level=settings.confidence_level,
    )
    for row in differences:
        yield from _of_value(row)


def _of_value(row: ValueDifference) -> Iterator[Evidence | Lacking]:
    claims = ["S3-3", *(claim for several in PART_CLAIMS.values() for claim in several)]
    if row.refusal is not None:
        yield from (Lacking(claim, row.refusal) for claim in claims)
        return
    yield _amount("S3-3", row, row.difference)
    if row.counting not in PART_READINGS:
        return
    for part, several in PART_CLAIMS.items():
        why = row.nothing_in(part)
        for claim in several:
            ends = (row.parts or {})[part]
            if why:
                yield Lacking(claim, tr("in money, {why}", why=term(why)), TAKES)
            else:
                yield _amount(claim, row, ends)


def _amount(claim: str, row: ValueDifference, ends: Ends) -> Evidence:
    """Return an amount of money in what a promoter is worth more than a detractor."""
    return Evidence(
        claim,
        row.counting,
        *ends,
        round(sum(row.n)),
        row.prices.currency or words.AMOUNT,
        row.grade,
        tr(
            "Discounted contribution per customer over {span}, promoters less detractors; the "
            "parts are Shapley values, which add up to the difference.",
            span=row.span,
        ),
        as_of=row.as_of,
        confidence_level=row.confidence_level,
    )


def _of_rung(
    claim: str, reading: str, rung: Rung, ends: Ends, refusal: str | None
) -> Evidence | Lacking:
    if refusal is not None:
        return Lacking(claim, refusal)
    return Evidence(
        claim,
        reading,
        *ends,
        rung.n,
        "ratio" if claim == "S1-2" else "share",
        "C",
        tr(
            "Promoters against detractors, in retention after the answer: {comparison}.",
            comparison=rung.title,
        ),
        as_of=rung.as_of,
        confidence_level=rung.confidence_level,
    )


def _followed(data: Data, settings: ClaimSettings) -> dict[str, LifeTable]:
    known = data.known_before(settings.adjust_for)
    table = data.life_table(["score_group", *known], design=_design(settings))
    return {
        "each_score": table.pooled("score_group"),
        "weighted": table,
        "doubly_robust": table,
    }


def _design(settings: ClaimSettings) -> Design:
    return Design("followup", blackout_days=settings.blackout_days)
