import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib import pyplot as plt
from matplotlib.text import Text
from worlds import Setting, world

from cxresearch.errors import CxError
from cxresearch.hazards.churn_risk import churn_risk
from cxresearch.plots import alt_text
from cxresearch.plots.risk import plot_calibration, plot_churn_risk

PLOTS = [plot_calibration, plot_churn_risk]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def risk():
    setting = Setting(n=4000, hazard_ratio=0.5, confounded=True)
    return churn_risk(world(1, setting).followup(), 6)


def test_points_are_predicted_against_observed_with_their_intervals(risk):
    ax = plot_calibration(risk)
    points, _, (whiskers,) = ax.containers[0]
    np.testing.assert_array_equal(points.get_xdata(), risk.predicted)
    np.testing.assert_array_equal(points.get_ydata(), risk.churn_rate)
    ends = np.array(whiskers.get_segments())[:, :, 1]
    np.testing.assert_allclose(ends[:, 0], risk.churn_rate_ci_lower)
    np.testing.assert_allclose(ends[:, 1], risk.churn_rate_ci_upper)


def test_on_the_diagonal_predictions_come_true(risk):
    ax = plot_calibration(risk)
    diagonal = ax.lines[0]
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    assert ax.get_xlim() == ax.get_ylim()
    assert ax.get_ylim()[1] > risk.churn_rate_ci_upper.max()


def test_bars_are_what_was_observed_and_diamonds_what_was_predicted(risk):
    ax = plot_churn_risk(risk)
    bars = [c for c in ax.containers if hasattr(c, "patches")]
    np.testing.assert_array_equal([bar.get_width() for bar in bars[0].patches], risk.churn_rate)
    (diamonds,) = [line for line in ax.lines if line.get_marker() == "D"]
    np.testing.assert_array_equal(diamonds.get_xdata(), risk.predicted)
    names = [t.get_text() for t in ax.texts]
    assert names[0].startswith("1, lowest risk: ")
    assert names[-1].startswith(f"{len(risk)}, highest risk: score group detractor, plan basic")


@pytest.mark.parametrize("plot", PLOTS)
def test_the_alternative_text_says_every_group(risk, plot):
    ax = plot(risk)
    said = alt_text(ax)
    assert "Share that left within 6 months with 95 % intervals" in said
    for k in range(1, len(risk) + 1):
        assert f" {k}: " in said
    assert said.count(", predicted ") == len(risk)
    _, metadata = DisplayFormatter().format(ax.figure)
    assert metadata["image/png"]["alt"] == said


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("width", [4, 6.2])
def test_nothing_leaves_the_page_and_no_name_is_a_formula(risk, plot, width):
    long = ("plan $\\alpha$ <b> " * 9,) * len(risk)
    figure, ax = plt.subplots(figsize=(width, 4.4), layout="constrained")
    plot(dataclasses.replace(risk, mostly=long), ax=ax)
    figure.canvas.draw()
    for text in [*ax.texts, ax.xaxis.label]:
        box = Text.get_window_extent(text)
        assert figure.bbox.x0 - 1 <= box.x0
        assert box.x1 <= figure.bbox.x1 + 1


def test_numbers_of_points_that_nearly_coincide_are_written_once(risk):
    close = dataclasses.replace(risk, predicted=np.full(len(risk), 0.1))
    ax = plot_calibration(close)
    assert [t.get_text() for t in ax.texts if t.get_text().isdigit()] == ["1"]


@pytest.mark.parametrize("plot", PLOTS)
def test_drawing_leaves_no_global_trace_and_needs_groups(risk, plot):
    before = dict(mpl.rcParams)
    plot(risk)
    assert dict(mpl.rcParams) == before
    none = churn_risk(world(2, Setting(n=60)).followup(), 6)
    with pytest.raises(CxError, match="there are 0 risk groups, must be at least 1: "):
        plot(none)
