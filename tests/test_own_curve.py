"""The claim on a company's own curve: printed fits, customers counted one by one, and limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import lifelines
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution
from test_constant_claim import PRINTED, terms
from test_projection import REFERENCE

from cxresearch.errors import DataError, NotEnoughError
from cxresearch.projection.fitted import projections
from cxresearch.roi._levels import Asked, Renewals, duration, levels
from cxresearch.roi._not_defined import NotDefinedError
from cxresearch.roi._strand import Strand, constant_strand
from cxresearch.roi.economics import CONCEPTS, Concept, Economics
from cxresearch.roi.own_curve import OwnCurve, own_curve
from cxresearch.roi.profit_claim import profit_claim
from cxresearch.roi.readings import Lift, lifts
from cxresearch.tables import LifeTable

POINTS, RELATIVE, FEWER = lifts(0.05)
SEGMENTS = ("high_end", "regular")


def paper(segment: str) -> LifeTable:
    """Seven renewals of 1,000 customers, one replicate, in years."""
    left = np.round(10 * np.array(REFERENCE["table_1"][segment][:8])).astype(int)
    exits = np.r_[np.repeat(np.arange(1, 8), -np.diff(left)), np.full(left[-1], 7)]
    return LifeTable.from_durations(exits, np.arange(1000) < 1000 - left[-1], periods_per_year=1)


def months(n: int = 4000, seed: int = 5, replicates: int = 64) -> LifeTable:
    """Customers whose churn probability a month differs, followed for up to 60 months."""
    rng = np.random.default_rng(seed)
    exits = rng.geometric(rng.beta(0.9, 25, n))
    seen = rng.integers(6, 60, n)
    return LifeTable.from_durations(
        np.minimum(exits, seen), exits <= seen, replicate=np.arange(n) % replicates
    )


@pytest.fixture(scope="module")
def own() -> OwnCurve:
    return own_curve(projections(months()), average="all_years")


@pytest.fixture(scope="module", params=SEGMENTS)
def segment(request: pytest.FixtureRequest) -> tuple[str, Strand]:
    found = own_curve(projections(paper(request.param)), average="first_year")
    return request.param, found.strand("sbg")


def rise(
    strand: Strand,
    lift: Lift,
    renewals: Renewals,
    concept: Concept = "customer_value",
    *,
    economics: Economics | None = None,
    year: int | None = None,
) -> float:
    found = levels(strand, Asked(lift, economics or terms(), concept, renewals, year))
    return float(found.after[0] / found.before[0]) - 1


# Printed numbers


def test_printed_uplifts_where_customers_differ(segment: tuple[str, Strand]) -> None:
    name, strand = segment
    printed = PRINTED["heterogeneity"]
    for key, lift, renewals, digits in (
        ("first_points", POINTS, "first", 0.0005),
        ("every_points", POINTS, "every", 0.005),
        ("each_fewer", FEWER, "each_customer", 0.005),
        ("each_points", POINTS, "each_customer", 0.005),
    ):
        found = 100 * rise(strand, lift, renewals)  # type: ignore[arg-type]
        assert found == pytest.approx(printed[key][name], abs=digits + 1e-9), key


def test_printed_tenures_and_elasticities(segment: tuple[str, Strand]) -> None:
    name, strand = segment
    printed = PRINTED["heterogeneity"]
    tenure = (strand.retained(400)[0] * 1.1 ** -np.arange(401)).sum()
    assert tenure == pytest.approx(printed["discounted_tenure"][name], abs=0.0005)
    assert duration(strand, terms())[0] == pytest.approx(printed["elasticity"][name], abs=0.0005)


def test_one_rate_of_the_first_year_claims_something_else(segment: tuple[str, Strand]) -> None:
    name, strand = segment
    printed, rate = PRINTED["heterogeneity"], strand.retained(1)[:1, 1]
    alone = constant_strand(rate)
    claimed = 100 * rise(alone, POINTS, "every")
    assert claimed == pytest.approx(printed["first_year_rate_claims"][name], abs=0.05)
    found = levels(alone, Asked(POINTS, terms(), "customer_value", "every"))
    assert found.before[0] == pytest.approx(printed["first_year_tenure"][name], abs=0.0005)
    elastic = duration(alone, terms())[0]
    assert elastic == pytest.approx(printed["first_year_elasticity"][name], abs=0.006)


# Customers, counted one by one


def follow(
    rates: list[float], lifted: list[float], economics: Economics, lift_pays: Callable[[int], bool]
) -> tuple[float, float]:
    """Value of one customer on average, a margin after the other, on rates from year to year."""
    worth = [0.0, 0.0]
    for which, kept in enumerate((rates, lifted)):
        there, late = 1.0, economics.first_margin == "end_of_period"
        for year in range(len(kept)):
            if late:
                there *= kept[year]
            margin = economics.annual_margin
            if which == 1 and lift_pays(year):
                margin -= economics.retention_cost
            worth[which] += margin * there * (1 + economics.annual_discount_rate) ** -(year + late)
            if not late:
                there *= kept[year]
    return worth[0], worth[1]


@pytest.mark.parametrize("lift", lifts(), ids=lambda lift: lift.reading)
@pytest.mark.parametrize("renewals", ["first", "every"])
@pytest.mark.parametrize("first", ["now", "end_of_period"])
@pytest.mark.parametrize("model", ["sbg", "bdw"])
def test_values_on_the_curve_are_the_sum_of_margins_one_by_one(
    own: OwnCurve, lift: Lift, renewals: Renewals, first: str, model: str
) -> None:
    economics = terms(first_margin=first, horizon=9, retention_cost=0.03)
    curve = own.strand(model).retained(9)[0].tolist()
    rates = [after / before for before, after in pairwise(curve)]
    lifted = [float(lift.apply(rate)) for rate in rates]
    if renewals == "first":
        lifted = lifted[:1] + rates[1:]
    before, after = follow(rates, lifted, economics, lambda year: renewals == "every" or year == 0)
    found = rise(own.strand(model), lift, renewals, economics=economics)
    assert found == pytest.approx(after / before - 1, rel=1e-10)


@pytest.mark.parametrize("lift", lifts(), ids=lambda lift: lift.reading)
def test_simulated_customers_agree_where_each_is_lifted(own: OwnCurve, lift: Lift) -> None:
    """Each simulated customer has an own rate, and the lift is on that."""
    rng = np.random.default_rng(2)
    fit = next(fit for fit in own.projection.fits if fit.model == "sbg")
    shapes = [fit.parameters(0.95)[name].value for name in ("alpha", "beta")]
    a_year = (1 - rng.beta(*shapes, 200_000)) ** 12
    value = np.zeros((2, len(a_year)))
    for row, kept in enumerate((a_year, lift.apply(a_year))):
        there = np.ones(len(a_year), dtype=bool)
        luck = rng if row == 0 else np.random.default_rng(3)
        for year in range(8):
            value[row] += there * 1.1**-year
            there &= luck.random(len(a_year)) < kept
    before, after = value.mean(axis=1)
    errors = value.std(axis=1) / np.sqrt(len(a_year)) / value.mean(axis=1)
    found = rise(own.strand("sbg"), lift, "each_customer", economics=terms(horizon=8))
    assert np.log1p(found) == pytest.approx(np.log(after / before), abs=4 * np.hypot(*errors))


@pytest.mark.parametrize("lift", lifts(), ids=lambda lift: lift.reading)
def test_the_mean_over_customers_is_an_integral(segment: tuple[str, Strand], lift: Lift) -> None:
    name, strand = segment
    fit = own_curve(projections(paper(name)), average="all_years").projection.fits[1]
    law = beta_distribution(*(fit.parameters(0.95)[p].value for p in ("alpha", "beta")))

    def mean(value: Callable[[float], float]) -> float:
        # in the scale of probability nothing is infinite
        split = float(law.cdf(1 - lift.highest))
        parts = [(0.0, split), (split, 1.0)] if 0 < split < 1 else [(0.0, 1.0)]
        return sum(
            quad(lambda u: value(1 - law.ppf(u)), *ends, epsabs=1e-9, limit=200)[0]
            for ends in parts
        )

    before = mean(lambda r: 1.1 / (1.1 - r))
    after = mean(lambda r: 1.1 / (1.1 - float(lift.apply(r))))
    assert rise(strand, lift, "each_customer") == pytest.approx(after / before - 1, abs=2e-6)


def test_customers_of_today_are_valued_by_their_age(own: OwnCurve) -> None:
    economics, strand = terms(horizon=6), own.strand("sbg")
    curve, ages = strand.retained(40)[0], strand.ages[0]
    before = after = 0.0
    for age, share in enumerate(ages):
        rates = (curve[age + 1 : age + 7] / curve[age : age + 6]).tolist()
        worth = follow(rates, POINTS.apply(rates).tolist(), economics, lambda _: True)
        before, after = before + share * worth[0], after + share * worth[1]
    found = rise(strand, POINTS, "every", "base_value", economics=economics)
    assert found == pytest.approx(after / before - 1, rel=1e-10)


def test_ages_are_those_of_customers_still_there(own: OwnCurve) -> None:
    there = own.table.censored.sum(axis=(0, 1))
    counted = [there[12 * y : 12 * y + 12].sum() / there.sum() for y in range(5)]
    assert own.strand("sbg").ages[0] == pytest.approx(counted)
    assert own.strand("sbg").ages.shape == (1 + own.table.n_replicates, 5)


@pytest.mark.parametrize("renewals", ["first", "every"])
@pytest.mark.parametrize("first", ["now", "end_of_period"])
def test_the_profit_of_a_year_is_that_of_cohorts(
    own: OwnCurve, renewals: Renewals, first: str
) -> None:
    economics = terms(first_margin=first, acquisition_cost=0.5, retention_cost=0.02,
                      fixed_cost_share=0.2)  # fmt: skip
    strand, year, late = own.strand("bdw"), 3, int(first == "end_of_period")
    curve = strand.retained(30)[0]
    rates = curve[1:] / curve[:-1]
    plain = lifted = curve[: own.reach + 1].tolist()
    fixed = 0.2 * sum(plain[late:])
    for k in range(year):
        plain = [1.0] + [there * rates[age] for age, there in enumerate(plain)]
        kept = [
            r if renewals == "first" and age else POINTS.apply(r) for age, r in enumerate(rates)
        ]
        lifted = [1.0] + [there * float(kept[age]) for age, there in enumerate(lifted)]
        assert len(lifted) == own.reach + 2 + k
    pays = lifted[late : late + 1] if renewals == "first" else lifted[late:]
    before = sum(plain[late:]) - 0.5 - fixed
    after = sum(lifted[late:]) - 0.02 * sum(pays) - 0.5 - fixed
    found = rise(strand, POINTS, renewals, "annual_profit", economics=economics, year=year)
    assert found == pytest.approx(after / before - 1, rel=1e-10)


# The curve itself


def rows(table: LifeTable) -> pd.DataFrame:
    return table.to_lifelines()


def test_the_observed_curve_and_its_error_are_those_of_lifelines() -> None:
    table = paper("high_end")
    found = own_curve(projections(table), average="first_year")
    strand = found.strand("product_limit")
    data = rows(table)
    fitted = lifelines.KaplanMeierFitter().fit(
        data["durations"], data["churned"], weights=data["weights"].astype(int)
    )
    shares = strand.retained(7)
    assert shares[0] == pytest.approx(fitted.survival_function_["KM_estimate"].to_numpy())
    by_hand = [strand.error(shares[:, year]) for year in range(1, 8)]
    whole = shares[0, 1:]
    assert by_hand == pytest.approx(np.sqrt(whole * (1 - whole) / 1000).tolist(), rel=1e-4)


def test_the_jackknife_and_the_information_agree(own: OwnCurve) -> None:
    one = own_curve(projections(replace_replicates(own.table)), average="all_years")
    for model in ("constant", "sbg", "product_limit"):
        errors = [x.strand(model).error(x.strand(model).retained(3)[:, 3]) for x in (own, one)]
        assert errors[0] == pytest.approx(errors[1], rel=0.3), model


def replace_replicates(table: LifeTable) -> LifeTable:
    summed = {name: table.counts(name).sum(axis=1, keepdims=True) for name in table.count_fields}
    return replace(table, **summed)


def test_months_are_taken_together_to_years(own: OwnCurve) -> None:
    curve = own.projection.observed
    assert own.reach == curve.longest // 12
    shares = own.strand("product_limit").retained(own.reach)
    assert shares[0, 1:] == pytest.approx(curve.retained[12::12][: own.reach])
    rate, lower, upper = own.average_rate
    left, risk = (own.table.counts(x)[..., 1:].sum() for x in ("churned", "at_risk"))
    assert rate == pytest.approx((1 - left / risk) ** 12)
    assert lower < rate < upper


def test_the_average_may_be_the_first_year_s() -> None:
    found = own_curve(projections(months()), average="first_year")
    first = found.strand("product_limit").retained(1)[:, 1]
    assert found.strand("constant").retained(1)[:, 1] == pytest.approx(first)
    assert (
        found.average_rate[0]
        < own_curve(projections(months()), average="all_years").average_rate[0]
    )
    assert "in the first year: " in found.sentence()


def test_findings_and_table_hold_the_same_rates(own: OwnCurve) -> None:
    found = {tuple(x.group.items()): x for x in own.findings()}
    assert len(found) == 1 + (len(own.models) - 1) * own.reach
    average = found[(("model", "constant"),)]
    assert average.value == pytest.approx(own.average_rate[0])
    frame = own.to_frame()
    third = frame[(frame["model"] == "sbg") & (frame["year"] == 3)].iloc[0]
    same = found[(("model", "sbg"), ("year", "3"))]
    assert same.value == third["retention_rate"]
    assert "by the sBG model" in same.sentence


# Limits


def test_customers_who_are_alike_are_one_rate() -> None:
    rng = np.random.default_rng(9)
    exits = rng.geometric(0.2, 3000)
    table = LifeTable.from_durations(
        np.minimum(exits, 12), exits <= 12, replicate=np.arange(3000) % 32, periods_per_year=1
    )
    found = own_curve(projections(table), average="all_years")
    fit = next(fit for fit in found.projection.fits if fit.model == "sbg")
    assert fit.alike
    for renewals in ("every", "each_customer"):
        ends = [rise(found.strand(m), FEWER, renewals) for m in ("constant", "sbg")]  # type: ignore[arg-type]
        assert ends[0] == pytest.approx(ends[1], rel=1e-5)


def test_a_rate_is_the_same_as_its_curve_summed() -> None:
    strand = constant_strand(np.array([0.8]))
    curved = replace(strand, model="sbg", firm_years=200)
    economics = terms(acquisition_cost=1.0, retention_cost=0.01, fixed_cost_share=0.2)
    for concept in CONCEPTS[:-1]:
        asked = Asked(POINTS, economics, concept, "every", 4)
        one, other = levels(strand, asked), levels(curved, asked)
        assert one.after[0] / one.before[0] == pytest.approx(other.after[0] / other.before[0])


def test_the_long_run_of_a_rate_lifted_once() -> None:
    strand = constant_strand(np.array([0.8]))
    # 1 + r'/(1 − r) customers instead of 1/(1 − r)
    assert rise(strand, POINTS, "first", "steady_state") == pytest.approx((1 + 0.85 / 0.2) / 5 - 1)


# Refusals


@pytest.mark.parametrize(
    ("model", "what", "changes", "why"),
    [
        ("product_limit", ("every", "customer_value"), {}, "the data reach 4"),
        (
            "sbg",
            ("every", "customer_value"),
            {"annual_discount_rate": 0.0},
            "no end where customers",
        ),
        ("sbg", ("every", "steady_state"), {}, "those who stay longest decide"),
        ("bdw", ("each_customer", "customer_value"), {}, "only in the sBG model"),
        ("sbg", ("every", "net_value"), {"acquisition_cost": 50.0}, "not above 0 for certain"),
    ],
)
def test_what_cannot_be_computed_says_why(
    own: OwnCurve,
    model: str,
    what: tuple[Renewals, Concept],
    changes: dict[str, Any],
    why: str,
) -> None:
    with pytest.raises(NotDefinedError, match=why):
        rise(own.strand(model), POINTS, *what, economics=terms(**changes))


def test_a_rate_that_passes_one_says_so() -> None:
    with pytest.raises(NotDefinedError, match="the rate of 97 % passes 1 with 5 percentage points"):
        rise(constant_strand(np.array([0.97])), POINTS, "every")


def test_late_entry_begins_after_the_first_renewal() -> None:
    rng = np.random.default_rng(4)
    exits = 12 + rng.geometric(0.02, 2000)
    table = LifeTable.from_durations(
        np.minimum(exits, 60), exits <= 60, entry=np.full(2000, 12), replicate=np.arange(2000) % 32
    )
    found = own_curve(projections(table, start=12), average="all_years")
    assert found.reach == 4
    assert "counted from 12 months on" in found.sentence()
    assert found.strand("sbg").retained(2)[0, 0] == 1
    with pytest.raises(NotDefinedError, match="the first renewal lies before the data"):
        rise(found.strand("sbg"), POINTS, "first")
    # what was spent on those who were won and lost before is not known
    concepts: tuple[Concept, ...] = ("net_value", "annual_profit")
    paid = terms(acquisition_cost=0.1)
    for concept in concepts:
        rise(found.strand("sbg"), POINTS, "every", concept, year=2)
        with pytest.raises(NotDefinedError, match="how many of those who were won"):
            rise(found.strand("sbg"), POINTS, "every", concept, economics=paid, year=2)
    for finding in found.findings():
        assert ", counted from 12 months on (" in finding.sentence
    claimed = profit_claim(
        found, terms(), concept="customer_value", renewals="every", year=5, model="sbg"
    )
    items = [*claimed.answer(), *claimed.elasticities(), *claimed.path(3).findings()]
    said = [x for x in items if x.value is not None]
    assert [x for x in said if " for those who have stayed 12 months" not in x.sentence] == []


def test_the_value_after_a_late_start_is_that_of_who_stayed_until_then() -> None:
    """The same customers from the start and from the second year on, with what is left of them."""
    rng = np.random.default_rng(8)
    exits = np.ceil(np.log(rng.random(6000)) / np.log1p(-rng.beta(0.8, 12, 6000))).astype(int)
    table = LifeTable.from_durations(
        np.minimum(exits, 60), exits <= 60, replicate=np.arange(6000) % 32
    )
    late = own_curve(projections(table, start=12), average="all_years").strand("product_limit")
    whole = own_curve(projections(table), average="all_years").strand("product_limit")
    two = terms(horizon=2, first_margin="end_of_period")
    curve = whole.retained(3)[0]
    lifted = np.minimum(curve[1:] / curve[:-1] + 0.05, 1)
    before = sum(curve[1 + k] / curve[1] / 1.1**k for k in (1, 2))
    after = lifted[1] / 1.1 + lifted[1] * lifted[2] / 1.1**2
    assert rise(late, POINTS, "every", economics=two) == pytest.approx(after / before - 1)


def test_what_has_no_year_is_refused() -> None:
    rng = np.random.default_rng(4)
    exits = rng.geometric(0.1, 500)
    short = LifeTable.from_durations(np.minimum(exits, 8), exits <= 8, replicate=np.arange(500) % 8)
    with pytest.raises(NotEnoughError, match="the data reach 8 months, must reach a year"):
        own_curve(projections(short), average="all_years")
    with pytest.raises(NotEnoughError, match="no retention curve in years"):
        own_curve(projections(short, min_group=1000), average="all_years")


def test_what_does_not_exist_is_named(own: OwnCurve) -> None:
    with pytest.raises(DataError, match="average 'first' does not exist"):
        own_curve(projections(months()), average="first")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"model 'sgb' does not exist.*did you mean 'sbg'"):
        own.strand("sgb")


@pytest.mark.parametrize("name", ["year", "model"])
def test_a_group_cannot_be_called_as_what_tells_findings_apart(name: str) -> None:
    rng = np.random.default_rng(4)
    exits = rng.geometric(0.05, 1000)
    table = LifeTable.from_durations(
        np.minimum(exits, 40), exits <= 40, group={name: np.repeat(["a", "b"], 500)},
        replicate=np.arange(1000) % 32,
    )  # fmt: skip
    with pytest.raises(DataError, match=f"a group column is called '{name}'"):
        own_curve(projections(table), average="all_years", group={name: "a"})


def test_one_group_is_named_where_there_are_several() -> None:
    rng = np.random.default_rng(4)
    exits = rng.geometric(0.05, 2000)
    table = LifeTable.from_durations(
        np.minimum(exits, 40), exits <= 40, group={"plan": np.repeat(["a", "b"], 1000)},
        replicate=np.arange(2000) % 32,
    )  # fmt: skip
    fitted = projections(table)
    with pytest.raises(DataError, match="must name exactly one of plan a, plan b"):
        own_curve(fitted, average="all_years")
    assert own_curve(fitted, average="all_years", group={"plan": "b"}).group == {"plan": "b"}
