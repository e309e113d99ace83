"""Time and peak memory side by side, in one run: `make bench`."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from cxresearch.simulate import write_flat_extract
from tests.bench.arms import AS_OF, OBSERVED_FROM
from tests.bench.hazards import write_episodes
from tests.bench.purchases import write_orders
from tests.bench.reports import report_reports
from tests.bench.value import write_answers

SIZES = (1_000_000, 10_000_000)
ARMS = ("ours", "lifelines", "floor")
HAZARD_ARMS = ("hazards", "hazards in lifelines")
PURCHASE_ARMS = ("purchases", "purchases in lifetimes")
ONE_SIZE = 1_000_000  # of hazard ratios and of purchases
VALUE_SIZE = 10_000_000
RUNS = 3
ARCHIVED = Path(".venv-bench", "bin", "python")  # where lifetimes is, see requirements.in


Found = dict[str, float]


def measure(arm: str, path: Path) -> Found:
    """Run one arm in its own process and return what it found."""
    python = str(ARCHIVED) if arm.endswith("in lifetimes") else sys.executable
    command = [python, "-m", "tests.bench.arms", arm, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def prepare(path: Path) -> None:
    """Write what the floor scans: the same customers with everything already computed."""
    from cxresearch.recipe_reader import build_recipe
    from cxresearch.source import open_data

    recipe = build_recipe(
        {"as_of": AS_OF, "observed_from": OBSERVED_FROM, "customers": {"path": path.name}},
        folder=path.parent,
    )
    with open_data(recipe) as data:
        data.life_table(["plan"])
        target = path.with_suffix(".prepared.parquet")
        data._run(f"COPY kept_spells TO '{target}' (FORMAT parquet)")


def report(size: int, found: dict[str, list[Found]]) -> None:
    """Print medians and ratios, and whether the curves agree."""
    cold = {arm: statistics.median(run["cold"] for run in runs) for arm, runs in found.items()}
    peak = {arm: statistics.median(run["peak"] for run in runs) for arm, runs in found.items()}
    warm = {arm: statistics.median(run["warm"] for run in found[arm]) for arm in ("ours", "floor")}
    shares = [{k: v for k, v in found[a][0].items() if k[:3] == "S24"} for a in ARMS[:2]]
    apart = max(abs(shares[0][key] - shares[1][key]) for key in shares[0])
    print(
        f"\n{size:,} customers, curves of {len(shares[0])} plans with intervals, median of {RUNS}"
    )
    print(f"  {'':38}{'seconds':>10}{'peak MB':>10}")
    print(f"  {'pandas + lifelines':38}{cold['lifelines']:10.2f}{peak['lifelines']:10.0f}")
    print(f"  {'ours, from the file':38}{cold['ours']:10.2f}{peak['ours']:10.0f}")
    print(f"  {'ours, once opened':38}{warm['ours']:10.3f}")
    print(f"  {'floor: bare scan, same GROUP BY':38}{warm['floor']:10.3f}{peak['floor']:10.0f}")
    print(f"  from the file {cold['lifelines'] / cold['ours']:.1f} times faster than lifelines,")
    print(f"  once opened {cold['lifelines'] / warm['ours']:.0f} times;", end=" ")
    print(f"memory {peak['ours'] / peak['lifelines']:.2f} of lifelines';", end=" ")
    print(f"once opened {warm['ours'] / warm['floor']:.2f} times the floor")
    print(f"  largest difference between the two curves at 24 months: {apart:.1e}")


def report_hazards(customers: int, found: dict[str, list[Found]]) -> None:
    """Print how long a hazard ratio takes, and whether both say the same."""
    ours, theirs = (medians(found[arm]) for arm in HAZARD_ARMS)
    print(f"\n{customers:,} customers, hazard ratio of the current score, median of {RUNS}")
    print(f"  {'':38}{'seconds':>10}{'peak MB':>10}{'log ratio':>11}{'error':>8}")
    for name, arm in (("lifelines CoxPHFitter(entry_col)", theirs), ("ours, from the file", ours)):
        values = (
            f"{arm['cold']:10.2f}{arm['peak']:10.0f}{arm['log ratio']:11.5f}{arm['error']:8.5f}"
        )
        print(f"  {name:38}{values}")
    print(f"  {'lifelines, its fit alone':38}{theirs['warm']:10.2f}")
    print(f"  {'ours, once opened: counts and fits':38}{ours['opened']:10.3f}")
    print(f"  {'ours, from counts: the fit and 256':38}{ours['warm']:10.3f}")
    print(f"  from the file {theirs['cold'] / ours['cold']:.0f} times faster than lifelines,")
    print(f"  once opened {theirs['warm'] / ours['opened']:.0f} times its fit,", end=" ")
    print(f"from counts {theirs['warm'] / ours['warm']:.0f} times")


def report_purchases(found: dict[str, list[Found]]) -> None:
    """Print how long BG/NBD takes, and whether both find the same top of the likelihood."""
    ours, theirs = (medians(found[arm]) for arm in PURCHASE_ARMS)
    print(
        f"\n{ours['customers']:,.0f} customers of a shop, {ours['cells']:,.0f} histories, BG/NBD, "
        f"median of {RUNS}"
    )
    print(f"  {'':50}{'seconds':>10}")
    for name, seconds in (
        ("lifetimes, its fit to the rows alone", theirs["warm"]),
        ("lifetimes, counted and weighted by hand", theirs["weighted"]),
        ("ours, the fit alone", ours["alone"]),
        ("ours, from the same rows: counted, fit", ours["rows"]),
        ("ours, from counts: the fit and 256 without a part", ours["table"]),
        ("ours, from the file of orders, all of it", ours["cold"]),
        ("   of which the orders to counts", ours["reduction"]),
    ):
        print(f"  {name:50}{seconds:10.3f}")
    print(f"  peak MB: lifetimes {theirs['peak']:.0f}, ours {ours['peak']:.0f}")
    print(f"  log-likelihood: {theirs['likelihood']:.4f}, ours {ours['likelihood']:.4f}")
    print(f"  the fit {theirs['warm'] / ours['alone']:.0f} times faster than lifetimes,", end=" ")
    print(f"from the same rows {theirs['warm'] / ours['rows']:.0f} times,", end=" ")
    print(f"with 256 leave-one-outs {theirs['warm'] / ours['table']:.0f} times")


def report_value(customers: int, runs: list[Found]) -> None:
    """Print how long lifetime value takes, and how much memory."""
    ours = medians(runs)
    print(f"\n{customers:,} customers, {ours['answers']:,.0f} answers that count, lifetime value")
    print(f"  {'ours, from the files, intervals and all':50}{ours['cold']:10.1f} seconds")
    print(f"  {'   of which rows to counts':50}{ours['reduction']:10.1f} seconds")
    print(f"  {'peak, DuckDB included':50}{ours['peak']:10.0f} MB")
    print(
        f"  promoters are worth {ours['as they are']:.2f} more over 36 months as they are,", end=" "
    )
    print(f"{ours['same history']:.2f} with the same history")


def medians(runs: list[Found]) -> Found:
    """Return the median of each figure."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def main() -> None:
    """Simulate, run every arm in turn, and print."""
    print(f"Python {sys.version.split()[0]}, DuckDB {duckdb.__version__}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = Path(folder) / f"customers{size}.parquet"
            write_flat_extract(path, customers=size, seed=1)
            prepare(path)
            found: dict[str, list[Found]] = {arm: [] for arm in ARMS}
            for _ in range(RUNS):
                for arm in ARMS:
                    found[arm].append(measure(arm, path))
            report(size, found)
        path = Path(folder) / "episodes.parquet"
        write_episodes(path, customers=ONE_SIZE, seed=1)
        hazards = {arm: [measure(arm, path) for _ in range(RUNS)] for arm in HAZARD_ARMS}
        report_hazards(ONE_SIZE, hazards)
        path = Path(folder) / "orders.parquet"
        write_orders(path, customers=ONE_SIZE, seed=1)
        report_purchases({arm: [measure(arm, path) for _ in range(RUNS)] for arm in PURCHASE_ARMS})
        write_answers(Path(folder), customers=VALUE_SIZE, seed=1)
        report_value(VALUE_SIZE, [measure("value", Path(folder))])
    report_reports()


if __name__ == "__main__":
    main()
