from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib import pyplot as plt
from shops import DETRACTOR, PROMOTER, Kind, shop
from test_wording import CAUSAL, FUTURE, check_whole

from cxresearch._draw import alt_text
from cxresearch.errors import CxError
from cxresearch.plots.purchases import (
    plot_alive_map,
    plot_purchase_frequencies,
    plot_purchase_holdout,
    plot_shop_value,
)
from cxresearch.projection._forecast import COMBINED
from cxresearch.purchases.alive import alive_maps
from cxresearch.purchases.frequencies import purchase_frequencies
from cxresearch.purchases.holdout import purchase_holdout
from cxresearch.purchases.models import PurchaseModels, purchase_models
from cxresearch.purchases.shop_value import ShopValues, shop_values
from cxresearch.purchases.spend import spend_models

MODELS = ["bg_nbd", "mbg_nbd"]
KINDS = {"promoter": PROMOTER, "passive": Kind(), "detractor": DETRACTOR}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def table():
    return shop(500, np.random.default_rng(1), KINDS).table()


@pytest.fixture(scope="module")
def pooled(table) -> PurchaseModels:
    return purchase_models(table.pooled(), models=MODELS)


@pytest.fixture(scope="module")
def grouped(table) -> PurchaseModels:
    return purchase_models(table, models=MODELS)


@pytest.fixture(scope="module")
def values(table, grouped) -> ShopValues:
    return shop_values(grouped, spend_models(table), margin_share=0.4, annual_discount_rate=0.1)


def marks(ax, marker: str) -> list[np.ndarray]:
    """Points of a marker that hold data, in the order in which they were drawn."""
    found = [line for line in ax.lines if line.get_marker() == marker]
    return [line.get_xydata() for line in found if len(line.get_xdata())]


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.texts if t.get_text()]


def key(ax) -> list[str]:
    return [t.get_text() for t in ax.get_legend().get_texts()]


def test_counts_are_bars_and_models_are_marks(pooled: PurchaseModels) -> None:
    fits = purchase_frequencies(pooled)
    ax = plot_purchase_frequencies(fits)
    np.testing.assert_array_equal([bar.get_width() for bar in ax.patches], fits[0].customers)
    for fit, marker in zip(fits, ("s", "^"), strict=True):
        (points,) = marks(ax, marker)
        np.testing.assert_array_equal(points[:, 0], fit.expected)
    whiskers = np.array(ax.containers[1].lines[2][0].get_segments())[:, :, 0]
    np.testing.assert_allclose(whiskers[:, 0], fits[0].customers_ci_lower)
    np.testing.assert_allclose(whiskers[:, 1], fits[0].customers_ci_upper)
    assert texts(ax) == [f"{count:,}" for count in fits[0].customers]
    assert key(ax) == ["BG/NBD", "MBG/NBD"]


def test_the_map_can_be_read_without_colour(pooled: PurchaseModels) -> None:
    (found,) = alive_maps(pooled)
    ax = plot_alive_map(found)
    known = found.probability_alive[np.isfinite(found.probability_alive)]
    assert texts(ax) == [f"{100 * share:.0f}" for share in known]
    assert [t.get_text() for t in ax.get_yticklabels()] == [str(x) for x in found.frequency]
    assert ax.get_ylabel() == "Repeat purchases"
    assert ax.yaxis_inverted()
    assert ax.get_title(loc="left").startswith("Still active, of 100 customers, by the BG/NBD")


def luminance(color: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_numbers_of_the_map_stand_out_from_their_colour(pooled: PurchaseModels) -> None:
    from matplotlib.colors import to_rgb  # noqa: PLC0415

    (found,) = alive_maps(pooled)
    ax = plot_alive_map(found)
    mesh = ax.collections[0]
    shares = np.linspace(0, 1, 101)
    for share, fill in zip(shares, mesh.cmap(shares), strict=True):
        ink = "white" if share >= 0.77 else "#222222"
        bright, dark = sorted((luminance(fill), luminance(to_rgb(ink))), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) > 4, share


def test_values_are_drawn_with_their_intervals(values: ShopValues) -> None:
    ax = plot_shop_value(values)
    spans = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() == "None"]
    for value in values:
        for row in value.by_model.values():
            assert tuple(row[1:]) in spans
        assert value.terms.money(value.by_model[COMBINED]) in texts(ax)
    drawn = [points[0, 0] for points in marks(ax, "o")]
    assert drawn == [value.lifetime_value for value in values]
    assert key(ax) == ["all together", "BG/NBD", "MBG/NBD"]
    assert ax.get_xlim()[0] == 0
    assert "EUR per customer in the 52 weeks after 2024-12-30, discounted" in ax.get_xlabel()


def test_what_was_held_out_is_drawn_by_class(pooled: PurchaseModels) -> None:
    held = purchase_holdout(pooled)
    ax = plot_purchase_holdout(held)
    made = ax.containers[0].lines[0].get_xydata()
    np.testing.assert_array_equal(made[:, 1], held[0].actual_by_class.value)
    for found, marker in zip(held, ("s", "^"), strict=False):
        (points,) = marks(ax, marker)
        np.testing.assert_array_equal(points[:, 1], found.predicted_by_class.value)
    assert key(ax) == ["made", "BG/NBD", "MBG/NBD"]
    title = ax.get_title(loc="left")
    assert title == "Purchases per customer in the 26 weeks after"


def test_each_group_has_axes_of_its_own(grouped: PurchaseModels) -> None:
    for draw, found in (
        (plot_purchase_frequencies, purchase_frequencies(grouped)),
        (plot_alive_map, alive_maps(grouped)),
        (plot_purchase_holdout, purchase_holdout(grouped)),
    ):
        ax = draw(found)
        titles = [own.get_title(loc="left") for own in ax.figure.axes]
        named = [re.findall("detractors|passives|promoters", title) for title in titles]
        assert named == [["detractors"], ["passives"], ["promoters"]]
        assert all(alt_text(own) for own in ax.figure.axes)
        _, one = plt.subplots()
        with pytest.raises(CxError, match="results of 3 groups for one ax, must be of 1"):
            draw(found, ax=one)


@pytest.mark.parametrize("width", [3.9, 6.2])
def test_nothing_leaves_the_page(pooled: PurchaseModels, values: ShopValues, width: float) -> None:
    for draw, found in (
        (plot_purchase_frequencies, purchase_frequencies(pooled)),
        (plot_alive_map, alive_maps(pooled)),
        (plot_purchase_holdout, purchase_holdout(pooled)),
        (plot_shop_value, values),
    ):
        figure, ax = plt.subplots(figsize=(width, 4), layout="constrained")
        draw(found, ax=ax)
        figure.canvas.draw()
        box = ax.get_tightbbox()
        assert figure.bbox.x0 - 1 <= box.x0, draw
        assert box.x1 <= figure.bbox.x1 + 1, draw


def test_alternatives_say_what_is_shown(pooled: PurchaseModels, values: ShopValues) -> None:
    fits, (found,) = purchase_frequencies(pooled), alive_maps(pooled)
    held = purchase_holdout(pooled)
    said = [
        alt_text(plot_purchase_frequencies(fits)),
        alt_text(plot_alive_map(found)),
        alt_text(plot_purchase_holdout(held)),
        alt_text(plot_shop_value(values)),
    ]
    assert f"counted 0: {fits[0].customers[0]}, 1: {fits[0].customers[1]}" in said[0]
    assert (
        f"25: {100 * found.probability_alive[-1, 0]:.0f} at 0," in said[1]
        or found.frequency[-1] < 25
    )
    assert f"BG/NBD {held[0].predicted_by_class.value[0]:.2f}, MBG/NBD" in said[2]
    assert (
        f"promoter: all together {values[2].terms.money(values[2].by_model[COMBINED])}" in said[3]
    )
    for text in said:
        check_whole(text)
        assert not CAUSAL.search(text)
        assert not FUTURE.search(text)


def test_nothing_to_draw_is_refused() -> None:
    for draw in (plot_purchase_frequencies, plot_alive_map, plot_purchase_holdout):
        with pytest.raises(CxError, match="results of 0 groups, must be of at least 1"):
            draw([])
    with pytest.raises(CxError, match="there are 0 values, must be at least 1"):
        plot_shop_value([])
