"""Calendar periods: from who joined and who left to who was there at the start."""

from __future__ import annotations

from typing import Final, NamedTuple

import pandas as pd

_MISSING: Final = "(missing)"


class Window(NamedTuple):
    """The months (12 * year + month - 1) that are observed whole, and the months of a period."""

    first: int
    end: int
    months: int

    def label(self, month: int) -> str:
        """Return the name of the period that begins in `month`: 2025-03, 2025-Q1 or 2025."""
        year, index = divmod(month, 12)
        return {1: f"{year:04d}-{index + 1:02d}", 3: f"{year:04d}-Q{index // 3 + 1}"}.get(
            self.months, f"{year:04d}"
        )


def at_start(moves: pd.DataFrame, group_by: list[str], window: Window) -> pd.DataFrame:
    """Return the customers at the start of each whole period, and how many of them were lost.

    Parameters
    ----------
    moves
        Per group, replicate and period (its first month): joined, lost, joined_and_lost.

    Returns
    -------
    DataFrame
        Group columns, replicate, period (label), at_start, lost, joined. Who joined and left
        within one period was not there at its start, and is in neither at_start nor lost.
    """
    keys = [*group_by, "replicate"]
    named = moves.fillna(dict.fromkeys(group_by, _MISSING))
    counted = ["joined", "lost", "joined_and_lost"]
    wide: dict[str, pd.DataFrame] = {
        name: named.pivot_table(name, keys, "period", aggfunc="sum", fill_value=0)
        for name in counted
    }
    first = int(moves["period"].min()) if len(moves) else window.end
    periods = list(range(first, window.end, window.months))
    joined, lost, brief = (wide[name].reindex(columns=periods, fill_value=0) for name in counted)
    parts = {
        "at_start": (joined - lost).cumsum(axis=1).shift(1, axis=1, fill_value=0),
        "lost": lost - brief,
        "joined": joined,
    }
    whole = [p for p in periods if p >= window.first and p + window.months <= window.end]
    stacked = pd.concat({name: part[whole].stack() for name, part in parts.items()}, axis=1)
    counts: pd.DataFrame = stacked.rename_axis([*keys, "period"]).reset_index()
    counts["period"] = counts["period"].map(window.label)
    return counts
