from __future__ import annotations

import re
import tomllib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import AalenJohansenFitter

from cxresearch.cause_table import NOT_RECORDED, CauseTable
from cxresearch.causes.aalen_johansen import incidence, incidence_band, incidence_se
from cxresearch.causes.cumulative_incidence import (
    CumulativeIncidences,
    cumulative_incidence,
    reconciliation,
)
from cxresearch.errors import CxError, DataError
from cxresearch.product_limit import greenwood_se, retained_band, retained_share
from cxresearch.retention import retention_curves
from cxresearch.simulate import Settings, simulate
from cxresearch.simulate.people import hazards
from cxresearch.simulate.settings import CAUSES, OTHER_HAZARDS
from cxresearch.source import open_frames

REFERENCE = tomllib.loads((Path(__file__).parent / "reference" / "causes.toml").read_text("utf-8"))


def rows(n=400, seed=1, late=True):
    """One row per customer: three reasons with hazards of .03, .015 and .005, some censored."""
    rng = np.random.default_rng(seed)
    entry = np.where(rng.random(n) < 0.4, rng.integers(0, 10, n), 0) if late else np.zeros(n, int)
    exits, censored = entry + rng.geometric(0.05, n), entry + rng.geometric(0.03, n)
    cause = rng.choice(["voluntary", "involuntary", "company"], n, p=[0.6, 0.3, 0.1])
    lost = exits <= np.minimum(censored, 30)
    return pd.DataFrame(
        {
            "tenure": np.where(lost, exits, np.minimum(censored, 30).clip(entry)),
            "entry": entry.clip(0, 29),
            "cause": np.where(lost, cause, None),
            "plan": rng.choice(["basic", "pro"], n),
            "replicate": rng.integers(0, 256, n),
        }
    ).query("tenure > entry")


def table_of(frame, group=True, **options):
    return CauseTable.from_durations(
        frame["tenure"],
        frame["cause"],
        entry=frame["entry"],
        replicate=frame["replicate"],
        group=frame[["plan"]] if group else None,
        **options,
    )


def shares(result):
    return dict(zip(result.causes, result.cumulative_incidence, strict=True))


def counts_of(table):
    return table.life.at_risk.sum(1), table.life.churned.sum(1), table.churned.sum(2)


# The estimate


def by_hand() -> CauseTable:
    """Ten customers from the start, two from month 1, ties, censoring.

    Month 1: 10 at risk, 2 leave voluntarily, 1 involuntarily, 1 is censored.
    Month 2: 6 + 2 at risk, 1 and 1 leave, 1 is censored.
    Month 3: 5 at risk, 2 leave involuntarily, 3 are censored.
    """
    v, i = "voluntary", "involuntary"
    durations = [1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]
    causes = [v, v, i, None, v, i, None, i, i, None, None, None]
    entry = [0] * 4 + [0, 0, 1] + [1, 0, 0, 0, 0]
    return CauseTable.from_durations(durations, causes, entry=entry)


def test_a_case_worked_by_hand_in_fractions():
    (result,) = cumulative_incidence(by_hand(), min_group=1)
    involuntary = [0, Fraction(1, 10), Fraction(3, 16), Fraction(159, 400)]
    voluntary = [0, Fraction(1, 5), Fraction(23, 80), Fraction(23, 80)]
    still = [1, Fraction(7, 10), Fraction(21, 40), Fraction(63, 200)]
    assert result.causes == ("involuntary", "voluntary")
    for got, exact in zip(
        (*result.cumulative_incidence, result.curve.retained),
        (involuntary, voluntary, still),
        strict=True,
    ):
        np.testing.assert_allclose(got, [float(x) for x in exact], rtol=1e-15)


def test_published_shares_and_standard_errors():
    case = REFERENCE["stcompet"]
    causes = [str(event) if event else None for event in case["event"]]
    table = CauseTable.from_durations(case["time"], causes)
    (result,) = cumulative_incidence(table, min_group=1)
    at = case["at"]
    np.testing.assert_allclose(result.cumulative_incidence[:, at], case["incidence"], atol=5e-9)
    np.testing.assert_allclose(result.standard_error[:, at], case["standard_error"], atol=5e-9)


def naive(frame, cause, until):
    """The same sum from rows: everybody still there, times the share of those at risk."""
    still, share = 1.0, 0.0
    for tenure in range(1, until + 1):
        here = [r for r in frame.itertuples() if r.entry < tenure <= r.tenure]
        left = [r for r in here if r.tenure == tenure and r.cause is not None]
        if here:
            share += still * sum(r.cause == cause for r in left) / len(here)
            still *= 1 - len(left) / len(here)
    return share


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(30, 120))
def test_it_is_the_sum_over_rows(seed, n):
    frame = rows(n, seed)
    table = table_of(frame, group=False)
    at_risk, churned, each = counts_of(table)
    for k, cause in enumerate(table.causes):
        expected = [naive(frame, cause, t) for t in (5, 12, table.life.axis[-1])]
        got = incidence(at_risk, churned, each[k])[0, [5, 12, -1]]
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_lifelines_agrees_where_it_need_not_break_ties():
    rng = np.random.default_rng(4)
    n = 60
    durations = 1 + rng.permutation(n)
    cause = rng.integers(0, 3, n)
    labels = [None if c == 0 else f"c{c}" for c in cause]
    (result,) = cumulative_incidence(CauseTable.from_durations(durations, labels), min_group=1)
    for kind in (1, 2):
        fitted = AalenJohansenFitter(calculate_variance=False).fit(durations, cause, kind)
        expected = fitted.cumulative_density_.iloc[:, 0]
        expected = expected.reindex(result.curve.tenure).to_numpy()
        np.testing.assert_allclose(shares(result)[f"c{kind}"], expected, atol=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 8))
def test_the_causes_and_those_still_there_add_up_to_everybody(seed, start):
    table = table_of(rows(seed=seed))
    found = cumulative_incidence(table, start=start, min_group=1, min_at_risk=1)
    curves = retention_curves(table.life, start=start, min_group=1, min_at_risk=1)
    for result, curve in zip(found, curves, strict=True):
        np.testing.assert_array_equal(result.curve.retained, curve.retained)
        total = result.cumulative_incidence.sum(axis=0) + curve.retained
        np.testing.assert_allclose(total, 1, atol=1e-14)
        assert (np.diff(result.cumulative_incidence) >= 0).all()


def test_a_single_cause_is_what_the_retention_curve_leaves():
    table = table_of(rows()).merged({"any": ["voluntary", "involuntary", "company"]})
    for result in cumulative_incidence(table, start=3):
        np.testing.assert_allclose(result.cumulative_incidence[0], 1 - result.curve.retained)
        np.testing.assert_allclose(
            result.standard_error[0], result.curve.standard_error, atol=1e-15
        )


def test_without_censoring_it_is_a_share_of_all_customers():
    rng = np.random.default_rng(3)
    exits, cause = rng.geometric(0.2, 500), rng.choice(["a", "b"], 500)
    (result,) = cumulative_incidence(CauseTable.from_durations(exits, cause))
    for k, name in enumerate(result.causes):
        p = np.array([((exits <= t) & (cause == name)).mean() for t in result.curve.tenure])
        np.testing.assert_allclose(result.cumulative_incidence[k], p, atol=1e-13)
        np.testing.assert_allclose(result.standard_error[k], np.sqrt(p * (1 - p) / 500), atol=1e-12)


def test_the_curve_of_one_cause_by_itself_overstates_it():
    table = table_of(rows(), group=False)
    (result,) = cumulative_incidence(table, start=2)
    for name, share in shares(result).items():
        (alone,) = retention_curves(table.cause(name), start=2)
        wrong = 1 - alone.retained
        assert (wrong >= share - 1e-15).all()
        assert wrong[-1] > 1.1 * share[-1]


def test_a_start_is_a_condition_on_those_who_reached_it():
    frame = rows(2000)
    (whole,) = cumulative_incidence(table_of(frame, group=False))
    (later,) = cumulative_incidence(table_of(frame, group=False), start=6)
    rest = frame[frame["tenure"] > 6].assign(entry=lambda x: x["entry"].clip(6))
    (alone,) = cumulative_incidence(table_of(rest, group=False), start=6)
    np.testing.assert_allclose(later.cumulative_incidence, alone.cumulative_incidence)
    np.testing.assert_allclose(later.standard_error, alone.standard_error)
    still = whole.curve.retained[6]
    gained = whole.cumulative_incidence[:, 6:] - whole.cumulative_incidence[:, 6:7]
    np.testing.assert_allclose(later.cumulative_incidence, gained / still, atol=1e-14)
    assert (later.cumulative_incidence_ci_upper[:, 0] == 0).all()


def test_groups_are_estimated_by_themselves():
    frame = rows(1000)
    found = cumulative_incidence(table_of(frame))
    assert [result.group for result in found] == [{"plan": "basic"}, {"plan": "pro"}]
    for result in found:
        own = frame[frame["plan"] == result.group["plan"]]
        (alone,) = cumulative_incidence(table_of(own, group=False))
        for name in ("cumulative_incidence", "standard_error", "cumulative_incidence_ci_upper"):
            np.testing.assert_allclose(getattr(result, name), getattr(alone, name), atol=1e-15)


# The interval


def test_the_standard_error_is_its_formula_summed_term_by_term():
    at_risk, churned, each = counts_of(table_of(rows(200), group=False))
    n, d, dk = at_risk[0].astype(float), churned[0], each[2, 0]
    share = incidence(n, d, dk)
    before = np.concatenate([[1.0], retained_share(n, d)[:-1]])
    for t in (4, 15, 25):
        terms = [
            (share[t] - share[u]) ** 2 * d[u] / (n[u] * (n[u] - d[u]))
            + before[u] ** 2 * dk[u] * (n[u] - dk[u]) / n[u] ** 3
            - 2 * (share[t] - share[u]) * before[u] * dk[u] / n[u] ** 2
            for u in range(1, t + 1)
        ]
        assert incidence_se(n, d, dk)[t] == pytest.approx(np.sqrt(sum(terms)), rel=1e-10)


def test_the_textbook_and_the_jackknife_agree():
    table = table_of(rows(6000))
    textbook = cumulative_incidence(table, min_at_risk=100)
    jackknife = cumulative_incidence(table, min_at_risk=100, method="jackknife")
    ratios = []
    for a, b in zip(textbook, jackknife, strict=True):
        np.testing.assert_array_equal(a.cumulative_incidence, b.cumulative_incidence)
        assert np.isfinite(b.standard_error).all()
        ratios.append(b.standard_error[:, [6, 12, 24]] / a.standard_error[:, [6, 12, 24]])
    # 255 degrees of freedom leave about 4 % of noise in each, and they share customers
    np.testing.assert_allclose(ratios, 1, atol=0.2)
    assert np.mean(ratios) == pytest.approx(1, abs=0.06)


def test_nobody_left_with_a_cause_gives_the_exact_limit():
    """30 customers, 10 of whom leave at once for another reason; the rest stay a year."""
    table = CauseTable.from_durations([1] * 10 + [12] * 20, ["b"] * 10 + [None] * 20)
    table = table.merged({"a": ["a"], "b": ["b"]})
    (result,) = cumulative_incidence(table)
    upper = result.cumulative_incidence_ci_upper[0]
    assert (result.cumulative_incidence_ci_lower[0] == 0).all()
    assert upper[0] == 0
    assert upper[1] == pytest.approx(1 - 0.025 ** (1 / 30))  # Clopper & Pearson with 30 trials
    later = 20 / 30 * (1 - 0.025 ** (1 / 20))
    assert upper[2:] == pytest.approx(max(upper[1], later))


def test_where_nobody_left_at_all_the_limit_is_that_of_the_curve():
    n = np.array([[50, 50, 40, 20, 20]])
    none = np.zeros_like(n)
    lower, upper = incidence_band((n, none, none), np.zeros(n.shape), 0.95)
    still, _ = retained_band(n, none, np.zeros(n.shape), 0.95)
    np.testing.assert_allclose(upper, 1 - still)
    assert not lower.any()


def test_where_all_left_with_one_cause_the_interval_ends_at_one():
    table = CauseTable.from_durations([1] * 20 + [2] * 20, ["a"] * 40)
    (result,) = cumulative_incidence(table)
    at_risk, churned, _ = counts_of(table)
    _, still = retained_band(at_risk, churned, greenwood_se(at_risk, churned), 0.95)
    assert result.cumulative_incidence[0, -1] == 1
    assert result.cumulative_incidence_ci_upper[0, -1] == 1
    assert result.cumulative_incidence_ci_lower[0, -1] == pytest.approx(1 - still[0, -1])
    assert 0.8 < result.cumulative_incidence_ci_lower[0, -1] < 1


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(5, 200))
def test_intervals_hold_the_share_and_stay_between_0_and_1(seed, n):
    for result in cumulative_incidence(table_of(rows(n, seed)), min_group=1, min_at_risk=1):
        lower = result.cumulative_incidence_ci_lower
        upper = result.cumulative_incidence_ci_upper
        assert ((lower >= 0) & (upper <= 1)).all()
        assert (lower <= result.cumulative_incidence + 1e-12).all()
        assert (result.cumulative_incidence <= upper + 1e-12).all()


def test_doubling_the_weights_changes_no_share_and_no_interval():
    frame = rows(3000)
    single, double = (table_of(frame, weights=np.full(len(frame), w)) for w in (1.0, 2.0))
    for a, b in zip(cumulative_incidence(single), cumulative_incidence(double), strict=True):
        np.testing.assert_allclose(a.cumulative_incidence, b.cumulative_incidence)
        np.testing.assert_allclose(a.standard_error, b.standard_error, atol=1e-12)
    assert cumulative_incidence(single).curves.method == "jackknife"


def coverage(n, start, draws=1500):
    """Share of intervals that hold the truth at month 12, for a frequent and a rare reason."""
    rng = np.random.default_rng(n + start)
    hazard, until = np.array([0.03, 0.004]), 24
    total = hazard.sum()
    truth = hazard / total * (1 - (1 - total) ** (12 - start))
    entry = rng.integers(0, 12, (draws, n)) if start else np.zeros((draws, n), int)
    exits = entry + rng.geometric(total, (draws, n))
    censored = np.minimum(entry + rng.geometric(0.03, (draws, n)), until)
    cause = rng.choice(2, (draws, n), p=hazard / total)
    lost, last = exits <= censored, np.minimum(exits, censored)
    months = range(until + 1)
    at_risk = np.stack([((entry < t) & (last >= t)).sum(1) for t in months], -1)
    each = np.stack(
        [np.stack([(lost & (last == t) & (cause == k)).sum(1) for t in months], -1) for k in (0, 1)]
    )
    counts = (at_risk, each.sum(0), each)
    lower, upper = incidence_band(counts, incidence_se(*counts, start), 0.95, start)
    held = (lower[..., 12] <= truth[:, None]) & (truth[:, None] <= upper[..., 12])
    return held.mean(axis=-1), (upper[..., 12] < truth[:, None]).mean(axis=-1)


@pytest.mark.verify
@pytest.mark.parametrize(("n", "start"), [(50, 0), (200, 0), (1000, 0), (200, 3), (1000, 3)])
def test_the_interval_keeps_its_level(n, start):
    held, missed_above = coverage(n, start)
    assert (held > 0.93).all(), held
    assert (held < 0.99).all(), held
    assert (missed_above < 0.04).all(), missed_above


# Against a known truth


@pytest.fixture(scope="module")
def simulated():
    drawn = simulate(Settings(customers=20_000, seed=11, tables=("customers", "subscriptions")))
    recipe = {"as_of": drawn.settings.as_of, "observed_from": str(drawn.settings.observed_from)}
    return drawn, open_frames(drawn.tables, **recipe).cause_table()


def test_the_constant_hazards_of_the_simulation_are_recovered(simulated):
    """Each hazard is a share of the summed hazard −log(1 − h) of its month."""
    _, table = simulated
    at_risk, churned, _ = counts_of(table)
    n, d = at_risk[0, 1:], churned[0, 1:]
    summed = -np.log1p(-d / n) / np.maximum(d, 1)
    for name, truth in zip(CAUSES[1:], OTHER_HAZARDS, strict=True):
        own = table.cause(name).churned.sum(axis=(0, 1))[1:]
        estimate = (n * summed * own).sum() / n.sum()
        error = estimate / np.sqrt(own.sum())
        assert abs(estimate - truth) < 3 * error, name
        assert error < 0.15 * truth


def test_the_shares_by_reason_of_the_simulation_are_recovered(simulated):
    drawn, table = simulated
    world = drawn.world
    truth = np.zeros((len(CAUSES), 37))
    still = np.ones(len(world.people))
    for renewal, voluntary in enumerate(hazards(world.people, world.answers, world.settings), 1):
        if renewal < truth.shape[1]:
            total = voluntary + sum(OTHER_HAZARDS)
            leave = still * -np.expm1(-total) / total
            each = [(leave * voluntary).mean(), *(leave.mean() * h for h in OTHER_HAZARDS)]
            truth[:, renewal] = truth[:, renewal - 1] + each
            still *= np.exp(-total)
    (result,) = cumulative_incidence(table)
    for name, exact in zip(CAUSES, truth, strict=True):
        k = result.causes.index(name)
        for tenure in (12, 24, 36):
            gap = result.cumulative_incidence[k, tenure] - exact[tenure]
            assert abs(gap) < 3 * result.standard_error[k, tenure], (name, tenure)


# Findings and words


def test_a_finding_says_how_many_of_hundred_left_and_what_was_recorded():
    found = cumulative_incidence(table_of(rows(3000)))
    finding = found[0].at("voluntary", 12)
    assert finding.id == "cumulative_incidence"
    assert finding.group == {"cause": "voluntary", "tenure": "12", "plan": "basic"}
    assert finding.unit == "share"
    value, low, high = (round(100 * x) for x in (finding.value, finding.ci_lower, finding.ci_upper))
    assert finding.sentence == (
        f"Of 100 customers with plan basic, {value} left within the first 12 months, recorded as "
        f"voluntary (95 % interval {low} to {high})."
    )


def test_a_start_and_a_single_month_are_said():
    table = table_of(rows(3000), group=False)
    (result,) = cumulative_incidence(table, start=3)
    assert re.match("Of 1,?0+ customers who reached 3 months, ", result.at("company", 12).sentence)
    (whole,) = cumulative_incidence(table)
    assert "left within the first month, recorded" in whole.at("voluntary", 1).sentence


def test_a_missing_reason_is_called_so():
    table = CauseTable.from_durations([1] * 20 + [5] * 30, [NOT_RECORDED] * 20 + [None] * 30)
    (result,) = cumulative_incidence(table)
    assert result.at(NOT_RECORDED, 5).sentence == (
        "Of 100 customers, 40 left within the first 5 months, with no reason recorded "
        "(95 % interval 27 to 54)."
    )


def test_few_events_are_warned_of():
    table = CauseTable.from_durations([1] * 3 + [2] + [12] * 46, ["a"] * 3 + ["b"] + [None] * 46)
    (result,) = cumulative_incidence(table)
    warned = "of them left so: read the interval, not the figure."
    assert result.at("a", 12).sentence.endswith(f"Fewer than 10 {warned}")
    assert result.at("b", 1).sentence.endswith(f"None {warned}")


def test_beyond_the_curve_nothing_is_known():
    (result,) = cumulative_incidence(table_of(rows(), group=False))
    finding = result.at("voluntary", 60)
    assert (finding.value, finding.ci_lower, finding.ci_upper) == (None, None, None)
    assert finding.sentence == "Not known after 60 months: the curve runs from 0 to 30 months."


def test_findings_are_one_per_cause_and_tenure():
    found = cumulative_incidence(table_of(rows()))
    keys = [tuple(f.group.items()) for f in found.findings([6, 12])]
    assert len(set(keys)) == len(keys) == 2 * 3 * 2
    assert {f.group["tenure"] for f in found[0].findings()} == {"12", "24"}
    assert found.sentence().count("left within the first 24 months") == 6


def test_small_and_thin_groups_are_counted_and_not_named():
    frame = pd.concat([rows(500), rows(12).assign(plan="secret street 5")])
    found = cumulative_incidence(table_of(frame), min_at_risk=10)
    assert len(found) == 2
    (small,) = found.suppressed
    assert small.sentence == "1 group with fewer than 30 customers is not reported."
    assert "secret" not in found.sentence() + found._repr_html_()
    assert found.table.life.groups == (("basic",), ("pro",))
    none = cumulative_incidence(table_of(frame), min_at_risk=10_000)
    assert (len(none), none.common_horizon, none.start) == (0, 0, 0)
    assert "fewer than 10,000 customers at risk" in none.sentence()
    assert none.to_frame().empty
    assert "<table" in none._repr_html_()


def test_the_frame_has_a_row_per_cause_and_tenure():
    (result,) = cumulative_incidence(table_of(rows(), group=False))
    frame = result.to_frame()
    assert len(frame) == 3 * 31
    row = frame.query("cause == 'voluntary' and tenure == 12").iloc[0]
    assert row["cumulative_incidence"] == result.at("voluntary", 12).value
    assert row["at_risk"] == result.curve.at_risk[12]
    assert list(result.summary([12])["tenure"]) == [12] * 3
    assert "<table" in result._repr_html_()


def test_nobody_left():
    (result,) = cumulative_incidence(CauseTable.from_durations([12] * 40, [None] * 40))
    assert result.causes == ()
    assert result.findings() == ()
    assert result.to_frame().empty


def test_it_reconciles_with_curves_that_were_counted_without_causes():
    table = table_of(rows())
    found, curves = cumulative_incidence(table), retention_curves(table.life)
    finding = reconciliation(found, curves)
    assert (finding.id, finding.value, finding.n) == ("reconciliation", 0, curves.table.n.sum())
    assert "no difference in twelve decimals" in finding.sentence


def test_a_difference_is_not_hidden():
    table, other = table_of(rows()), table_of(rows(seed=2))
    finding = reconciliation(cumulative_incidence(table), retention_curves(other.life))
    assert finding.value > 0.001
    assert f"the largest difference is {finding.value:.1e} of them." in finding.sentence


def test_only_the_same_groups_reconcile():
    table = table_of(rows())
    found: CumulativeIncidences = cumulative_incidence(table)
    for other in (retention_curves(table.life.pooled()), retention_curves(table.life, start=2)):
        with pytest.raises(DataError, match="other groups or another start"):
            reconciliation(found, other)


def test_an_unknown_cause_and_a_wrong_start_are_refused():
    table = table_of(rows())
    with pytest.raises(DataError, match="did you mean 'voluntary'"):
        cumulative_incidence(table)[0].at("volontary", 12)
    with pytest.raises(DataError, match="start is 99"):
        cumulative_incidence(table, start=99)
    with pytest.raises(CxError, match="lang is 'de'"):
        cumulative_incidence(table)[0].sentence("de")
