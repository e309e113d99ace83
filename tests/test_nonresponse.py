"""Response rates, weights, bounds and the tipping point, and who stays after a survey."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from test_wording import CAUSAL, FUTURE, check_digits, check_interval, check_whole

from cxresearch.errors import DataError
from cxresearch.invitation_table import InvitationTable
from cxresearch.plots import alt_text
from cxresearch.plots.nonresponse import plot_nonresponse, plot_responders, plot_response_rates
from cxresearch.scores._response_weights import response_weights
from cxresearch.scores.nonresponse import nps_nonresponse
from cxresearch.scores.responder_retention import compare_responders
from cxresearch.scores.response_rates import response_rates
from cxresearch.simulate import Settings, simulate
from cxresearch.source import open_frames
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import normal_interval, wilson_interval

WORDS = {"as_of": "2025-12-31"}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def table(**counts: int) -> InvitationTable:
    """Totals without replicates, as in a paper."""
    frame = pd.DataFrame({"outcome": list(counts), "invitations": list(counts.values())})
    return InvitationTable.from_counts(frame, **WORDS)


def drawn(rows: pd.DataFrame, columns: list[str], **words: Any) -> InvitationTable:
    """Count rows with `outcome`, `replicate` and the columns."""
    keys = [*columns, "replicate", "outcome"]
    frame = rows.groupby(keys, observed=True).size().rename("invitations").reset_index()
    return InvitationTable.from_counts(frame, columns, **(WORDS | words))


def world(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, float]:
    """Customers whose answering depends on what is known of everybody, and so does their score."""
    plan, tenure = rng.choice(["a", "b", "c"], n), rng.choice(["new", "old"], n)
    old = (tenure == "old").astype(float)
    base = pd.Series(plan).map({"a": 0.55, "b": 0.40, "c": 0.25}).to_numpy() + 0.10 * old
    promoter, detractor = base, 0.75 * (1 - base) - 0.10
    draw = rng.random(n)
    score = np.where(draw < promoter, "promoter", "passive")
    score = np.where(draw > 1 - detractor, "detractor", score)
    log_odds = -1.6 + 1.5 * (plan == "a") + 0.5 * (plan == "b") + 0.9 * old
    answered = rng.random(n) < 1 / (1 + np.exp(-log_odds))
    rows = pd.DataFrame({"plan": plan, "tenure": tenure, "replicate": rng.integers(0, 256, n)})
    share = {"a": 0.55, "b": 0.40, "c": 0.25}
    truth = np.mean(
        [100 * (b - 0.75 * (1 - b) + 0.10) for s in share.values() for b in (s, s + 0.1)]
    )
    return rows.assign(outcome=np.where(answered, score, "silent")), float(truth)


# Published numbers


def test_silence_moves_the_score_at_any_size():
    """A mix of 35/35/30 answering at 30/12/18 % is observed as +25, whatever the size."""
    for size in (1_000, 1_000_000):
        got = {"promoter": 35 * 30, "passive": 35 * 12, "detractor": 30 * 18}
        counts = {name: n * size // 10_000 for name, n in got.items()}
        (result,) = nps_nonresponse(table(**counts, silent=size - sum(counts.values())))
        assert result.nps == pytest.approx(25.37, abs=0.005)
        assert result.lower_bound < 5 < result.upper_bound


def test_bounds_and_tipping_point_at_a_fifth_answering():
    """20 % answer with +30: between −74 and +86, and 0 as soon as the silent are at −7.5."""
    (result,) = nps_nonresponse(table(promoter=1000, passive=600, detractor=400, silent=8000))
    assert result.nps == pytest.approx(30)
    assert (result.lower_bound, result.upper_bound) == pytest.approx((-74, 86))
    assert result.silent_at_tipping == pytest.approx(-7.5)
    assert result.tipping_point == pytest.approx(37.5)
    assert "between -74 and 86" in result.sentence()
    assert re.search(r"the silent is 3[78] points \(33 to 42\) or more lower", result.sentence())


def test_wilson_of_the_literature():
    """81 of 263: .2553 to .3662 (Newcombe 1998, Statistics in Medicine 17, table I)."""
    (result,) = response_rates(table(passive=81, silent=182, bounced=37))
    assert (result.invited, result.delivered, result.answered) == (300, 263, 81)
    ends = (result.response_rate_ci_lower, result.response_rate_ci_upper)
    assert ends == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert result.sentence() == (
        "Of 100 invitations delivered, 31 were answered (95 % interval 26 to 37)."
    )


# Response rates


def test_customers_invited_twice_alike_count_half():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"replicate": np.tile(rng.integers(0, 256, 4000), 2)})
    rows["outcome"] = np.tile(np.where(rng.random(4000) < 0.4, "passive", "silent"), 2)
    counts = rows.groupby(["replicate", "outcome"]).size().rename("invitations").reset_index()
    once = InvitationTable.from_counts(counts)
    twice = InvitationTable.from_counts(counts.assign(customers=counts["invitations"] // 2))
    assert response_rates(once)[0].effective_n == 8000
    assert response_rates(twice)[0].effective_n == pytest.approx(4000, rel=0.2)


def test_rates_of_0_and_1_have_an_interval():
    for counts in ({"silent": 40}, {"promoter": 40}):
        frame = pd.DataFrame(
            {"outcome": list(counts), "invitations": 40, "customers": 20, "replicate": 7}
        )
        (result,) = response_rates(InvitationTable.from_counts(frame), min_group=20)
        low, high = (float(end) for end in wilson_interval(result.response_rate * 20, 20))
        assert (result.response_rate_ci_lower, result.response_rate_ci_upper) == (low, high)


def test_small_groups_are_counted_and_not_named():
    frame = pd.DataFrame(
        {
            "plan": ["a", "a", "secret"],
            "outcome": ["silent", "passive", "passive"],
            "invitations": [60, 40, 29],
        }
    )
    found = response_rates(InvitationTable.from_counts(frame, ["plan"]))
    assert [r.group for r in found] == [{"plan": "a"}]
    assert found.findings()[-1].sentence == "1 group with fewer than 30 customers is not reported."
    scored = nps_nonresponse(InvitationTable.from_counts(frame, ["plan"]), ["plan"])
    few = "1 group with fewer than 30 customers who answered is not reported."
    assert scored.findings()[-1].sentence == few
    assert "secret" not in found.sentence() + scored.sentence()


# Weights


def test_one_column_is_post_stratification():
    rows, _ = world(3_000, np.random.default_rng(4))
    counts = drawn(rows, ["plan"])
    (result,) = nps_nonresponse(counts, max_weight=1e6)
    value = {"promoter": 100, "passive": 0, "detractor": -100}
    answered = rows[rows["outcome"] != "silent"]
    means = answered["outcome"].map(value).groupby(answered["plan"]).mean()
    expected = (rows["plan"].value_counts(normalize=True) * means).sum()
    assert result.nps_weighted == pytest.approx(expected, abs=1e-8)
    assert result.nps == pytest.approx(answered["outcome"].map(value).mean())


def test_propensities_are_those_of_a_logistic_regression():
    import statsmodels.api as sm  # noqa: PLC0415 - an oracle, slow to load

    rows, _ = world(2_000, np.random.default_rng(5))
    dummies = pd.get_dummies(rows[["plan", "tenure"]], drop_first=True, dtype=float)
    answered = (rows["outcome"] != "silent").to_numpy(float)
    fit = sm.GLM(answered, sm.add_constant(dummies), family=sm.families.Binomial()).fit()
    cells = drawn(rows, ["plan", "tenure"])
    found = response_weights(cells.groups, cells.answered, cells.delivered, 5.0)
    for cell, p in zip(cells.groups, found.propensity[0], strict=True):
        same = (rows["plan"] == cell[0]) & (rows["tenure"] == cell[1])
        assert p == pytest.approx(fit.fittedvalues[same].iloc[0], abs=1e-8)


def test_weights_add_up_and_are_at_least_one():
    rows, _ = world(2_000, np.random.default_rng(6))
    cells = drawn(rows, ["plan", "tenure"])
    found = response_weights(cells.groups, cells.answered, cells.delivered, 5.0)
    delivered = found.answered.sum(axis=-1) + found.silent.sum(axis=-1)
    np.testing.assert_allclose((found.answered * found.weight).sum(axis=-1), delivered)
    assert found.weight.min() >= 1
    assert found.n_truncated == 0
    assert 0.5 * found.answered[0].sum() < found.effective_n < found.answered[0].sum()


def test_truncation_follows_its_rule():
    cells = [("often",), ("rarely",)]
    answered, delivered = np.array([[900], [20]]), np.array([[1000], [1000]])
    free, cut = (response_weights(cells, answered, delivered, most) for most in (1e9, 5.0))
    np.testing.assert_allclose(free.weight[0], [1000 / 900, 1000 / 20])
    mean = (900 * (1 / 9) + 20 * 49) / 920
    odds = np.array([1 / 9, 5 * mean])
    np.testing.assert_allclose(cut.weight[0], 1 + 1080 * odds / (900 * odds[0] + 20 * odds[1]))
    assert (free.n_truncated, cut.n_truncated) == (0, 20)


def test_thin_levels_are_pooled_so_that_silent_ones_stay_in():
    cells = [("a",), ("b",), ("tiny",), ("never",)]
    answered = np.array([[300], [100], [4], [0]])
    delivered = np.array([[600], [400], [10], [50]])
    found = response_weights(cells, answered, delivered, 5.0)
    assert found.propensity[0, 2] == found.propensity[0, 3] == found.propensity[0, 0]
    assert found.reason == ""


def test_weights_recover_the_truth_where_the_naive_score_does_not():
    rows, truth = world(60_000, np.random.default_rng(7))
    (result,) = nps_nonresponse(drawn(rows, ["plan", "tenure"]))
    assert result.nps_weighted_ci_lower < truth < result.nps_weighted_ci_upper
    assert result.nps_ci_lower > truth + 5
    assert result.difference_ci_upper < 0
    assert "a difference of" in result.sentence()
    assert result.difference == pytest.approx(result.nps_weighted - result.nps)


@pytest.mark.verify
def test_the_weighted_interval_covers_the_truth():
    covered = []
    for seed in range(300):
        rows, truth = world(1_500, np.random.default_rng(1000 + seed))
        (result,) = nps_nonresponse(drawn(rows, ["plan", "tenure"]))
        covered.append(result.nps_weighted_ci_lower <= truth <= result.nps_weighted_ci_upper)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_jackknife_and_linearised_errors_agree():
    rows, _ = world(40_000, np.random.default_rng(8))
    every = drawn(rows, ["plan", "tenure"])
    single = drawn(rows.assign(replicate=0), ["plan", "tenure"])
    single = InvitationTable.from_counts(
        single.to_frame().drop(columns="customers"), ["plan", "tenure"], **WORDS
    )
    (a,), (b,) = nps_nonresponse(every), nps_nonresponse(single)
    for name in ("nps", "lower_bound", "upper_bound", "tipping_point"):
        widths = [getattr(r, f"{name}_ci_upper") - getattr(r, f"{name}_ci_lower") for r in (a, b)]
        assert widths[0] == pytest.approx(widths[1], rel=0.2), name
    # with one variable that tells more about scores than chance, estimating the weights helps
    weighted = [r.nps_weighted_ci_upper - r.nps_weighted_ci_lower for r in (a, b)]
    assert 0.7 * weighted[1] < weighted[0] < 1.2 * weighted[1]


def test_by_wave_and_group_each_result_is_that_of_its_own_rows():
    rows, _ = world(6_000, np.random.default_rng(9))
    rows["wave"] = np.where(np.arange(6_000) % 2, "w1", "w2")
    found = nps_nonresponse(drawn(rows, ["wave", "plan", "tenure"]), ["plan"])
    assert [tuple(r.group.values()) for r in found] == [(w, p) for w in ("w1", "w2") for p in "abc"]
    own = rows[(rows["wave"] == "w2") & (rows["plan"] == "a")]
    (alone,) = nps_nonresponse(drawn(own, ["tenure"]))
    assert found[3].nps_weighted == pytest.approx(alone.nps_weighted)
    assert found[3].adjusted_for == ("tenure",)
    assert "in w2 to customers with plan a" in found[3].sentence()


def test_without_anything_known_there_are_no_weights():
    (result,) = nps_nonresponse(table(promoter=60, passive=20, detractor=20, silent=300))
    assert result.no_weights == "nothing is known of everybody invited"
    assert np.isnan(result.nps_weighted)
    assert [f.id for f in result.findings()] == ["nps_tipping_point"]
    assert "Weighted" not in result.definition


# Properties

COUNTS = st.lists(
    st.tuples(*(st.integers(0, 60) for _ in range(4)), st.integers(0, 5)), min_size=1, max_size=8
)


def counted(rows: list[tuple[int, ...]]) -> InvitationTable:
    names = ("promoter", "passive", "detractor", "silent")
    frame = pd.DataFrame(
        [
            {"cell": f"c{i % 3}", "outcome": name, "invitations": n, "replicate": row[4]}
            for i, row in enumerate(rows)
            for name, n in zip(names, row, strict=False)
        ]
    )
    return InvitationTable.from_counts(frame, ["cell"], **WORDS)


@settings(max_examples=60)
@given(COUNTS)
def test_bounds_contain_every_weighted_score(rows: list[tuple[int, ...]]):
    for result in nps_nonresponse(counted(rows), min_group=1):
        assert result.lower_bound - 1e-9 <= result.nps <= result.upper_bound + 1e-9
        if not result.no_weights:
            ends = (result.lower_bound - 1e-6, result.upper_bound + 1e-6)
            assert ends[0] <= result.nps_weighted <= ends[1]
            if result.answered < result.delivered:
                assert -100 - 1e-6 <= result.silent_weighted <= 100 + 1e-6
        for finding in result.findings():
            check_whole(finding.sentence)


@settings(max_examples=20)
@given(COUNTS, st.permutations(range(256)))
def test_names_of_replicates_and_order_change_nothing(
    rows: list[tuple[int, ...]], order: list[int]
):
    moved = [(*row[:4], order[row[4]]) for row in rows]
    for a, b in zip(
        nps_nonresponse(counted(rows), min_group=1),
        nps_nonresponse(counted(moved), min_group=1),
        strict=True,
    ):
        x, y = (r.to_frame().to_numpy(dtype=float) for r in (a, b))
        np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-6)


# What no weights can mend


@lru_cache
def simulated() -> tuple[InvitationTable, LifeTable, dict[str, Any]]:
    tables = ("customers", "subscriptions", "survey_invitations", "survey_responses")
    sim = simulate(Settings(customers=12_000, seed=11, tables=tables))
    extract: dict[str, Any] = {"as_of": sim.settings.as_of, "observed_from": "2022-01-01"}
    extract["scales"] = {"nps": {"min": 0, "max": 10}, "csat": {"min": 1, "max": 5}}
    frame = ["plan", "region", "channel", "onboarding", "tenure_band"]
    with open_frames(dict(sim.tables), **extract) as data:
        return data.invitation_table(frame, wave="survey"), data.responder_table(), sim.truth


def test_weights_cannot_mend_silence_that_depends_on_the_score():
    invited, _, truth = simulated()
    wave = invited.waves[-1]
    (result,) = nps_nonresponse(invited.select(wave=wave))
    known = truth["nps"]["waves"][-1]["nps"]
    assert result.nps_weighted_ci_lower > known
    assert result.lower_bound < known < result.upper_bound
    # the silent are below those who answer, but not by as much as the sign of the score takes
    share = 1 - result.response_rate
    true_gap = (result.nps - known) / share
    assert 0 < true_gap < result.tipping_point_ci_upper


def test_those_who_answer_stay_longer_in_the_simulation():
    _, life, truth = simulated()
    assert truth["settings"]["response_rates"][2] > truth["settings"]["response_rates"][1]
    (result,) = compare_responders(life, (6, 12, 24))
    assert result.months == (6, 12, 24)
    assert result.difference_ci_lower[-1] > 0
    frame = result.to_frame()
    np.testing.assert_allclose(
        frame["answered_share"] - frame["silent_share"], frame["difference_share"]
    )
    assert "percentage points" in result.sentence()


def test_a_difference_is_that_of_the_two_curves():
    rng = np.random.default_rng(12)
    exits = np.minimum(rng.geometric(0.03, 900), 20)
    side = np.repeat(["answered", "silent"], 450)
    single = LifeTable.from_durations(exits, exits < 20, group={"response": side})
    (plain,) = compare_responders(single, (12,))
    many = LifeTable.from_durations(
        exits, exits < 20, group={"response": side}, replicate=rng.integers(0, 256, 900)
    )
    (clustered,) = compare_responders(many, (12,))
    a, b = (curve.retained[12] for curve in plain.curves)
    errors = [curve.standard_error[12] for curve in plain.curves]
    low, high = normal_interval(a - b, np.hypot(*errors))
    assert plain.difference[0] == clustered.difference[0] == pytest.approx(a - b)
    assert (plain.difference_ci_lower[0], plain.difference_ci_upper[0]) == (low, high)
    width = clustered.difference_ci_upper[0] - clustered.difference_ci_lower[0]
    assert width == pytest.approx(high - low, rel=0.15)


def test_a_comparison_beyond_the_data_is_left_out():
    exits, side = np.full(100, 8), np.repeat(["answered", "silent"], 50)
    life = LifeTable.from_durations(exits, exits < 0, group={"response": side})
    assert compare_responders(life, (6, 12))[0].months == (6,)
    found = compare_responders(life, (12,))
    assert len(found) == 0
    assert found.findings()[0].id == "not_reported"


# Words, figures, errors


def everything() -> list[Any]:
    invited, life, _ = simulated()
    some = table(promoter=40, passive=20, detractor=41, silent=300)
    return [
        response_rates(invited.pooled("wave")),
        nps_nonresponse(invited.select(wave=invited.waves[-1])),
        nps_nonresponse(some),
        nps_nonresponse(table(promoter=10, passive=20, detractor=90, silent=100)),
        nps_nonresponse(table(promoter=90, passive=20, detractor=1, silent=10)),
        nps_nonresponse(table(promoter=90, passive=20, detractor=1)),
        nps_nonresponse(some, min_group=10**6),
        compare_responders(life, (1, 12, 24)),
    ]


def test_sentences_are_whole_rounded_and_claim_no_cause():
    findings = [finding for result in everything() for finding in result.findings()]
    assert {f.id for f in findings} >= {"response_rate", "nps_weighted", "nps_tipping_point"}
    for finding in findings:
        check_whole(finding.sentence)
        check_interval(finding.to_dict() | {"unit": finding.unit})
        assert not CAUSAL.search(finding.sentence), finding.sentence
        assert not FUTURE.search(finding.sentence), finding.sentence
        if finding.id == "responder_retained_difference":
            assert check_digits(finding.to_dict())
    said = " ".join(finding.sentence for finding in findings)
    assert "no clear sign to lose" in said
    assert "points (" in said
    assert "or more higher" in said
    assert "so its sign holds" in said
    assert "All 111 invitations were answered." in said


def test_every_result_says_what_it_is():
    for results in everything():
        for result in results:
            assert result.definition.endswith(".")
            assert not CAUSAL.search(result.definition)
            assert len(result.to_frame())
            assert result._repr_html_().startswith("<table")


def test_figures_show_the_numbers():
    invited, life, _ = simulated()
    rates = response_rates(invited.pooled("wave"))
    ax = plot_response_rates(rates)
    np.testing.assert_allclose(
        ax.containers[0].lines[0].get_ydata(), [r.response_rate for r in rates]
    )
    assert alt_text(ax).startswith("Response rates with 95 % intervals. ")
    (result,) = nps_nonresponse(invited.select(wave=invited.waves[-1]))
    ax = plot_nonresponse(result)
    bar = ax.patches[0]
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx(
        (result.lower_bound, result.upper_bound)
    )
    dots = [c.lines[0].get_xdata()[0] for c in ax.containers if hasattr(c, "lines")]
    assert dots == pytest.approx([result.nps, result.nps_weighted, result.silent_at_tipping])
    assert "The silent" in alt_text(ax)
    ax = plot_responders(compare_responders(life)[0])
    assert ax.get_xlabel() == "Months since the last day to answer"
    assert "since the last day to answer" in alt_text(ax)
    with pytest.raises(ValueError, match="0 response rates, must be at least 1"):
        plot_response_rates([])


@pytest.mark.parametrize(
    ("words", "call", "message"),
    [
        ({}, {"by": ["plan"]}, "group column 'plan' does not exist"),
        ({}, {"max_weight": 0.5}, r"max_weight is 0\.5, must be at least 1"),
        ({"metric": "csat"}, {}, "holds csat answers in no score groups"),
    ],
)
def test_a_wrong_call_is_named(words: dict[str, Any], call: dict[str, Any], message: str):
    frame = pd.DataFrame({"outcome": ["passive", "silent"], "invitations": [50, 50]})
    with pytest.raises(DataError, match=message):
        nps_nonresponse(InvitationTable.from_counts(frame, **words), **call)


def test_a_table_without_sides_is_refused():
    life = LifeTable.from_durations([3] * 50, [0] * 50, group={"plan": ["a"] * 50})
    with pytest.raises(DataError, match="must have answered and silent in a column response"):
        compare_responders(life)
