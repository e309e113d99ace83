"""Reports that several test modules look at: each is built once, whichever worker asks first."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from frames import AS_OF

from cxresearch.findings import MIME
from cxresearch.reports.kernels import ADDRESS, server_of_this_process
from cxresearch.reports.runner import run_reports

ROOT = Path(__file__).resolve().parents[1]
ALL = sorted((ROOT / "notebooks").glob("*.ipynb"))
BRIEF = "14_executive_brief"  # reads no data but the other reports
NOTEBOOKS = [path for path in ALL if path.stem != BRIEF]
CHECK, CURVES, VALUE = "00_data_check", "02_retention_curves", "05_promoter_value"
CLAIM, PROGRAMME = "06_retention_profit_claim", "07_programme_roi"
REGISTER = "13_claims_register"
ENTERED = (CLAIM,)  # what counts is entered in their second run: no data are opened
SAMPLE = ROOT / "data" / "sample"
TELCO = ROOT / "data" / "recipes" / "telco.toml"
COMMAND = [sys.executable, "-c", "from cxresearch.cli import app; app()"]
SAAS = ROOT / "data" / "recipes" / "saas_churn.toml"
PAPER = ROOT / "data" / "recipes" / "fader_hardie.toml"
CDNOW = ROOT / "data" / "recipes" / "cdnow.toml"
ONLINE_RETAIL = ROOT / "data" / "recipes" / "online_retail.toml"
# Which notebook runs on which recipe: customers of a shop have no lifetimes, which some take.
SHOP = [CHECK, VALUE, CLAIM, PROGRAMME, REGISTER]
ON_RECIPES = [
    *((recipe, path.stem) for recipe in (TELCO, SAAS, PAPER) for path in NOTEBOOKS),
    *((CDNOW, notebook) for notebook in SHOP),
]
# What two small data sets can answer is run with every test, the rest by make verify.
ASKED_OF_SMALL = [CURVES, "03_retention_projection", CLAIM]
SELDOM = [
    (recipe, notebook)
    for recipe, notebook in ON_RECIPES
    if recipe in (SAAS, PAPER) and notebook not in ASKED_OF_SMALL
]
# A second value for every parameter of every notebook.
SECOND = {
    CHECK: {"min_cell": "15"},
    "01_scorecard": {
        "min_cell": "15",
        "wave": "survey",
        "other_wave": "quarter",
        "group_by": "plan,region",
        "league_by": "region,channel",
        "weight_by": "plan",
        "points": "2,8",
        "response_days": "14",
        "calendar_period": "year",
        "revenue_months": "6",
        "min_group": "40",
        "confidence_level": "0.9",
    },
    CURVES: {
        "min_cell": "15",
        "group_by": "plan,region",
        "tenures": "6,18,30",
        "horizon": "24",
        "calendar_period": "month",
        "min_group": "40",
        "min_at_risk": "5",
        "confidence_level": "0.9",
    },
    "03_retention_projection": {
        "min_cell": "15",
        "group_by": "plan,region",
        "tenures": "6,18,200",
        "horizon": "150",
        "fit_periods": "48",
        "holdout_periods": "12",
        "residual_tenures": "0,7",
        "residual_horizon": "36",
        "annual_discount_rate": "0.0",
        "min_group": "40",
        "min_at_risk": "5",
        "confidence_level": "0.9",
    },
    "04_promoters_and_retention": {
        "min_cell": "15",
        "adjust_for": "plan,onboarding,tenure_band",
        "months": "6",
        "landmarks": "9,18",
        "blackout_days": "14",
        "lag_months": "1",
        "max_age_months": "8",
        "risk_by": "score_group,tickets_before",
        "risk_months": "9",
        "min_group": "20",
        "confidence_level": "0.9",
    },
    VALUE: {
        "min_cell": "15",
        "horizon": "50",
        "horizons": "6",
        "annual_discount_rate": "0.05",
        "first_margin": "end_of_period",
        "adjust_for": "plan,onboarding,tenure_band",
        "blackout_days": "14",
        "margin_share": "0.4",
        "monthly_margin": "0.0",
        "cost_per_ticket": "12.5",
        "cost_per_month": "2.0",
        "referral_value": "80.0",
        "shop_group_by": "plan",
        "weeks": "26",
        "min_group": "40",
        "min_at_risk": "20",
        "confidence_level": "0.9",
    },
    CLAIM: {
        "min_cell": "15",
        "base_retention": "0.9",
        "lift": "0.03",
        "target": "0.2",
        "profit_concept": "net_value",
        "annual_discount_rate": "0.05",
        "first_margin": "end_of_period",
        "horizon": "20",
        "annual_margin": "200.0",
        "acquisition_cost": "300.0",
        "retention_cost": "5.0",
        "fixed_cost_share": "0.3",
        "renewals": "first",
        "model": "constant",
        "average": "first_year",
        "year": "3",
        "years": "10",
        "min_group": "40",
        "min_at_risk": "5",
        "confidence_level": "0.9",
    },
    PROGRAMME: {
        "min_cell": "15",
        "effect_source": "experiment",
        "lift": "0.03",
        "lift_range": "0.01,0.05",
        "findings": "reports/findings.json",
        "finding": "responder_retained_difference",
        "finding_group": "months:12",
        "rule": "random half of the detractors who answer",
        "randomised": "true",
        "customers": "0",
        "reached": "0.5",
        "base_retention": "0",
        "base_retention_range": "0.7,0.9",
        "annual_margin": "0",
        "annual_margin_range": "100,300",
        "ramp": "0.3,0.6,1",
        "attribution": "0.9",
        "attribution_range": "0.8,1",
        "one_off_cost": "2000",
        "annual_cost": "1000",
        "annual_cost_range": "500,2000",
        "annual_discount_rate": "0.05",
        "annual_discount_rate_range": "0.03,0.08",
        "horizon": "4",
        "spread": "triangular",
        "correlations": "lift:annual_cost:0.2",
        "currency": "EUR",
        "draws": "5000",
        "seed": "2",
        "confidence_level": "0.9",
    },
    "08_churn_reasons": {
        "min_cell": "15",
        "group_by": "plan,region",
        "tenures": "6,18,30",
        "controllable": "voluntary,company",
        "horizon": "24",
        "min_group": "40",
        "min_at_risk": "5",
        "confidence_level": "0.9",
    },
    REGISTER: {
        "min_cell": "15",
        "horizon": "24",
        "annual_discount_rate": "0.05",
        "first_margin": "end_of_period",
        "adjust_for": "plan,tenure_band",
        "blackout_days": "14",
        "bad_experience": "ticket",
        "good_answers": "csat",
        "return_mark": "O",
        "rule": "random half of the detractors who answer",
        "randomised": "true",
        "min_group": "20",
        "confidence_level": "0.9",
    },
}


@dataclass(frozen=True)
class Report:
    """What a run left in its folder for one notebook."""

    folder: Path
    name: str

    @property
    def notebook(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / f"{self.name}.ipynb").read_text("utf-8")))

    @property
    def html(self) -> str:
        return (self.folder / f"{self.name}.html").read_text("utf-8")

    @property
    def findings(self) -> list[dict[str, Any]]:
        return list(json.loads((self.folder / f"{self.name}.findings.json").read_text("utf-8")))

    @property
    def entry(self) -> dict[str, Any]:
        """What the index says of it: status, error, headline."""
        return dict(self.notebook["metadata"]["cxresearch_report"])

    @property
    def monthly(self) -> bool:
        """Whether the data reach over years of months, as sentences and figures expect."""
        return self.folder.name.split("-")[0] in {"default", "second", "telco"}

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return outputs(self.notebook)

    def of(self, identity: str) -> list[dict[str, Any]]:
        """Return the findings with one id."""
        return [finding for finding in self.findings if finding["id"] == identity]


class Shelf:
    """Builds reports into a folder that all workers of a test session share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def report(self, run: str, notebook: str, data: Path, **parameters: str) -> Report:
        """Return the report of a notebook; every `run` name stands for one call."""

        def build(folder: Path) -> None:
            with forked():
                run_reports([notebook], data=str(data), out=folder, parameters=parameters)

        return Report(self._once(f"{run}-{notebook}", build), notebook)

    def telco(self) -> Report:
        """Return the main job: one command from the public file to the report."""

        def build(folder: Path) -> None:
            done = command("report", CURVES, "--data", TELCO, "--out", folder)
            assert (done.returncode, done.stdout) == (0, f"{folder / 'index.html'}\n"), done.stderr

        return Report(self._once("telco", build), CURVES)

    def _once(self, name: str, build: Callable[[Path], None]) -> Path:
        folder = self.folder / name
        with _alone(self.folder / f"{name}.lock"):
            if not folder.exists():
                build(folder)
        return folder

    def default(self, notebook: str) -> Report:
        return self.report("default", notebook, SAMPLE)

    def japanese(self, notebook: str) -> Report:
        """Return the Japanese report of a notebook on the sample."""

        def build(folder: Path) -> None:
            with forked():
                run_reports([notebook], data=str(SAMPLE), out=folder, lang="ja")

        return Report(self._once(f"japanese-{notebook}", build), f"{notebook}.ja")

    def brief(self, lang: str = "en") -> Report:
        """Return the brief on the sample, in a folder with all that it sums up."""
        name = BRIEF if lang == "en" else f"{BRIEF}.{lang}"

        def build(folder: Path) -> None:
            folder.mkdir()
            for path in NOTEBOOKS:
                one = self.default(path.stem) if lang == "en" else self.japanese(path.stem)
                for file in one.folder.glob(f"{one.name}.*"):
                    shutil.copy(file, folder)
            with forked():
                run_reports([BRIEF], data=str(SAMPLE), out=folder, lang=lang)

        return Report(self._once(f"brief-{lang}", build), name)

    def recipe(self, recipe: Path, notebook: str) -> Report:
        """Return the report of a notebook on a recipe that comes with the project."""
        return self.report(recipe.stem, notebook, recipe)

    def second(self, notebook: str = CURVES) -> Report:
        """Return a notebook with a value of its own for every parameter."""
        return self.report("second", notebook, SAMPLE, **SECOND[notebook])


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base  # a worker of pytest-xdist
    return Shelf(shared / "shelf")


def command(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run `cxresearch` as a person would, in a process of its own."""
    line = [*COMMAND, *(str(argument) for argument in arguments)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=False)


@contextmanager
def forked() -> Iterator[None]:
    """Fork the kernels from one server of this process, which ends with it."""
    server = server_of_this_process()
    with pytest.MonkeyPatch.context() as patch:
        if server:
            patch.setenv(ADDRESS, str(server.address))
        yield


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def outputs(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [output for cell in notebook["cells"] for output in cell.get("outputs", ())]


def attached(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the findings that an executed notebook carries, as they stand in it."""
    carried = [output.get("data", {}).get(MIME, []) for output in outputs(notebook)]
    return [finding for findings in carried for finding in findings]


def write_folder(folder: Path, recipe: str = "", **tables: pd.DataFrame) -> Path:
    """Write tables as CSV files, as a company would, with a recipe that has their names."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ['name = "A small firm"', recipe]
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
        lines += [f"[{name}]", f'path = "{name}.csv"']
    (folder / "data.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


DATED = f'as_of = {AS_OF}\ngroup_by = ["plan"]'
WITH_SCORES = f"{DATED}\n[scales]\nnps = {{ min = 0, max = 10 }}"
