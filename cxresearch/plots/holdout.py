"""How far off the models were on periods they had not seen."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import QUIET, SMALL, attach_alt, cx_style, narrow, new_axes, quieten
from cxresearch._folding import wrapped
from cxresearch._language import tr
from cxresearch._looks import PALETTE
from cxresearch._results import Results
from cxresearch.errors import CxError
from cxresearch.projection._forecast import COMBINED, curve_name
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
        ax.set_xlabel(tr("Percentage points of customers, model less observed"))
        said = words.sentences([_held_title(rows[0]), *(_say_error(row) for row in rows)])
        attach_alt(ax, said, pd.DataFrame([_numbers(row) for row in rows]))
    return ax


def _error(ax: Axes, place: int, row: Holdout) -> None:
    color = PALETTE[0] if row.model == COMBINED else QUIET
    ends = (row.holdout_error_ci_lower, row.holdout_error_ci_upper)
    ax.plot(ends, (place, place), color=color, linewidth=1.4)
    marker = "o" if row.model == COMBINED else "s"
    ax.plot(row.holdout_error, place, marker=marker, markersize=5, color=color)


def _row_label(ax: Axes, row: Holdout) -> str:
    name, group = curve_name(row.model), words.group_name(row.group)
    label = tr("{group}: {name}", group=group, name=name) if group else name
    return wrapped(label, 16 if narrow(ax) else 34)


def _held_title(row: Holdout) -> str:
    unit = words.period_word(row.observed.periods_per_year)
    until = words.counted(row.fitted_until, unit)
    return tr("Error of models that were fitted to the first {until} only.", until=until)


def _say_error(row: Holdout) -> str:
    value, lower, upper = (100 * x for x in row.values)
    points = words.quantity(value, lower, upper, "percentage point")
    name, group = curve_name(row.model), words.group_name(row.group)
    if not group:
        return tr("{name}: {said}.", name=name, said=points)
    return tr("{group}, {name}: {said}.", group=group, name=name, said=points)


def _numbers(row: Holdout) -> dict[str, object]:
    named = {"group": words.group_name(row.group)} if row.group else {}
    ends = ("percentage_points", "percentage_points_ci_lower", "percentage_points_ci_upper")
    values = {name: 100 * x for name, x in zip(ends, row.values, strict=True)}
    return {**named, "model": curve_name(row.model), **values}


def _signed(points: float) -> str:
    return f"{points:+.6g}".replace("-", "−") if abs(points) > 1e-9 else "0"
