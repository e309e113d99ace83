from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text

from cxresearch.cause_table import NOT_RECORDED, CauseTable
from cxresearch.causes.cumulative_incidence import cumulative_incidence
from cxresearch.errors import CxError, DataError
from cxresearch.plots import alt_text
from cxresearch.plots.causes import plot_causes, plot_incidence

LONG = "Moved away to a place that $we do not serve$ yet, or will never serve"
FOUR = ("voluntary", "involuntary", "company", NOT_RECORDED)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def found(causes=FOUR, plans=("a",), n=600, **options):
    rng = np.random.default_rng(1)
    size = n * len(plans)
    exits = rng.geometric(0.04, size)
    mix = np.arange(len(causes), 0, -1.0)
    cause = rng.choice(np.array(causes, object), size, p=mix / mix.sum())
    group = {"plan": np.repeat(plans, n)} if len(plans) > 1 else None
    table = CauseTable.from_durations(
        np.minimum(exits, 36), np.where(exits <= 36, cause, None), group=group
    )
    return cumulative_incidence(table, **options)


def texts(ax):
    return [t.get_text() for t in ax.texts if t.get_text()]


def labels(ax):
    return [t for t in ax.texts if getattr(t, "arrow_patch", None) and t.get_text()]


def height_at(area, tenure):
    """Lower and upper edge of a filled area right after a tenure."""
    corners = area.get_paths()[0].vertices
    heights = [y for x, y in corners if x == tenure]
    return min(heights), max(heights)


def test_areas_are_stacked_shares_that_fill_the_figure():
    (result,) = found()
    ax = plot_causes(result)
    assert len(ax.collections) == 5
    edges = [height_at(area, 36) for area in ax.collections]
    still = result.curve.retained[-1]
    assert edges[0] == pytest.approx((0, result.curve.retained[-2]))
    assert max(high for _, high in edges) == pytest.approx(1)
    end = ax.get_xlim()[1]
    last = [height_at(area, end) for area in ax.collections]
    order = np.argsort(-result.cumulative_incidence[:, -1], kind="stable")
    heights = [still, *result.cumulative_incidence[order, -1]]
    np.testing.assert_allclose([high - low for low, high in last], heights, atol=1e-12)


def test_areas_are_told_apart_without_colour():
    ax = plot_causes(found()[0])
    hatches = [area.get_hatch() for area in ax.collections]
    assert hatches[0] is None
    assert None not in hatches[1:]
    assert len(set(hatches)) == len(hatches)


def test_each_area_is_named_with_its_number_of_hundred():
    (result,) = found()
    ax = plot_causes(result)
    shown = texts(ax)
    by_name = dict(zip(result.causes, result.cumulative_incidence[:, -1], strict=True))
    assert f"voluntary: {100 * by_name['voluntary']:.0f}" in shown
    assert f"no reason recorded: {100 * by_name[NOT_RECORDED]:.0f}" in " ".join(
        text.replace("\n", " ") for text in shown
    )
    assert f"still there: {100 * result.curve.retained[-1]:.0f}" in shown
    assert ax.get_title(loc="left") == "Where 100 customers are"


def test_many_reasons_share_an_area():
    (result,) = found([f"reason {i}" for i in range(9)])
    ax = plot_causes(result)
    assert len(ax.collections) == 6
    assert any("all other reasons" in text.replace("\n", " ") for text in texts(ax))
    assert "all other reasons" in alt_text(ax)
    ax = plot_incidence(result)
    assert len(ax.lines) == 4
    assert ax.get_title(loc="left") == "Left, by recorded reason (the 4 most frequent of 9)"


@pytest.mark.parametrize("width", [3.9, 6.2])
def test_names_do_not_collide_or_leave_the_page(width):
    (result,) = found([LONG, "a", "b", "c", "d", "e"], n=3000)
    for draw in (plot_causes, plot_incidence):
        figure, ax = plt.subplots(figsize=(width, 3.6), layout="constrained")
        draw(result, ax=ax)
        figure.canvas.draw()
        boxes = sorted((Text.get_window_extent(t) for t in labels(ax)), key=lambda box: box.y0)
        assert len(boxes) >= 4
        assert all(a.y1 <= b.y0 + 2 for a, b in pairwise(boxes))
        assert all(box.x1 <= figure.bbox.x1 + 1 for box in boxes)


def test_lines_are_the_shares_and_bands_their_intervals():
    (result,) = found()
    ax = plot_incidence(result)
    order = np.argsort(-result.cumulative_incidence[:, -1], kind="stable")
    for line, band, k in zip(ax.lines, ax.collections, order, strict=True):
        assert line.get_drawstyle() == "steps-post"
        np.testing.assert_array_equal(line.get_ydata()[1:], result.cumulative_incidence[k])
        low, high = result.cumulative_incidence_ci_lower[k], result.cumulative_incidence_ci_upper[k]
        corners = {round(y, 12) for x, y in band.get_paths()[0].vertices if x == 12}
        assert {round(float(low[12]), 12), round(float(high[12]), 12)} <= corners
    assert len({line.get_linestyle() for line in ax.lines}) >= 2
    assert ax.get_ylim()[1] > result.cumulative_incidence_ci_upper.max()


def test_those_at_risk_stand_below():
    (result,) = found()
    ax = plot_incidence(result)
    shown = texts(ax)
    assert "Customers at risk" in shown
    for tick in ax.get_xticks().tolist():
        assert f"{result.curve.at_risk[int(tick)]:,}" in shown


def test_groups_are_compared_by_one_reason():
    groups = found(plans=("a", "b", "c"))
    ax = plot_incidence(groups, cause="voluntary")
    assert len(ax.lines) == 3
    assert [t.get_text() for t in labels(ax)] == ["a", "b", "c"]
    assert ax.get_title(loc="left") == "Left, recorded as voluntary"
    for line, result in zip(ax.lines, groups, strict=True):
        k = result.causes.index("voluntary")
        np.testing.assert_array_equal(line.get_ydata()[1:], result.cumulative_incidence[k])
    assert alt_text(ax).startswith("Left, recorded as voluntary, with 95 % intervals. a: ")


def test_the_alternative_says_where_everybody_is():
    (result,) = found()
    said = alt_text(plot_causes(result))
    assert said.startswith("Where 100 customers are, by month of tenure. After 12 months: still ")
    still = f"still there {100 * result.curve.retained[12]:.0f}"
    assert f"After 12 months: {still}, voluntary " in said
    assert "After 36 months: " in said
    assert said.endswith(".")


def test_a_curve_that_begins_late_and_ends_early():
    groups = found(plans=("a", "b"), start=5, min_at_risk=200)
    for draw in (lambda: plot_causes(groups[0]), lambda: plot_incidence(groups[0])):
        ax = draw()
        ax.figure.canvas.draw()
        assert ax.get_xlim()[0] == 5
        assert ax.get_xlim()[1] == pytest.approx(5 + 1.012 * (groups[0].curve.longest - 5))


def test_a_long_name_keeps_its_number():
    (result,) = found([LONG, "a"])
    number = f": {100 * result.cumulative_incidence[result.causes.index(LONG), -1]:.0f}"
    assert any(
        t.startswith("Moved away") and t.endswith(number) for t in texts(plot_causes(result))
    )


def test_a_share_that_is_not_none_is_not_called_0():
    table = CauseTable.from_durations([5] + [9] * 400, ["company"] + [None] * 400)
    assert "company: under 1" in texts(plot_causes(cumulative_incidence(table)[0]))


def test_nobody_left_leaves_everybody_still_there():
    table = CauseTable.from_durations([24] * 60, [None] * 60)
    (result,) = cumulative_incidence(table)
    ax = plot_causes(result)
    assert texts(ax) == ["still there: 100"]
    with pytest.raises(CxError, match="0 shares to draw"):
        plot_incidence(result)


def test_what_cannot_be_drawn_is_refused():
    groups = found(plans=("a", "b"))
    with pytest.raises(CxError, match="2 groups and no cause"):
        plot_incidence(groups)
    with pytest.raises(DataError, match="did you mean 'voluntary'"):
        plot_incidence(groups, cause="volontary")
    with pytest.raises(CxError, match="0 shares to draw"):
        plot_incidence([])


def test_a_reason_called_as_the_rest_is_not_taken_for_it():
    causes = ("price", "moved", "Sold PRO", NOT_RECORDED, "still there", "all other reasons")
    (result,) = found(causes, n=3000)
    ax = plot_incidence(result)
    drawn = [t.get_text() for t in labels(ax)]
    assert sorted(drawn) == sorted(["price", "moved", "Sold PRO", "no reason recorded"])
    assert ax.get_title(loc="left").endswith("(the 4 most frequent of 6)")
    assert " Sold PRO: " in alt_text(ax)  # as it is written
