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

SIZES = (1_000_000, 10_000_000)
ARMS = ("ours", "lifelines", "floor")
HAZARD_ARMS = ("hazards", "hazards in lifelines")
HAZARD_SIZE = 1_000_000
RUNS = 3


Found = dict[str, float]


def measure(arm: str, path: Path) -> Found:
    """Run one arm in its own process and return what it found."""
    command = [sys.executable, "-m", "tests.bench.arms", arm, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def prepare(path: Path) -> None:
    """Write what the floor scans: the same customers with everything already computed."""
    from cxresearch.recipe import build_recipe
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
    ours, theirs = (
        {key: statistics.median(run[key] for run in found[arm]) for key in found[arm][0]}
        for arm in HAZARD_ARMS
    )
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
        write_episodes(path, customers=HAZARD_SIZE, seed=1)
        hazards = {arm: [measure(arm, path) for _ in range(RUNS)] for arm in HAZARD_ARMS}
        report_hazards(HAZARD_SIZE, hazards)


if __name__ == "__main__":
    main()
