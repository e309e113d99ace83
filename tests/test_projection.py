from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import beta as beta_function
from test_wording import CAUSAL, FUTURE, check_digits, check_whole

import cxresearch as cx
from cxresearch.errors import DataError
from cxresearch.product_limit import retained_share
from cxresearch.projection._forecast import COMBINED, standing
from cxresearch.projection._model_fit import fit_models, variants_error
from cxresearch.projection._renewal_models import fit, log_retained
from cxresearch.projection.fitted import Projections, projections
from cxresearch.retention import retention_curves
from cxresearch.tables import LifeTable

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = tomllib.loads((ROOT / "tests" / "reference" / "projection.toml").read_text())
HIGH_END = {"alpha": 0.668, "beta": 3.806}


def paper() -> LifeTable:
    """Table 1 of the paper, as its recipe reads it."""
    return cx.open_data(ROOT / "data" / "recipes" / "fader_hardie.toml").life_table(["segment"])


def survivors(share, n: int, longest: int, rng: np.random.Generator, **words) -> LifeTable:
    """Customers who all began together, by a function of tenure that gives S."""
    s = share(np.arange(longest + 1.0))
    lost = rng.multinomial(n, np.r_[-np.diff(s), s[-1]])
    exits = np.repeat(np.r_[np.arange(1, longest + 1), longest], lost)
    churned = np.repeat(np.r_[np.ones(longest, bool), False], lost)
    order = rng.permutation(n)
    return LifeTable.from_durations(exits[order], churned[order], **words)


def beta_geometric(alpha: float, beta: float, c: float = 1.0):
    return lambda t: beta_function(alpha, beta + t**c) / beta_function(alpha, beta)


def late(n: int, seed: int, latest: int = 6) -> LifeTable:
    """Customers by an sBG who come under observation after 0 to 5 periods, if still there."""
    rng = np.random.default_rng(seed)
    exits = rng.geometric(rng.beta(HIGH_END["alpha"], HIGH_END["beta"], n))
    entry = rng.integers(0, latest, n)
    end = np.minimum(exits, 12)
    kept = exits > entry
    words = {"entry": entry[kept], "replicate": rng.integers(0, 64, kept.sum())}
    return LifeTable.from_durations(end[kept], (exits <= 12)[kept], **words)


def named(projected: Projections) -> dict[tuple[str, ...], float | None]:
    return {(*f.group.values(),): f.value for f in projected.parameters()}


# Published, from the recipe to the finding


def test_the_recipe_gives_the_published_parameters() -> None:
    found = named(projections(paper(), fit_periods=7, horizon=12))
    for segment in ("regular", "high_end"):
        for name in ("alpha", "beta"):
            printed = REFERENCE["sbg_7_years"][segment][name]
            assert round(found["sbg", name, segment], 4) == pytest.approx(printed, abs=1e-9)
    assert round(found["bdw", "c", "high_end"], 4) == REFERENCE["bdw_7_years_high_end"]["c"]


def test_the_recipe_names_the_fits_that_were_published() -> None:
    with cx.open_data(ROOT / "data" / "recipes" / "fader_hardie.toml") as data:
        projected = projections(data.life_table(["segment"]))
        again = projected.first_parameters(data.first_periods)
    found = {tuple(f.group.values()): (round(f.value, 4), f.sentence) for f in again}
    for segment in ("regular", "high_end"):
        for name in ("alpha", "beta"):
            printed = REFERENCE["sbg_7_years"][segment][name]
            value, said = found["7", "sbg", name, segment]
            assert value == printed
            assert f"fitted to the first 7 years, is {printed:.4f} (" in said
    for name in ("alpha", "beta", "c"):
        assert found["4", "bdw", name, "high_end"][0] == REFERENCE["bdw_4_years_high_end"][name]
    everything = {tuple(f.group.items()) for f in (*again, *projected.parameters())}
    assert len(everything) == len(again) + len(projected.parameters())  # no key stands twice


def test_the_five_cohorts_of_the_recipe_are_the_published_case() -> None:
    case = REFERENCE["case_1"]
    with cx.open_data(ROOT / "data" / "recipes" / "fader_hardie_2010.toml") as data:
        projected = projections(data.life_table())
    assert projected.table.n.tolist() == [50_000 - 10_000]  # the last one was seen once
    found = named(projected)
    assert found["sbg", "alpha"] == pytest.approx(case["alpha_refitted"], abs=5e-5)
    assert found["sbg", "beta"] == pytest.approx(case["beta_refitted"], abs=5e-5)
    left = cx.residual_lifetimes(projected, projected.tenures_seen, annual_discount_rate=0.1)
    years = [round(r.residual_lifetime, 2) for r in left if r.model == "sbg"]
    assert years == case["derl"]


def test_the_recipe_gives_the_published_projection() -> None:
    projected = projections(paper().select(segment="high_end"), fit_periods=7, horizon=12)
    values = [f.value for f in projected.findings([8, 9, 10, 11, 12]) if f.group["model"] == "sbg"]
    assert [round(v, 3) for v in values] == REFERENCE["sbg_high_end"]["retained_8_to_12"]


def test_keys_are_those_of_the_data_and_sentences_speak_of_years() -> None:
    projected = projections(paper(), fit_periods=7, horizon=12)
    for found in projected.findings([3, 12]):
        assert set(found.group) == {"model", "tenure", "segment"}
        assert "month" not in found.sentence
        assert ("extrapolated 5 years beyond the data" in found.sentence) == (
            found.group["tenure"] == "12"
        )
        assert found.grade == ("D" if found.group["tenure"] == "12" else "C")
    for found in projected.parameters():
        assert set(found.group) == {"model", "parameter", "segment"}
    assert {f.group["parameter"] for f in projected.parameters()} == {"theta", "alpha", "beta", "c"}


# Late entry


def test_late_entry_recovers_the_truth_and_ignoring_it_does_not() -> None:
    table = late(60_000, 4)
    projected = projections(table)
    (result,) = projected
    found = {fit.model: fit.parameters(0.95) for fit in result.fits}["sbg"]
    for name, true in HIGH_END.items():
        assert found[name].ci_lower < true < found[name].ci_upper
        assert found[name].value == pytest.approx(true, rel=0.15)
    share = beta_geometric(**HIGH_END)(np.arange(25.0))
    np.testing.assert_allclose(result["sbg"].retained, share, atol=0.02)

    total = np.asarray(table.entered.sum(axis=-1))
    entered = np.zeros_like(table.entered)
    entered[..., 0] = total
    naive = projections(replace(table, entered=entered))[0]
    wrong = {fit.model: fit.parameters(0.95) for fit in naive.fits}["sbg"]
    assert not wrong["alpha"].determined or wrong["alpha"].value > 10 * HIGH_END["alpha"]
    assert abs(naive["sbg"].retained[1] - share[1]) > 0.05


def test_cohorts_are_pooled_by_adding_their_tables() -> None:
    whole = LifeTable.from_durations([1, 2, 3, 4, 4, 4] * 30, [1, 1, 1, 1, 0, 0] * 30)
    short = LifeTable.from_durations([1, 2, 2, 2] * 40, [1, 1, 0, 0] * 40)
    both = LifeTable.from_durations(
        [1, 2, 3, 4, 4, 4] * 30 + [1, 2, 2, 2] * 40, [1, 1, 1, 1, 0, 0] * 30 + [1, 1, 0, 0] * 40
    )
    pooled, direct = projections(whole + short), projections(both)
    assert named(pooled) == pytest.approx(named(direct))


# Standard errors


def test_jackknife_and_observed_information_agree() -> None:
    rng = np.random.default_rng(8)
    table = survivors(beta_geometric(0.9, 6.0), 8000, 12, rng, replicate=np.arange(8000) % 256)
    single = replace(
        table, **{k: table.counts(k).sum(1, keepdims=True) for k in table.count_fields}
    )
    many, one = projections(table)[0], projections(single)[0]
    for jackknifed, informed in zip(many.fits, one.fits, strict=True):
        assert (jackknifed.step, informed.step is None) == (None, False)
        assert jackknifed.log_likelihood == pytest.approx(informed.log_likelihood)
        a, b = jackknifed.parameters(0.95), informed.parameters(0.95)
        for name in a:
            assert a[name].value == pytest.approx(b[name].value)
            assert a[name].standard_error == pytest.approx(b[name].standard_error, rel=0.25)
    for model in ("geometric", "sbg", "bdw", COMBINED):
        widths = [p[model].retained_ci_upper - p[model].retained_ci_lower for p in (many, one)]
        np.testing.assert_allclose(widths[0][1:], widths[1][1:], rtol=0.25)


def test_the_delta_method_is_the_information_of_the_geometric_by_hand() -> None:
    n, d = np.array([[500.0, 500, 400, 330]]), np.array([[0.0, 100, 70, 50]])
    (found,) = fit_models(n, d, ["geometric"], step=None, whole=True)
    theta, trials = 220 / 1230, 1230
    parameter = found.parameters(0.95)["theta"]
    assert parameter.value == pytest.approx(theta)
    assert parameter.standard_error == pytest.approx(math.sqrt(theta * (1 - theta) / trials))
    share = np.exp(found.log_retained(np.array([5])))
    by_hand = 5 * (1 - theta) ** 4 * math.sqrt(theta * (1 - theta) / trials)
    assert found.error(share)[0] == pytest.approx(by_hand, rel=1e-6)


def test_weights_count_as_customers_for_the_estimate_and_have_no_tests() -> None:
    rng = np.random.default_rng(3)
    exits = np.minimum(rng.geometric(rng.beta(1, 5, 900)), 9)
    churned, replicate = exits < 9, np.arange(900) % 64
    once = LifeTable.from_durations(exits, churned, replicate=replicate)
    twice = LifeTable.from_durations(exits, churned, replicate=replicate, weights=np.full(900, 2.0))
    plain, weighted = projections(once)[0], projections(twice)[0]
    np.testing.assert_allclose(plain["sbg"].retained, weighted["sbg"].retained, atol=1e-5)
    np.testing.assert_allclose(
        plain["sbg"].retained_ci_lower, weighted["sbg"].retained_ci_lower, atol=1e-4
    )
    assert list(weighted.standing.credible) == ["geometric", "sbg", "bdw"]
    assert {f.value for f in weighted.fit_tests()} == {None}
    assert all(f.sentence.endswith("tested: they are weighted.") for f in weighted.fit_tests())


# What the models do not speak of


def test_who_leaves_at_tenure_0_is_counted_by_its_own_share() -> None:
    rng = np.random.default_rng(5)
    exits = np.minimum(rng.geometric(rng.beta(1, 5, 1000)), 9)
    churned = exits < 9
    at_once = np.r_[np.zeros(100, int), exits]
    with_first = LifeTable.from_durations(at_once, np.r_[np.ones(100, bool), churned])
    without = LifeTable.from_durations(exits, churned)
    first, rest = projections(with_first)[0], projections(without)[0]
    np.testing.assert_allclose(first["sbg"].retained, rest["sbg"].retained * 10 / 11, rtol=1e-9)
    assert first["sbg"].retained[0] == pytest.approx(first.observed.retained[0])
    error = (first.observed.retained_ci_upper - first.observed.retained_ci_lower)[0]
    assert (first["sbg"].retained_ci_upper - first["sbg"].retained_ci_lower)[0] == pytest.approx(
        error, rel=1e-3
    )


def test_a_start_makes_everything_conditional_and_changes_no_fit() -> None:
    table = late(4000, 6)
    whole, after = projections(table)[0], projections(table, start=3)[0]
    assert [f.log_likelihood for f in whole.fits] == [f.log_likelihood for f in after.fits]
    expected = whole["bdw"].retained[3:] / whole["bdw"].retained[3]
    np.testing.assert_allclose(after["bdw"].retained[: len(expected)], expected)
    assert after["bdw"].retained_ci_lower[0] == after["bdw"].retained_ci_upper[0] == 1
    assert "who reached 3 months" in after.at(12).sentence
    np.testing.assert_allclose(after["bdw"].retention_rate[1:9], whole["bdw"].retention_rate[4:12])


def test_fitting_the_first_periods_is_censoring_at_their_end() -> None:
    table = late(3000, 7)
    until = 6
    kept = {k: table.counts(k)[..., : until + 1].copy() for k in table.count_fields}
    kept["entered"][..., until] = 0
    kept["censored"][..., until] = (table.at_risk - table.churned)[..., until]
    cut = replace(table, **kept)
    first, censored = projections(table, fit_periods=until)[0], projections(cut)[0]
    for a, b in zip(first.fits, censored.fits, strict=True):
        np.testing.assert_allclose(a.coordinates, b.coordinates)
    assert first.longest == censored.longest == until
    assert first.observed.longest == 12


def test_the_name_of_the_period_changes_no_estimate() -> None:
    table = late(3000, 7)
    years = replace(table, periods_per_year=1)
    assert named(projections(table)) == named(projections(years))
    assert projections(years, horizon=9)[0].horizon == projections(table, horizon=9)[0].horizon


# The band


def test_the_band_holds_each_credible_interval_and_the_mean_is_weighted() -> None:
    projected = projections(paper(), fit_periods=7, horizon=14)
    for result in projected:
        found = result.standing
        assert list(found.credible) == ["sbg", "bdw"]
        both = result[COMBINED]
        for model in found.credible:
            assert (both.retained_ci_lower <= result[model].retained_ci_lower + 1e-12).all()
            assert (both.retained_ci_upper >= result[model].retained_ci_upper - 1e-12).all()
        aic = np.array([f.aic for f in result.fits[1:]])
        weights = np.exp(-(aic - aic.min()) / 2)
        mean = (weights @ [result[m].retained for m in found.credible]) / weights.sum()
        np.testing.assert_allclose(both.retained, mean)
        assert "by sBG and BdW together" in result.sentence()
        assert "which fits far worse" in result.at(12, "geometric").sentence


def test_where_no_model_fits_the_band_holds_all_of_them() -> None:
    hazard = np.where(np.arange(1, 37) % 12 == 0, 0.3, 0.01)  # everybody leaves at the anniversary
    table = survivors(
        lambda _: np.r_[1, np.cumprod(1 - hazard)], 5000, 36, np.random.default_rng(1)
    )
    (result,) = projections(table)
    assert all(f.misfit_p_value < 1e-6 for f in result.fits)
    assert not result.fits_well
    assert list(result.standing.credible) == ["geometric", "sbg", "bdw"]
    assert "none of which fits the counts" in result.sentence()
    assert all("departs from the counts" in f.sentence for f in result.fit_tests())


def test_weights_of_models_fall_with_aic_and_end_at_ten() -> None:
    (result,) = projections(paper().select(segment="regular"))
    found = standing(result.fits, whole=True)
    assert found.weights["geometric"] == 0
    assert sum(found.weights.values()) == pytest.approx(1)


# What is not reported


def groups(sizes: dict[str, tuple[int, float]]) -> LifeTable:
    rng = np.random.default_rng(2)
    plan = np.repeat(list(sizes), [n for n, _ in sizes.values()])
    chance = np.repeat([h for _, h in sizes.values()], [n for n, _ in sizes.values()])
    exits = rng.geometric(np.maximum(chance, 1e-9))
    return LifeTable.from_durations(
        np.minimum(exits, 12), (exits <= 12) & (chance > 0), group={"plan": plan}
    )


def test_groups_with_too_few_who_left_are_counted_and_not_named() -> None:
    table = groups({"large": (900, 0.1), "tiny-secret": (12, 0.1), "loyal-secret": (400, 0.0)})
    projected = projections(table)
    assert [result.label for result in projected] == ["large"]
    said = [f.sentence for f in projected.findings() if f.id == "not_reported"]
    assert len(said) == 2
    assert "1 group with fewer than 30 customers is not reported." in said
    assert any(s.startswith("1 group is not projected: fewer than 30 customers left") for s in said)
    assert not any("secret" in s for s in said)
    assert projected.table.groups == (("large",),)


def test_nobody_left_is_said_and_no_number_is_given() -> None:
    projected = projections(LifeTable.from_durations([5] * 300, [0] * 300))
    assert (len(projected), projected.tenures) == (0, [0])
    (found,) = projected.findings([12])
    assert (found.id, found.value, found.n) == ("not_reported", None, None)
    assert "Customers are not projected" in found.sentence
    assert projections(LifeTable.from_durations([5] * 300, [0] * 300), min_events=0)[0].at(
        9
    ).value == pytest.approx(1, abs=1e-6)


def test_few_periods_carry_only_small_models() -> None:
    def models(longest: int) -> list[str]:
        exits = np.minimum(np.random.default_rng(1).geometric(0.2, 500), longest)
        table = LifeTable.from_durations(exits, exits < longest)
        return [f.model for result in projections(table) for f in result.fits]

    assert models(2) == ["geometric"]
    assert models(3) == ["geometric", "sbg"]
    assert models(4) == ["geometric", "sbg", "bdw"]


def test_parameters_without_a_finite_value_say_so() -> None:
    hazard = 0.02 * np.arange(1, 11)
    table = survivors(
        lambda _: np.r_[1, np.cumprod(1 - hazard)], 3000, 10, np.random.default_rng(1)
    )
    found = {(f.group["model"], f.group["parameter"]): f for f in projections(table).parameters()}
    for name in ("alpha", "beta"):
        assert found["sbg", name].value is None
        assert "all customers look alike" in found["sbg", name].sentence
    assert found["bdw", "c"].value == pytest.approx(1.8, abs=0.3)
    assert found["geometric", "theta"].unit == "share"


def test_a_tenure_beyond_the_projection_is_not_guessed() -> None:
    (result,) = projections(paper().select(segment="regular"), horizon=15)
    found = result.at(16)
    assert (found.value, found.ci_lower) == (None, None)
    assert found.sentence == "Not known after 16 years: the projection runs from 0 to 15 years."
    assert "more than twice as far as the data reach" in projections(paper(), fit_periods=4, horizon=9)[
        0
    ].at(9).sentence  # fmt: skip


def test_proposed_tenures_are_whole_years() -> None:
    projected = projections(late(3000, 1))
    assert (projected.tenures, projected.tenures_seen) == ([12, 24], [0, 12])
    yearly = projections(paper(), fit_periods=7, horizon=14)
    assert yearly.tenures == [2, 5, 8, 11, 14]
    assert yearly.tenures_seen == [0, 1, 3, 5, 7]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": ["sgb"]}, "model 'sgb' does not exist, .*did you mean 'sbg'"),
        ({"models": []}, "there are 0 models, must be at least 1"),
        ({"horizon": -1}, "horizon is -1, must be a whole number of periods from 0"),
        ({"fit_periods": 2.5}, "fit_periods is 2.5, must be a whole number"),
        ({"fit_periods": 3, "start": 3}, "fit_periods is 3, must be above start, which is 3"),
        ({"start": 13}, "start is 13, must be from 0 to 12"),
        ({"confidence_level": 95}, "confidence_level is 95, must be between 0 and 1"),
    ],
)
def test_arguments_that_break_a_rule_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        projections(late(2000, 1), **options)


def test_a_column_with_the_name_of_a_key_is_refused() -> None:
    table = replace(paper(), group_columns=("model",))
    with pytest.raises(DataError, match=r"a group column is called 'model'.*rename it"):
        projections(table)
    with pytest.raises(DataError, match="model 'weibull' does not exist"):
        projections(paper())[0]["weibull"]


# Words


def test_sentences_are_whole_and_claim_nothing() -> None:
    projected = projections(paper(), fit_periods=7, horizon=16)
    projected_late = projections(late(3000, 2), start=3, confidence_level=0.9)
    found = [
        f
        for p in (projected, projected_late)
        for f in (*p.findings([4, 12, 16, 99]), *p.parameters(), *p.fit_tests(), *p.findings())
    ]
    checked = 0
    for one in found:
        check_whole(one.sentence)
        assert not CAUSAL.search(one.sentence), one.sentence
        assert not FUTURE.search(one.sentence), one.sentence
        checked += check_digits(one.to_dict())
    assert checked > 30


def test_labels_are_only_text() -> None:
    exits = np.minimum(np.random.default_rng(1).geometric(0.2, 500), 8)
    table = LifeTable.from_durations(exits, exits < 8, group={"plan": ["{0} <b>%s"] * 500})
    projected = projections(table)
    assert "plan {0} <b>%s" in projected.sentence()
    assert "<b>" not in projected._repr_html_().replace("&lt;b&gt;", "")


def test_frames_have_a_row_per_model_and_tenure() -> None:
    frame = projections(paper(), fit_periods=7, horizon=12).to_frame()
    assert len(frame) == 2 * 4 * 13
    assert frame.groupby("extrapolated").size().to_dict() == {False: 64, True: 40}
    assert frame["retained"].between(0, 1).all()


def test_observed_rates_are_averages_of_what_was_observed() -> None:
    (result,) = projections(paper().select(segment="regular"))
    rates = result.observed_rates()
    left = np.array(REFERENCE["table_1"]["regular"])
    # later years are taken together until ten or more left
    assert rates["periods"].sum() == 12
    np.testing.assert_allclose(rates["retention_rate"][:6], (left[1:] / left[:-1])[:6])
    (long,) = projections(late(9000, 1))
    few = long.observed_rates(at_most=3)
    assert len(few) <= 3
    assert few["periods"].sum() == 12
    assert (few["retention_rate_ci_lower"] < few["retention_rate"]).all()


# Long simulations


@pytest.mark.verify
def test_intervals_of_parameters_and_shares_cover_the_truth() -> None:
    rng, runs, tenures = np.random.default_rng(11), 400, np.array([5, 10, 20])
    hits: dict[str, list[np.ndarray]] = {"alpha": [], "beta": [], "retained": [], "jackknife": []}
    true = beta_geometric(**HIGH_END)(tenures.astype(float))
    for _ in range(runs):
        replicate = rng.integers(0, 256, 1500)
        table = survivors(beta_geometric(**HIGH_END), 1500, 10, rng, replicate=replicate)
        single = replace(
            table, **{k: table.counts(k).sum(1, keepdims=True) for k in table.count_fields}
        )
        (result,) = projections(single, models=["sbg"], horizon=20)
        (other,) = projections(table, models=["sbg"], horizon=20)
        found = result.fits[0].parameters(0.95)
        for name, value in HIGH_END.items():
            hits[name].append(np.array(found[name].ci_lower < value < found[name].ci_upper))
        for name, p in (("retained", result), ("jackknife", other)):
            curve = p["sbg"]
            low, high = curve.retained_ci_lower[tenures], curve.retained_ci_upper[tenures]
            hits[name].append((low < true) & (true < high))
    for name, each in hits.items():
        covered = np.mean(each, axis=0)
        assert ((covered > 0.92) & (covered < 0.98)).all(), (name, covered)


TRUTHS = {
    "geometric": lambda t: 0.9**t,
    "sbg": beta_geometric(**HIGH_END),
    "bdw": beta_geometric(0.2593, 1.7226, 1.5844),
    "two kinds of customers": lambda t: 0.6 * 0.95**t + 0.4 * 0.6**t,
    "frailty, rising": lambda t: (1 + 1.5 * 0.12 * t**1.5) ** (-1 / 1.5),
    "frailty, falling": lambda t: 1 / (1 + 0.2 * t**0.7),
}


@pytest.mark.verify
@pytest.mark.parametrize("truth", list(TRUTHS))
@pytest.mark.parametrize("n", [300, 1000])
def test_the_band_holds_up_to_twice_as_far_as_the_data(truth: str, n: int) -> None:
    """Also where none of the models is true; each model alone does not (see the next test)."""
    rng, runs, periods = np.random.default_rng(12), 300, 6
    tenures = np.array([periods, 9, 12])
    true = TRUTHS[truth](tenures.astype(float))
    hits = []
    for _ in range(runs):
        (result,) = projections(survivors(TRUTHS[truth], n, periods, rng))
        curve = result[COMBINED]
        low, high = curve.retained_ci_lower[tenures], curve.retained_ci_upper[tenures]
        hits.append((low < true) & (true < high))
    covered = np.mean(hits, axis=0)
    assert (covered > 0.92).all(), covered


@pytest.mark.verify
def test_what_the_band_cannot_do_is_as_documented() -> None:
    """Customers who never leave, not seen for long: at three times the data the band fails."""
    rng = np.random.default_rng(13)

    def true(t: np.ndarray) -> np.ndarray:
        return 0.3 + 0.7 * 0.8**t

    hits = {"sbg": [], COMBINED: []}
    for _ in range(200):
        (result,) = projections(survivors(true, 1000, 6, rng), horizon=18)
        for model, found in hits.items():
            curve = result[model]
            found.append(curve.retained_ci_lower[[12, 18]] < true(np.array([12.0, 18.0])))
            found[-1] &= true(np.array([12.0, 18.0])) < curve.retained_ci_upper[[12, 18]]
    sbg, both = (np.mean(found, axis=0) for found in hits.values())
    assert both[0] > sbg[0]
    assert both[0] > 0.8
    assert both[1] < 0.8


@pytest.mark.verify
def test_the_test_of_fit_keeps_its_size() -> None:
    rng = np.random.default_rng(14)
    table = late(4000, 1)
    n = table.at_risk.sum(axis=(0, 1))[1:].astype(float)
    truth = fit("sbg", n[None], table.churned.sum(axis=(0, 1))[None, 1:].astype(float))
    hazard = -np.expm1(np.diff(log_retained(truth.coordinates[0], np.arange(len(n) + 1))))
    found = []
    for _ in range(1000):
        d = rng.binomial(n.astype(int), hazard)
        counts = (np.r_[n[0], n][None], np.r_[0, d][None])
        found.append(fit_models(*counts, ["sbg"], step=None, whole=True)[0].misfit_p_value)
    assert 0.03 < np.mean(np.array(found) < 0.05) < 0.07


def test_the_variants_error_is_exact_for_what_is_linear() -> None:
    values = np.array([5.0, 5.1, 4.9, 5.2, 4.8])
    assert variants_error(values, 0.1) == pytest.approx(math.hypot(1, 2))


def test_the_observed_curve_is_the_product_limit_curve() -> None:
    table = late(3000, 3)
    (result,) = projections(table)
    (curve,) = retention_curves(table, min_at_risk=1)
    np.testing.assert_array_equal(result.observed.retained, curve.retained)
    share = retained_share(table.at_risk.sum(1), table.churned.sum(1))[0]
    np.testing.assert_array_equal(result.observed.retained, share[: len(curve.retained)])
