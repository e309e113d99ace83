"""The arms that answer: how many times as often do promoters leave as detractors?

Each reads the same Parquet file of episodes in months (customer_id, score, entry, exit, churned):
a customer is in one from an answer until the next one, and so is under observation late, and with
a score that changes.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from tests.bench.arms import median_of

TRUE = (1.0, 0.9, 0.7)  # hazard ratio of detractors, passives and promoters
LONGEST = 72
# groups are counted by number, which takes half the time of counting them by name
EPISODES = """
    SELECT CAST((score >= 7)::INT + (score >= 9)::INT AS TINYINT) AS code,
        CAST(hash(customer_id) % 256 AS SMALLINT) AS replicate, entry, exit, churned
    FROM '{path}'
"""
COUNTS = """
    SELECT ['detractor', 'passive', 'promoter'][code + 1] AS score_group, replicate, tenure,
        sum(entered) AS entered, sum(churned) AS churned, sum(censored) AS censored
    FROM (
        SELECT code, replicate, entry AS tenure, count(*) AS entered, 0 AS churned, 0 AS censored
        FROM {episodes} GROUP BY ALL
        UNION ALL
        SELECT code, replicate, exit, 0, count(*) FILTER (churned), count(*) FILTER (NOT churned)
        FROM {episodes} GROUP BY ALL
    )
    GROUP BY ALL
"""


def write_episodes(path: Path, customers: int, seed: int) -> None:
    """Simulate one or two answers a year apart, and losses with a known hazard ratio."""
    import duckdb
    import pandas as pd

    rng = np.random.default_rng(seed)
    frames = []
    first = rng.integers(0, 36, customers)
    there, score = np.arange(customers), rng.integers(0, 11, customers)
    for since in (first, first + 12):
        hazard = 0.02 * np.exp(-since[there] / 60)
        hazard *= np.take(TRUE, (score[there] >= 7).astype(int) + (score[there] >= 9))
        last = since[there] + np.ceil(rng.exponential(1 / hazard)).astype(np.int64)
        end = np.minimum(since[there] + (12 if since is first else LONGEST), LONGEST)
        frames.append(
            pd.DataFrame(
                {
                    "customer_id": there,
                    "score": score[there].astype(np.int8),
                    "entry": since[there].astype(np.int16),
                    "exit": np.minimum(last, end).astype(np.int16),
                    "churned": last <= end,
                }
            )
        )
        again = rng.random(customers) < 0.6
        there = there[(last > end) & again[there]]
        score = np.where(rng.random(customers) < 0.4, rng.integers(0, 11, customers), score)
    connection = duckdb.connect()
    connection.register("episodes", pd.concat(frames))
    connection.execute(f"COPY episodes TO '{path}' (FORMAT parquet)")


def ours(path: Path) -> dict[str, float]:
    """Reduce the rows to counts in DuckDB and fit, 256 times without a replicate too."""
    import duckdb

    from cxresearch.hazards.ratios import hazard_ratios
    from cxresearch.tables import LifeTable

    connection = duckdb.connect()

    def counts(episodes: str) -> LifeTable:
        frame = connection.execute(COUNTS.format(episodes=episodes)).df()
        return LifeTable.from_counts(frame, ["score_group"])

    begin = time.perf_counter()
    table = counts(f"({EPISODES.format(path=path)})")
    result = hazard_ratios(table, reference="detractor")
    cold = time.perf_counter() - begin
    connection.execute(f"CREATE TABLE episodes AS {EPISODES.format(path=path)}")
    opened = median_of(lambda: hazard_ratios(counts("episodes"), reference="detractor"))
    warm = median_of(lambda: hazard_ratios(table, reference="detractor"))
    log, error = result.log_hazard_ratio[1], result.standard_error[1]
    found = {"cold": cold, "opened": opened, "warm": warm}
    return found | {"log ratio": float(log), "error": float(error)}


def lifelines(path: Path) -> dict[str, float]:
    """Read the rows with DuckDB and fit Cox's model with late entry."""
    import duckdb
    from lifelines import CoxPHFitter

    begin = time.perf_counter()
    rows = duckdb.sql(f"SELECT score, entry, exit, churned FROM '{path}'").df()
    score = rows.pop("score")
    rows["passive"], rows["promoter"] = score.between(7, 8), score >= 9
    rows = rows.astype(float)
    loaded = time.perf_counter()
    cox = CoxPHFitter().fit(rows, "exit", "churned", entry_col="entry")
    done = time.perf_counter()
    log, error = cox.params_["promoter"], cox.standard_errors_["promoter"]
    return {
        "cold": done - begin,
        "warm": done - loaded,
        "log ratio": float(log),
        "error": float(error),
    }
