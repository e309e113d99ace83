"""Money is weighted as its customers are: against weighted rows, and without each replicate."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
import valued

from cxresearch.adjust.weighting import RefusedError, arms, check_support, weights
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
    sides = arms(valued.draw(valued.World(), 800, 4), *PAIR)
    check_support(sides, 30, 10)
    with pytest.raises(RefusedError, match=r"^fewer than 1000 answers of promoters and detractors"):
        check_support(sides, 1000, 10)
    with pytest.raises(RefusedError, match="of promoters with a counterpart fewer than 150 left"):
        check_support(sides, 30, 150)
    bare = arms(valued.draw(valued.World(), 800, 4, ()), *PAIR)
    with pytest.raises(
        RefusedError, match=r"^fewer than 1000 answers of promoters and detractors$"
    ):
        check_support(bare, 1000, 10)
