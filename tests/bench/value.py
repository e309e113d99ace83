"""The arm that values customers from their answer on: the whole of notebook 05, in one pass.

Two files: customers with their dates, plan, region and monthly margin, and the answers of about a
third of them. Rows are simulated in chunks, so that any number of them can be written.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from tests.bench.arms import AS_OF, OBSERVED_FROM

ANSWERING, EACH, MONTHS = 0.30, 250_000, 84
KNOWN = ("score_group", "plan", "tenure_band")
_NAMES = "['basic', 'plus', 'pro'][plan + 1] AS plan, ['north', 'south', 'east'][region + 1]"
_CUSTOMERS = f"""
    INSERT INTO customers
    SELECT 'C' || lpad(id::VARCHAR, 8, '0'), start_date::DATE, end_date::DATE, {_NAMES},
        margin::DECIMAL(9, 2)
    FROM chunk
"""
_ANSWERS = """
    INSERT INTO answers
    SELECT 'R' || lpad(id::VARCHAR, 8, '0'), 'C' || lpad(id::VARCHAR, 8, '0'), answered::DATE,
        'nps', score
    FROM chunk WHERE answered IS NOT NULL
"""


def write_answers(folder: Path, customers: int, seed: int) -> None:
    """Simulate customers who are still there when observation begins, and their answers."""
    import duckdb

    rng = np.random.default_rng(seed)
    with duckdb.connect(str(folder / "scratch.duckdb")) as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute(
            "CREATE TABLE customers (customer_id VARCHAR, start_date DATE, end_date DATE,"
            " plan VARCHAR, region VARCHAR, monthly_margin DOUBLE)"
        )
        connection.execute(
            "CREATE TABLE answers (response_id VARCHAR, customer_id VARCHAR, responded_at DATE,"
            " metric VARCHAR, score SMALLINT)"
        )
        for first in range(0, customers, EACH):
            chunk = _chunk(first, min(EACH, customers - first), rng)
            connection.register("chunk", chunk)
            connection.execute(_CUSTOMERS)
            connection.execute(_ANSWERS)
        for name in ("customers", "answers"):
            connection.execute(f"COPY {name} TO '{folder / name}.parquet' (FORMAT parquet)")
    (folder / "scratch.duckdb").unlink()


def _chunk(first: int, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw sign-ups until enough of them are in the extract; better scores, fewer losses."""
    drawn = [_lives(2 * size, rng) for _ in range(2)]
    lives = {name: np.concatenate([one[name] for one in drawn])[:size] for name in drawn[0]}
    last, begun = np.datetime64(AS_OF), np.datetime64(OBSERVED_FROM)
    start, end = lives.pop("start"), lives.pop("end")
    since, until = np.maximum(start, begun), np.minimum(np.where(np.isnat(end), last, end), last)
    span = (until - since).astype(np.int64)
    answered = since + (rng.random(size) * np.maximum(span, 1)).astype(np.int64)
    answers = (rng.random(size) < ANSWERING) & (span > 0)
    days = {
        "start_date": start,
        "end_date": np.where(end <= last, end, np.datetime64("NaT")),
        "answered": np.where(answers, answered, np.datetime64("NaT")),
    }
    days = {name: day.astype("M8[s]") for name, day in days.items()}
    return lives | days | {"id": first + np.arange(size)}


def _lives(size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    last, begun = np.datetime64(AS_OF), np.datetime64(OBSERVED_FROM)
    plan, quality = rng.integers(0, 3, size, np.int8), rng.standard_normal(size)
    hazard = 0.025 * rng.gamma(2, 0.5, size) * np.exp(-0.3 * quality - 0.2 * plan)
    start = last - rng.integers(0, 30 * MONTHS, size)
    end = start + np.minimum(1 + rng.exponential(30.44 / hazard), 50_000).astype(np.int64)
    kept = np.flatnonzero(end > begun)
    score = np.clip(np.rint(7.6 + 1.2 * quality + 1.6 * rng.standard_normal(size)), 0, 10)
    margin = np.round((12 + 6 * plan) * np.exp(0.1 * quality + 0.2 * rng.standard_normal(size)), 2)
    rows = {"plan": plan, "region": rng.integers(0, 3, size, np.int8), "margin": margin}
    rows |= {"score": score.astype(np.int16), "start": start, "end": end}
    return {name: values[kept] for name, values in rows.items()}


def ours(folder: Path) -> dict[str, float]:
    """Open, reduce once, and estimate values by group, their difference and its reasons."""
    from cxresearch.recipe_reader import build_recipe
    from cxresearch.source import open_data
    from cxresearch.value.difference import value_differences
    from cxresearch.value.lifetime import lifetime_values
    from cxresearch.value.prices import prices
    from cxresearch.value.residual_value import residual_values
    from cxresearch.value.terms import Terms

    words = {"as_of": AS_OF, "observed_from": OBSERVED_FROM, "currency": "EUR"}
    words["scales"] = {"nps": {"min": 0, "max": 10}}
    words["customers"] = {"path": "customers.parquet"}
    words["survey_responses"] = {"path": "answers.parquet"}
    begin = time.perf_counter()
    with open_data(build_recipe(words, folder=folder)) as data:
        table = data.value_table(KNOWN)
        counted = time.perf_counter()
    terms, cost = Terms(0.10, 36, "now"), prices(table)
    lifetime_values(table.pooled("score_group"), cost, terms, horizons=(12, 24, 60))
    crude, *_, adjusted = value_differences(table, cost, terms)
    residual_values(table.pooled("score_group", "tenure_band"), cost, terms)
    return {
        "cold": time.perf_counter() - begin,
        "reduction": counted - begin,
        "answers": float(table.n.sum()),
        "as they are": crude.difference[0],
        "same history": adjusted.difference[0],
    }
