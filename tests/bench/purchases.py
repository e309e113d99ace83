"""The arms that fit BG/NBD to a million customers of a shop, whose orders follow that model.

Both packages fit the same rows, one per customer: repeat purchases, weeks from the first to the
last purchase, weeks since the first. `lifetimes` runs in an environment of its own, see
`requirements.in`, in which there is nothing of ours: what it measures imports nothing else.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from tests.bench.arms import median_of, peak

TRUE = (0.243, 4.414, 0.793, 2.426)  # of the CDNOW customers, in weeks; Fader, Hardie & Lee 2005
DAYS, FIRST_DAYS = 273, 84  # as theirs: 39 weeks, new customers in the first twelve
AS_OF = np.datetime64("2025-12-31")
EACH = 250_000


def write_orders(path: Path, customers: int, seed: int) -> None:
    """Simulate orders until the weeks are over or the customer has stopped; one row per order."""
    import duckdb

    rng, connection = np.random.default_rng(seed), duckdb.connect()
    connection.execute("CREATE TABLE orders (customer INTEGER, day SMALLINT, spend DOUBLE)")
    for first in range(0, customers, EACH):
        customer, day = _orders(min(EACH, customers - first), rng)
        spend = np.round(rng.gamma(6.25, 5.5, len(day)), 2)
        chunk = {"customer": first + customer, "day": day, "spend": spend}
        connection.register("chunk", chunk)
        connection.execute("INSERT INTO orders SELECT customer, day, spend FROM chunk")
    begin = AS_OF - (DAYS - 1)
    connection.execute(
        f"""COPY (
            SELECT 'C' || lpad(customer::VARCHAR, 8, '0') AS customer_id,
                'O' || lpad((row_number() OVER ())::VARCHAR, 9, '0') AS order_id,
                DATE '{begin}' + day::INTEGER AS order_date, spend AS net_revenue
            FROM orders
        ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
    )
    connection.execute("CREATE VIEW days AS SELECT DISTINCT customer, day FROM orders")
    rows = connection.execute(
        f"""SELECT count(*) - 1 AS frequency, max(day) - min(day) AS recency,
            {DAYS - 1} - min(day) AS age FROM days GROUP BY customer"""
    ).fetchnumpy()
    np.savez(path.with_suffix(".npz"), **{name: rows[name].astype(np.int32) for name in rows})


def _orders(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """BG/NBD: after each repeat purchase the customer stops with a probability of their own."""
    r, alpha, a, b = TRUE
    rate, stops = rng.gamma(r, 1 / (7 * alpha), size), rng.beta(a, b, size)
    there, at = np.arange(size), rng.integers(0, FIRST_DAYS, size).astype(float)
    found = [(there, at)]
    while len(there):
        at = at + rng.exponential(size=len(there)) / np.maximum(rate[there], 1e-12)
        bought = at < DAYS
        there, at = there[bought], at[bought]
        found.append((there, at))
        stays = rng.random(len(there)) >= stops[there]
        there, at = there[stays], at[stays]
    customer, day = (np.concatenate(part) for part in zip(*found, strict=True))
    return customer.astype(np.int32), day.astype(np.int16)


def ours(path: Path) -> dict[str, float]:
    """Fit from the orders, from rows of customers, and from the table of counts."""
    from cxresearch.purchase_table import PurchaseTable
    from cxresearch.purchases.models import purchase_models
    from cxresearch.recipe_reader import build_recipe
    from cxresearch.source import open_data

    day = AS_OF.item()
    recipe = build_recipe({"as_of": day, "transactions": {"path": path.name}}, folder=path.parent)
    begin = time.perf_counter()
    with open_data(recipe) as data:
        table = data.purchase_table()
    counted = time.perf_counter()
    (model,) = purchase_models(table, models=["bg_nbd"])
    done = time.perf_counter()

    def from_rows() -> PurchaseTable:
        import pandas as pd

        with np.load(path.with_suffix(".npz")) as file:
            x, last, age = (file[name].astype(np.int64) for name in ("frequency", "recency", "age"))
        counts = pd.Series((x * DAYS + last) * DAYS + age).value_counts(sort=False)
        key = counts.index.to_numpy()
        days = {"recency": key // DAYS % DAYS, "age": key % DAYS}
        cells = {"frequency": key // DAYS**2, **days, "customers": counts.to_numpy()}
        spend = pd.DataFrame({"frequency": [], "mean_spend": [], "customers": []}, dtype=float)
        frame = pd.DataFrame(cells).assign(repeat_spend=0.0)
        return PurchaseTable.from_counts(frame, spend, until=str(AS_OF))

    alone = from_rows()
    return {
        "cold": done - begin,
        "reduction": counted - begin,
        "table": median_of(lambda: purchase_models(table, models=["bg_nbd"]), 3),
        "rows": median_of(lambda: purchase_models(from_rows(), models=["bg_nbd"]), 3),
        "alone": median_of(lambda: purchase_models(alone, models=["bg_nbd"]), 3),
        "likelihood": model.log_likelihood,
        "cells": float(len(alone.frequency)),
        "customers": float(model.n),
    }


def lifetimes(path: Path) -> dict[str, float]:
    """Read the rows and fit them; then as cells with weights, which its users may do by hand."""
    from lifetimes import BetaGeoFitter

    begin = time.perf_counter()
    with np.load(path.with_suffix(".npz")) as file:
        rows = np.column_stack([file["frequency"], file["recency"] / 7, file["age"] / 7])
    loaded = time.perf_counter()
    fitter = BetaGeoFitter().fit(*rows.T)
    done = time.perf_counter()
    logs, ones = np.log(fitter.params_.to_numpy()), np.ones(len(rows))
    mean = fitter._negative_log_likelihood(logs, *rows.T, ones, 0.0)
    fitted = {"cold": done - begin, "warm": done - loaded, "peak": peak()}
    begin = time.perf_counter()
    cells, customers = np.unique(rows, axis=0, return_counts=True)
    BetaGeoFitter().fit(*cells.T, weights=customers)
    weighted = time.perf_counter() - begin
    return {**fitted, "weighted": weighted, "likelihood": -mean * len(rows)}
