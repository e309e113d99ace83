"""Weights by cell against rows, what they leave out, and the balance they reach."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from confounded import Truth, draw, rows, table

from cxresearch.adjust.balance import balance, overlap
from cxresearch.adjust.comparability import comparability
from cxresearch.adjust.weighting import RefusedError, arms, main_effects, weights
from cxresearch.errors import DataError
from cxresearch.product_limit import retained_share
from cxresearch.tables import LifeTable

PAIR = ("promoter", "detractor")
MIXED = Truth(passives=0.3, censoring=0.02, censoring_by_trait=0.4)


def row_weights(frame: pd.DataFrame) -> pd.DataFrame:
    """Stabilised weights by a logit fitted to rows, one group against everybody else."""
    design = sm.add_constant(frame[["x", "z"]].astype(float))
    out = {}
    for label in PAIR:
        member = (frame["score_group"] == label).to_numpy()
        fit = sm.GLM(member.astype(float), design, family=sm.families.Binomial()).fit(tol=1e-12)
        out[label] = np.where(member, member.mean() / fit.predict(design), np.nan)
    return pd.DataFrame(out)


def at_months(given, months=12):
    return retained_share(given.counts("at_risk"), given.counts("churned"))[..., months]


@pytest.mark.parametrize("seed", [1, 2])
def test_weights_are_those_of_a_logit_on_rows(seed):
    frame = rows(MIXED, 3000, seed)
    given = weights(arms(table(frame), *PAIR))
    by_row = row_weights(frame)
    for i, label in enumerate(PAIR):
        for j, (x, z) in enumerate(given.arms.cells):
            here = (frame["x"] == x) & (frame["z"] == z) & (frame["score_group"] == label)
            np.testing.assert_allclose(given.weight[0, i, j], by_row.loc[here, label], rtol=1e-7)


def test_weights_are_estimated_again_without_each_replicate():
    frame = rows(MIXED, 1500, 3)
    given = weights(arms(table(frame), *PAIR))
    for replicate in (0, 17, 255):
        rest = frame[frame["replicate"] != replicate]
        # a replicate that is not there is a replicate of nobody
        again = weights(arms(table(rest), *PAIR))
        np.testing.assert_allclose(given.weight[1 + replicate], again.weight[0], rtol=1e-8)
        for name in ("at_risk", "churned", "censored"):
            np.testing.assert_allclose(
                given.counts(name)[1 + replicate], again.counts(name)[0], atol=1e-7
            )


def test_weighted_counts_are_those_of_weighted_rows():
    frame = rows(MIXED, 2000, 4)
    given = weights(arms(table(frame), *PAIR))
    by_row = row_weights(frame)
    for i, label in enumerate(PAIR):
        side = frame[frame["score_group"] == label]
        plain = LifeTable.from_durations(
            side["months"], side["churned"], weights=by_row.loc[side.index, label]
        )
        for name in ("at_risk", "churned", "censored"):
            mine = given.counts(name)[0, i, : len(plain.axis)]
            np.testing.assert_allclose(mine, plain.counts(name)[0, 0], rtol=1e-6, atol=1e-7)


def test_without_a_trait_that_matters_weights_change_nothing():
    frame = rows(MIXED, 1000, 5).assign(x="0", z="0")
    given = weights(arms(table(frame), *PAIR))
    np.testing.assert_allclose(given.weight, 1, rtol=1e-9)
    plain = table(frame).pooled("score_group")
    share = retained_share(plain.at_risk.sum(axis=1), plain.churned.sum(axis=1))
    expected = [share[plain.groups.index((label,)), 12] for label in PAIR]
    np.testing.assert_allclose(at_months(given)[0], expected, rtol=1e-9)


def test_weighting_for_nothing_is_allowed():
    frame = rows(MIXED, 1000, 5)
    given = weights(arms(table(frame, ()), *PAIR))
    assert given.arms.cells == ((),)
    np.testing.assert_allclose(given.weight, 1, rtol=1e-9)
    assert balance(given).sentence() == (
        "Nothing was known before the survey that could be compared."
    )


def test_one_trait_is_balanced_exactly():
    given = weights(arms(draw(MIXED, 3000, 6, ("x",)), *PAIR))
    mass = given.arms.people.sum(axis=1) * given.weight[0]
    everybody = given.arms.everybody.sum(axis=0)
    for side in mass:
        np.testing.assert_allclose(side / side.sum(), everybody / everybody.sum(), rtol=1e-9)
    np.testing.assert_allclose(balance(given).difference_after, 0, atol=1e-9)


def test_large_weights_are_cut_and_counted():
    sides = arms(draw(Truth(score=3.0), 4000, 7), *PAIR)
    free, cut = weights(sides, max_weight=1e6), weights(sides, max_weight=2.0)
    assert free.n_truncated == 0
    assert free.weight[0].max() > 2
    assert cut.weight.max() == 2.0
    above = sides.people.sum(axis=1)[free.weight[0] > 2].sum()
    assert cut.n_truncated == above > 0
    assert f"{above} are cut to 2;" in overlap(cut).sentence()


def test_cells_without_a_counterpart_are_left_out_and_said():
    frame = rows(MIXED, 2000, 8)
    lone = (frame["x"] == "1") & (frame["z"] == "1") & (frame["score_group"] == "detractor")
    sides = arms(table(frame[~lone]), *PAIR)
    assert ("1", "1") not in sides.cells
    gone = (frame["x"] == "1") & (frame["z"] == "1") & ~lone
    assert sides.n_outside == gone.sum()
    assert sides.outside_share == pytest.approx(gone.sum() / (~lone).sum())
    said = overlap(weights(sides), population="answers").sentence()
    assert said.startswith(f"Left out are {100 * sides.outside_share:.1f} % of the answers")


def test_no_overlap_is_refused():
    frame = rows(MIXED, 2000, 9)
    frame = frame.assign(x=np.where(frame["score_group"] == "promoter", "1", "0"))
    with pytest.raises(RefusedError, match="for 100 % there is no promoter or no detractor"):
        arms(table(frame), *PAIR)


def test_a_clock_that_begins_late_and_a_table_without_replicates_are_refused():
    frame = rows(MIXED, 500, 10)
    group = frame[["score_group", "x"]]
    months = frame["months"] + 1
    late = LifeTable.from_durations(months, frame["churned"], entry=[1] * 500, group=group)
    with pytest.raises(RefusedError, match="only after their clock began"):
        arms(late, *PAIR)
    with pytest.raises(RefusedError, match="no replicates"):
        arms(LifeTable.from_durations(months, frame["churned"], group=group), *PAIR)


def test_names_that_do_not_exist_are_errors():
    given = draw(MIXED, 500, 11)
    with pytest.raises(DataError, match=r"score_group 'promotor' does not exist.*'promoter'"):
        arms(given, "promotor", "detractor")
    with pytest.raises(DataError, match="grouped by x and z, must be by score_group too"):
        arms(given.pooled("x", "z"), *PAIR)
    with pytest.raises(DataError, match=r"max_weight is 0\.5, must be at least 1"):
        weights(arms(given, *PAIR), max_weight=0.5)


def test_traits_that_say_the_same_count_once():
    frame = rows(MIXED, 1000, 12).assign(y=lambda f: f["x"])
    twice = weights(arms(table(frame, ("x", "y")), *PAIR))
    once = weights(arms(table(frame, ("x",)), *PAIR))
    assert main_effects(twice.arms.cells).shape == (2, 2)
    np.testing.assert_allclose(twice.weight, once.weight, rtol=1e-9)


def test_balance_is_that_of_rows():
    frame = rows(MIXED, 2500, 13)
    found = balance(weights(arms(table(frame), *PAIR)))
    by_row = row_weights(frame)
    for i, (covariate, level) in enumerate(zip(found.covariates, found.levels, strict=True)):
        has = (frame[covariate] == level).astype(float)
        sides = [frame["score_group"] == label for label in PAIR]
        p = [has[s].mean() for s in sides]
        w = [
            np.average(has[s], weights=by_row.loc[s, label])
            for s, label in zip(sides, PAIR, strict=True)
        ]
        spread = np.sqrt((p[0] * (1 - p[0]) + p[1] * (1 - p[1])) / 2)
        assert found.difference_before[i] == pytest.approx((p[0] - p[1]) / spread)
        assert found.difference_after[i] == pytest.approx((w[0] - w[1]) / spread, abs=1e-6)


def test_balance_in_words():
    found = balance(weights(arms(draw(MIXED, 3000, 14), *PAIR)))
    assert found.balanced
    assert found.sentence().startswith(
        "Before weighting 4 of 4 traits differ by more than 0.1 standard deviations between "
        "promoters and detractors, after weighting none; the largest difference goes from "
    )
    assert list(found.to_frame()) == [
        "covariate", "level", "promoter_before_share", "detractor_before_share",
        "promoter_after_share", "detractor_after_share", "difference_before", "difference_after",
    ]  # fmt: skip
    assert "<p>Before weighting" in found._repr_html_()
    assert ">-0.00<" not in found._repr_html_()


def test_hostile_labels_are_escaped_in_tables():
    frame = rows(MIXED, 1000, 15).assign(x=lambda f: "<script>" + f["x"])
    page = balance(weights(arms(table(frame), *PAIR)))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_overlap_spreads_everybody_over_the_bands():
    given = weights(arms(draw(MIXED, 3000, 16), *PAIR))
    found = overlap(given)
    np.testing.assert_allclose(found.shares.sum(axis=1), 1)
    chance = given.propensity[0, 0] / given.propensity[0].sum(axis=0)
    people = given.arms.people.sum(axis=1)
    top = people[0, chance >= 0.7].sum() / people[0].sum()
    assert found.shares[0, 7:].sum() == pytest.approx(top)
    w = np.repeat(given.weight[0, 0], people[0])
    assert found.effective_n[0] == pytest.approx(w.sum() ** 2 / (w**2).sum())
    assert found.sentence().startswith("Every history before the survey occurs with promoters and")


def test_comparability_shows_both_and_never_fails_on_data():
    followed = draw(MIXED, 3000, 17)
    found = comparability(followed)
    given = weights(arms(followed, *PAIR))
    assert found.sentence() == f"{balance(given).sentence()} {overlap(given).sentence()}"
    assert found.findings() == ()
    assert "<p>Before weighting" in found._repr_html_()
    bare = comparability(draw(MIXED, 1000, 17, ()))
    assert bare.balance is None
    assert bare.sentence().startswith("Every history before the survey")


def test_what_cannot_be_compared_is_a_reason():
    lonely = draw(MIXED, 1000, 18).select(score_group=["passive", "promoter"])
    (finding,) = comparability(lonely).findings()
    assert (finding.id, finding.value) == ("not_reported", None)
    assert finding.sentence == "The groups cannot be compared: there are no detractors."
    frame = rows(MIXED, 500, 19)
    frame = frame.assign(x=np.where(frame["score_group"] == "promoter", "1", "0"))
    assert "no promoter or no detractor" in comparability(table(frame)).sentence()
