"""Figures of the bias ladder, of balance and of overlap: the numbers on the artists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from confounded import Truth, draw
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.text import Text

from cxresearch.adjust._rung import Rung
from cxresearch.adjust.balance import balance, overlap
from cxresearch.adjust.bias_ladder import BiasLadder
from cxresearch.adjust.weighting import arms, weights
from cxresearch.errors import CxError
from cxresearch.plots import alt_text
from cxresearch.plots.ladder import plot_balance, plot_bias_ladder, plot_overlap

NAIVE = Rung(
    "ever_promoter_from_signup", ("promoter", "other"), 12,
    hazard_ratio=(0.26, 0.22, 0.31), difference=(0.31, 0.28, 0.35), retained=(0.97, 0.66),
)  # fmt: skip
CORRECTED = replace(
    NAIVE,
    design="ever_promoter_from_answer",
    hazard_ratio=(0.9, 0.7, 1.2),
    difference=(0.02, -0.03, 0.07),
)
REFUSED = replace(NAIVE, design="landmark_6").refused("fewer than 10 promoters left")
LADDER = BiasLadder((NAIVE, CORRECTED, REFUSED), 12)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def given():
    return weights(arms(draw(Truth(), 3000, 1), "promoter", "detractor"))


def dots(ax):
    return [c for c in ax.collections if isinstance(c, PathCollection)]


@pytest.mark.parametrize("measure", ["hazard_ratio", "retained_difference"])
def test_each_rung_is_drawn_as_it_was_estimated(measure):
    ax = plot_bias_ladder(LADDER, measure=measure)
    lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    assert len(dots(ax)) == len(lines) == 2
    for place, (rung, dot, line) in enumerate(zip(LADDER, dots(ax), lines, strict=False)):
        scale = 1 if measure == "hazard_ratio" else 100
        values = rung.hazard_ratio if measure == "hazard_ratio" else rung.difference
        value, lower, upper = (scale * x for x in values)
        np.testing.assert_allclose(dot.get_offsets(), [[value, place]])
        np.testing.assert_allclose(line.get_segments()[0], [[lower, place], [upper, place]])


def test_naive_rungs_are_hollow_dashed_and_named_wrong():
    ax = plot_bias_ladder(LADDER)
    naive, corrected = dots(ax)
    assert naive.get_facecolor()[0, :3].tolist() == [1, 1, 1]
    assert corrected.get_facecolor()[0, :3].tolist() != [1, 1, 1]
    titles = [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()]
    assert titles == [
        "Ever a promoter, from sign-up (wrong)",
        "Ever a promoter, from the answer on",
        "Score at month 6, from there on",
    ]


def test_a_rung_without_a_number_says_why():
    texts = [t.get_text().replace("\n", " ") for t in plot_bias_ladder(LADDER).texts]
    assert "Not reported: fewer than 10 promoters left" in texts
    assert "0.26 (0.22 to 0.31)" in texts


def test_a_ladder_of_refusals_can_be_drawn():
    ax = plot_bias_ladder(BiasLadder((REFUSED,), 12))
    assert dots(ax) == []
    assert alt_text(ax).endswith("Score at month 6, from there on: not reported.")


def test_the_alternative_text_says_every_number_and_what_is_wrong():
    said = alt_text(plot_bias_ladder(LADDER, measure="retained_difference"))
    assert said == (
        "More kept of 100 customers over 12 months by way of counting, with 95 % intervals. "
        "Ever a promoter, from sign-up (wrong): 31 (28 to 35). Ever a promoter, from the answer "
        "on: 2 (-3 to 7). Score at month 6, from there on: not reported."
    )


@pytest.mark.parametrize("width", [3.9, 6.2])
def test_nothing_leaves_the_page(width):
    figure, ax = plt.subplots(figsize=(width, 3.5), layout="constrained")
    plot_bias_ladder(LADDER, ax=ax)
    figure.canvas.draw()
    for text in (*ax.texts, *ax.get_yticklabels()):
        box = Text.get_window_extent(text)
        assert figure.bbox.x0 - 1 <= box.x0
        assert box.x1 <= figure.bbox.x1 + 1


def test_balance_is_drawn_as_computed(given):
    found = balance(given)
    ax = plot_balance(found)
    before, after = (dot.get_offsets()[:, 0] for dot in dots(ax))
    order = np.argsort(-np.abs(found.difference_before), kind="stable")
    np.testing.assert_allclose(before, np.abs(found.difference_before)[order])
    np.testing.assert_allclose(after, np.abs(found.difference_after)[order])
    assert {"before", "weighted", "0.1"} <= {t.get_text() for t in ax.texts}
    assert alt_text(ax) == found.sentence()


def test_overlap_is_drawn_up_and_down(given):
    found = overlap(given)
    ax = plot_overlap(found)
    heights = np.array([[bar.get_height() for bar in group] for group in ax.containers])
    np.testing.assert_allclose(heights, found.shares * [[1], [-1]])
    assert {"Promoters", "Detractors"} == {t.get_text() for t in ax.texts}
    assert alt_text(ax).startswith("Chance to be a promoter rather than a detractor, by what was")


def test_what_cannot_be_drawn_is_refused(given):
    with pytest.raises(CxError) as error:
        plot_bias_ladder(BiasLadder((), 12), measure="odds")
    assert len(error.value.problems) == 2
    bare = weights(arms(draw(Truth(), 500, 1, ()), "promoter", "detractor"))
    with pytest.raises(CxError, match="there are 0 traits"):
        plot_balance(balance(bare))
