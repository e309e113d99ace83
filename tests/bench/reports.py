"""The arms that make twenty reports: four notebooks, each for five groupings of the customers.

Others run them one after the other in a shell, or in two threads of one process through the Python
interfaces of papermill and nbconvert; ours is the command on a batch file with two workers. Each
arm begins with starting Python.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"
GROUPINGS = ("plan", "region", "channel", "plan,region", "plan,channel")
# What each notebook calls the columns that it is given
NOTEBOOKS = {
    "02_retention_curves": "group_by",
    "03_retention_projection": "group_by",
    "04_promoters_and_retention": "adjust_for",
    "08_churn_reasons": "group_by",
}
JOBS = [(name, known, by) for by in GROUPINGS for name, known in NOTEBOOKS.items()]
WARNINGS = ["-W", "ignore"]  # of libraries among themselves, in the arms that are not ours


def shell_loop(out: Path, jobs: int) -> float:
    """Run papermill and jupyter nbconvert for each report, one after the other."""
    python = shlex.join([sys.executable, *WARNINGS, "-m"])
    lines = []
    for index, (name, known, by) in enumerate(JOBS[:jobs]):
        source, made = ROOT / "notebooks" / f"{name}.ipynb", out / f"{index}.ipynb"
        given = ["-p", "data", str(SAMPLE), "-p", known, by]
        papermill = shlex.join([str(source), str(made), "--no-progress-bar", *given])
        lines += [f"{python} papermill {papermill}"]
        lines += [f"{python} nbconvert --to html {shlex.quote(str(made))}"]
    return _seconds(["sh", "-e", "-c", "\n".join(lines)]) / jobs


def two_threads(out: Path, jobs: int) -> float:
    """Run papermill's and nbconvert's Python interfaces in two threads of one process."""
    command = [sys.executable, *WARNINGS, "-m", "tests.bench.reports", str(out), str(jobs)]
    return _seconds(command) / jobs


def ours(out: Path, jobs: int) -> float:
    """Run `cxresearch report` on a batch file, with two workers."""
    lines = [f'data = "{SAMPLE}"', f'out = "{out}"']
    for name, known in NOTEBOOKS.items():
        wanted = [by for each, _, by in JOBS[:jobs] if each == name]
        names = ", ".join(f'"{known}_{by}"' for by in wanted)
        lines += ["[[report]]", f'notebooks = ["{name}"]', f"segments = [{names}]"]
    for known in sorted(set(NOTEBOOKS.values())):
        for by in GROUPINGS:
            lines += [f'[segment."{known}_{by}"]', f'{known} = "{by}"']
    batch = out / "batch.toml"
    batch.write_text("\n".join(lines), "utf-8")
    code = "from cxresearch.cli import app; app()"
    command = [sys.executable, "-c", code, "report", "--batch", str(batch), "--jobs", "2"]
    return _seconds(command) / jobs


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    return time.perf_counter() - begin


def report_reports(jobs: int = len(JOBS), runs: int = 3, looped: int = 4) -> None:
    """Print how long a report takes, each arm in turn, and the ratios.

    Parameters
    ----------
    jobs
        Reports that two threads and ours make.
    runs
        How often each of these two is run; the median counts.
    looped
        Reports of the shell loop, which takes as long for each.
    """
    from tests.bench.arms import middle

    arms = {"shell": (shell_loop, looped, 1), "threads": (two_threads, jobs, runs)}
    arms["ours"] = (ours, jobs, runs)
    found: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(runs):
        for name, (arm, count, times) in arms.items():
            if turn < times:
                with tempfile.TemporaryDirectory() as out:
                    found[name].append(arm(Path(out), count))
    loop, threads, own = (middle(found[name]) for name in arms)
    print(f"\n{jobs} reports of {len(NOTEBOOKS)} notebooks, median of {runs}, seconds for each")
    print(f"  {'papermill and nbconvert in a shell':50}{loop:10.2f}")
    print(f"  {'their Python interfaces, two threads':50}{threads:10.2f}")
    print(f"  {'ours, two workers':50}{own:10.2f}")
    print(f"  {own / loop:.2f} of the shell loop, {own / threads:.2f} of two threads")


def _thread_main(out: Path, jobs: int) -> None:
    import nbconvert
    import papermill

    def make(job: tuple[int, tuple[str, str, str]]) -> None:
        index, (name, known, by) = job
        made = out / f"{index}.ipynb"
        papermill.execute_notebook(
            ROOT / "notebooks" / f"{name}.ipynb",
            made,
            {"data": str(SAMPLE), known: by},
            kernel_name="python3",
            progress_bar=False,
        )
        page, _ = nbconvert.HTMLExporter().from_filename(str(made))
        made.with_suffix(".html").write_text(page, "utf-8")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, enumerate(JOBS[:jobs])))


if __name__ == "__main__":
    _thread_main(Path(sys.argv[1]), int(sys.argv[2]))
