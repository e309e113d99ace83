"""Figures of churn risk: what was predicted against what happened, by group of risk."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    GRID,
    INK,
    PALETTE,
    QUIET,
    SMALL,
    attach_alt,
    cx_style,
    narrow,
    new_axes,
    percent_axis,
    quieten,
)
from cxresearch.errors import CxError
from cxresearch.hazards.churn_risk import ChurnRisk

__all__ = ["plot_calibration", "plot_churn_risk"]

OBSERVED, PREDICTED = PALETTE[:2]


def plot_calibration(risk: ChurnRisk, *, ax: Axes | None = None) -> Axes:
    """Draw the observed against the predicted share that left, one point per risk group.

    Parameters
    ----------
    risk
        Result of `churn_risk`.
    ax
        Axes to draw on; a new figure when not given.

    Returns
    -------
    Axes
        Shares 0–1 on both axes; on the dashed diagonal predictions came true.

    Raises
    ------
    CxError
        When the result has no groups.
    """
    _check(risk)
    with cx_style():
        ax = new_axes(4.2) if ax is None else ax
        quieten(ax)
        top = 1.08 * float(max(risk.churn_rate_ci_upper.max(), risk.predicted.max()))
        ax.plot([0, top], [0, top], color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
        ax.text(
            0.99, 0.03, "dashed: as predicted", transform=ax.transAxes, ha="right", color=QUIET,
            fontsize=SMALL,
        )  # fmt: skip
        _whiskers(ax, risk)
        for k in _apart(risk.predicted, top / 40):
            ax.annotate(
                str(k + 1), (risk.predicted[k], risk.churn_rate_ci_upper[k]), (0, 2),
                textcoords="offset points", ha="center", va="bottom", color=OBSERVED,
                fontsize=SMALL,
            )  # fmt: skip
        ax.set(xlim=(0, top), ylim=(0, top), xlabel=f"Predicted to leave within {risk.horizon}")
        ax.set_title(f"Left within {risk.horizon}", loc="left", fontsize=10, color=QUIET)
        percent_axis(ax)
        ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.6g} %")
        attach_alt(ax, f"What was observed against what was predicted. {_say(risk)}")
    return ax


def plot_churn_risk(risk: ChurnRisk, *, ax: Axes | None = None) -> Axes:
    """Draw a bar per risk group: the share that left with its interval, and the prediction.

    Parameters
    ----------
    risk
        Result of `churn_risk`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When the result has no groups.
    """
    _check(risk)
    with cx_style():
        ax = new_axes(1.1 + 0.46 * len(risk)) if ax is None else ax
        quieten(ax)
        _bars(ax, risk)
        ax.set_yticks([])
        ax.set_ylim(-0.5, len(risk) - 0.1)
        ax.grid(visible=False, axis="y")
        ax.grid(visible=True, axis="x", color=GRID)
        ax.set_xlim(0, 1.06 * float(max(risk.churn_rate_ci_upper.max(), risk.predicted.max())))
        ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.6g} %")
        ax.set_xlabel(f"Left within {risk.horizon}")
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0, frameon=False,
            fontsize=SMALL, labelcolor=QUIET,
        )  # fmt: skip
        attach_alt(ax, _say(risk))
    return ax


def _whiskers(ax: Axes, risk: ChurnRisk) -> None:
    below = risk.churn_rate - risk.churn_rate_ci_lower
    above = risk.churn_rate_ci_upper - risk.churn_rate
    ax.errorbar(
        risk.predicted, risk.churn_rate, yerr=[below, above], fmt="o", color=OBSERVED,
        markersize=5, elinewidth=1.4, capsize=3,
    )  # fmt: skip


def _bars(ax: Axes, risk: ChurnRisk) -> None:
    places = np.arange(len(risk))
    below = risk.churn_rate - risk.churn_rate_ci_lower
    above = risk.churn_rate_ci_upper - risk.churn_rate
    ax.barh(places, risk.churn_rate, color=OBSERVED, alpha=0.35, height=0.42)
    ax.errorbar(
        risk.churn_rate, places, xerr=[below, above], fmt="none", ecolor=OBSERVED,
        elinewidth=1.4, capsize=3, label="left, with interval",
    )  # fmt: skip
    ax.plot(
        risk.predicted, places, "D", color=PREDICTED, markersize=4.5, linestyle="none",
        label="predicted",
    )  # fmt: skip
    for k in range(len(risk)):
        ax.annotate(
            _name(risk, k, 38 if narrow(ax) else 86), (0, k + 0.22), (2, 1.5),
            textcoords="offset points", va="bottom", color=INK, fontsize=SMALL,
        )  # fmt: skip


def _apart(values: NDArray[np.float64], least: float) -> list[int]:
    """Return the positions of increasing values that are at least so far from the last one."""
    shown: list[int] = []
    for k in np.argsort(values, kind="stable").tolist():
        if not shown or values[k] - values[shown[-1]] >= least:
            shown.append(k)
    return shown


def _name(risk: ChurnRisk, k: int, longest: int) -> str:
    ends = {0: ", lowest risk", len(risk) - 1: ", highest risk"}
    first = f"{k + 1}{ends.get(k, '') if len(risk) > 1 else ''}"
    text = f"{first}: {risk.mostly[k]}" if risk.mostly[k] else first
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _say(risk: ChurnRisk) -> str:
    level = words.level_words(risk.about.confidence_level)
    ends = zip(risk.churn_rate, risk.churn_rate_ci_lower, risk.churn_rate_ci_upper, strict=True)
    shares = [
        f"{k}: {words.percent_interval(*map(float, values))}, predicted {words.percent(float(p))}"
        for k, (values, p) in enumerate(zip(ends, risk.predicted, strict=True), start=1)
    ]
    return (
        f"Share that left within {risk.horizon} with {level} intervals, by group of predicted "
        f"risk from the lowest to the highest. Group {'; '.join(shares)}."
    )


def _check(risk: ChurnRisk) -> None:
    if not len(risk):
        raise CxError(
            f"there are 0 risk groups, must be at least 1: {risk.refusal or 'nothing to draw.'}"
        )
