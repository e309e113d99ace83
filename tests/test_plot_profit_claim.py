"""Figures of the claim: the numbers on the artists, and no series told apart by colour alone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from test_claim_map import TERMS, drawn
from test_wording import CAUSAL, FUTURE, check_whole

from cxresearch._draw import INK, alt_text
from cxresearch.errors import NotEnoughError
from cxresearch.plots._signed import signed, signed_interval
from cxresearch.plots.claim_map import plot_claim_map
from cxresearch.plots.profit_claim import plot_profit_path
from cxresearch.plots.profit_history import plot_defection_curve, plot_operating_leverage
from cxresearch.plots.profit_uplifts import MARKERS, plot_uplifts
from cxresearch.roi._levels import Asked
from cxresearch.roi._subject import subject
from cxresearch.roi.claim_map import claim_map
from cxresearch.roi.economics import CONCEPTS, Economics
from cxresearch.roi.history import profit_history
from cxresearch.roi.leverage import operating_leverage
from cxresearch.roi.profit_path import ProfitPath, profit_path
from cxresearch.roi.profit_uplifts import ProfitUplifts, profit_uplifts
from cxresearch.roi.readings import Lift, lifts

PHONE = 390 / 620  # of the size that figures are drawn for
SMALLEST = 5.2  # points at that size, which is 7.2 pixels


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def path(
    rate: float = 0.8, lift: Lift | None = None, years: int = 15, **changed: Any
) -> ProfitPath:
    given = lift or Lift(points=0.05)
    asked = Asked(given, Economics(**TERMS | changed), "annual_profit", "every", 1)
    return profit_path(subject(rate, [given], 0.95), "constant", asked, years)


def uplifts(**changed: Any) -> ProfitUplifts:
    """Uplifts of an entered rate, and beside them made-up ones of models with intervals."""
    terms = Economics(**TERMS | changed)
    found = profit_uplifts(
        0.80, terms, lifts=lifts(), renewals=["every"], concepts=["customer_value"]
    )
    rows = []
    for one in found:
        wide = {"uplift_ci_lower": one.uplift - 0.02, "uplift_ci_upper": one.uplift + 0.03}
        more = replace(one, model="sbg", uplift=2 * one.uplift, uplift_ci_lower=1.9 * one.uplift,
                       uplift_ci_upper=2.1 * one.uplift, whom=lambda: "nobody leaves from year 13 as a customer on")  # fmt: skip
        rows += [one, more, replace(one, model="bdw", **wide)]
        rows.append(replace(one, model="product_limit", uplift=math.nan, why=lambda: "too short"))
    return ProfitUplifts(tuple(rows))


def every() -> dict[str, Any]:
    return {
        "map": lambda ax: plot_claim_map(drawn(own=(0.83, 0.81, 0.85)), ax=ax),
        "uplifts": lambda ax: plot_uplifts(uplifts(), ax=ax),
        "path": lambda ax: plot_profit_path(path(), ax=ax),
        "leverage": lambda ax: plot_operating_leverage(operating_leverage(), ax=ax),
        "defection": lambda ax: plot_defection_curve(profit_history().curve, ax=ax),
    }


@pytest.fixture(params=every())
def figure(request: pytest.FixtureRequest) -> Any:
    return every()[request.param]


def texts(ax: Axes) -> list[str]:
    return [t.get_text().replace("\n", " ") for t in ax.texts if t.get_text()]


def data_lines(ax: Axes) -> list[Line2D]:
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def look(line: Line2D) -> tuple[Any, ...]:
    """Return what a line looks like without its colour."""
    marker = line.get_marker()
    hollow = marker not in ("None", "x") and to_hex(line.get_markerfacecolor()) == "#ffffff"
    dashes = str(line._unscaled_dash_pattern) if line.get_linestyle() != "None" else "none"
    return dashes, marker, hollow


# What holds for every figure


@pytest.mark.parametrize("name", ["path", "defection"])
def test_no_two_series_are_told_apart_by_colour_alone(name: str) -> None:
    found = defaultdict(set)
    for line in data_lines(every()[name](None)):
        found[to_hex(line.get_color())].add(look(line))
    assert len(found) > 1
    for (_, first), (_, second) in combinations(found.items(), 2):
        assert not first & second


def test_two_lines_of_one_look_would_be_found() -> None:
    _, ax = plt.subplots()
    first, second = (ax.plot([1, 2, 3], color=color)[0] for color in ("red", "blue"))
    assert look(first) == look(second)
    second.set_linestyle("--")
    assert look(first) != look(second)
    second.set(linestyle="-", marker="o")
    assert look(first) != look(second)


def test_colours_differ_in_grey_from_the_page(figure: Any) -> None:
    """Type and lines have a contrast of 4.5 and more on white, whatever the screen shows of it."""
    ax = figure(None)
    colors = {to_hex(t.get_color()) for t in ax.texts} | {
        to_hex(line.get_color()) for line in data_lines(ax)
    }
    for color in colors:
        channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5


def test_type_is_legible_on_a_phone(figure: Any) -> None:
    ax = figure(None)
    ax.figure.canvas.draw()
    shown = [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.title]
    sizes = {t.get_fontsize() for t in shown if t.get_text()}
    assert min(sizes) * PHONE >= SMALLEST
    assert ax.figure.get_figwidth() <= 6.2


@pytest.mark.parametrize("size", [(6.2, None), (3.9, 6.4)], ids=["page", "column"])
def test_nothing_leaves_the_page(figure: Any, size: tuple[float, float | None]) -> None:
    ax = None
    if size[1]:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    ax = figure(ax)
    ax.figure.canvas.draw()
    page = ax.figure.bbox
    labels = [*ax.texts, ax.xaxis.label, ax.yaxis.label, ax._left_title]
    for text in (*labels, *ax.get_yticklabels()):
        if text.get_text():
            box = text.get_window_extent()
            assert page.x0 - 1 <= box.x0, text
            assert box.x1 <= page.x1 + 1, text


def test_alternatives_are_whole_and_claim_no_cause(figure: Any) -> None:
    said = alt_text(figure(None))
    check_whole(said)
    assert not CAUSAL.search(said)
    assert not FUTURE.search(said)


# The map


def test_the_edge_of_the_map_is_the_closed_form() -> None:
    ax = plot_claim_map(drawn())
    edges = [
        c for c in ax.collections if np.ndim(c.get_linewidth()) and c.get_linewidth()[0] == 2.4
    ]
    (edge,) = edges
    vertices = edge.get_paths()[0].vertices
    np.testing.assert_allclose(vertices[:, 0], 0.75 + vertices[:, 1], atol=5e-4)
    assert "+25 %" in texts(ax)
    others = [c for c in ax.collections if c is not edge and c.get_linewidth()[0] == 1.0]
    solid = str(edge.get_linestyle())
    assert others
    assert all(str(c.get_linestyle()) != solid for c in others)
    (hatched,) = [c for c in ax.collections if getattr(c, "hatches", [None])[0]]
    assert hatched.hatches == ["//"]


def test_the_own_point_and_its_interval_are_on_the_map() -> None:
    ax = plot_claim_map(drawn(own=(0.83, 0.81, 0.85)))
    (point,) = [line for line in ax.lines if line.get_marker() == "D"]
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (0.83, 0.10)
    (spread,) = [line for line in ax.lines if line.get_marker() == "|"]
    np.testing.assert_array_equal(spread.get_xdata(), [0.81, 0.85])
    assert "here: 83 % (81 to 85 %) +22.7 %" in texts(ax)
    assert "it is 22.7 % higher" in alt_text(ax)


def test_an_entered_rate_is_a_point_and_none_is_none() -> None:
    markers = [line.get_marker() for line in plot_claim_map(drawn(own=0.85)).lines]
    assert markers == ["D"]
    assert not plot_claim_map(drawn(own=None)).lines
    assert "here: 97.0 % no such number" in texts(plot_claim_map(drawn(own=0.97)))


def test_where_the_claim_holds_nowhere_the_map_says_so() -> None:
    ax = plot_claim_map(drawn(Lift(fewer_churners=0.05)))
    assert "nowhere 25 % or more" in texts(ax)
    assert "more than 100 % would stay" not in texts(ax)
    assert not any(getattr(c, "hatches", [None])[0] for c in ax.collections)


def test_the_words_of_the_region_stand_inside_it_and_clear_of_the_point() -> None:
    for own in (0.6, 0.83, 0.9):
        found = drawn(own=own)
        ax = plot_claim_map(found)
        (text,) = [t for t in ax.texts if t.get_text() == "25 %\nor more"]
        retention, rate = text.get_position()
        assert retention >= 0.75 + rate
        assert abs(retention - own) > 0.02 or abs(rate - 0.10) > 0.02


# The uplifts


def test_each_uplift_is_drawn_as_it_is() -> None:
    found = uplifts()
    ax = plot_uplifts(found)
    marks = [line for line in ax.lines if line.get_marker() in MARKERS.values()]
    known = found.known
    assert [(m.get_xdata()[0], m.get_marker()) for m in marks] == [
        (one.uplift, MARKERS[one.model]) for one in known
    ]
    for mark, one in zip(marks, known, strict=True):
        assert (to_hex(mark.get_markerfacecolor()) != "#ffffff") == (one.standing == "holds")
    spans = [tuple(line.get_xdata()) for line in ax.lines if line.get_linewidth() == 1.8
             and line.get_linestyle() == "-" and len(line.get_xdata()) == 2
             and line.get_marker() == "None"]  # fmt: skip
    assert spans == [one.values[1:] for one in known if not math.isnan(one.uplift_ci_lower)]


def test_models_have_marks_of_their_own() -> None:
    assert len(set(MARKERS.values())) == len(MARKERS)


def test_the_claim_is_a_line_and_numbers_stand_beside() -> None:
    ax = plot_uplifts(uplifts())
    (claim,) = [x for x in ax.lines if to_hex(x.get_color()) == INK.lower()
                and list(x.get_xdata()) == [0.25, 0.25]]  # fmt: skip
    assert claim.get_linestyle() == "--"
    said = texts(ax)
    assert "+20.0 %" in said
    assert "+40 % (38 to 42 %)*" in said
    assert said.count("no number") == 3
    assert "Rates are cut at 100 %" in ax.get_xlabel().replace("\n", " ")
    assert "no number, too short" in alt_text(ax)
    assert "holds, nobody leaves from year 13 as a customer on" in alt_text(ax)


def test_headings_name_what_differs() -> None:
    found = profit_uplifts(
        0.8, Economics(**TERMS), lifts=lifts()[:1], renewals=["first", "every"], year=3
    )
    headings = [t.get_text().replace("\n", " ") for t in plot_uplifts(found).texts
                if t.get_fontweight() == "bold"]  # fmt: skip
    assert len(headings) == 2 * len(CONCEPTS)
    assert "5 percentage points more retention, profit of year 3, every renewal" in headings
    alone = plot_uplifts(found.select(concept="annual_profit", renewals="every"))
    assert "5 percentage points more retention" in texts(alone)
    assert "How much higher profit of year 3 is; lifted: every renewal." in alone.get_xlabel().replace("\n", " ")  # fmt: skip


def test_rows_do_not_collide() -> None:
    ax = plot_uplifts(uplifts())
    ax.figure.canvas.draw()
    beside = [t for t in ax.texts if t.get_fontweight() != "bold"]
    boxes = sorted((t.get_window_extent() for t in beside), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1.5 for below, above in pairwise(boxes))


def test_what_is_far_out_ends_in_an_arrow() -> None:
    found = uplifts()
    far = replace(found.uplifts[1], uplift=9.0, uplift_ci_lower=1.0, uplift_ci_upper=20.0)
    ax = plot_uplifts(ProfitUplifts((far,)))
    assert ax.get_xlim()[1] == pytest.approx(6 * 0.25)
    assert [line.get_marker() for line in ax.lines if line.get_marker() in "<>"] == [">", ">"]
    loss = replace(far, uplift=-0.3, uplift_ci_lower=-0.4, uplift_ci_upper=-0.2)
    below = plot_uplifts(ProfitUplifts((loss,)))
    assert below.get_xlim()[0] < -0.4
    assert any(text.startswith("-30 %") for text in texts(below))


@pytest.mark.parametrize(
    ("lift", "changed", "target"),
    [
        (0.5, {"horizon": 5, "retention_cost": 0.5}, 10.0),  # a level without a line
        (0.05, {"acquisition_cost": 1000.0}, 0.25),  # no number at all
        (0.5, {"annual_discount_rate": 0.02, "acquisition_cost": 2.0}, 0.25),
    ],
)
def test_a_map_with_hardly_a_number_is_drawn(
    lift: float, changed: dict[str, Any], target: float
) -> None:
    economics = Economics(**TERMS | changed)
    found = claim_map(Lift(points=lift), economics, concept="net_value", target=target, own=0.2)
    ax = plot_claim_map(found)
    written = " ".join(text.get_text().replace("\n", " ") for text in ax.texts)
    empty = not np.isfinite(found.uplift).any()
    assert ("nowhere a profit above 0 without the lift" in written) == empty


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(NotEnoughError, match="There are 0 uplifts to draw, must be at least 1"):
        plot_uplifts(ProfitUplifts(()))
    with pytest.raises(NotEnoughError, match="too short"):
        plot_uplifts(uplifts().select(model="product_limit"))


# The path


def test_the_path_is_the_published_one() -> None:
    """methods M11: r .80 → .85 gives 5.0, 9.3, 12.9, …, 30.4 % in year 15, and 33.3 % in the end."""
    ax = plot_profit_path(path())
    after, before = (line for line in data_lines(ax) if line.get_marker() == "None")
    shown = [round(100 * (y - 1), 1) for y in after.get_ydata()]
    assert shown[:6] == [0.0, 5.0, 9.3, 12.9, 15.9, 18.5]
    assert shown[15] == 30.4
    np.testing.assert_allclose(before.get_ydata(), 1)
    (limit,) = [x for x in ax.lines if list(x.get_xdata()) == [0, 1]]
    assert limit.get_ydata()[0] == pytest.approx(4 / 3)
    said = texts(ax)
    assert "in the long run +33.3 %" in said
    assert "with the lift (+30.4\N{NO-BREAK SPACE}%)" in said
    assert ax.get_xlabel() == "Year (in year 1 it is +5.0 %)"


def test_the_interval_of_the_path_is_a_band() -> None:
    found = path()
    assert not plot_profit_path(found).collections
    low, high = found.uplift * 0.8, found.uplift * 1.3
    wide = replace(found, uplift_ci_lower=low, uplift_ci_upper=high)
    (band,) = plot_profit_path(wide).collections
    heights = set(np.round(band.get_paths()[0].vertices[:, 1], 9))
    assert set(np.round(1 + low, 9)) <= heights
    assert set(np.round(1 + high, 9)) <= heights


def test_a_growing_firm_has_no_level_to_come_to() -> None:
    found = path()
    growth = np.linspace(1, 1.5, len(found.year))
    grown = replace(found, before=found.before * growth, after=found.after * growth)
    assert not any("long run" in text for text in texts(plot_profit_path(grown)))


def test_a_lift_that_costs_more_than_it_brings_is_below() -> None:
    ax = plot_profit_path(path(lift=Lift(fewer_churners=0.05), retention_cost=3.0, years=1))
    assert any("-2.0" in text for text in texts(ax))


# Operating leverage, and the defection curve


def test_bars_are_the_arithmetic_of_fixed_costs() -> None:
    """methods M11: 5 % more of the base; 60/10 → 30, 40/10 → 20, 30/20 → 7.5."""
    ax = plot_operating_leverage(operating_leverage())
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], [0.30, 0.20, 0.075])
    assert texts(ax) == ["+30 %", "+20 %", "+7.5 %"]
    names = [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()]
    assert names[0] == "60 % contribution, 10 % profit"
    assert "5 % more customers" in alt_text(ax)


def test_the_printed_curve_stands_beside_the_rebuilt_ones() -> None:
    curve = profit_history().curve
    ax = plot_defection_curve(curve)
    (printed,) = [line for line in ax.lines if line.get_marker() == "x"]
    np.testing.assert_array_equal(printed.get_ydata(), [134, 300, 525])
    drawn_lines = [line for line in ax.lines if line.get_marker() == "None"]
    for line, lives in zip(drawn_lines, ("fixed", "random"), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), curve.lines[lives])
    assert {"134", "300", "525", "everybody stays equally long", "lives differ"} <= set(texts(ax))
    assert ax.get_xlim()[0] > ax.get_xlim()[1]  # who leaves falls to the right
    said = alt_text(ax)
    assert "At 10 % who leave each year: printed 300, rebuilt 303" in said


# Signs


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.25, "+25.0 %"), (-0.02, "-2.0 %"), (0.0, "+0.0 %"), (math.nan, "–")],
)
def test_a_change_has_its_sign(share: float, text: str) -> None:
    assert signed(share) == text


def test_an_interval_without_width_is_left_out() -> None:
    assert signed_interval(0.24, 0.22, 0.25) == "+24 % (22 to 25 %)"
    assert signed_interval(-0.24, -0.25, -0.22) == "-24 % (-25 to -22 %)"
    assert signed_interval(0.0454545, 0.0454545, 0.0454545 + 1e-15) == "+4.5 %"
    assert signed_interval(0.25, math.nan, math.nan) == "+25.0 %"
