"""Weighted rows that have the same risk sets as counts which forgot who entered when."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxresearch._grouped import Counts


def first_in_first_out(entered: Counts, churned: Counts, censored: Counts) -> pd.DataFrame:
    """Pair entries and exits of one group, shape (T + 1,) each, first in first out.

    Returns
    -------
    pandas.DataFrame
        `durations`, `entry`, `churned`, `weights`; those never at risk are left out.
    """
    tenures = np.arange(len(entered))
    exits = np.stack([churned, censored], axis=1).ravel()  # at a tie churn comes first
    ins, outs = np.cumsum(entered), np.cumsum(exits)
    ends = np.unique(np.concatenate([ins, outs]))
    weights = np.diff(ends, prepend=0)
    middle = ends - weights / 2
    which = np.minimum(np.searchsorted(outs, middle), len(exits) - 1)
    pairs = pd.DataFrame(
        {
            "durations": tenures[which // 2],
            "entry": tenures[np.minimum(np.searchsorted(ins, middle), len(tenures) - 1)],
            "churned": which % 2 == 0,
            "weights": weights,
        }
    )
    # nobody is at risk who leaves at the entry, save those of tenure 0
    seen = (pairs["entry"] < pairs["durations"]) | (pairs["durations"] == 0)
    return pairs[seen & (pairs["weights"] > 0)]
