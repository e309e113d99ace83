"""Figures of claims: the numbers on the artists, each verdict told by its mark and its word."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from test_wording import CAUSAL

from cxresearch.claims.judged import Judged
from cxresearch.claims.measured import Evidence
from cxresearch.claims.register import Claim, Reading, Register, claims_register
from cxresearch.claims.verdict import ClaimVerdict
from cxresearch.claims.verdicts import ClaimVerdicts
from cxresearch.errors import CxError
from cxresearch.plots import alt_text
from cxresearch.plots.claims import plot_claim_directions, plot_claims, plot_contradictions

SHARE = Claim(
    "S9-1", "a.txt", "65 % of them do", "equals", "people", "share", "share", "nobody",
    "not found", number=0.65,
    readings={"a": Reading("of all of them", "all"), "b": Reading("of some of them", "some")},
)  # fmt: skip
SAID = replace(SHARE, id="S9-2", asserts="intention")
MORE = replace(SHARE, id="S9-3", relation="positive", number=None, asserts="association")
FEWER = replace(MORE, id="S9-4", relation="negative")
RATIO = replace(SHARE, id="S9-5", relation="at_most", number=1.0, unit="ratio")


def judged(
    claim: Claim, low: float, high: float, reading: str = "a", unit: str = "share", **changed
) -> Judged:
    value = (low + high) / 2
    one = Evidence(claim.id, reading, value, low, high, 90, unit, "C", "Counted.", **changed)
    return Judged(claim, one)


def verdicts(*rows: Judged) -> ClaimVerdicts:
    claims = {row.claim.id: row.claim for row in rows}
    each = [
        ClaimVerdict(claim, tuple(r for r in rows if r.claim.id == name))
        for name, claim in claims.items()
    ]
    return ClaimVerdicts(tuple(each), "A firm")


NUMBERS = verdicts(
    judged(SHARE, 0.63, 0.67),
    judged(SHARE, 0.10, 0.20, "b"),
    judged(SAID, 0.64, 0.66),
    judged(SAID, 0.55, 0.75, "b"),
)
DIRECTIONS = verdicts(
    judged(MORE, 40.0, 80.0, unit="EUR"),
    judged(FEWER, 0.1, 0.2),
    judged(RATIO, 0.5, 0.8, unit="ratio"),
    judged(RATIO, 0.5, 2.0, "b", unit="ratio"),
)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def marks(ax: Axes) -> list[Line2D]:
    return [line for line in ax.lines if line.get_marker() not in {"None", None, ""}]


def spans(ax: Axes) -> list[Line2D]:
    return [line for line in ax.lines if len(line.get_xdata()) == 2]


def beside(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.texts if "\n" in t.get_text() and t.get_color() != "#595959"]


def test_each_share_is_drawn_as_it_was_measured() -> None:
    ax = plot_claims(NUMBERS)
    assert [m.get_xdata()[0] for m in marks(ax)] == pytest.approx([0.65, 0.15, 0.65, 0.65])
    assert [tuple(s.get_xdata()) for s in spans(ax)] == [
        (0.63, 0.67), (0.10, 0.20), (0.64, 0.66), (0.55, 0.75),
    ]  # fmt: skip
    for mark, span in zip(marks(ax), spans(ax), strict=True):
        assert mark.get_ydata()[0] == span.get_ydata()[0]


def test_what_is_claimed_is_shaded_in_each_row() -> None:
    ax = plot_claims(NUMBERS)
    bars = [p for p in ax.patches if isinstance(p, Rectangle)]
    assert [(b.get_x(), b.get_x() + b.get_width()) for b in bars] == [
        pytest.approx((0.60, 0.70))
    ] * 4
    least = replace(SHARE, relation="at_least", number=0.25)
    (bar,) = plot_claims(verdicts(judged(least, 0.3, 0.4))).patches
    assert bar.get_x() == pytest.approx(0.25)
    assert bar.get_x() + bar.get_width() == pytest.approx(bar.axes.get_xlim()[1])


def test_a_verdict_is_told_without_colour() -> None:
    ax = plot_claims(NUMBERS)
    looks = [(m.get_marker(), m.get_markerfacecolor() == "white") for m in marks(ax)]
    assert looks == [("o", False), ("X", False), ("D", True), ("o", True)]
    assert beside(ax) == [
        "65 % (63 to 67 %)\nsupported",
        "15 % (10 to 20 %)\ncontradicted",
        "65 % (64 to 66 %)\nas behaviour: inside",
        "65 % (55 to 75 %)\nas behaviour: across the edge",
    ]
    key = next(t.get_text() for t in ax.texts if t.get_text().startswith("Grey: claimed."))
    for word in ("circle: supported", "cross: contradicted", "diamond: only under", "hollow"):
        assert word in key.replace("\n", " ")
    assert "contradicted" not in "".join(
        t.get_text() for t in plot_claims(verdicts(judged(SHARE, 0.63, 0.67))).texts
    )


def test_each_claim_stands_above_its_rows_once() -> None:
    ax = plot_claims(NUMBERS)
    heads = [t.get_text() for t in ax.texts if t.get_fontweight() == "bold"]
    assert [head.partition(":")[0] for head in heads] == ["S9-1", "S9-2"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["all", "some", "all", "some"]
    places = list(ax.get_yticks())
    assert places == sorted(places)
    assert ax.get_ylim()[0] > places[-1]


def test_a_share_beyond_the_axis_ends_in_an_arrow() -> None:
    ax = plot_claims(verdicts(judged(SHARE, 1.4, 1.8)))
    (mark,) = marks(ax)
    assert mark.get_marker() == ">"
    assert mark.get_xdata()[0] == pytest.approx(ax.get_xlim()[1])


def test_a_bound_is_drawn_from_the_edge() -> None:
    ax = plot_claims(verdicts(judged(SHARE, 0.2, 0.3, upper_bound=True)))
    (span,) = spans(ax)
    assert tuple(span.get_xdata()) == pytest.approx((ax.get_xlim()[0], 0.3))
    assert "at most" in alt_text(ax)


def test_directions_stand_on_scales_of_their_own() -> None:
    """As claimed is to the right, whatever the unit; the furthest end of a row is at one."""
    ax = plot_claim_directions(DIRECTIONS)
    found = [tuple(s.get_xdata()) for s in spans(ax)]
    assert found[0] == pytest.approx((0.5, 1.0))
    assert found[1] == pytest.approx((-1.0, -0.5))  # more, where fewer are claimed
    assert found[2] == pytest.approx((math.log(1 / 0.8) / math.log(2), 1.0))
    assert found[3] == pytest.approx((-1.0, 1.0))
    assert [text.rpartition("\n")[2] for text in beside(ax)] == [
        "supported", "contradicted", "supported", "no clear answer",
    ]  # fmt: skip
    assert ax.get_xlim()[0] < -1


def test_claims_stand_in_the_figure_of_their_kind() -> None:
    both = verdicts(*NUMBERS.judged, *DIRECTIONS.judged)
    assert len(both.with_number) == len(both.with_direction) == 4
    for figure, rows in ((plot_claims, NUMBERS), (plot_claim_directions, DIRECTIONS)):
        assert alt_text(figure(both)) == alt_text(figure(rows))


def test_the_alternative_says_each_row_and_no_cause() -> None:
    for figure, rows in ((plot_claims, NUMBERS), (plot_claim_directions, DIRECTIONS)):
        said = alt_text(figure(rows))
        assert "95 % intervals" in said
        for one in rows.judged:
            reading = one.claim.reading_words(one.evidence.reading)
            assert f"{one.claim.id}, {reading}: claimed {one.claim.number_words}" in said
            assert one.evidence.measured_words in said
        assert not CAUSAL.search(said)
        assert said.endswith(".")


def test_contradictions_are_the_numbers_of_the_register() -> None:
    register = claims_register()
    ax = plot_contradictions(register)
    figures = [f for gap in register.contradictions for f in gap.figures]
    assert [m.get_xdata()[0] for m in marks(ax)] == [f.number for f in figures]
    labels = [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()]
    assert labels == [f"{f.who}: {f.words}" for f in figures]
    heads = [t.get_text() for t in ax.texts if t.get_fontweight() == "bold"]
    assert heads == [gap.topic for gap in register.contradictions if gap.figures]
    assert "S0-1, after one, 17 %" in alt_text(ax)


@pytest.mark.parametrize("width", [6.2, 3.9])
def test_words_stay_on_the_page_and_apart(width: float) -> None:
    """Longest real claims, at the width of a page and of a phone."""
    real = [c for c in claims_register() if c.readings and c.number is not None]
    rows = [
        judged(replace(c, unit="share"), 0.20, 0.30, reading)
        for c in real
        for reading in c.readings
    ]
    figure, ax = plt.subplots(figsize=(width, 0.65 * len(rows)), layout="constrained")
    plot_claims(verdicts(*rows), ax=ax)
    figure.draw_without_rendering()
    page = figure.bbox
    texts = [t for t in ax.findobj(Text) if t.get_text().strip() and t.get_visible()]
    boxes = {t: t.get_window_extent() for t in texts}
    for text, box in boxes.items():
        assert page.x0 - 1 <= box.x0, text.get_text()
        assert box.x1 <= page.x1 + 1, text.get_text()
    heads = [t for t in texts if t.get_fontweight() == "bold"]
    others = [t for t in texts if t not in heads]
    for head in heads:
        hit = [t.get_text() for t in others if boxes[head].overlaps(boxes[t].shrunk(0.9, 0.7))]
        assert hit == [], head.get_text()


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: plot_claims(DIRECTIONS), "0 claims of a share"),
        (lambda: plot_claim_directions(NUMBERS), "0 claims of a direction"),
        (lambda: plot_contradictions(Register((SHARE,))), "0 contradictions with numbers"),
    ],
)
def test_nothing_to_draw_is_said(draw, said: str) -> None:
    with pytest.raises(CxError, match=said):
        draw()
