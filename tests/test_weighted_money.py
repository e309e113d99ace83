"""Money is weighted as its customers are: against weighted rows, and without each replicate."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
import valued

from cxresearch.adjust.support import check_losses, check_people, two_groups
from cxresearch.adjust.weighting import RefusedError, arms, weights
from cxresearch.uncertainty import leave_one_out
from cxresearch.value_table import LIFE, MONEY

PAIR = ("promoter", "detractor")


def row_weights(frame, label):
    """Stabilised weights of one group by a logit fitted to rows, one group against the rest."""
    traits = [(frame[name] == levels[1]).astype(float) for name, levels in
              (("tenure_band", valued.BANDS), ("plan", valued.PLANS))]  # fmt: skip
    design = np.column_stack([np.ones(len(frame)), *traits])
    member = (frame["score_group"] == label).to_numpy()
    fit = sm.GLM(member.astype(float), design, family=sm.families.Binomial()).fit(tol=1e-12)
    return member.mean() / fit.predict(design)


@pytest.mark.parametrize("left_out", [None, 0, 200])
def test_every_count_is_that_of_weighted_rows(left_out):
    frame = valued.rows(valued.World(), 1200, 1)
    given = weights(arms(valued.table(frame), *PAIR))
    long = valued.months_of(frame)
    rest = frame[frame["replicate"] != left_out]
    for i, label in enumerate(PAIR):
        weight = row_weights(rest, label)
        mine = long[(long["score_group"] == label) & (long["replicate"] != left_out)]
        each = mine.index.map(dict(zip(rest.index, weight, strict=True)))
        for name in (*LIFE, *MONEY):
            plain = np.bincount(mine["tenure"], mine[name] * each, minlength=41)
            found = given.counts(name)[0 if left_out is None else 1 + left_out, i]
            np.testing.assert_allclose(found, plain[: len(found)], rtol=1e-6, atol=1e-6)


def test_weights_for_nothing_leave_every_count_as_it_is():
    given = weights(arms(valued.draw(valued.World(), 800, 2, ()), *PAIR))
    for name in (*LIFE, *MONEY, "at_risk"):
        plain = leave_one_out(given.arms.counts(name)[:, 0])
        np.testing.assert_allclose(given.counts(name), plain, rtol=1e-8, atol=1e-6)


def test_losses_of_money_keep_their_sign():
    table = valued.draw(valued.World(margin=-30.0), 800, 3)
    margin = weights(arms(table, *PAIR)).counts("margin")[0]
    assert (margin[:, :12] < 0).all()


def test_too_few_are_refused_and_said():
    counts = np.array([29, 30])
    check_people(counts, PAIR, 29, matched=True)
    check_losses(counts, PAIR, 29, matched=True)
    with pytest.raises(RefusedError, match=r"^fewer than 30 answers of promoters have a counterp"):
        check_people(counts, PAIR, 30, matched=True)
    with pytest.raises(RefusedError, match=r"^fewer than 31 answers of promoters and detractors$"):
        check_people(counts, PAIR, 31, matched=False)
    with pytest.raises(RefusedError, match=r"^of promoters with a counterpart fewer than 30 left$"):
        check_losses(counts, PAIR, 30, matched=True)
    with pytest.raises(RefusedError, match=r"^of promoters fewer than 30 left$"):
        check_losses(counts, PAIR, 30, matched=False)


def test_the_two_groups_stand_in_their_order_and_keep_their_money():
    table = valued.draw(valued.World(), 800, 4)
    both = two_groups(table, PAIR)
    assert both.groups == (("promoter",), ("detractor",))
    mine = table.select(score_group="promoter").margin.sum()
    assert both.margin[0].sum() == pytest.approx(mine)
    with pytest.raises(RefusedError, match="there are no fans and saints"):
        two_groups(table, ("fan", "saint"))


def test_people_at_risk_count_as_many_as_would_tell_the_same():
    given = weights(arms(valued.draw(valued.World(), 800, 5), *PAIR))
    at_risk, weight = given.arms.at_risk.sum(axis=2), given.weight[0]
    found = given.effective_at_risk
    np.testing.assert_allclose(found[:, 0], given.effective_n)
    for i in (0, 1):
        each = np.repeat(weight[i], at_risk[i, :, 12])
        assert found[i, 12] == pytest.approx(each.sum() ** 2 / (each**2).sum())
    assert (found <= at_risk.sum(axis=1) * (1 + 1e-12)).all()
