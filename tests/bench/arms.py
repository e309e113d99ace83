"""The arms of the benchmark; each runs in a process of its own and prints one line of JSON.

Those here answer one question from one Parquet file of customers (id, start_date, end_date, plan,
region): the retention curve of each plan with a 95 % interval. Those of hazard ratios, of customers
of a shop and of lifetime value have a file each.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

AS_OF = dt.date(2025, 12, 31)
OBSERVED_FROM = dt.date(2022, 1, 1)
AT = 24


def ours(path: Path) -> dict[str, float]:
    """Open, reduce and estimate; then once more with the data already open."""
    from cxresearch.recipe_reader import build_recipe
    from cxresearch.retention import retention_curves
    from cxresearch.source import open_data

    recipe = build_recipe(
        {"as_of": AS_OF, "observed_from": OBSERVED_FROM, "customers": {"path": path.name}},
        folder=path.parent,
    )
    begin = time.perf_counter()
    with open_data(recipe) as data:
        curves = retention_curves(data.life_table(["plan"]))
        cold = time.perf_counter() - begin
        warm = median_of(lambda: retention_curves(data.life_table(["plan"])))
        other = time.perf_counter()
        data.life_table(["region"])
        other = time.perf_counter() - other
    shares = {f"S24 {c.label}": float(c.retained[AT - c.start]) for c in curves}
    return {"cold": cold, "warm": warm, "another group": other, **shares}


def lifelines(path: Path) -> dict[str, float]:
    """Read the columns that are needed, count months, fit one curve per plan.

    DuckDB reads the file for it, faster and leaner than pandas' own readers.
    """
    import duckdb
    import pandas as pd
    from lifelines import KaplanMeierFitter

    begin = time.perf_counter()
    frame = duckdb.sql(f"SELECT plan, start_date, end_date FROM '{path}'").df()
    end = pd.Timestamp(AS_OF + dt.timedelta(days=1))
    churned = frame["end_date"].notna() & (frame["end_date"] <= end)
    last = frame["end_date"].where(churned, end)
    months = 12 * (last.dt.year - frame["start_date"].dt.year)
    months += last.dt.month - frame["start_date"].dt.month
    day = frame["start_date"].dt.day
    months += (churned & (last.dt.day > day)).astype(int) - (~churned & (last.dt.day < day))
    begun = pd.Timestamp(OBSERVED_FROM)
    entry = 12 * (begun.year - frame["start_date"].dt.year) + begun.month
    entry += (begun.day > day).astype(int) - frame["start_date"].dt.month
    entry = entry.where(frame["start_date"] < begun, 0)
    used = months > entry
    shares = {}
    for plan, rows in frame[used].groupby("plan"):
        fitter = KaplanMeierFitter()
        fitter.fit(months[rows.index], churned[rows.index], entry=entry[rows.index])
        fitter.confidence_interval_survival_function_  # noqa: B018 - computed on access
        shares[f"S24 {plan}"] = float(fitter.predict(AT))
    return {"cold": time.perf_counter() - begin, **shares}


def floor(path: Path) -> dict[str, float]:
    """Scan a file that already holds replicate and tenures, with the same GROUP BY."""
    import duckdb

    from cxresearch import sql

    prepared = path.with_suffix(".prepared.parquet")
    tree = sql.fill(
        sql.load("life_table"),
        columns={"groups": [sql.column("plan")], "cause": [], "no_cause": []},
        tables={"spells": "spells"},
    )
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW spells AS SELECT * FROM '{prepared}'")
    text = sql.render(tree)
    begin = time.perf_counter()
    connection.execute(text).fetchnumpy()
    cold = time.perf_counter() - begin
    return {"cold": cold, "warm": median_of(lambda: connection.execute(text).fetchnumpy())}


def median_of(run: Callable[[], object], times: int = 7) -> float:
    """Return the median of the seconds that something takes."""
    spent = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        spent.append(time.perf_counter() - begin)
    return middle(spent)


def middle(found: list[float]) -> float:
    """Return the median; of an even number the larger one."""
    return sorted(found)[len(found) // 2]


def peak() -> float:
    """Return this process's own peak memory in MB; what its parent held before does not count."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    (line,) = [row for row in status.read_text().splitlines() if row.startswith("VmHWM")]
    return int(line.split()[1]) / 1000


if __name__ == "__main__":
    from tests.bench import hazards, purchases, value

    arms = {"ours": ours, "lifelines": lifelines, "floor": floor}
    arms |= {"hazards": hazards.ours, "hazards in lifelines": hazards.lifelines}
    arms |= {"purchases": purchases.ours, "purchases in lifetimes": purchases.lifetimes}
    arms |= {"value": value.ours}
    found = arms[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps({"peak": peak(), **found}))
