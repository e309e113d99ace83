"""Figures of claims: what is claimed beside what was measured, and where claims contradict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from cxresearch import _format as words
from cxresearch._draw import (
    GRID,
    INK,
    QUIET,
    SMALL,
    attach_alt,
    cx_style,
    figure_of,
    narrow,
    new_axes,
    quieten,
    say_beside,
)
from cxresearch._folding import fold, wrapped
from cxresearch._language import ENGLISH, language, term, tr
from cxresearch._looks import PALETTE
from cxresearch.claims.judged import CONTRADICTED, READING, SUPPORTED, UNCLEAR, Judged
from cxresearch.claims.register import Contradiction, Figure, Register
from cxresearch.claims.verdicts import ClaimVerdicts
from cxresearch.errors import CxError

ROW: Final = 0.36  # inches
HEADING: Final = 0.47  # rows of room that a line of a heading takes
CLAIMED: Final = "#D0D0D0"
WIDEST: Final = 1.0  # shares beyond it end in an arrow
LOOKS: Final[dict[str, tuple[str, str, bool]]] = {  # marker, colour, filled
    SUPPORTED: ("o", PALETTE[0], True),
    CONTRADICTED: ("X", PALETTE[1], True),
    READING: ("D", PALETTE[0], False),
    UNCLEAR: ("o", INK, False),
}
Ends = tuple[float, float, float]


def plot_claims(verdicts: ClaimVerdicts, *, ax: Axes | None = None) -> Axes:
    """Draw claimed shares beside measured ones, a block per claim and a row per reading.

    Parameters
    ----------
    verdicts
        Result of `claim_verdicts`.
    ax
        Axes to draw on; a new figure when not given. Room is needed at the right for the numbers.

    Returns
    -------
    Axes
        Shares on the x axis. What is claimed is grey; the mark says the verdict, and so does the
        word at the right.

    Raises
    ------
    CxError
        When no claim of a share was tested.
    """
    rows = verdicts.with_number
    _check(rows, "claims of a share that were tested")
    with cx_style():
        ax, placed = _blocks(rows, tr("Grey: claimed. {key}", key=_key(rows)), ax)
        high = max(x for one in rows for x in (one.evidence.ends[1], one.claim.number or 0))
        ax.set_xlim(-0.03, 1.04 * min(high, WIDEST))
        _percent_axis(ax)
        ax.locator_params(axis="x", nbins=3 if narrow(ax) else 5)
        for place, one in placed:
            _shade(ax, place, one.claim.region or (0.0, 0.0))
            _draw(ax, place, one, (one.evidence.value, *one.evidence.ends))
        about = tr(
            "Claimed and measured shares, with {level} intervals where there are any.",
            level=_level(rows),
        )
        attach_alt(ax, _say(about, rows), _frame(rows))
    return ax


def plot_claim_directions(verdicts: ClaimVerdicts, *, ax: Axes | None = None) -> Axes:
    """Draw how clearly what was measured goes the way that is claimed, each on its own scale.

    Parameters
    ----------
    verdicts
        Result of `claim_verdicts`.
    ax
        Axes to draw on; a new figure when not given. Room is needed at the right for the numbers.

    Raises
    ------
    CxError
        When no claim of a direction was tested.
    """
    rows = verdicts.with_direction
    _check(rows, "claims of a direction that were tested")
    with cx_style():
        said = tr("Grey: as claimed; each row on a scale of its own. {key}", key=_key(rows))
        ax, placed = _blocks(rows, said, ax)
        low = min(min(_direction(one)) for one in rows)
        ax.set_xlim(min(-0.35, 1.05 * low), 1.05)
        ax.set_xticks([0], [tr("none")])
        for place, one in placed:
            _shade(ax, place, (0.0, math.inf))
            ax.vlines(0, place - 0.36, place + 0.36, color=INK, linewidth=1, zorder=2)
            _draw(ax, place, one, _direction(one))
        about = tr(
            "Claims of a direction and what was measured, with {level} intervals where there are "
            "any.",
            level=_level(rows),
        )
        attach_alt(ax, _say(about, rows), _frame(rows))
    return ax


def plot_contradictions(register: Register, *, ax: Axes | None = None) -> Axes:
    """Draw the numbers that are claimed of one thing below each other, a block per topic.

    Parameters
    ----------
    register
        Result of `claims_register`; contradictions without numbers are left out.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When no contradiction has numbers.
    """
    topics = [gap for gap in register.contradictions if gap.figures]
    _check(topics, "contradictions with numbers")
    places = list(_places(topics))
    with cx_style():
        ax = new_axes(0.9 + 0.3 * places[-1]) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        figures = [figure for gap in topics for figure in gap.figures]
        width = 24 if narrow(ax) else 44
        names = [wrapped(_figure_words(figure), width) for figure in figures]
        ax.set_yticks(places, names)
        ax.set_ylim(places[-1] + 0.6, 0)
        ax.set_xlim(0, 1)
        _percent_axis(ax)
        for place, figure in zip(places, figures, strict=True):
            ax.axhline(place, color=GRID, linewidth=0.8, zorder=0)
            ax.plot(figure.number, place, "o", color=INK, markersize=7, zorder=3)
            say_beside(ax, place, words.percent(figure.number))
        _topics(ax, topics, places)
        said = words.sentences(_say_topic(gap) for gap in topics)
        attach_alt(ax, said, _topics_frame(topics))
    return ax


def _blocks(
    rows: Sequence[Judged], caption: str, ax: Axes | None
) -> tuple[Axes, list[tuple[float, Judged]]]:
    """Return axes with a heading per claim and a named row per reading, and where they stand."""
    thin = ax is not None and narrow(ax)
    letters = 50 if thin else 84
    caption = fold(caption, int(1.1 * letters))
    at, headings = HEADING * caption.count("\n") - 0.9, []
    placed: list[tuple[float, Judged]] = []
    for one in rows:
        if not placed or placed[-1][1].claim.id != one.claim.id:
            title = tr("{name}: {claim}", name=one.claim.id, claim=one.claim.said)
            title = wrapped(title.replace(" %", "\N{NO-BREAK SPACE}%"), letters)
            at += 0.42 + HEADING * (1 + title.count("\n"))
            headings.append((at + 0.48, title))
        at += 1
        placed.append((at, one))
    ax = new_axes(0.6 + ROW * (at + 1.5)) if ax is None else ax
    quieten(ax)
    ax.grid(visible=False)
    names = [one.short for one in rows]
    ax.set_yticks([place for place, _ in placed], [wrapped(n, 15 if thin else 30) for n in names])
    ax.set_ylim(at + 0.6, -1.25)
    _write_headings(ax, headings)
    _across(ax, HEADING * caption.count("\n") - 0.9, caption, QUIET)
    return ax, placed


def _write_headings(ax: Axes, headings: Sequence[tuple[float, str]]) -> None:
    for place, title in headings:
        _across(ax, place, title, INK, fontweight=_weight())


def _weight() -> str:
    """Return the weight of headings: Japanese has one only, beside which Latin must not be bold."""
    return "bold" if language() == ENGLISH else "normal"


def _across(ax: Axes, place: float, said: str, color: str, **look: Any) -> None:  # noqa: ANN401
    """Write from the left edge of the page on, above the row at `place`."""
    across = blended_transform_factory(figure_of(ax).transFigure, ax.transData)
    text = ax.text(0.01, place, said, transform=across, color=color, va="bottom", **look)
    text.set(fontsize=SMALL, in_layout=False)


def _shade(ax: Axes, place: float, region: tuple[float, float]) -> None:
    """Draw for which values the claim holds, at least as wide as a line is."""
    left, right = ax.get_xlim()
    low, high = max(region[0], left), min(region[1], right)
    if low < right:
        look: dict[str, Any] = {"color": CLAIMED, "linewidth": 2, "zorder": 1}
        ax.barh(place, max(high - low, 0.002), left=low, height=0.72, **look)


def _draw(ax: Axes, place: float, one: Judged, ends: Ends) -> None:
    marker, color, filled = LOOKS[one.verdict]
    left, right = ax.get_xlim()
    value, low, high = ends
    shown = (max(low, left), min(high, right))
    ax.plot(shown, (place, place), color=color, linewidth=1.8, solid_capstyle="butt", zorder=3)
    look: dict[str, Any] = {"markersize": 7, "markeredgewidth": 1.5, "zorder": 4}
    face = color if filled else "white"
    if value <= right:
        ax.plot(value, place, marker, color=color, markerfacecolor=face, **look)
    else:
        ax.plot(right, place, ">", color=color, clip_on=False, **look)
    say_beside(ax, place, f"{one.evidence.measured_words}\n{one.short_verdict}", color)


def _direction(one: Judged) -> Ends:
    found = one.direction
    return (0.0, 0.0, 0.0) if found is None else found


def _key(rows: Sequence[Judged]) -> str:
    """Return what the marks mean, those only that are drawn."""
    named = {
        SUPPORTED: tr("filled circle: supported"),
        CONTRADICTED: tr("cross: contradicted"),
        READING: tr("diamond: only under a stated reading"),
        UNCLEAR: tr("hollow circle: no clear answer"),
    }
    text = tr("; ").join(
        said for verdict, said in named.items() if any(r.verdict == verdict for r in rows)
    )
    return tr("{Marks}.", Marks=words.sentence_start(text))


def _say(about: str, rows: Sequence[Judged]) -> str:
    said = [
        tr(
            "{claim}, {reading}: claimed {number}, found {measured}, {verdict}.",
            claim=one.claim.id,
            reading=one.read,
            number=one.claim.number_words,
            measured=one.evidence.measured_words,
            verdict=one.short_verdict,
        )
        for one in rows
    ]
    return words.sentences([about, *said])


def _level(rows: Sequence[Judged]) -> str:
    return words.level_words(rows[0].evidence.confidence_level)


def _frame(rows: Sequence[Judged]) -> pd.DataFrame:
    """Return what is claimed and what was measured, in words: each row has a unit of its own."""
    cells = [
        (
            tr("{name}: {claim}", name=one.claim.id, claim=one.short),
            one.claim.number_words,
            one.evidence.measured_words,
            one.short_verdict,
        )
        for one in rows
    ]
    return pd.DataFrame(cells, columns=["claim", "claimed", "measured here", "verdict"])


def _topics_frame(topics: Sequence[Contradiction]) -> pd.DataFrame:
    cells = [
        (term(gap.topic), _figure_words(figure), words.percent(figure.number))
        for gap in topics
        for figure in gap.figures
    ]
    return pd.DataFrame(cells, columns=["topic", "claim", "claimed"])


def _figure_words(figure: Figure) -> str:
    who, what, _ = figure.said
    return tr("{who}: {what}", who=who, what=what)


def _percent_axis(ax: Axes) -> None:
    ax.xaxis.set_major_formatter(lambda share, _: tr("{number} %", number=f"{100 * share:.6g}"))


def _places(topics: Sequence[Contradiction]) -> Iterator[float]:
    at = 0.0
    for gap in topics:
        at += 0.9
        for _ in gap.figures:
            at += 1
            yield at


def _topics(ax: Axes, topics: Sequence[Contradiction], places: Sequence[float]) -> None:
    """Write each topic above its first row."""
    first = 0
    for gap in topics:
        _across(ax, places[first] - 0.6, term(gap.topic), INK, fontweight=_weight())
        first += len(gap.figures)


def _say_topic(gap: Contradiction) -> str:
    each = [
        tr("{who}, {what}, {share}", who=who, what=what, share=share)
        for who, what, share in (figure.said for figure in gap.figures)
    ]
    return tr("{name}: {said}.", name=term(gap.topic), said=tr("; ").join(each))


def _check(rows: Sequence[object], what: str) -> None:
    if not rows:
        raise CxError(f"there are 0 {what}, must be at least 1: draw nothing here.")
