"""Small extracts, and a finding, that several tests start from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.findings import Finding

AS_OF = dt.date(2025, 6, 30)


def lifetimes(n: int = 400, seed: int = 1) -> pd.DataFrame:
    """Customers with dates: about half have left by the last day, some started years before."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 1500, n), unit="D")
    end = start + pd.to_timedelta(rng.geometric(1 / 500, n), unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)],
            "start_date": start,
            "end_date": end.where(end <= pd.Timestamp(AS_OF), None),
            "plan": rng.choice(["basic", "plus", "pro"], n),
            "region": rng.choice(["north", "south", None], n, p=[0.5, 0.4, 0.1]),
        }
    )


def answers(customers: pd.DataFrame, seed: int = 2) -> pd.DataFrame:
    """One NPS answer per customer, at a random day of the time as a customer."""
    rng = np.random.default_rng(seed)
    last = customers["end_date"].fillna(pd.Timestamp(AS_OF))
    span = (last - customers["start_date"]).dt.days.to_numpy()
    day = customers["start_date"] + pd.to_timedelta((span * rng.random(len(span))).astype(int), "D")
    return pd.DataFrame(
        {
            "response_id": [f"R{i}" for i in range(len(customers))],
            "customer_id": customers["customer_id"],
            "responded_at": day,
            "metric": "NPS",
            "score": rng.integers(0, 11, len(customers)),
        }
    )


def recipe(**extra: Any) -> Mapping[str, Any]:
    """What a recipe says besides its tables."""
    return {
        "as_of": AS_OF,
        "currency": "EUR",
        "scales": {"nps": {"min": 0, "max": 10}},
        **extra,
    }


def finding(**changes: Any) -> Finding:
    """A finding that keeps every rule, with some of its fields changed."""
    values: dict[str, Any] = {
        "id": "retained",
        "value": 0.84,
        "ci_lower": 0.83,
        "ci_upper": 0.85,
        "n": 7043,
        "unit": "share",
        "sentence": "Of 100 customers, 84 stay.",
        "group": {"tenure": "12"},
    }
    return Finding(**(values | changes))
