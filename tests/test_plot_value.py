from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.text import Text
from valued import World, draw

from cxresearch._draw import alt_text
from cxresearch._looks import GROUP_COLORS
from cxresearch.errors import CxError
from cxresearch.plots.value import plot_contribution, plot_lifetime_value, plot_value_by_horizon
from cxresearch.value.lifetime import LifetimeValues, lifetime_values
from cxresearch.value.prices import Prices
from cxresearch.value.terms import FirstMargin, Terms

CURVES = (plot_contribution, plot_value_by_horizon)
EVERY = (plot_lifetime_value, *CURVES)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@cache
def values(
    horizon: int = 60, first: FirstMargin = "now", currency: str | None = "EUR", cost: float = 0.0
) -> LifetimeValues:
    prices = Prices(cost_per_ticket=4.0, cost_per_month=cost, currency=currency)
    return lifetime_values(draw(World(), 1500, 1, known=()), prices, Terms(0.1, horizon, first))


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.texts if t.get_text()]


def dashed(line: Any) -> bool:
    return line.get_linestyle() == "--"


# Numbers on the page


def test_bars_are_the_parts_and_whiskers_the_interval() -> None:
    ax = plot_lifetime_value(values())
    bars = [(bar.get_x(), bar.get_width(), bar.get_hatch()) for bar in ax.patches]
    for i, found in enumerate(values()):
        assert bars[2 * i] == (0, found.inside, None)
        assert bars[2 * i + 1] == (found.inside, pytest.approx(found.projected), "////")
        assert to_hex(ax.patches[2 * i].get_facecolor()) == GROUP_COLORS[found.label].lower()
    spans = [tuple(c.get_segments()[0][:, 0]) for c in ax.collections if hasattr(c, "get_segments")]
    assert spans == [found.values[1:] for found in values()]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["detractor", "passive", "promoter"]
    assert all(text.startswith("EUR ") for text in texts(ax))
    assert "Hatched: beyond the data." in ax.get_xlabel().replace("\n", " ")


def test_nothing_is_hatched_within_the_data() -> None:
    ax = plot_lifetime_value(values(12))
    assert [bar.get_hatch() for bar in ax.patches] == [None] * 3
    assert "Hatched" not in ax.get_xlabel()


@pytest.mark.parametrize("first", ["now", "end_of_period"])
def test_lines_are_as_estimated_solid_within_the_data_and_dashed_beyond(first: FirstMargin) -> None:
    for draw_it, name in zip(CURVES, ("contribution", "by_horizon"), strict=True):
        ax = draw_it(values(60, first))
        lines = [x for x in ax.lines if len(x.get_xdata()) > 2 and x.get_linestyle() != "None"]
        solid = [line for line in lines if not dashed(line)]
        beyond = [line for line in lines if dashed(line)]
        assert len(solid) == len(beyond) == 3
        for found, inside, outside in zip(values(60, first), solid, beyond, strict=True):
            y, seen = getattr(found, name).value, found.bills_seen
            np.testing.assert_array_equal(inside.get_ydata(), y[:seen])
            np.testing.assert_array_equal(outside.get_ydata(), y[seen - 1 :])
            x = found.months if name == "contribution" else np.arange(1, 61)
            np.testing.assert_array_equal(inside.get_xdata(), x[:seen])
        assert "extrapolated →" in texts(ax)


def test_bands_are_the_intervals() -> None:
    for draw_it, name in zip(CURVES, ("contribution", "by_horizon"), strict=True):
        ax = draw_it(values())
        for found, band in zip(values(), ax.collections, strict=True):
            heights = set(np.round(band.get_paths()[0].vertices[:, 1], 9))
            assert set(np.round(getattr(found, name).lower, 9)) <= heights
            assert set(np.round(getattr(found, name).upper, 9)) <= heights


def test_all_is_solid_within_the_data() -> None:
    for draw_it in CURVES:
        ax = draw_it(values(12))
        assert "extrapolated →" not in texts(ax)
        assert not any(dashed(line) and len(line.get_xdata()) > 1 for line in ax.lines)


@pytest.mark.parametrize("draw_it", [plot_lifetime_value, *CURVES])
def test_a_value_of_nothing_has_a_figure(draw_it: Any) -> None:
    source = draw(World(), 300, 1, known=())
    nothing = replace(source, margin=0.0 * source.margin)
    ax = draw_it(lifetime_values(nothing, Prices(), Terms(0.1, 12, "now")))
    assert ax.get_ylim()[0] != ax.get_ylim()[1]


def test_a_loss_is_drawn_below_0() -> None:
    ax = plot_value_by_horizon(values(24, cost=500.0))
    assert ax.get_ylim()[0] < min(float(v.by_horizon.lower.min()) for v in values(24, cost=500.0))
    bars = plot_lifetime_value(values(24, cost=500.0)).patches
    assert all(bar.get_width() < 0 for bar in bars)


def test_a_horizon_of_one_bill_can_be_drawn() -> None:
    for draw_it in EVERY:
        draw_it(values(1)).figure.canvas.draw()


def test_groups_have_marks_of_their_own_up_to_the_last_month() -> None:
    for draw_it, name in zip(CURVES, ("contribution", "by_horizon"), strict=True):
        marks = [line for line in draw_it(values()).lines if line.get_linestyle() == "None"]
        assert [line.get_marker() for line in marks] == ["o", "o", "s", "s", "^", "^"]
        for found, inside, beyond in zip(values(), marks[::2], marks[1::2], strict=True):
            assert to_hex(beyond.get_markerfacecolor()) == "#ffffff"
            assert beyond.get_ydata()[0] == getattr(found, name).value[-1]
            assert len(inside.get_xdata()) > len(beyond.get_xdata()) > 1
        within = draw_it(values(12))
        assert sum(line.get_linestyle() == "None" for line in within.lines) == 3
        within.figure.draw_without_rendering()
        assert within.get_position().width > 0.75  # nothing beside it takes room
        alone = draw_it(values()[0]).lines
        assert not any(line.get_linestyle() == "None" for line in alone)


# Words on the page


@pytest.mark.parametrize("width", [3.9, 6.2])
def test_nothing_leaves_the_page_or_collides(width: float) -> None:
    for draw_it in EVERY:
        figure, ax = plt.subplots(figsize=(width, 3.6), layout="constrained")
        draw_it(values(), ax=ax)
        figure.canvas.draw()
        names = [t for t in ax.texts if t.get_text() and t.get_text() != "extrapolated →"]
        boxes = sorted((Text.get_window_extent(t) for t in names), key=lambda box: box.y0)
        assert len(boxes) == 3
        for below, above in pairwise(boxes):
            assert below.y1 <= above.y0 + 1.5
        boxes.append(ax.xaxis.label.get_window_extent())
        assert all(figure.bbox.x0 - 1 <= b.x0 and b.x1 <= figure.bbox.x1 + 1 for b in boxes)


def test_a_single_group_needs_no_name() -> None:
    everybody = lifetime_values(
        draw(World(), 900, 2, known=()).pooled(), Prices(currency="EUR"), Terms(0.1, 24, "now")
    )
    for draw_it in CURVES:
        assert texts(draw_it(everybody)) == []
    ax = plot_lifetime_value(everybody[0])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["answers"]
    assert alt_text(ax).count("Answers: EUR ") == 1


def test_alternatives_say_what_is_shown() -> None:
    said = alt_text(plot_lifetime_value(values()))
    assert said.startswith(
        "Value per customer over the 60 months from the answer on, with 95 % intervals. detractor: EUR "
    )
    assert said.count("of it beyond the data.") == 3
    months = alt_text(plot_contribution(values(60, "end_of_period")))
    assert "at month 1 and EUR " in months
    assert months.count("at month 60, beyond the data.") == 3
    assert "beyond" not in alt_text(plot_value_by_horizon(values(12)))
    assert alt_text(plot_value_by_horizon(values(1))).count(" at month ") == 3  # one end each
    loss = alt_text(plot_lifetime_value(values(24, cost=500.0)))
    assert "detractor: EUR -" in loss
    assert "of it" not in loss


def test_a_currency_is_named_where_there_is_one() -> None:
    assert (
        plot_contribution(values()).get_title(loc="left").startswith("EUR per customer and month")
    )
    without = plot_contribution(values(60, "now", None))
    assert without.get_title(loc="left").startswith("Amount per customer and month")
    assert "EUR" not in alt_text(without)


def test_what_a_customer_typed_is_drawn_as_it_is() -> None:
    strange = replace(values()[0], group={"plan": "$x^2$ <b>"})
    ax = plot_contribution([strange, values()[1]])
    ax.figure.canvas.draw()
    assert "$x^2$ <b>" in texts(ax)


def test_nothing_to_draw_is_refused() -> None:
    for draw_it in EVERY:
        with pytest.raises(CxError, match="there are 0 values, must be at least 1"):
            draw_it([])
