from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.text import Text

import cxresearch as cx
from cxresearch._draw import alt_text
from cxresearch.errors import CxError
from cxresearch.plots.holdout import plot_holdout
from cxresearch.plots.projection import plot_projection, plot_retention_rates
from cxresearch.projection._forecast import COMBINED
from cxresearch.projection._holdout import holdout
from cxresearch.projection.fitted import Projections, projections
from cxresearch.tables import LifeTable

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def paper() -> LifeTable:
    return cx.open_data(ROOT / "data" / "recipes" / "fader_hardie.toml").life_table(["segment"])


def projected(**words: int) -> Projections:
    return projections(paper(), **{"fit_periods": 7, "horizon": 14} | words)


def dashed(line) -> bool:
    return line.get_linestyle() == "--"


def lines(ax):
    return [
        line for line in ax.lines if line.get_linestyle() != "None" and len(line.get_xdata()) > 2
    ]


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.texts if t.get_text()]


def test_lines_are_as_estimated_solid_within_the_data_and_dashed_beyond() -> None:
    ax = plot_projection(projected())
    solid = [line for line in lines(ax) if not dashed(line)]
    beyond = [line for line in lines(ax) if dashed(line)]
    for result, inside, outside in zip(projected(), solid, beyond, strict=True):
        curve = result[COMBINED]
        np.testing.assert_array_equal(inside.get_xdata(), np.arange(8))
        np.testing.assert_array_equal(inside.get_ydata(), curve.retained[:8])
        np.testing.assert_array_equal(outside.get_xdata(), np.arange(7, 15))
        np.testing.assert_array_equal(outside.get_ydata(), curve.retained[7:])
    assert {"regular", "high_end", "extrapolated →"} <= set(texts(ax))


def test_the_band_is_the_interval_of_all_models_together() -> None:
    result = projected()[0]
    corners = plot_projection(result).collections[0].get_paths()[0].vertices
    for tenure in (3, 14):
        heights = {round(y, 12) for x, y in corners if x == tenure}
        found = result.at(tenure)
        assert {round(found.ci_lower, 12), round(found.ci_upper, 12)} <= heights


def test_points_that_were_not_fitted_are_hollow() -> None:
    ax = plot_projection(projected()[1])
    points = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [len(p.get_xdata()) for p in points] == [8, 5]
    assert to_hex(points[1].get_markerfacecolor()) == "#ffffff"
    observed = projected()[1].observed.retained
    np.testing.assert_array_equal(np.r_[points[0].get_ydata(), points[1].get_ydata()], observed)


def test_one_group_shows_each_model_and_several_show_all_together() -> None:
    one, two = plot_projection(projected()[0]), plot_projection(projected())
    assert {"all together", "geometric", "sBG", "BdW"} <= set(texts(one))
    assert "sBG" not in texts(two)


def test_nothing_is_extrapolated_within_the_data() -> None:
    ax = plot_projection(projections(paper(), horizon=9))
    assert "extrapolated →" not in texts(ax)
    assert not any(dashed(line) and len(line.get_xdata()) > 1 for line in ax.lines)


def test_rates_are_drawn_with_their_whiskers_and_hold_the_models() -> None:
    result = projected()[0]
    ax = plot_retention_rates(result)
    rates = result.observed_rates()
    points = ax.containers[0].lines[0]
    np.testing.assert_allclose(points.get_ydata(), rates["retention_rate"])
    whiskers = np.array(ax.containers[0].lines[2][0].get_segments())[:, :, 1]
    np.testing.assert_allclose(whiskers[:, 0], rates["retention_rate_ci_lower"])
    drawn = [line.get_ydata() for line in lines(ax) if not dashed(line)]
    assert any(
        np.array_equal(y, result[COMBINED].retention_rate[:8], equal_nan=True) for y in drawn
    )
    assert ax.get_title(loc="left") == "Retention rate per year"
    assert plot_retention_rates(projected()).get_ylim()[1] == 1


def test_errors_are_drawn_at_their_place_with_their_interval() -> None:
    held = holdout(paper(), holdout_periods=8)
    ax = plot_holdout(held)
    marks = [line for line in ax.lines if line.get_marker() in ("o", "s")]
    assert [line.get_xdata()[0] for line in marks] == [h.holdout_error for h in held]
    spans = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() == "None"][1:]
    assert spans == [(h.holdout_error_ci_lower, h.holdout_error_ci_upper) for h in held]
    assert "high_end: BdW" in [t.get_text() for t in ax.get_yticklabels()]


@pytest.mark.parametrize("width", [4, 7])
def test_names_do_not_collide_or_leave_the_page(width: int) -> None:
    figure, ax = plt.subplots(figsize=(width, 3.8), layout="constrained")
    plot_projection(projected()[1], ax=ax)
    figure.canvas.draw()
    names = [t for t in ax.texts if getattr(t, "arrow_patch", None) and t.get_text()]
    boxes = sorted((Text.get_window_extent(t) for t in names), key=lambda box: box.y0)
    assert len(boxes) == 4
    for below, above in pairwise(boxes):
        assert below.y1 <= above.y0 + 1.5
    assert all(figure.bbox.x0 - 1 <= b.x0 and b.x1 <= figure.bbox.x1 + 1 for b in boxes)


def test_alternatives_say_what_is_shown() -> None:
    said = alt_text(plot_projection(projected()))
    assert said.startswith(
        "Projected retention of all models together with 95 % intervals, by years"
    )
    assert (
        "high_end: 49 of 100 (46 to 52) after 7 years and 38 of 100 (31 to 42) after 14 years, extrapolated."
        in said
    )
    rates = alt_text(plot_retention_rates(projected()))
    assert "high_end: 86.9 % observed at first" in rates
    held = alt_text(plot_holdout(holdout(paper(), holdout_periods=8)))
    assert "high_end, geometric: -19 percentage points (-22 to -17)." in held


def test_nothing_to_draw_is_refused() -> None:
    for draw in (plot_projection, plot_retention_rates):
        with pytest.raises(CxError, match="there are 0 projections, must be at least 1"):
            draw([])
    with pytest.raises(CxError, match="there are 0 models held out"):
        plot_holdout([])
