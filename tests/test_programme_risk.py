"""Draws of a programme: exact where the value is normal, a loop elsewhere, and what is said."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from test_wording import CAUSAL, FUTURE, check_digits, check_interval, check_whole

from cxresearch.errors import CxError, DataError
from cxresearch.roi._effect import Effect
from cxresearch.roi._risk import ProgrammeRisk
from cxresearch.roi._tornado import information
from cxresearch.roi.effect import entered_effect
from cxresearch.roi.programme import Programme
from cxresearch.roi.risk import programme_risk
from cxresearch.roi.uncertain import Uncertain

REFERENCE = tomllib.loads(
    (Path(__file__).parent / "reference" / "programme.toml").read_text("utf-8")
)
CASE: dict[str, Any] = {k: v for k, v in REFERENCE["teaching_case"].items() if k != "source"}
ENDS: dict[str, list[float]] = REFERENCE["teaching_case_ends"]
Z = float(stats.norm.ppf(0.975))


def programme(**changed: Any) -> Programme:
    return Programme(**{**CASE, "currency": "EUR", **changed})


def teaching(**options: Any) -> ProgrammeRisk:
    spread = {
        name: Uncertain.pert(low, CASE[name], high)
        for name, (low, high) in ENDS.items()
        if name != "lift"
    }
    return programme_risk(programme(), spread, effect=entered_effect(0.02, 0, 0.04), **options)


@pytest.fixture(scope="module")
def found() -> ProgrammeRisk:
    return teaching()


def straight(**changed: Any) -> Programme:
    """One year, so that the value is straight in lift, margin and costs."""
    return programme(**{"horizon": 1, "ramp": (1,), "annual_cost": 0, **changed})


def measured(value: float, error: float) -> Uncertain:
    return Uncertain.measured(value, value - Z * error, value + Z * error)


def effect(value: float, error: float, grade: str = "C") -> Effect:
    spread = measured(value, error)
    return Effect(value, value - Z * error, value + Z * error, grade, "somewhere", spread)


# Exact where the value is normal


@pytest.mark.parametrize(("cost", "error"), [(30_000, 0.01), (36_000, 0.02), (60_000, 0.01)])
def test_a_normal_lift_gives_the_normal_answer(cost: float, error: float) -> None:
    p = straight(one_off_cost=cost)
    risk = programme_risk(p, {}, effect=effect(0.02, error), draws=100_000, seed=7)
    mean, sd = p.npv, 10_000 * 200 * error / 1.1
    exact = stats.norm(mean, sd)
    noise = 5 / math.sqrt(100_000)
    assert risk.mean_npv == pytest.approx(mean, abs=noise * sd)
    assert risk.npv.std() == pytest.approx(sd, rel=noise)
    assert risk.probability_of_loss[0] == pytest.approx(exact.cdf(0), abs=noise)
    np.testing.assert_allclose(
        risk.npv_interval, [mean, *exact.ppf([0.025, 0.975])], atol=3 * noise * sd
    )
    u = abs(mean) / sd
    loss = sd * (stats.norm.pdf(u) - u * stats.norm.sf(u))
    assert risk.information[0] == pytest.approx(loss, abs=noise * sd)
    (only,) = risk.tornado.moved
    assert only.knowing == pytest.approx(risk.information[0], abs=1e-6 * sd)
    assert only.variance_share == pytest.approx(1)


@pytest.mark.parametrize(
    ("u", "loss"),
    list(zip(REFERENCE["normal_loss"]["u"], REFERENCE["normal_loss"]["loss"], strict=True)),
)
@pytest.mark.parametrize("side", [-1, 1])
def test_knowing_everything_is_worth_the_printed_normal_loss(
    u: float, loss: float, side: int
) -> None:
    middle = (np.arange(400_000) + 0.5) / 400_000
    npv = side * u + stats.norm.ppf(middle)
    value, lower, upper = information(npv, npv, 0.95)
    assert value == pytest.approx(loss, abs=6e-5)
    assert lower < value < upper


LIFT_SD, COST_SD = 10_000 * 400 * 0.004 / 1.1, 10_000 / float(stats.norm.ppf(0.9)) / 1.1


def two(**options: Any) -> ProgrammeRisk:
    """A lift and a cost that are normal, in one year: so the value is."""
    p = straight(one_off_cost=34_000, annual_margin=400, annual_cost=40_000)
    spread = {"annual_cost": Uncertain.normal(30_000, 50_000)}
    return programme_risk(p, spread, effect=effect(0.02, 0.004), **options)


def test_two_normal_inputs_share_the_variance_and_the_worth_of_knowing() -> None:
    risk = two(draws=100_000, seed=2)
    total = math.hypot(LIFT_SD, COST_SD)
    assert len(risk.tornado.moved) == 2
    for m in risk.tornado.moved:
        sd = LIFT_SD if m.name == "lift" else COST_SD
        u = abs(risk.programme.npv) / sd
        loss = sd * (stats.norm.pdf(u) - u * stats.norm.sf(u))
        assert m.variance_share == pytest.approx((sd / total) ** 2, abs=0.01)
        assert m.knowing == pytest.approx(loss, abs=0.015 * total)
        assert m.knowing < risk.information[0]


@pytest.mark.parametrize("rank", [-0.7, 0.0, 0.7])
def test_what_goes_together_changes_the_doubt(rank: float) -> None:
    """The value of a lift less a cost is surer where both are high together."""
    risk = two(correlation={("lift", "annual_cost"): rank})
    rho = 2 * math.sin(math.pi * rank / 6)
    sd = math.sqrt(LIFT_SD**2 + COST_SD**2 - 2 * rho * LIFT_SD * COST_SD)
    assert risk.npv.std() == pytest.approx(sd, rel=0.02)
    (cost,) = (m for m in risk.tornado.moved if m.name == "annual_cost")
    share = ((COST_SD - rho * LIFT_SD) / sd) ** 2  # squared correlation of cost and value
    assert cost.variance_share == pytest.approx(share, abs=0.02)


def test_the_intervals_of_the_simulation_hold_the_truth() -> None:
    """95 % of 100 simulations: fewer than 86 or all would be wrong by far."""
    p, error = straight(one_off_cost=40_000), 0.01
    sd = 10_000 * 200 * error / 1.1
    u = abs(p.npv) / sd
    truth = (stats.norm.sf(p.npv / sd), sd * (stats.norm.pdf(u) - u * stats.norm.sf(u)))
    held = np.zeros(2, dtype=int)
    for seed in range(100):
        risk = programme_risk(p, {}, effect=effect(0.02, error), draws=1000, seed=seed)
        ends = (risk.probability_of_loss, risk.information)
        held += [low <= t <= high for t, (_, low, high) in zip(truth, ends, strict=True)]
    assert ((held >= 86) & (held < 100)).all(), held


# A loop


def test_each_draw_is_a_programme_of_its_own(found: ProgrammeRisk) -> None:
    for i in range(0, found.draws, 997):
        one = programme(**{name: float(x[i]) for name, x in found.drawn.items()})
        assert found.npv[i] == pytest.approx(one.npv, rel=1e-9, abs=1e-6)
        lift = math.inf if one.break_even_lift is None else one.break_even_lift
        assert found.needed[i] == pytest.approx(lift, abs=1e-9)
        assert found.payback[i] == pytest.approx(one.payback_month or math.inf)


@pytest.mark.parametrize("name", ENDS)
def test_the_tornado_has_the_digits_of_the_teaching_case(found: ProgrammeRisk, name: str) -> None:
    (swing,) = (
        f for f in found.tornado.findings() if f.id == "tornado" and name in f.group.values()
    )
    assert round(swing.value or 0, 2) == REFERENCE["teaching_case_swings"][name]


def test_the_widest_comes_first_and_shares_add_up(found: ProgrammeRisk) -> None:
    swings = [m.swing for m in found.tornado.moved]
    assert swings == sorted(swings, reverse=True)
    assert found.tornado.moved[0].name == "lift"
    assert sum(m.variance_share for m in found.tornado.moved) == pytest.approx(1, abs=0.05)


def test_the_seed_decides(found: ProgrammeRisk) -> None:
    np.testing.assert_array_equal(teaching().npv, found.npv)
    assert (teaching(seed=2).npv != found.npv).all()


def test_a_narrower_level_is_within_a_wider_one(found: ProgrammeRisk) -> None:
    narrow = teaching(confidence_level=0.8)
    for name in ("npv_interval", "break_even", "probability_of_loss"):
        inner, outer = getattr(narrow, name), getattr(found, name)
        assert outer[1] <= inner[1] <= inner[0] == outer[0] <= inner[2] <= outer[2]


def test_the_ends_reach_as_far_as_what_was_entered() -> None:
    """As entered is the best case here: nothing in the draws is above it."""
    spread = {"attribution": Uncertain.uniform(0.5, 1)}
    value, lower, upper = programme_risk(programme(), spread).npv_interval
    assert lower < value == upper


# What is said


def by_id(risk: ProgrammeRisk) -> Mapping[str, dict[str, Any]]:
    return {f.id: f.to_dict() for f in risk.findings()}


def test_the_sentence_for_leadership(found: ProgrammeRisk) -> None:
    assert found.sentence() == (
        "The programme needs at least 4.05 percentage points more who stay a year (3.4 to 6.1 as "
        "the other inputs vary); we assume 2 percentage points, between 0 and 4; so the chance of losing money is above 99 %."
    )
    said = by_id(found)
    assert said["npv"]["value"] == pytest.approx(-221_800.6052741)
    assert round(said["break_even_lift"]["value"], 6) == 0.040534
    assert said["payback_month"]["value"] is None
    assert "never make up for the cost within 5 years" in said["payback_month"]["sentence"]
    assert {f["grade"] for f in said.values()} == {"D"}


def test_a_measured_lift_is_said_to_be_measured_and_an_association_to_be_one() -> None:
    p = straight(one_off_cost=30_000)
    for grade, words in (
        ("A", "; we measured 2 percentage points (from 0 to 4); so the chance of"),
        (
            "C",
            "; what was observed is a difference of 2 percentage points (from 0 to 4), an "
            "association; "
            "if all of it were the programme's doing, the chance of",
        ),
    ):
        assert words in programme_risk(p, {}, effect=effect(0.02, 0.01, grade)).sentence()


def cases() -> list[ProgrammeRisk]:
    wide = {"annual_cost": Uncertain.triangular(0, 60_000, 80_000)}
    return [
        teaching(),
        teaching(confidence_level=0.9),
        programme_risk(programme(lift=0.06), wide, effect=entered_effect(0.06, 0.01, 0.08)),
        programme_risk(programme(lift=0.06, horizon=12), wide, effect=effect(0.06, 0.03)),
        programme_risk(programme(lift=0.06, currency=None), {}, effect=effect(0.06, 0.03, "A")),
        programme_risk(programme(lift=-0.01), wide, effect=effect(-0.01, 0.01, "A")),
        programme_risk(programme(one_off_cost=5e6), wide, effect=effect(0.02, 0.1)),
        programme_risk(programme(one_off_cost=0, annual_cost=0), {}, effect=effect(0.02, 0.004)),
        programme_risk(programme(), {}),
        programme_risk(programme(lift=0.06), {}, effect=entered_effect(0.06)),
    ]


def test_findings_keep_the_rules() -> None:
    checked: set[str] = set()
    for risk in cases():
        effects = risk.effect.findings() if risk.effect else ()
        for found in (*risk.findings(), *risk.tornado.findings(), *effects):
            said = found.to_dict()
            check_whole(found.sentence)
            check_interval(said)
            if check_digits(said):
                checked.add(found.id)
            assert not CAUSAL.search(found.sentence), found.sentence
            assert not FUTURE.search(found.sentence), found.sentence
    assert checked >= {"payback_month", "discounted_payback_month", "lift_used"}


def test_a_loss_that_no_draw_or_every_draw_has_is_not_certain() -> None:
    surely = programme_risk(programme(one_off_cost=5e6), {}, effect=effect(0.02, 0.004))
    assert surely.probability_of_loss[0] == 1
    assert "chance of losing money is above 99 %" in surely.sentence()
    assert surely.sentence().startswith("No lift is enough, even with nobody leaving; ")
    assert by_id(surely)["break_even_lift"]["value"] is None


def test_a_loss_of_all_or_of_no_draws_is_said_as_such() -> None:
    surely = programme_risk(programme(one_off_cost=5e6), {}, effect=effect(0.02, 0.004))
    never = programme_risk(programme(lift=0.1), {}, effect=effect(0.1, 0.004))
    for risk, said in (
        (surely, "above 99 %: all of 20,000 draws of what is not known lose money."),
        (never, "below 1 %: none of 20,000 draws of what is not known loses money."),
    ):
        sentence = by_id(risk)["probability_of_loss"]["sentence"]
        assert sentence == f"The chance of losing money is {said}"
        assert "100.00 %" not in risk._repr_html_()


def test_what_needs_nothing_and_has_nothing_to_pay_back_is_said() -> None:
    risk = programme_risk(programme(one_off_cost=0, annual_cost=0), {}, effect=effect(0.02, 0.004))
    assert risk.sentence().startswith("The programme pays without any lift; what was observed is")
    said = by_id(risk)["payback_month"]["sentence"]
    assert (
        said == "As entered, the payments are never below 0 in sum: there is nothing to pay back."
    )
    knowing = [f.sentence for f in risk.tornado.findings() if f.id == "value_of_information"]
    assert knowing == [
        "To know the lift before deciding would be worth nothing: nothing that it may be changes "
        "the decision."
    ]


def test_how_much_of_a_difference_counts_is_said_as_it_is_drawn() -> None:
    """With half to all of it drawn, the chance is not that of all of it."""
    for spread, said in (
        (Uncertain.pert(0.5, 1, 1), "if 50 to 100 % of it were the programme's doing, the chance"),
        (Uncertain.fixed(1), "if all of it were the programme's doing, the chance"),
    ):
        risk = programme_risk(programme(), {"attribution": spread}, effect=effect(0.02, 0.01))
        assert said in risk.sentence()
    half = programme_risk(programme(attribution=0.5, reached=0.5), {}, effect=effect(0.02, 0.01))
    assert "if 50 % of it were the programme's doing" in half.sentence()
    assert "more who stay a year among those reached, 50 % of them its doing;" in half.sentence()


def test_a_lift_beyond_everybody_is_said_to_be() -> None:
    p = programme(base_retention=0.999, annual_cost=0, one_off_cost=100)
    risk = programme_risk(p, {}, effect=entered_effect(0.02, 0, 0.04))
    said = "between 0 and 4 (no more than 0.1 percentage points can count: then nobody leaves); so"
    assert said in risk.sentence()


def test_one_input_at_a_time_stays_within_what_it_can_be() -> None:
    """An estimate of 99.5 % has a normal distribution, of which a part lies beyond 100 %."""
    p = programme(base_retention=0.995, lift=0.005)
    risk = programme_risk(p, {"base_retention": measured(0.995, 0.01)})
    (moved,) = risk.tornado.moved
    assert moved.ends == (pytest.approx(0.995 - 0.01 * float(stats.norm.ppf(0.9))), 1)
    assert moved.npv[1] == programme(base_retention=1.0, lift=0.005).npv


def test_two_values_that_differ_are_said_so_that_one_sees_it(found: ProgrammeRisk) -> None:
    html = found.tornado._repr_html_()
    for text in ("EUR -222,600 at 12 %", "EUR -220,900 at 8 %", "EUR -5,900 at 4 points"):
        assert text in html


def test_in_how_many_draws_no_lift_is_enough_is_said() -> None:
    spread = {"one_off_cost": Uncertain.uniform(0, 4e6)}
    risk = programme_risk(programme(one_off_cost=1e6), spread, effect=entered_effect(0.02, 0, 0.04))
    share = float(np.isinf(risk.needed).mean())
    assert 0.1 < share < 0.9
    assert f"(in {share:.0%} of the draws".replace("%", " %") in risk.sentence()
    assert risk.break_even is not None
    assert risk.break_even[2] == pytest.approx(0.2)


def test_without_a_range_nobody_says_how_sure_it_is() -> None:
    risk = programme_risk(programme(), {}, effect=entered_effect(0.02))
    assert risk.certain
    assert risk.sentence() == (
        "The programme needs at least 4.05 percentage points more who stay a year; we assume "
        "exactly 2 percentage points; so it loses money."
    )
    said = by_id(risk)
    assert said["probability_of_loss"]["value"] is None
    assert "nothing says how sure that is" in said["probability_of_loss"]["sentence"]
    assert said["npv"]["sentence"] == (
        "As entered, the payments of 5 years are worth EUR -220,000 today."
    )
    assert risk.tornado.moved == ()
    assert risk.tornado.sentence() == "Every input is fixed, so that nothing moves the value."


def test_tables_show_what_is_found(found: ProgrammeRisk) -> None:
    html = found._repr_html_()
    for text in ("never", "99.7 % (99.6 to 99.8 %)", "EUR -240,000", "-38 %"):
        assert text in html
    assert "EUR -430,000 at 0 points" in found.tornado._repr_html_()
    assert set(found.to_frame()["measure"]) >= {"npv", "probability_of_loss", "break_even_lift"}


# What is refused


@pytest.mark.parametrize(
    ("spread", "options", "said"),
    [
        ({"margin": Uncertain.fixed(1)}, {}, "input 'margin' does not exist"),
        (
            {"annual_cost": Uncertain.pert(1, 2, 3)},
            {},
            "annual_cost is 60000 and its ends are 1 and 3, must lie between them",
        ),
        (
            {"attribution": Uncertain.normal(0.5, 1.5)},
            {},
            "attribution reaches from -0.004965 to 2.005 (normal), must be a share",
        ),
        ({"base_retention": Uncertain.uniform(0.5, 1.2)}, {}, "base_retention reaches from 0.5 to"),
        ({}, {"draws": 10}, "draws is 10, must be a whole number from 1000 to 1000000"),
        ({}, {"seed": -1}, "seed is -1, must be a whole number from 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    spread: dict[str, Uncertain], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError) as refused:
        programme_risk(programme(), spread, **options)
    assert refused.value.problems[0].startswith(said)


def test_a_level_that_cannot_be_is_refused() -> None:
    with pytest.raises(CxError, match="confidence_level is 95"):
        teaching(confidence_level=95)


def test_a_normal_may_reach_a_little_beyond_what_can_be() -> None:
    """Less than one in a hundred of its draws: they count as the end."""
    spread = {"base_retention": Uncertain.normal(0.71, 0.89)}
    risk = programme_risk(programme(), spread, draws=50_000)
    drawn = risk.drawn["base_retention"]
    assert drawn.max() == 1
    assert 0.001 < (drawn == 1).mean() < 0.004


def test_an_estimate_near_the_end_is_still_an_estimate() -> None:
    spread = {"base_retention": measured(0.99, 0.01)}
    risk = programme_risk(programme(base_retention=0.99, lift=0.005), spread)
    assert risk.drawn["base_retention"].max() == 1
