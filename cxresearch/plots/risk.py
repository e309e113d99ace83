"""Figures of churn risk: what was predicted against what happened, by group of risk."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    GRID,
    INK,
    QUIET,
    SMALL,
    attach_alt,
    cx_style,
    narrow,
    new_axes,
    percent_axis,
    quieten,
)
from cxresearch._folding import cut
from cxresearch._language import tr
from cxresearch._looks import PALETTE
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
            0.99, 0.03, tr("dashed: as predicted"), transform=ax.transAxes, ha="right",
            color=QUIET, fontsize=SMALL,
        )  # fmt: skip
        _whiskers(ax, risk)
        for k in _apart(risk.predicted, top / 40):
            ax.annotate(
                str(k + 1), (risk.predicted[k], risk.churn_rate_ci_upper[k]), (0, 2),
                textcoords="offset points", ha="center", va="bottom", color=OBSERVED,
                fontsize=SMALL,
            )  # fmt: skip
        ax.set(xlim=(0, top), ylim=(0, top))
        ax.set_xlabel(tr("Predicted to leave within {horizon}", horizon=risk.horizon))
        ax.set_title(_left_within(risk), loc="left", fontsize=10, color=QUIET)
        percent_axis(ax)
        _percent(ax)
        title = tr("What was observed against what was predicted.")
        attach_alt(ax, words.sentences([title, _say(risk)]), _numbers(risk))
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
        _percent(ax)
        ax.set_xlabel(_left_within(risk))
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0, frameon=False,
            fontsize=SMALL, labelcolor=QUIET,
        )  # fmt: skip
        attach_alt(ax, _say(risk), _numbers(risk))
    return ax


def _left_within(risk: ChurnRisk) -> str:
    return tr("Left within {horizon}", horizon=risk.horizon)


def _percent(ax: Axes) -> None:
    ax.xaxis.set_major_formatter(lambda share, _: tr("{number} %", number=f"{100 * share:.6g}"))


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
        elinewidth=1.4, capsize=3, label=tr("left, with interval"),
    )  # fmt: skip
    ax.plot(
        risk.predicted, places, "D", color=PREDICTED, markersize=4.5, linestyle="none",
        label=tr("predicted"),
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
    text = _place(risk, k)
    if risk.mostly[k]:
        text = tr("{place}: {traits}", place=text, traits=risk.mostly[k])
    return cut(text, longest)


def _place(risk: ChurnRisk, k: int) -> str:
    if k == 0 and len(risk) > 1:
        return tr("{k}, lowest risk", k=k + 1)
    if k == len(risk) - 1 and len(risk) > 1:
        return tr("{k}, highest risk", k=k + 1)
    return str(k + 1)


def _say(risk: ChurnRisk) -> str:
    level = words.level_words(risk.about.confidence_level)
    ends = zip(risk.churn_rate, risk.churn_rate_ci_lower, risk.churn_rate_ci_upper, strict=True)
    shares = [
        tr(
            "{k}: {share}, predicted {predicted}",
            k=k,
            share=words.percent_interval(*map(float, values)),
            predicted=words.percent(float(p)),
        )
        for k, (values, p) in enumerate(zip(ends, risk.predicted, strict=True), start=1)
    ]
    return tr(
        "Share that left within {horizon} with {level} intervals, by group of predicted risk from "
        "the lowest to the highest. Group {shares}.",
        horizon=risk.horizon,
        level=level,
        shares=tr("; ").join(shares),
    )


def _numbers(risk: ChurnRisk) -> pd.DataFrame:
    places = [_place(risk, k) for k in range(len(risk))]
    ends = ("churn_rate", "churn_rate_ci_lower", "churn_rate_ci_upper")
    columns = {"risk_group": places} | {name: getattr(risk, name) for name in ends}
    more = {"predicted_churn_rate": risk.predicted, "mostly": list(risk.mostly)}
    return pd.DataFrame(columns | more)


def _check(risk: ChurnRisk) -> None:
    if not len(risk):
        raise CxError(
            f"there are 0 risk groups, must be at least 1: {risk.refusal or 'nothing to draw.'}"
        )
