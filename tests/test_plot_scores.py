"""Figures of scores show what was estimated, in words as well, at the width of a phone too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.text import Text

from cxresearch.errors import CxError
from cxresearch.plots import alt_text
from cxresearch.plots.scores import THIN, plot_answers, plot_control_chart, plot_league, plot_scores
from cxresearch.recipe import Scale
from cxresearch.score_table import ScoreTable
from cxresearch.scores.control_chart import OUTSIDE, score_control_chart
from cxresearch.scores.league import score_league
from cxresearch.scores.levels import score_levels

WAVES = ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4", "2025-Q1"]
LONG = "Premium family bundle with streaming, travel and a $5 phone"


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def table(column, counts, metric="nps", scale=None):
    """Counts per label: promoters, passives, detractors, or scores of a scale to 5."""
    scale = scale or Scale(0, 10)
    steps = (10, 7, 3) if metric == "nps" else (5, 3, 1)
    rows = [(label, s, n) for label, c in counts.items() for s, n in zip(steps, c, strict=True)]
    frame = pd.DataFrame(rows, columns=[column, "score", "answers"])
    return ScoreTable.from_counts(frame, [column], metric=metric, scale=scale)


def waves():
    return table("wave", {w: (50 + 20 * i, 40, 30) for i, w in enumerate(WAVES)})


def segments():
    return table("plan", {"small": (20, 15, 10), "large": (90, 70, 60), LONG: (50, 30, 40)})


def texts(ax):
    return [t.get_text() for t in ax.texts if t.get_text()]


def test_dots_and_whiskers_are_the_estimates_largest_first():
    levels = score_levels(segments())
    ax = plot_scores(levels)
    ordered = sorted(levels, key=lambda s: -s.answers)
    for place, (container, score) in enumerate(zip(ax.containers, ordered, strict=True)):
        assert container.lines[0].get_xdata()[0] == score.score
        assert container.lines[0].get_ydata()[0] == place
        ((low, _), (high, _)) = container.lines[2][0].get_segments()[0]
        assert (low, high) == pytest.approx((score.score_ci_lower, score.score_ci_upper))
    assert [t for t in texts(ax) if t.startswith("n = ")] == ["n = 220", "n = 120", "n = 45"]
    top, bottom = ax.get_ylim()[::-1]
    assert top < bottom


def test_waves_stay_in_the_order_of_time():
    ax = plot_scores(score_levels(waves()))
    assert [t.get_text() for t in ax.get_yticklabels()] == WAVES


def test_a_group_of_few_independent_answers_is_grey():
    (score, *rest) = score_levels(segments())
    ax = plot_scores([replace(score, effective_n=12.0), *rest])
    colors = [to_hex(c.lines[0].get_color()) for c in ax.containers]
    assert colors.count(THIN.lower()) == 1


def test_one_wave_for_all_is_not_repeated_in_every_label():
    frame = segments().to_frame().assign(wave="2025")
    levels = score_levels(
        ScoreTable.from_counts(frame, ["wave", "plan"], metric="nps", scale=Scale(0, 10))
    )
    labels = [t.get_text() for t in plot_scores(levels).get_yticklabels()]
    assert "2025" not in " ".join(labels)
    assert "large" in labels


def test_the_bars_are_the_distribution():
    levels = score_levels(table("wave", {"a": (30, 20, 50)}, "csat", Scale(1, 5)))
    ax = plot_answers(levels)
    widths = [patch.get_width() for patch in ax.patches]
    np.testing.assert_allclose(widths, [0.5, 0, 0.2, 0, 0.3])
    assert [t for t in texts(ax) if t in "12345"] == ["1", "3", "5"]
    assert "1: 50 %, 2: 0 %, 3: 20 %, 4: 0 %, 5: 30 %" in alt_text(ax)


def test_the_chart_shows_scores_limits_and_signals():
    chart = score_control_chart(waves())
    chart = replace(chart, signals=("", "", OUTSIDE, "", ""))
    ax = plot_control_chart(chart)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), chart.score)
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(chart.upper_limit.max())
    assert band.min() == pytest.approx(chart.lower_limit.min())
    assert OUTSIDE in texts(ax)
    assert "2024-Q3: " in alt_text(ax)


def test_the_funnel_is_drawn_from_the_limits_and_names_who_lies_outside():
    found = score_league(
        table("team", {f"team {i}": (60, 40, 30) for i in range(8)} | {LONG: (10, 20, 90)})
    )
    ax = plot_league(found)
    for line, level, end in zip(
        ax.lines[:4], (0.95, 0.95, 0.998, 0.998), (0, 1, 0, 1), strict=True
    ):
        np.testing.assert_allclose(line.get_ydata(), found.limits(line.get_xdata(), level)[end])
    named = " ".join(texts(ax))
    assert "Premium" in named
    assert "team 3" not in named
    assert "Of 9 groups" in alt_text(ax)


def test_few_groups_are_all_named():
    ax = plot_league(score_league(segments()))
    assert {"small", "large"} <= set(texts(ax))


@pytest.mark.parametrize("draw", ["scores", "answers", "chart", "league"])
def test_the_definition_stands_below_and_nothing_leaves_the_page(draw):
    figure, ax = plt.subplots(figsize=(3.9, 3.6), layout="constrained")
    drawn = {
        "scores": lambda: plot_scores(score_levels(segments()), ax=ax),
        "answers": lambda: plot_answers(score_levels(segments()), ax=ax),
        "chart": lambda: plot_control_chart(score_control_chart(waves()), ax=ax),
        "league": lambda: plot_league(score_league(segments()), ax=ax),
    }[draw]()
    figure.canvas.draw()
    said = drawn.get_xlabel().replace("\n", " ")
    assert "the percentage of promoters (9 or 10) less that of detractors (0 to 6)" in said
    page = figure.bbox
    for text in [drawn.xaxis.label, *drawn.get_yticklabels()]:
        box = Text.get_window_extent(text)
        assert page.x0 - 1 <= box.x0
        assert box.x1 <= page.x1 + 1
        assert page.y0 - 1 <= box.y0


def test_shares_are_in_percent():
    ax = plot_scores(score_levels(table("wave", {"a": (30, 20, 50)}, "csat", Scale(1, 5))))
    ax.figure.canvas.draw()
    assert all(t.get_text().endswith(" %") for t in ax.get_xticklabels())
    assert "30 % (22 to 40 %), 100 answers" in alt_text(ax)


def test_nothing_to_draw_is_refused():
    with pytest.raises(CxError, match="there are 0 scores, must be at least 1"):
        plot_scores([])
    with pytest.raises(CxError, match="there are 0 scores"):
        plot_answers([])
    with pytest.raises(CxError, match="there are 1 waves, must be at least 2"):
        plot_control_chart(score_control_chart(table("wave", {"a": (30, 20, 50)})))
    with pytest.raises(CxError, match="there are 1 groups"):
        plot_league(score_league(table("plan", {"a": (30, 20, 50)})))
