"""Purchase histories drawn straight from the models, with known truth; `shops` draws orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxresearch.purchase_table import PurchaseTable

WEEK = 7.0


def shoppers(
    model: str, parameters: dict[str, float], n: int, seed: int, weeks: float = 52
) -> pd.DataFrame:
    """Repeat purchases, and days to the last one and to the end, of customers who follow a model.

    They began at any day of the first third of the time.
    """
    rng = np.random.default_rng(seed)
    age = np.round(WEEK * weeks - rng.integers(0, int(WEEK * weeks / 3) + 1, n))
    rate = rng.gamma(parameters["r"], 1 / (WEEK * parameters["alpha"]), n)
    stop, chance = age.copy(), np.zeros(n)
    if model == "pareto_nbd":
        lifetime = rng.exponential(
            1 / rng.gamma(parameters["s"], 1 / (WEEK * parameters["beta"]), n)
        )
        stop = np.minimum(lifetime, age)
    else:
        chance = rng.beta(parameters["a"], parameters["b"], n)
    count, last = np.zeros(n, dtype=int), np.zeros(n)
    active = np.arange(n)
    if model == "mbg_nbd":
        active = active[rng.random(n) >= chance]
    at = np.zeros(n)
    while len(active):
        at[active] += rng.exponential(1 / np.maximum(rate[active], 1e-300))
        active = active[at[active] <= stop[active]]
        count[active] += 1
        last[active] = at[active]
        active = active[rng.random(len(active)) >= chance[active]]
    return pd.DataFrame(
        {"frequency": count, "recency": np.ceil(last).astype(int), "age": age.astype(int)}
    )


def with_spend(people: pd.DataFrame, p: float, q: float, gamma: float, seed: int) -> pd.DataFrame:
    """Add the mean spend per repeat purchase, gamma in the customer and over customers."""
    rng = np.random.default_rng(seed)
    x = people["frequency"].to_numpy()
    total = rng.gamma(np.maximum(p * x, 1e-9)) / rng.gamma(q, 1 / gamma, len(x))
    return people.assign(mean_spend=np.round(np.where(x > 0, total / np.maximum(x, 1), 0.0), 2))


def purchase_table(
    people: pd.DataFrame, *group_columns: str, replicates: int = 256, **words: Any
) -> PurchaseTable:
    """Count customers as the reduction does; with 1 replicate there are none."""
    people = people.assign(customers=1, replicate=np.arange(len(people)) % replicates)
    if "mean_spend" not in people:
        people["mean_spend"] = 0.0
    people["repeat_spend"] = people["frequency"] * people["mean_spend"]
    keys = [*group_columns, *(["replicate"] if replicates > 1 else [])]
    again = people[people["frequency"] > 0]
    cells = people.groupby([*keys, "frequency", "recency", "age"], as_index=False)
    spend = again.groupby([*keys, "frequency", "mean_spend"], as_index=False)
    return PurchaseTable.from_counts(
        cells[["customers", "repeat_spend"]].sum(),
        spend[["customers"]].sum(),
        group_columns,
        n_replicates=replicates,
        **{"until": "2025-06-30", "as_of": "2025-06-30", **words},
    )
