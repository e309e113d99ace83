"""The verdict on the claim: what it says, on which terms it would be another one, and its errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import runs
from test_constant_claim import terms
from test_own_curve import months, paper
from test_wording import CAUSAL, FUTURE, check_digits, check_interval, check_whole

from cxresearch.errors import DataError
from cxresearch.projection.fitted import projections
from cxresearch.roi.constant import uplift
from cxresearch.roi.economics import CONCEPTS
from cxresearch.roi.own_curve import OwnCurve, own_curve
from cxresearch.roi.profit_claim import ProfitClaim, profit_claim
from cxresearch.roi.profit_uplifts import profit_uplifts
from cxresearch.roi.readings import READINGS, Lift, lifts
from cxresearch.source import open_data
from cxresearch.tables import LifeTable

ASKED: dict[str, Any] = {"concept": "customer_value", "renewals": "every", "year": 5}


def claim(own_or_rate: OwnCurve | float, **changes: Any) -> ProfitClaim:
    asked = {name: changes.pop(name) for name in (*ASKED, "target", "model") if name in changes}
    return profit_claim(own_or_rate, terms(**changes), **(ASKED | asked))


@pytest.fixture(scope="module")
def own() -> OwnCurve:
    return own_curve(projections(months()), average="all_years")


@pytest.fixture(scope="module")
def few() -> OwnCurve:
    """So few customers that little is certain."""
    return own_curve(projections(months(150, seed=1), min_events=20), average="all_years")


# A rate that was entered


def test_an_entered_rate_is_judged_by_arithmetic() -> None:
    found = claim(0.85)
    assert found.verdicts == {
        "points": "true here", "relative": "true only if", "fewer_churners": "false here",
    }  # fmt: skip
    values = {x.group["reading"]: x.value for x in found.answer()}
    assert values == {"points": 1.0, "relative": 0.0, "fewer_churners": 0.0}
    points = found.answer()[0]
    assert points.sentence.startswith(
        "True here, read as 5 percentage points more retention at every renewal: value per "
        "customer is 25.0 % higher, against the 25 % claimed, at one rate of 85.0 % a year, "
        "discounted at 10 % a year, first margin now, all margins there ever are."
    )
    assert (points.n, points.ci_lower, points.grade) == (None, None, "D")


def test_the_findings_are_those_that_were_asked_for() -> None:
    found = claim(0.85).findings()
    groups = [x.group for x in found if x.id == "profit_uplift"]
    assert len(groups) == len(READINGS) * len(CONCEPTS)
    assert {tuple(g) for g in groups} == {("reading", "profit_concept", "model")}
    assert {x.id for x in found} == {
        "verdict", "profit_uplift", "threshold_retention", "retention_elasticity",
    }  # fmt: skip
    assert len({(x.id, *x.group.items()) for x in found}) == len(found)
    needed = {x.group["reading"]: x.value for x in found if x.id == "threshold_retention"}
    assert needed["points"] == pytest.approx(0.85)
    assert needed["relative"] == pytest.approx(0.88)
    assert needed["fewer_churners"] is None


def test_a_rate_that_never_changes_gives_the_closed_forms() -> None:
    economics = terms(acquisition_cost=1.0, retention_cost=0.01, fixed_cost_share=0.3)
    found = profit_uplifts(0.8, economics, lifts=lifts(), renewals=["every"], year=4)
    assert len(found) == 15
    for one in found:
        expected = uplift(one.asked.lift, 0.8, economics, one.asked.concept, year=4)
        assert one.uplift == pytest.approx(float(expected), rel=1e-9)
        assert np.isnan(one.uplift_ci_lower)


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("discount", [0.0, 0.1])
@pytest.mark.parametrize("concept", CONCEPTS)
def test_the_ends_of_rates_are_judged_or_refused(
    rate: float, discount: float, concept: str
) -> None:
    for first in ("now", "end_of_period"):
        for renewals in ("first", "every"):
            found = claim(rate, annual_discount_rate=discount, first_margin=first,
                          concept=concept, renewals=renewals)  # fmt: skip
            for x in (*found.findings(), *found.conditions().findings()):
                check_whole(x.sentence)


def test_what_has_no_end_says_so() -> None:
    endless = claim(0.95, annual_discount_rate=0.0)
    assert endless.verdicts["points"] == "cannot be said here"
    assert "it has no end where nobody leaves" in endless.answer()[0].sentence
    once = claim(0.8, annual_discount_rate=0.0, renewals="first").headline.uplifts[0]
    assert once.uplift == pytest.approx((1 + 0.85 / 0.2) / 5 - 1)


# A company's own curve


def test_the_verdict_goes_by_the_whole_interval(own: OwnCurve) -> None:
    found = claim(own)
    (fewer,) = found.headline.select(reading="fewer_churners")
    assert found.model == own.best
    assert fewer.uplift_ci_lower < fewer.uplift < fewer.uplift_ci_upper
    for target, verdict, probability in (
        (fewer.uplift_ci_lower - 0.001, "true here", (0.975, 1)),
        (fewer.uplift, "cannot be said here", (0.499, 0.501)),
        (fewer.uplift_ci_upper + 0.001, "true only if", (0, 0.025)),
        (5.0, "false here", (0, 0.001)),
    ):
        other = claim(own, target=target)
        assert other.verdicts["fewer_churners"] == verdict
        low, high = probability
        assert low <= (other.answer()[2].value or 0) <= high


def test_it_cannot_be_said_where_models_that_are_not_ruled_out_disagree(shared_data: Path) -> None:
    """One year of data: beyond it two models part, and neither fits."""
    with open_data(runs.SAAS) as data:
        mine = own_curve(projections(data.life_table(), min_at_risk=10), average="all_years")
    found = claim(mine)
    (points,) = found.headline.select(reading="points")
    assert (points.model, points.standing) == ("bdw", "holds")
    (other,) = found.uplifts.select(reading="points", concept="customer_value", model="sbg")
    assert other.standing == "does not hold"
    assert found.verdicts["points"] == "cannot be said here"
    said = found.answer()[0]
    assert said.value is None
    assert (
        f"But by the sBG model {other.said}, and the counts do not rule that out." in said.sentence
    )
    assert claim(mine, model="bdw").verdicts["points"] == "true here"


def test_with_few_customers_it_cannot_be_said(few: OwnCurve) -> None:
    found = claim(few, target=0.40)
    assert "cannot be said here" in found.verdicts.values()
    said = next(x for x in found.answer() if x.sentence.startswith("Cannot"))
    assert 0.02 < (said.value or 0) < 0.98
    assert "the probability of 40 % or more is" in said.sentence


def test_the_interval_is_wider_with_fewer_customers(own: OwnCurve, few: OwnCurve) -> None:
    wide, narrow = (
        next(iter(claim(x, renewals="each_customer", model="sbg").headline)) for x in (few, own)
    )
    assert wide.uplift_ci_upper - wide.uplift_ci_lower > 2 * (
        narrow.uplift_ci_upper - narrow.uplift_ci_lower
    )


def test_one_average_rate_stands_beside_it(own: OwnCurve) -> None:
    found = claim(own)
    (alone,) = found.average.select(reading="points")
    rate = own.average_rate[0]
    expected = float(uplift(Lift(points=0.05), rate, terms(), "customer_value"))
    assert alone.uplift == pytest.approx(expected)
    assert "at one average rate of" in alone.sentence()


def test_only_the_observed_curve_needs_no_model_within_the_data(own: OwnCurve) -> None:
    observed = profit_uplifts(
        own, terms(horizon=4), lifts=lifts(), renewals=["every"], models=["product_limit"], year=5
    )
    known = {one.asked.concept for one in observed.known}
    assert known == {"customer_value", "net_value"}
    assert all("the data reach" in one.reason or "stay longest" in one.reason
               for one in observed if one.reason)  # fmt: skip


def test_several_kinds_of_renewals_are_told_apart(own: OwnCurve) -> None:
    found = profit_uplifts(
        own, terms(), lifts=[Lift(points=0.05)], renewals=["first", "every", "each_customer"],
        concepts=["customer_value"], models=["sbg"],
    )  # fmt: skip
    assert [x.group["renewals"] for x in found.findings()] == ["first", "every", "each_customer"]
    sizes = [one.uplift for one in found]
    assert sizes[0] < sizes[2] < sizes[1]


def test_it_says_from_when_on_nobody_leaves(own: OwnCurve) -> None:
    (points,) = claim(own, model="sbg").headline.select(reading="points")
    curve = own.strand("sbg").retained(100)[0]
    first = int(np.argmax(curve[1:] / curve[:-1] > 0.95)) + 1
    assert points.cut == f"nobody leaves from year {first} as a customer on"
    assert points.sentence().count(points.cut) == 1
    soon = claim(own, model="sbg", horizon=2).headline.uplifts[0]
    assert (soon.cut, soon.uncut) == ("", None)


def test_a_loss_is_said_as_lower(own: OwnCurve) -> None:
    (points,) = claim(own, retention_cost=0.5).headline.select(reading="points")
    assert points.uplift_ci_upper < 0
    assert "lower than without" in points.sentence()
    check_digits(points.findings()[0].to_dict())
    cost = 1 - 1 / (1 + claim(own).headline.uplifts[0].uplift)
    (even,) = claim(own, retention_cost=cost).headline.select(reading="points")
    assert even.sentence().startswith("No clear difference")


def test_a_lift_that_costs_more_than_it_brings_is_judged(own: OwnCurve) -> None:
    """With three margins a year spent on every customer, what is left is below 0: no riddle."""
    for whose in (own, 0.85):
        found = claim(whose, retention_cost=3.0)
        assert found.verdicts["points"] == "false here"
        (points,) = found.headline.select(reading="points")
        (free,) = claim(whose).headline.select(reading="points")
        assert points.uplift == pytest.approx(-2 * (1 + free.uplift) - 1)
        assert "lower than without, a loss" in points.sentence()
        assert points.probability == 0
        check_digits(points.findings()[0].to_dict())
        assert found.path(3).uplift[3] < -1


def test_a_profit_that_may_be_nothing_is_not_divided_by(few: OwnCurve) -> None:
    """Where winning a customer costs what one brings, give or take the error, no per cent is."""
    worth = (few.strand("sbg").retained(600) / 1.1 ** np.arange(601)).sum(-1)
    error = few.strand("sbg").error(worth)
    for cost, known in ((worth[0] - 1.5 * error, False), (worth[0] - 3 * error, True)):
        found = claim(few, model="sbg", concept="net_value", acquisition_cost=float(cost))
        assert (found.verdicts["points"] != "cannot be said here") == known
        assert ("not above 0 for certain" in found.answer()[0].sentence) != known


def test_what_is_the_same_on_any_curve_has_no_interval_to_say(own: OwnCurve) -> None:
    """5 % fewer who leave are 1/.95 times as many in the long run, at whatever rate."""
    found = claim(own, concept="steady_state", model="constant")
    (fewer,) = found.headline.select(reading="fewer_churners")
    assert fewer.uplift == pytest.approx(1 / 0.95 - 1)
    assert fewer.uplift_ci_lower == fewer.uplift_ci_upper == fewer.uplift
    assert "is 5.3 % higher, at one average rate" in fewer.sentence()
    assert fewer.standing == "does not hold"


def test_a_discount_rate_may_be_a_whole_number() -> None:
    found = claim(0.85, annual_discount_rate=0, horizon=5).findings()
    assert [x.value for x in found] == [
        x.value for x in claim(0.85, annual_discount_rate=0.0, horizon=5).findings()
    ]


# Other terms


def test_other_terms_change_one_thing_at_a_time(own: OwnCurve) -> None:
    found = claim(0.85).conditions()
    terms_of = [x.terms for x in found.of("points")]
    assert len(set(terms_of)) == len(terms_of)
    assert "the margins of 5 years" in terms_of
    five = next(x.uplift for x in found.of("points") if x.terms == "the margins of 5 years")
    assert 100 * five.uplift == pytest.approx(9.3, abs=0.05)
    assert found.where("fewer_churners", "holds") == ()
    more = {x.terms for x in claim(own).conditions().of("points")}
    assert {"at the first renewal only", "for each customer"} <= more


def test_other_terms_hold_where_their_own_claim_is_true() -> None:
    found = claim(0.85).conditions()
    late = next(x for x in found.of("relative") if x.terms == "first margin after a year")
    assert (late.uplift.standing == "holds") == (
        claim(0.85, first_margin="end_of_period").verdicts["relative"] == "true here"
    )
    groups = [tuple(x.group.items()) for x in found.findings()]
    assert len(set(groups)) == len(groups) == 3 * len(found.to_frame())
    late_row = found.to_frame().set_index("terms").loc["first margin after a year"]
    assert late_row["relative_share"] == late.uplift.uplift
    assert late_row["holds_for"] == "points, relative"
    assert "in none of 11 cases." in found.sentence()


def test_what_is_just_not_enough_does_not_look_like_enough() -> None:
    """24.8 % is not rounded to the 25 % that are claimed, nor 9.25 % to 9 %."""
    found = claim(0.848)
    assert found.verdicts["points"] != "true here"
    assert ">24.8 %<" in found.conditions()._repr_html_()
    assert ">9.3 %<" in claim(0.8).path(2)._repr_html_()


def test_discounting_is_no_matter_of_the_profit_of_a_year() -> None:
    said = [x.terms for x in claim(0.85, concept="annual_profit").conditions().of("points")]
    assert not [text for text in said if "discounted" in text or "margins of" in text]


# The years to come, and the map


def test_the_path_is_the_profit_of_each_year(own: OwnCurve) -> None:
    path = claim(0.8).path(15)
    assert 100 * path.uplift[[1, 5, 15]] == pytest.approx([5.0, 18.54, 30.42], abs=0.01)
    assert path.limit == pytest.approx(1 / 3)
    assert path.before.tolist() == pytest.approx([1.0] * 16)
    mine = claim(own).path(10)
    assert (mine.uplift_ci_lower[1:] < mine.uplift[1:]).all()
    assert np.isnan(mine.limit)
    assert mine.after / mine.before - 1 == pytest.approx(mine.uplift)
    (fifth,) = claim(own).uplifts.select(reading="points", concept="annual_profit", model=own.best)
    assert mine.uplift[5] == pytest.approx(fifth.uplift)
    assert len(mine.to_frame()) == 11
    found = {x.group["year"]: x for x in mine.findings()}
    assert list(found) == [str(year) for year in range(1, 11)]
    assert found["5"].value == fifth.uplift
    assert found["5"].ci_upper == pytest.approx(fifth.uplift_ci_upper)


def test_the_cost_of_the_lift_begins_after_today() -> None:
    path = claim(0.8, retention_cost=0.1, acquisition_cost=1.0).path(2)
    assert path.uplift[0] == 0
    assert path.after[1] < path.before[1]


def test_the_map_knows_where_the_company_stands(own: OwnCurve) -> None:
    found = claim(own).map("relative")
    assert found.own == pytest.approx(own.average_rate)
    assert found.lift.reading == "relative"
    with pytest.raises(DataError, match=r"reading 'point' does not exist.*did you mean 'points'"):
        claim(0.8).map("point")


# Words


@pytest.mark.parametrize("changes", [
    {}, {"concept": "annual_profit", "acquisition_cost": 1.0}, {"concept": "steady_state"},
    {"renewals": "first"}, {"renewals": "each_customer", "retention_cost": 0.05},
    {"horizon": 3, "first_margin": "end_of_period", "fixed_cost_share": 0.5, "model": "constant"},
])  # fmt: skip
def test_every_sentence_keeps_the_rules(own: OwnCurve, few: OwnCurve, changes: Any) -> None:
    for subject in (own, few, 0.85):
        found = (
            claim(subject, **changes)
            if subject != 0.85
            else claim(0.85, **{k: v for k, v in changes.items() if k != "model"})
        )
        items = [*found.findings(), *found.conditions().findings(), *found.path(5).findings()]
        said = [x.sentence for x in items]
        said += [found.sentence(), found.conditions().sentence(), found.path(5).sentence()]
        assert [s for s in said if CAUSAL.search(s) or FUTURE.search(s)] == []
        for sentence in said:
            check_whole(sentence)
        assert {x.grade for x in items} == {"D"}
        for x in items:
            check_digits(x.to_dict())
            if subject != 0.85 and x.id == "profit_uplift":
                check_interval(x.to_dict())


def test_the_table_says_reading_verdict_and_threshold(own: OwnCurve) -> None:
    frame = claim(own).to_frame()
    assert frame["reading"].tolist() == list(READINGS)
    assert {"verdict", "uplift_share", "probability_share", "threshold_retention_rate"} <= set(
        frame
    )
    assert "<table" in claim(0.85)._repr_html_()


# Errors


def test_a_claim_leaves_nothing_to_a_default() -> None:
    for name in ASKED:
        with pytest.raises(TypeError, match=name):
            profit_claim(0.85, terms(), **{k: v for k, v in ASKED.items() if k != name})


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(DataError) as caught:
        claim(0.85, concept="profit", renewals="all", model="sbg", target=0.0)
    assert [p.split()[0] for p in caught.value.problems] == [
        "renewals", "concept", "model", "target",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        (85, r"retention is 85.0, must be a share .* write 0.85 for 85 %"),
        (0.97, r"a month's, write 0.694, .* year's, ask for a lift of at most 0.03"),
        (-0.1, "retention is -0.1, must be a share"),
    ],
)
def test_a_rate_of_another_unit_is_refused(rate: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        claim(rate)


def test_a_group_column_may_not_be_called_as_a_key_of_findings() -> None:
    rng = np.random.default_rng(4)
    exits = rng.geometric(0.05, 500)
    table = LifeTable.from_durations(
        np.minimum(exits, 40), exits <= 40, group={"reading": ["a"] * 500},
        replicate=np.arange(500) % 32,
    )  # fmt: skip
    found = own_curve(projections(table), average="all_years")
    with pytest.raises(DataError, match="a group column is called 'reading'"):
        claim(found)


# Intervals hold the truth


def covered(draws: int, n: int, first: int = 0) -> tuple[float, float]:
    """Return the share of draws whose interval holds the true uplift, and its mean error."""
    rng = np.random.default_rng(99)
    kept = (1 - rng.beta(0.9, 25, 2_000_000)) ** 12
    lifted = Lift(points=0.05).apply(kept)
    worth = [(1.1 / (1.1 - r) * (1 - (r / 1.1) ** 10)).mean() for r in (kept, lifted)]
    truth, rows = worth[1] / worth[0] - 1, []
    for seed in range(first, first + draws):
        mine = own_curve(projections(months(n, seed=seed), models=["sbg"]), average="all_years")
        one = claim(mine, renewals="each_customer", horizon=10, model="sbg").headline.uplifts[0]
        rows.append((one.uplift, one.uplift_ci_lower <= truth <= one.uplift_ci_upper))
    values = np.array([row[0] for row in rows])
    off = (values.mean() - truth) / (values.std() / np.sqrt(draws))
    print(f"covered in {np.mean([row[1] for row in rows]):.1%} of {draws}, off by {off:.1f}")
    return float(np.mean([row[1] for row in rows])), float(off)


def test_intervals_hold_the_truth_in_a_few_draws() -> None:
    share, off = covered(8, 3000)
    assert share >= 0.75
    assert abs(off) < 4


@pytest.mark.verify
def test_intervals_hold_the_truth() -> None:
    """Four blocks of seeds, 1,050 draws in all, were covered in 91.3, 96.0, 95.7 and 95.3 %."""
    share, off = covered(600, 3000, first=10_000)
    assert 0.925 <= share <= 0.975
    assert abs(off) < 4


def test_the_paper_s_table_has_intervals_without_replicates() -> None:
    found = own_curve(projections(paper("high_end")), average="first_year")
    assert all(one.uplift_ci_lower < one.uplift < one.uplift_ci_upper
               for one in claim(found).headline)  # fmt: skip
