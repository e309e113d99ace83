"""Figures of a programme: the numbers on the artists, and that none is read by colour alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.patches import Rectangle
from test_programme_risk import ENDS, effect, programme, teaching
from test_wording import CAUSAL, FUTURE, check_whole

from cxresearch._draw import WIDTH
from cxresearch.errors import CxError
from cxresearch.plots import alt_text
from cxresearch.plots.programme import plot_break_even, plot_npv, plot_payments, plot_tornado
from cxresearch.roi._risk import ProgrammeRisk
from cxresearch.roi.effect import entered_effect
from cxresearch.roi.risk import programme_risk
from cxresearch.roi.uncertain import Uncertain


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def found() -> ProgrammeRisk:
    return teaching()


@pytest.fixture(scope="module")
def paying() -> ProgrammeRisk:
    """Some draws lose, most do not; nothing says the currency."""
    spread = {"attribution": Uncertain.pert(0.3, 1, 1)}
    p = programme(lift=0.06, horizon=12, currency=None)
    return programme_risk(p, spread, effect=effect(0.06, 0.02))


def lines(ax: Axes) -> list[Any]:
    found = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [segment for c in found for segment in c.get_segments()]


def dots(ax: Axes) -> list[tuple[float, float]]:
    found = [c for c in ax.collections if isinstance(c, PathCollection)]
    return [(float(x), float(y)) for c in found for x, y in np.asarray(c.get_offsets())]


def bars(ax: Axes) -> list[Rectangle]:
    return [p for p in ax.patches if isinstance(p, Rectangle)]


def said(ax: Axes) -> str:
    return ax.get_xlabel().replace("\n", " ")


def test_what_is_needed_stands_above_what_there_is(found: ProgrammeRisk) -> None:
    ax = plot_break_even(found)
    assert found.break_even is not None
    need = [100 * end for end in found.break_even]
    np.testing.assert_allclose(dots(ax), [(need[0], 0), (2, 1)])
    np.testing.assert_allclose([line[:, 0] for line in lines(ax)], [need[1:], [0, 4]])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["Needed", "Assumed"]
    assert "Hollow: entered, not measured." in said(ax)


@pytest.mark.parametrize(("grade", "name"), [("A", "Measured"), ("C", "Observed, an association")])
def test_a_measured_lift_is_full_and_named(grade: str, name: str) -> None:
    risk = programme_risk(programme(), {}, effect=effect(0.02, 0.01, grade))
    ax = plot_break_even(risk)
    assert ax.get_yticklabels()[1].get_text().replace("\n", " ") == name
    faces = [c.get_facecolor()[0] for c in ax.collections if isinstance(c, PathCollection)]
    np.testing.assert_array_equal(faces[0], faces[1])
    assert "Hollow" not in said(ax)


def test_every_draw_is_in_the_figure_and_losses_are_hatched(paying: ProgrammeRisk) -> None:
    ax = plot_npv(paying)
    heights = sum(bar.get_height() for bar in bars(ax))
    assert heights == pytest.approx(100)
    lost = [bar for bar in bars(ax) if bar.get_hatch()]
    assert all(bar.get_x() + bar.get_width() <= 1e-6 for bar in lost)
    assert all(bar.get_x() >= 0 for bar in bars(ax) if not bar.get_hatch())
    share = sum(bar.get_height() for bar in lost) / 100
    assert share == pytest.approx(paying.probability_of_loss[0])
    assert 0.02 < share < 0.5
    assert said(ax).startswith("Amount, value today; share of 20,000 draws. Hatched: loses money")
    assert ax.xaxis.get_major_formatter()(2_500_000, 0) == "2,500,000"


def test_a_value_without_doubt_is_no_figure() -> None:
    risk = programme_risk(programme(), {}, effect=entered_effect(0.02))
    with pytest.raises(CxError, match="all draws are the same, must differ to be drawn"):
        plot_npv(risk)
    with pytest.raises(CxError, match="there are 0 uncertain inputs, must be at least 1 to draw"):
        plot_tornado(risk.tornado)


def test_payments_are_drawn_as_they_are(found: ProgrammeRisk) -> None:
    p = found.programme
    ax = plot_payments(p)
    np.testing.assert_allclose([bar.get_height() for bar in bars(ax)], p.cash_flows)
    assert [bool(bar.get_hatch()) for bar in bars(ax)] == [True, True, True, False, False, False]
    total = ax.lines[0].get_ydata()
    np.testing.assert_allclose(np.asarray(total)[-1], p.npv)
    assert [t.get_text() for t in ax.texts] == ["EUR -220,000"]
    assert "year 0 EUR -200,000; year 1 EUR -40,000" in alt_text(ax)


def test_the_tornado_has_the_ends_of_each_input(found: ProgrammeRisk) -> None:
    ax = plot_tornado(found.tornado)
    for place, (bar, m) in enumerate(zip(bars(ax), found.tornado.moved, strict=True)):
        assert bar.get_y() + bar.get_height() / 2 == pytest.approx(place)
        np.testing.assert_allclose(
            sorted([bar.get_x(), bar.get_x() + bar.get_width()]), sorted(m.npv)
        )
        assert abs(bar.get_width()) == pytest.approx(m.swing)
    titles = [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()]
    assert titles[0] == "Lift: 0 to 4 points"
    assert titles[1] == "Cost a year: EUR 40,000 to EUR 80,000"
    assert len(titles) == len(ENDS)
    assert ax.get_xlim()[0] < min(min(m.npv) for m in found.tornado.moved)  # no mark is cut
    faces = [c.get_facecolor()[0] for c in ax.collections if isinstance(c, PathCollection)]
    assert (faces[0] != faces[1]).any()  # the first end is hollow


@pytest.mark.parametrize("which", ["found", "paying"])
def test_each_figure_says_in_words_what_it_shows(
    which: str, request: pytest.FixtureRequest
) -> None:
    risk: ProgrammeRisk = request.getfixturevalue(which)
    figures = [
        plot_break_even(risk),
        plot_npv(risk),
        plot_payments(risk.programme),
        plot_tornado(risk.tornado),
    ]
    texts = [alt_text(ax) for ax in figures]
    assert len(set(texts)) == 4
    for ax, text in zip(figures, texts, strict=True):
        check_whole(text)
        assert not CAUSAL.search(text)
        assert not FUTURE.search(text)
        assert "nan" not in text
        assert ax.get_figure().get_figwidth() == WIDTH  # type: ignore[union-attr]


def test_where_no_lift_is_enough_there_is_no_figure() -> None:
    risk = programme_risk(programme(one_off_cost=5e6), {}, effect=effect(0.02, 0.004))
    assert risk.break_even is None
    with pytest.raises(CxError, match="no lift is enough, even with nobody leaving"):
        plot_break_even(risk)


def test_labels_stay_apart_on_a_phone(paying: ProgrammeRisk) -> None:
    for draw in (
        lambda ax: plot_npv(paying, ax=ax),
        lambda ax: plot_tornado(paying.tornado, ax=ax),
        lambda ax: plot_payments(paying.programme, ax=ax),
    ):
        figure, ax = plt.subplots(figsize=(3.9, 3.3), layout="constrained")
        draw(ax)
        figure.draw_without_rendering()
        low, high = ax.get_xlim()
        boxes = [
            label.get_window_extent()
            for tick, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
            if low <= tick <= high and label.get_text()
        ]
        for first, second in pairwise(boxes):
            assert first.x1 < second.x0
        assert math.isfinite(low + high)
