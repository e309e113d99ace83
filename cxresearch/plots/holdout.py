"""How far off the models were on periods they had not seen."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import (
    PALETTE,
    QUIET,
    SMALL,
    attach_alt,
    cx_style,
    narrow,
    new_axes,
    quieten,
)
from cxresearch._folding import wrapped
from cxresearch._results import Results
from cxresearch.errors import CxError
from cxresearch.projection._forecast import COMBINED, TOGETHER
from cxresearch.projection._holdout import Holdout


def plot_holdout(held: Results[Holdout] | Iterable[Holdout], *, ax: Axes | None = None) -> Axes:
    """Draw how far off each model was at the last tenure held out, with its interval.

    Parameters
    ----------
    held
        Result of `holdout`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw.
    """
    rows = list(held)
    if not rows:
        raise CxError("there are 0 models held out, must be at least 1: take larger groups.")
    with cx_style():
        ax = new_axes(1.1 + 0.27 * len(rows)) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False, axis="y")
        ax.axvline(0, color=QUIET, linewidth=0.8, zorder=1)
        for place, row in enumerate(rows):
            _error(ax, place, row)
        ax.set_yticks(range(len(rows)), [_row_label(ax, row) for row in rows], fontsize=SMALL)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.xaxis.set_major_formatter(lambda share, _: _signed(100 * share))
        ax.set_xlabel("Percentage points of customers, model less observed")
        attach_alt(ax, " ".join([_held_title(rows[0]), *(_say_error(row) for row in rows)]))
    return ax


def _error(ax: Axes, place: int, row: Holdout) -> None:
    color = PALETTE[0] if row.model == COMBINED else QUIET
    ends = (row.holdout_error_ci_lower, row.holdout_error_ci_upper)
    ax.plot(ends, (place, place), color=color, linewidth=1.4)
    marker = "o" if row.model == COMBINED else "s"
    ax.plot(row.holdout_error, place, marker=marker, markersize=5, color=color)


def _row_label(ax: Axes, row: Holdout) -> str:
    name = TOGETHER if row.model == COMBINED else row.name
    label = f"{row.label}: {name}" if row.label else name
    return wrapped(label, 16 if narrow(ax) else 34)


def _held_title(row: Holdout) -> str:
    unit = words.plural(words.period_word(row.observed.periods_per_year), 2)
    return f"Error of models that were fitted to the first {row.fitted_until} {unit} only."


def _say_error(row: Holdout) -> str:
    value, lower, upper = (100 * x for x in row.values)
    points = words.quantity(value, lower, upper, "percentage point")
    name = TOGETHER if row.model == COMBINED else row.name
    return f"{row.label}, {name}: {points}." if row.label else f"{name}: {points}."


def _signed(points: float) -> str:
    return f"{points:+.6g}".replace("-", "−") if abs(points) > 1e-9 else "0"
