"""Figures of a difference in value: the numbers on the artists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import valued
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PathCollection
from valued import PRICES, TERMS

from cxresearch import _format as words
from cxresearch.errors import CxError
from cxresearch.plots import alt_text
from cxresearch.plots.value_difference import (
    plot_value_differences,
    plot_value_sensitivity,
    plot_value_waterfall,
)
from cxresearch.value._shapley import PARTS
from cxresearch.value.difference import value_differences
from cxresearch.value.sensitivity import value_sensitivity

TURNED = valued.World(margin_by_score=-8.0, confounding=0.2)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def found():
    return value_differences(valued.draw(valued.World(), 2000, 1), PRICES, TERMS)


@pytest.fixture(scope="module")
def turned():
    """Promoters spend less, and nothing says what a referral is worth."""
    prices = replace(PRICES, referral_value=None, lacking=("referral_value",))
    return value_differences(valued.draw(TURNED, 2000, 1, ()), prices, TERMS)["as_they_are"]


@pytest.fixture(scope="module")
def moved():
    return value_sensitivity(valued.draw(valued.World(), 1000, 1, ()), PRICES, TERMS)


def lines(ax):
    found = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [segment for c in found for segment in c.get_segments()]


def dots(ax):
    return [tuple(c.get_offsets()[0]) for c in ax.collections if isinstance(c, PathCollection)]


def texts(ax):
    return [t.get_text() for t in ax.texts]


def test_millions_are_written_out_and_the_horizon_is_said(found):
    for ax in (plot_value_differences(found), plot_value_waterfall(found["same_history"])):
        assert ax.xaxis.get_major_formatter()(2_500_000, 0) == "2,500,000"
        assert "over the 24 months from the answer on" in ax.get_xlabel().replace("\n", " ")
        assert "over the 24 months from the answer on" in alt_text(ax)


def test_each_row_is_drawn_as_it_was_estimated(found):
    ax = plot_value_differences(found)
    for place, (row, dot, line) in enumerate(zip(found, dots(ax), lines(ax), strict=True)):
        value, lower, upper = row.difference
        assert dot == (value, place)
        np.testing.assert_allclose(line, [[lower, place], [upper, place]])
    assert texts(ax) == [words.money(*row.difference, None) for row in found]
    assert [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()] == [
        row.title for row in found
    ]


def test_a_row_without_a_number_says_why(found):
    reason = "fewer than 30 answers of promoters have a counterpart"
    refused = replace(found, rows=(*found.rows[:2], replace(found.rows[2], refusal=reason)))
    ax = plot_value_differences(refused)
    assert len(dots(ax)) == 2
    assert f"Not reported: {reason}" in [t.replace("\n", " ") for t in texts(ax)]
    assert alt_text(ax).endswith("With the same history before the survey: not reported.")


@pytest.mark.parametrize("which", ["found", "turned"])
def test_the_waterfall_leads_from_one_value_to_the_other(which, request):
    given = request.getfixturevalue(which)
    row = given if which == "turned" else given["same_history"]
    ax = plot_value_waterfall(row)
    bars = [group.patches[0] for group in ax.containers]
    ends = [bar.get_x() + bar.get_width() for bar in bars]
    starts = [bar.get_x() for bar in bars]
    assert (starts[0], starts[-1]) == (0, 0)
    assert ends[0] == row.values[1][0]
    for i, part in enumerate(PARTS, 1):
        assert starts[i] == pytest.approx(ends[i - 1])
        assert ends[i] - starts[i] == pytest.approx(row.parts[part][0])
    assert ends[-2] == pytest.approx(ends[-1]) == pytest.approx(row.values[0][0])


def test_every_part_has_its_interval(found):
    row = found["as_they_are"]
    drawn = [s for s in lines(plot_value_waterfall(row)) if s[0][1] == s[1][1]]
    assert len(drawn) == 6
    at = row.values[1][0]
    for place, part in enumerate(PARTS, 1):
        value, lower, upper = row.parts[part]
        np.testing.assert_allclose(drawn[place], [[at + lower, place], [at + upper, place]])
        at += value


def test_what_takes_off_is_hatched_and_what_is_not_known_is_said(turned, found):
    ax = plot_value_waterfall(turned)
    hatched = [group.patches[0].get_hatch() is not None for group in ax.containers]
    assert hatched == [False, False, True, False, False, False]
    assert "Hatched: takes off." in ax.get_xlabel().replace("\n", " ")
    assert texts(ax)[4] == "left out"
    assert "Hatched" not in plot_value_waterfall(found["as_they_are"]).get_xlabel()


def test_the_tornado_reaches_from_one_end_to_the_other(moved):
    ax = plot_value_sensitivity(moved)
    bars = [group.patches[0] for group in ax.containers]
    assert len(bars) == len(moved.bars)
    for place, (bar, drawn) in enumerate(zip(moved.bars, bars, strict=True)):
        low, high = bar.ends
        reach = (drawn.get_x(), drawn.get_x() + drawn.get_width())
        assert sorted(reach) == pytest.approx(sorted((low[0], high[0])))
        assert (drawn.get_hatch() is not None) == bar.entered
        spread = [s[:, 0].tolist() for s in lines(ax) if abs(s[0][1] - place) < 0.2]
        assert spread == [pytest.approx(low[1:]), pytest.approx(high[1:])]
    titles = [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()]
    assert "Cost of a ticket (entered): EUR\N{NO-BREAK SPACE}0 to EUR\N{NO-BREAK SPACE}10" in titles
    assert "Hatched: entered." in ax.get_xlabel().replace("\n", " ")


def test_the_alternative_texts_say_every_number(found, moved):
    row = found["as_they_are"]
    said = alt_text(plot_value_waterfall(row))
    for ends in (*row.values, *row.parts.values()):
        assert row.money(ends) in said
    said = alt_text(plot_value_differences(found))
    assert all(r.money(r.difference) in said for r in found)
    said = alt_text(plot_value_sensitivity(moved))
    assert all(moved.money(ends) in said for bar in moved.bars for ends in bar.ends)


@pytest.mark.parametrize("width", [3.9, 6.2])
def test_nothing_leaves_the_page(width, found, turned, moved):
    drawn = (
        (plot_value_differences, found), (plot_value_waterfall, turned),
        (plot_value_sensitivity, moved),
    )  # fmt: skip
    for draw, result in drawn:
        figure, ax = plt.subplots(figsize=(width, 4.5), layout="constrained")
        draw(result, ax=ax)
        figure.canvas.draw()
        for text in (*ax.texts, *ax.get_yticklabels(), ax.xaxis.label):
            box = text.get_window_extent()
            assert figure.bbox.x0 - 1 <= box.x0, text
            assert box.x1 <= figure.bbox.x1 + 1, text


def test_what_has_no_number_cannot_be_drawn(found, moved):
    with pytest.raises(CxError, match=r"no difference to draw \(no overlap\)"):
        plot_value_waterfall(replace(found["as_they_are"], refusal="no overlap"))
    with pytest.raises(CxError, match=r"0 choices to draw \(there are no detractors\)"):
        plot_value_sensitivity(replace(moved, bars=(), refusal="there are no detractors"))
