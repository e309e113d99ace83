"""Parts of figures: one quiet style, fixed colours, labels that do not collide, alt text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.transforms import Transform, offset_copy

from cxresearch._folding import cut, fold, wrapped
from cxresearch._html import html_table
from cxresearch._language import ENGLISH, language, tr

INK, QUIET, GRID = "#222222", "#595959", "#E3E3E3"

SHOWN_DPI = 100
_NUMBERS = "_cx_numbers"  # where axes keep the table of what they plot
STYLE: Any = {  # typed loosely: matplotlib names every key in its type
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a group's name is a dollar sign
    "axes.edgecolor": QUIET,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "figure.dpi": 2 * SHOWN_DPI,
}
SMALL = 8.5
WIDTH = 6.2  # inches; wider figures have type that cannot be read on a phone
LINE_HEIGHT = 1.25
ROW: dict[str, Any] = {"fontsize": SMALL, "va": "center", "ha": "left"}
ARROW: dict[str, Any] = {"arrowstyle": "-", "shrinkA": 0, "shrinkB": 0}


@dataclass(frozen=True)
class Series:
    """What one group looks like, and where its label points to."""

    label: str
    color: str
    line: Any
    end: tuple[float, float]


def japanese_font() -> Path:
    """Return the file of the Japanese font that this project brings along.

    The import of its package would change the settings of everybody, so only the file is used.
    """
    package = find_spec("matplotlib_fontja")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "fonts" / "ipaexg.ttf"


@cache
def _families() -> tuple[str, ...]:
    """Return the fonts of a figure: labels may be Japanese in any language, on any machine."""
    font = japanese_font()
    font_manager.fontManager.addfont(font)
    # of one weight; named for bold too, since what is not found is complained of on the page
    known = font_manager.fontManager.ttflist
    known.append(replace(known[-1], weight=700))
    return ("DejaVu Sans", font_manager.FontProperties(fname=font).get_name())


@contextmanager
def cx_style() -> Iterator[None]:
    """Apply the style of this project inside a `with` block, and leave no trace after it."""
    with mpl.rc_context(STYLE | {"font.family": _families()}):
        yield
        # The first figure in Jupyter switches interactive mode on, without which no later one
        # is shown; leaving the context must not take that back.
        interactive = mpl.is_interactive()
    mpl.interactive(interactive)


def bold() -> str:
    """Return the weight of what stands out; the Japanese font has one, digits beside it more."""
    return "bold" if language() == ENGLISH else "normal"


def new_axes(height: float) -> Axes:
    """Return the axes of a new figure that makes room for what stands beside them."""
    figure, ax = plt.subplots(figsize=(WIDTH, height), layout="constrained")
    assert isinstance(figure, Figure)
    return ax


def quieten(ax: Axes) -> None:
    """Give axes from elsewhere the look that `STYLE` gives to new ones."""
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(QUIET)
    ax.set_axisbelow(True)
    ax.grid(visible=True, axis="y", color=GRID, linewidth=STYLE["grid.linewidth"])
    ax.tick_params(colors=QUIET, labelsize=STYLE["font.size"])
    ax.tick_params(axis="y", length=0)
    ax.xaxis.label.set(color=QUIET, fontsize=STYLE["font.size"])


def percent_axis(ax: Axes) -> None:
    """Label the y axis, 0–1, in percent."""
    ax.yaxis.set_major_formatter(lambda share, _: tr("{number} %", number=f"{100 * share:.6g}"))


def money_axis(axis: Axis) -> None:
    """Label an axis with amounts of money."""
    axis.set_major_formatter(lambda amount, _: f"{amount:,.10g}")


def say_below(ax: Axes, said: str, letter: float = 4.4) -> None:
    """Write below the axes, in as many lines as it takes at so many points per letter."""
    letters = int(size_in_points(ax)[0] / letter)
    ax.set_xlabel(fold(said, max(letters, 20)), loc="left", fontsize=SMALL)


def say_beside(ax: Axes, place: float, said: str, color: str = INK) -> None:
    """Write a number with its interval right of the axes, at the height of its row."""
    ax.annotate(
        said,
        (1, place),
        xycoords=ax.get_yaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
        color=color,
    )


def folded(ax: Axes, said: str) -> str:
    """Put an interval below its number where there is little room."""
    return re.sub(r" ?([(（])", r"\n\1", said) if narrow(ax) else said


def say_refused(ax: Axes, place: float, refusal: str) -> None:
    """Write why there is no number, in the row where it would stand."""
    said = wrapped(tr("Not reported: {why}", why=refusal), 24 if narrow(ax) else 44)
    page: dict[str, Any] = {"facecolor": "white", "lw": 0, "pad": 1}
    look: dict[str, Any] = {"va": "center", "color": QUIET, "fontsize": SMALL, "bbox": page}
    ax.text(0.02, place, said, transform=ax.get_yaxis_transform(), **look)


def size_in_points(ax: Axes) -> tuple[float, float]:
    """Return width and height of the axes as they will be drawn."""
    figure = figure_of(ax)
    layout = figure.get_layout_engine()
    if layout:  # it alone settles the size, in a fraction of the time of drawing
        layout.execute(figure)
    else:
        figure.draw_without_rendering()
    box = ax.get_window_extent()
    return box.width * 72 / figure.dpi, box.height * 72 / figure.dpi


def label_ends(ax: Axes, series: Sequence[Series]) -> None:
    """Write each group's name at the right edge, moved apart where names would collide."""
    width = 13 if narrow(ax) else 22
    texts = [wrapped(s.label, width) for s in series]
    low, high = ax.get_ylim()
    heights = [LINE_HEIGHT * SMALL * (1 + t.count("\n")) for t in texts]
    _, axes_height = size_in_points(ax)
    wanted = [(s.end[1] - low) / (high - low) * axes_height for s in series]
    for s, text, y in zip(series, texts, spread(wanted, heights, axes_height), strict=True):
        _label_end(ax, s, text, y / axes_height * (high - low) + low)


def spread(wanted: Sequence[float], heights: Sequence[float], total: float) -> list[float]:
    """Move label centres as little as needed so that none overlap, inside 0 to `total`.

    Overlapping neighbours form a block that stands at the mean of its wishes.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[tuple[list[int], float]] = []  # members from below, and the bottom edge
    for i in order:
        members = [i]
        blocks.append((members, _bottom(members, wanted, heights, total)))
        while len(blocks) > 1 and _top(blocks[-2], heights) > blocks[-1][1]:
            members = blocks[-2][0] + blocks[-1][0]
            blocks[-2:] = [(members, _bottom(members, wanted, heights, total))]
    placed = [0.0] * len(wanted)
    for members, bottom in blocks:
        edges = accumulate((heights[i] for i in members), initial=bottom)
        for i, edge in zip(members, edges, strict=False):
            placed[i] = edge + heights[i] / 2
    return placed


def at_risk_rows(
    ax: Axes, series: Sequence[Series], rows: Sequence[Sequence[str]], title: str
) -> None:
    """Write the customers at risk below the ticks, one row per group with its line as key."""
    ticks = ax.get_xticks()
    y = -43.0
    ax.text(0, 0, title, transform=_shifted(ax, ax.transAxes, 0, y), color=QUIET, **ROW)
    first = 2.6 * max(len(row[0]) for row in rows)  # half the width of the first column
    for s, row in zip(series, rows, strict=True):
        y -= LINE_HEIGHT * SMALL + 1.5
        below = _shifted(ax, ax.get_xaxis_transform(), 0, y)
        for tick, text in zip(ticks, row, strict=True):
            ax.text(tick, 0, text, transform=below, color=INK, **(ROW | {"ha": "center"}))
        if s.label:
            _row_key(ax, s, y, right=-first - 5)


def attach_alt(
    ax: Axes, text: str, numbers: pd.DataFrame | None = None, aligned: Collection[str] = ()
) -> None:
    """Let the figure carry its text alternative, and what it plots, into every output.

    Parameters
    ----------
    ax
        Of the figure.
    text
        What it shows, computed from its result.
    numbers
        The plotted numbers, a row per point or line; reports unfold them below the figure.
    aligned
        Its columns of text that hold numbers, as in `html_table`.
    """
    ax.set_label(text)
    if numbers is not None:
        vars(ax)[_NUMBERS] = html_table(numbers, numbers=aligned)
    figure = figure_of(ax)
    vars(figure)["_repr_mimebundle_"] = partial(_bundle, figure)
    if "inline" in mpl.get_backend():
        # it is drawn when the cell ends; interactive mode would draw it once before, for nobody
        figure.stale = False


def alt_text(ax: Axes) -> str:
    """Return the text alternative of a figure that this package drew."""
    return str(ax.get_label())


def _bundle(figure: Figure, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return no picture, which IPython renders itself, but what to say of it and how wide it is.

    It is drawn with more dots than it is shown with, so that it stays sharp on a phone.
    """
    said = " ".join(alt_text(ax) for ax in figure.axes if alt_text(ax))
    tables = "".join(vars(ax).get(_NUMBERS, "") for ax in figure.axes)
    shown = {"alt": said, "width": round(figure.get_figwidth() * SHOWN_DPI), "numbers": tables}
    return {}, {f"image/{kind}": shown for kind in ("png", "svg+xml")}


def _bottom(
    members: Sequence[int], wanted: Sequence[float], heights: Sequence[float], total: float
) -> float:
    height = sum(heights[i] for i in members)
    centre = sum(wanted[i] for i in members) / len(members)
    return max(0.0, min(centre - height / 2, total - height))


def _top(block: tuple[list[int], float], heights: Sequence[float]) -> float:
    return block[1] + sum(heights[i] for i in block[0])


def _label_end(ax: Axes, series: Series, text: str, y: float) -> None:
    ax.annotate(
        text,
        xy=series.end,
        xytext=(ax.get_xlim()[1], y),
        textcoords=_shifted(ax, ax.transData, 11, 0),
        color=series.color,
        arrowprops=ARROW | {"color": series.color, "lw": 0.7, "alpha": 0.7},
        annotation_clip=False,
        linespacing=1.1,
        **ROW,
    )


def _row_key(ax: Axes, series: Series, y: float, right: float) -> None:
    """Draw the group's line left of its row, and its name left of that."""
    ends = [_shifted(ax, ax.transAxes, x, y) for x in (right - 24, right)]
    line = ARROW | {"color": series.color, "lw": 1.8, "linestyle": series.line}
    ax.annotate(
        "",
        xy=(0, 0),
        xycoords=ends[0],
        xytext=(0, 0),
        textcoords=ends[1],
        arrowprops=line,
        annotation_clip=False,
    )
    short = cut(series.label, 9 if narrow(ax) else 20)
    left = _shifted(ax, ax.transAxes, right - 28, y)
    ax.text(0, 0, short, transform=left, color=series.color, **(ROW | {"ha": "right"}))


def narrow(ax: Axes) -> bool:
    """Tell whether the figure is meant for a phone or a column."""
    return figure_of(ax).get_figwidth() < 5


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes belong to, past any subfigure."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def _shifted(ax: Axes, transform: Transform, x: float, y: float) -> Transform:
    return offset_copy(transform, fig=figure_of(ax), x=x, y=y, units="points")
