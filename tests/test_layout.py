"""The shape of the project: what may import what, what stands where, and how fast it starts."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cxresearch.contract import dictionary

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "cxresearch"

# Rooms in order of dependence: a module imports from its own room or from those above it.
ROOMS = (
    ("errors", "_language", "_min_cell", "contract", "recipe", "recipe_reader", "designs"),
    ("sql", "files", "fingerprint", "mapping", "opening", "blocks", "pipeline", "periods"),
    (
        "_format",
        "findings",
        "_headings",
        "_finding_names",
        "_reasons",
        "_html",
        "_results",
        "_cells",
        "_grouped",
        "_checks",
        "_pairing",
        "tables",
    ),
    ("cause_table", "score_table", "invitation_table", "revenue_bridge", "share_table"),
    ("unit_costs", "value_table", "purchase_table"),
    (
        "_shared",
        "_engine",
        "lifetimes",
        "surveys",
        "invitations",
        "money",
        "contributions",
        "purchasing",
        "shares",
        "repurchases",
        "experiments",
        "bad_experiences",
        "contacts",
        "experiences",
        "exports",
        "source",
    ),
    ("rules", "needs", "checking", "exclusions"),
    ("uncertainty",),
    (
        "product_limit",
        "_retention_curve",
        "retention",
        "restricted_mean",
        "logrank",
        "rates",
        "snapshot",
    ),
    ("hazards",),
    ("projection", "causes", "adjust"),
    ("scores",),
    ("value", "purchases"),
    ("roi",),
    ("claims",),
    ("simulate",),
    ("plots", "_draw", "_looks", "_folding"),
    ("definitions", "present", "brief", "sliders"),
    ("reports",),
    ("cli",),
)
LEVEL = {name: level for level, room in enumerate(ROOMS) for name in room}
ONLY_IN = {
    "matplotlib": {"plots", "_draw", "present"},
    "papermill": {"reports"},
    "nbconvert": {"reports"},
    "nbclient": {"reports"},
    "jupyter_client": {"reports"},
    "latex2mathml": {"reports"},
    "PIL": {"reports"},
    "rich": {"reports"},
    "babel": {"_language", "_format"},
    "ipywidgets": {"sliders"},
    "lifelines": set(),
    "statsmodels": set(),
    "duckdb": {"_engine", "opening", "simulate"},
    "typer": {"cli"},
}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path, *, top_level: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level else list(ast.walk(tree))
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_module_has_a_room() -> None:
    assert {room(path) for path in modules()} == set(LEVEL)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    own = LEVEL[room(path)]
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "cxresearch" and len(parts) > 1 and parts[1] in LEVEL:
            assert LEVEL[parts[1]] <= own, f"{room(path)} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_libraries_stay_in_their_room(path: Path) -> None:
    heads = {name.split(".")[0] for name in imported(path)}
    for library, rooms in ONLY_IN.items():
        if library in heads:
            assert room(path) in rooms, f"{library} is imported in {room(path)}"


def test_plots_estimate_nothing_and_statistics_draw_nothing() -> None:
    estimators = [PACKAGE / f"{n}.py" for n in ("uncertainty", "product_limit", "retention")]
    rooms = ("scores", "projection", "hazards", "adjust", "causes", "value", "purchases", "roi")
    for folder in (*rooms, "claims"):
        estimators += (PACKAGE / folder).glob("*.py")
    figures = [name for path in (PACKAGE / "plots").glob("*.py") for name in imported(path)]
    drawn = {name.split(".")[1] for name in figures if name.startswith("cxresearch.")}
    assert not drawn & {"uncertainty", "product_limit", "source"}
    for path in estimators:
        assert "matplotlib" not in {name.split(".")[0] for name in imported(path)}, path


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, cxresearch; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {*ONLY_IN, "numpy", "pandas", "scipy"} & set(loaded)


def test_the_help_of_the_commands_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom cxresearch.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\nprint(' '.join(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {*ONLY_IN, "numpy", "pandas", "scipy"} - {"typer"} & set(loaded)


def test_the_data_dictionary_is_the_contract() -> None:
    assert dictionary() in (ROOT / "data" / "README.md").read_text(encoding="utf-8")


def test_the_lock_pins_everything_with_hashes_and_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    entries = [e for e in text.replace("\\\n", " ").splitlines() if e and not e.startswith("#")]
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    pinned = {entry.split("==")[0].split("[")[0] for entry in entries}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {name.split(">")[0].split("=")[0].replace("_", "-") for name in wanted} <= pinned


def test_files_stay_small() -> None:
    long = {str(p): n for p in modules() if (n := len(p.read_text("utf-8").splitlines())) > 350}
    assert not long
