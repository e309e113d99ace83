from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from matplotlib import pyplot as plt
from matplotlib.text import Text

from cxresearch._draw import spread
from cxresearch._looks import PALETTE, looks
from cxresearch.errors import CxError
from cxresearch.plots import (
    GROUP_COLORS,
    alt_text,
    cx_style,
    plot_rates,
    plot_retention,
)
from cxresearch.plots.curves import tenure_ticks
from cxresearch.rates import period_rates
from cxresearch.retention import retention_curves
from cxresearch.tables import LifeTable, PeriodTable

LONG = "Premium family bundle with streaming, travel and a $5 phone"


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def curves(labels, n=400, longest=36, **options):
    rng = np.random.default_rng(1)
    exits = np.minimum(rng.geometric(0.03, n * len(labels)), longest)
    table = LifeTable.from_durations(exits, exits < longest, group={"plan": np.repeat(labels, n)})
    return retention_curves(table, **options)


def rates(labels=("a", "b"), periods=8):
    names = [f"202{i // 4}-Q{i % 4 + 1}" for i in range(periods)]
    rows = [(g, p, 200 + 10 * i, 20 + i) for g in labels for i, p in enumerate(names)]
    frame = pd.DataFrame(rows, columns=["plan", "period", "at_start", "lost"]).assign(joined=0)
    return period_rates(PeriodTable.from_counts(frame, ["plan"], period="quarter"))


def texts(ax):
    return [t.get_text() for t in ax.texts if t.get_text()]


def test_the_curve_is_drawn_as_it_was_estimated():
    result = curves(["a", "b"])
    ax = plot_retention(result)
    for line, curve in zip(ax.lines, result, strict=True):
        assert line.get_drawstyle() == "steps-post"
        assert (line.get_xdata()[0], line.get_ydata()[0]) == (0, 1)
        np.testing.assert_array_equal(line.get_xdata()[1:], curve.tenure)
        np.testing.assert_array_equal(line.get_ydata()[1:], curve.retained)


def test_the_band_is_the_interval():
    curve = curves(["a"])[0]
    ax = plot_retention(curve)
    corners = ax.collections[0].get_paths()[0].vertices
    for tenure in (6, 24):
        heights = {round(y, 12) for x, y in corners if x == tenure}
        assert round(curve.at(tenure).ci_lower, 12) in heights
        assert round(curve.at(tenure).ci_upper, 12) in heights


def test_customers_at_risk_stand_below_each_tick():
    result = curves(["a", "b"])
    ax = plot_retention(result)
    ticks = ax.get_xticks().tolist()
    assert all(tick % 6 == 0 for tick in ticks)
    shown = texts(ax)
    assert "Customers at risk" in shown
    for curve in result:
        for tick in ticks:
            assert f"{curve.at_risk[int(tick)]:,}" in shown


def test_nobody_at_risk_after_the_end_of_a_shorter_curve():
    table = LifeTable.from_durations(
        [36] * 40 + [12] * 40, [0] * 80, group={"plan": ["long"] * 40 + ["short"] * 40}
    )
    shown = texts(plot_retention(retention_curves(table)))
    assert "0" in shown


def test_axis_is_in_percent_and_months():
    ax = plot_retention(curves(["a"]))
    ax.figure.canvas.draw()
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "0 %",
        "20 %",
        "40 %",
        "60 %",
        "80 %",
        "100 %",
    ]
    assert ax.get_xlabel() == "Months as a customer"


@pytest.mark.parametrize("width", [4, 7])
@pytest.mark.parametrize("labels", [["a"], ["a", "b", "c"], ["a", "b", LONG, f"{LONG} 2", "c"]])
def test_names_at_the_right_do_not_collide_or_leave_the_page(width, labels):
    figure, ax = plt.subplots(figsize=(width, 3.8), layout="constrained")
    result = curves(labels)
    plot_retention(result, ax=ax)
    figure.canvas.draw()
    names = [t for t in ax.texts if getattr(t, "arrow_patch", None) and t.get_text()]
    assert len(names) == len(labels)
    found = sorted((Text.get_window_extent(t) for t in names), key=lambda box: box.y0)
    for below, above in pairwise(found):
        assert below.y1 <= above.y0 + 1.5  # pixels at 100 dpi
    page = figure.bbox
    for text in ax.texts:
        box = Text.get_window_extent(text)
        assert page.x0 - 1 <= box.x0
        assert box.x1 <= page.x1 + 1
        assert page.y0 - 1 <= box.y0


def test_a_mapping_names_the_curves():
    curve = curves(["a"])[0]
    ax = plot_retention({"everybody": curve})
    assert "everybody" in texts(ax)
    assert alt_text(ax).startswith("Retention curve with 95 % interval, by months")


def test_score_groups_keep_their_colours_and_all_lines_differ():
    found = dict(
        zip(
            ("Promoters", "detractor", "other"),
            looks(["Promoters", "detractor", "other"]),
            strict=True,
        )
    )
    assert found["Promoters"][0] == GROUP_COLORS["promoter"]
    assert found["detractor"][0] == GROUP_COLORS["detractor"]
    five = looks(list("abcde"))
    assert looks(list("bd")) == [five[1], five[3]]  # also where a figure lacks some of them
    assert looks(list("xb"))[1] == five[1]
    assert len({str(line) for _, line in five}) == 5
    assert len({color for color, _ in five}) == 5


@pytest.mark.parametrize("color", [*GROUP_COLORS.values(), *PALETTE])
def test_colours_are_readable_on_white(color):
    # WCAG 2.1, 1.4.3: contrast of small text is at least 4.5
    channels = np.array(mpl.colors.to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5


def test_dollar_signs_and_markup_in_names_are_just_text():
    ax = plot_retention(curves(["$\\alpha$ <b>", "$x"]))
    ax.figure.canvas.draw()
    assert "$\\alpha$ <b>" in texts(ax)


def test_rates_are_drawn_as_computed_with_whiskers():
    result = rates()
    ax = plot_rates(result, rate="churn_rate")
    for i, group in enumerate(result):
        points = ax.containers[i].lines[0]
        np.testing.assert_allclose(points.get_ydata(), group.churn_rate)
        whiskers = np.array(ax.containers[i].lines[2][0].get_segments())[:, :, 1]
        np.testing.assert_allclose(whiskers[:, 0], 1 - group.retention_rate_ci_upper)
        np.testing.assert_allclose(whiskers[:, 1], 1 - group.retention_rate_ci_lower)
    assert ax.get_title(loc="left") == "Churn rate per quarter"
    assert {"a", "b"} <= set(texts(ax))


def test_alt_text_says_what_is_shown():
    result = curves(["a", "b"])
    said = alt_text(plot_retention(result))
    assert said.startswith("Retention curves with 95 % intervals, by months as a customer. a: ")
    share = f"{100 * result['a'].at(12).value:.0f} %"
    assert f"a: {share} (" in said
    assert "in 2020-Q1" in alt_text(plot_rates(rates()))


def test_figures_carry_their_alt_text_into_notebooks():
    ax = plot_retention(curves(["a"]))
    _, metadata = DisplayFormatter().format(ax.figure)
    assert metadata["image/png"]["alt"] == alt_text(ax)


def test_a_figure_that_the_cell_will_show_is_not_drawn_before(monkeypatch):
    plain = plot_retention(curves(["a"]))
    assert plain.figure.stale  # a window would wait for it
    monkeypatch.setattr(mpl, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    ax = plot_retention(curves(["a"]))
    assert not ax.figure.stale
    ax.set_title("Mine")
    assert ax.figure.stale  # whoever changes it sees the change


def test_drawing_leaves_no_global_trace():
    before = dict(mpl.rcParams)
    plot_retention(curves(["a"]))
    with cx_style():
        assert mpl.rcParams["axes.spines.top"] is False
    assert dict(mpl.rcParams) == before


def test_nothing_to_draw_is_refused():
    with pytest.raises(CxError, match="there are 0 curves, must be at least 1"):
        plot_retention(curves(["a"], n=5))
    with pytest.raises(CxError) as error:
        plot_rates([], rate="retention")
    assert len(error.value.problems) == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((0, 72, 12, 8), [0, 12, 24, 36, 48, 60, 72]),
        ((0, 72, 12, 4), [0, 24, 48, 72]),
        ((0, 20, 12, 8), [0, 3, 6, 9, 12, 15, 18]),
        ((7, 40, 12, 8), [7, 12, 18, 24, 30, 36]),
        ((0, 5, 1, 8), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_ticks_fall_on_years_or_even_parts(arguments, expected):
    assert tenure_ticks(*arguments) == expected


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(5, 20)), min_size=1, max_size=8))
def test_spread_labels_never_overlap(items):
    wanted, heights = zip(*items, strict=True)
    placed = spread(wanted, heights, 200)
    edges = sorted((p - h / 2, p + h / 2) for p, h in zip(placed, heights, strict=True))
    assert edges[0][0] >= -1e-9
    assert edges[-1][1] <= 200 + 1e-9
    for (_, top), (bottom, _) in pairwise(edges):
        assert top <= bottom + 1e-9


def test_spread_leaves_labels_that_fit_where_they_are():
    assert spread([20, 100, 50], [10, 10, 10], 200) == [20, 100, 50]


def ending(*at_risk):
    """Draw a curve of everybody with these customers at risk at tenures 1, 2, …."""
    flow = np.diff([0, *at_risk, 0])
    counts = {"entered": np.maximum(flow, 0), "censored": np.maximum(-flow, 0), "churned": 0}
    table = LifeTable.from_counts(pd.DataFrame({"tenure": range(len(flow)), **counts}))
    short = retention_curves(table, min_at_risk=10)[0]
    whole = retention_curves(LifeTable.from_durations([len(at_risk)] * 50, [0] * 50))[0]
    return plot_retention({"short": short, "whole": whole})


def test_beyond_its_end_a_curve_says_how_few_are_at_risk_where_that_is_so():
    row = [t for t in texts(ending(50, 40, 30, 9, 8, 5)) if t in ("<10", "–")]
    assert set(row) == {"<10"}
    again = [t for t in texts(ending(50, 40, 30, 9, 40, 40)) if t in ("<10", "–")]
    assert set(again) == {"–"}


def test_the_alternative_text_counts_one_month_as_one():
    table = LifeTable.from_durations([1] * 40, [0, 1] * 20)
    assert "retained after 1 month." in alt_text(plot_retention(retention_curves(table)))


def test_a_curve_that_starts_late_shows_who_is_at_risk_after_its_start():
    rng = np.random.default_rng(8)
    entry = rng.integers(3, 6, 400)
    table = LifeTable.from_durations(
        entry + rng.integers(1, 20, 400), rng.random(400) < 0.5, entry=entry
    )
    (curve,) = retention_curves(table, start=3)
    ax = plot_retention(curve)
    shown = [text.get_text() for text in ax.texts]
    assert f"{int(table.at_risk.sum(axis=(0, 1))[4]):,}" in shown
    assert "0" not in shown[:2]
