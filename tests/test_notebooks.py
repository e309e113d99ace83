"""The notebooks keep their rules, and run the same wherever and on whatever they are started."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
import runs
from frames import AS_OF, answers, lifetimes
from nbformat import NotebookNode
from runs import (
    CHECK,
    CURVES,
    DATED,
    ENTERED,
    NOTEBOOKS,
    SECOND,
    VALUE,
    WITH_SCORES,
    Report,
    Shelf,
)
from typer.testing import CliRunner

import cxresearch
from cxresearch.cli import app
from cxresearch.contract import TABLES
from cxresearch.findings import Finding
from cxresearch.needs import NEEDS, capabilities
from cxresearch.reports._audit_page import read_page
from cxresearch.reports.notebooks import read_notebook
from cxresearch.source import open_data

shelf = runs.shelf

IMPORTS = {
    "import cxresearch as cx",
    "import pandas as pd",
    "import matplotlib.pyplot as plt",
    "from matplotlib import pyplot as plt",
}
FORBIDDEN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Try,
)
TYPED_NUMBER = re.compile(r"\d[.,]\d|\d\s*(?:%|percent|per cent)|[=≈<>]\s*\d")
OUTSIDE = re.compile(r"(?:^|[\s`\"'(])(?:/\w|~/|[A-Za-z]:\\)|https?://", re.MULTILINE)
PARAMETER = re.compile(r"[a-z_]+: (?:str|int|float|bool|list\[(?:str|int|float)\]) = \S.*  # \w.+")

PLACE = ("notebook", "cell", "figure")  # where a finding stands, which it does not know itself

every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
whole = pytest.mark.parametrize("path", runs.ALL, ids=lambda path: path.stem)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def sources(path: Path, kind: str) -> list[str]:
    return [cell.source for cell in read(path).cells if cell.cell_type == kind]


def trees(path: Path) -> list[ast.Module]:
    """Return every code cell as Python; a magic would not parse."""
    return [ast.parse(source) for source in sources(path, "code")]


def nodes(path: Path) -> list[ast.AST]:
    return [node for tree in trees(path) for node in ast.walk(tree)]


def calls(path: Path, name: str) -> list[ast.Call]:
    found = [node for node in nodes(path) if isinstance(node, ast.Call)]
    return [call for call in found if ast.unparse(call.func) == f"cx.{name}"]


def headings(path: Path) -> list[tuple[int, str]]:
    text = "\n".join(sources(path, "markdown"))
    found = re.findall(r"^(#{1,6}) +(.+)$", text, re.MULTILINE)
    return [(len(marks), title) for marks, title in found]


# What stands in the files


def test_there_are_notebooks_with_a_number_and_a_name() -> None:
    assert {CHECK, CURVES} <= {path.stem for path in NOTEBOOKS}
    assert all(re.fullmatch(r"\d\d_[a-z]+(_[a-z]+)*", path.stem) for path in NOTEBOOKS)


@whole
def test_the_file_is_a_clean_notebook_for_any_python_3(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "cxresearch"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info == {"name": "python"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}, cell.id
        assert cell.get("outputs", []) == [], cell.id
        assert cell.get("execution_count") is None, cell.id


@whole
def test_cells_are_named_by_people_and_once(path: Path) -> None:
    names = [cell.id for cell in read(path).cells]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(-[a-z]+)*", name)] == []


@whole
def test_it_begins_with_a_question_its_readers_and_a_decision(path: Path) -> None:
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert re.match(r"# .+\?\n", first.source)
    assert [title for level, title in headings(path) if level == 1] == [
        first.source.splitlines()[0].removeprefix("# ")
    ]
    assert re.search(r"^For ", first.source, re.MULTILINE), "who should read it?"
    assert re.search(r"\binforms\b", first.source), "what decision does it inform?"


@whole
def test_parameters_are_literals_that_explain_themselves(path: Path) -> None:
    notebook = read(path)
    assert [cell.metadata.get("tags") == ["parameters"] for cell in notebook.cells][:3] == [
        False, True, False,
    ]  # fmt: skip
    assert sum("tags" in cell.metadata for cell in notebook.cells) == 1
    lines = notebook.cells[1].source.splitlines()
    assert [line for line in lines if not PARAMETER.fullmatch(line)] == []
    parameters = read_notebook(path).parameters
    assert [p.name for p in parameters] == [line.split(":")[0] for line in lines]
    assert parameters[0].name == ("run" if path.stem == runs.BRIEF else "data")
    for parameter in parameters:
        assert parameter.meaning, parameter.name
        if parameter.item_type in {"int", "float"}:
            assert parameter.unit, parameter.name
            assert None not in {parameter.minimum, parameter.maximum}, parameter.name


@whole
def test_there_is_one_import_cell(path: Path) -> None:
    third = read(path).cells[2]
    lines = third.source.splitlines()
    assert third.cell_type == "code"
    assert lines[0] == "import cxresearch as cx"
    assert set(lines) <= IMPORTS
    imports = [node for node in nodes(path) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(imports) == len(lines)


@whole
def test_cells_are_short_and_hold_no_program(path: Path) -> None:
    cells = [c for c in read(path).cells if c.cell_type == "code" and "tags" not in c.metadata]
    assert [c.id for c in cells if len(c.source.splitlines()) > 12] == []
    assert [ast.unparse(node) for node in nodes(path) if isinstance(node, FORBIDDEN)] == []
    code = "\n".join(sources(path, "code"))
    assert not re.search(
        r"filterwarnings|simplefilter|^\s*[%!]|get_ipython|\bexec\b|\beval\b", code
    )


@whole
def test_only_public_names_are_used(path: Path) -> None:
    used = {
        node.attr
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "cx"
    }
    assert used
    assert used <= set(cxresearch.__all__)
    private = [n.attr for n in nodes(path) if isinstance(n, ast.Attribute) and n.attr[0] == "_"]
    assert private == []


@whole
def test_nothing_points_outside_the_project(path: Path) -> None:
    texts = [n.value for n in nodes(path) if isinstance(n, ast.Constant)]
    paths = [text for text in texts if isinstance(text, str) and text]
    for text in paths:
        assert not PurePosixPath(text).is_absolute(), text
        assert not PureWindowsPath(text).is_absolute(), text
        assert not text.startswith("~"), text
    assert [s for s in sources(path, "markdown") if OUTSIDE.search(s)] == []


@whole
def test_no_number_is_typed_where_one_is_computed(path: Path) -> None:
    assert [s for s in sources(path, "markdown") if TYPED_NUMBER.search(s)] == []


def test_the_patterns_find_what_they_should() -> None:
    for text in ("churn is 0.4", "1,954 of them", "about 5 % more", "84% stay", "p < 5"):
        assert TYPED_NUMBER.search(text), text
    assert not TYPED_NUMBER.search("the first month, 2 plans and a 0–10 question")
    for text in ("see /home/me", "`~/data`", "C:\\data", "https://example.com"):
        assert OUTSIDE.search(text), text
    assert not OUTSIDE.search("start and/or end, data/sample")
    assert PARAMETER.fullmatch('data: str = "x"  # where it is')
    assert not PARAMETER.fullmatch('data: str = "x" # one blank')
    assert not PARAMETER.fullmatch('data = "x"  # no type')


@whole
def test_headings_are_in_order_and_the_limits_come_last(path: Path) -> None:
    levels = [level for level, _ in headings(path)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert headings(path)[-1] == (2, "What this does not show")
    *_, limits, last = read(path).cells
    assert limits.source.startswith("## What this does not show\n")
    assert len(limits.source) > 200
    (call,) = ast.parse(last.source).body
    assert isinstance(call, ast.Expr)
    assert [ast.unparse(c.func) for c in calls(path, "provenance")] == ["cx.provenance"]
    assert ast.unparse(call).startswith("cx.provenance(")


@whole
def test_what_it_needs_is_known_and_asked_for_before_it_is_used(path: Path) -> None:
    wants = read(path).metadata.cxresearch
    assert set(wants) - {"check", "reads"} == {"needs", "adds", "headline", "headlines"}
    known = {*NEEDS, *TABLES}
    assert set(wants.needs) <= known
    assert set(wants.adds) <= known
    assert not set(wants.needs) & set(wants.adds)
    asked = {ast.literal_eval(call.args[1]) for call in calls(path, "unlocked")}
    assert asked == set(wants.adds)
    assert all(text and text[0].islower() for text in wants.adds.values())


# What comes of them


class Images(HTMLParser):
    """Collects what stands in the place of each picture of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.alts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.alts.append(dict(attrs).get("alt") or "")


def texts(output: dict[str, Any]) -> list[str]:
    """Return what an output says in words, whatever its form."""
    data = output.get("data", {})
    said = [output.get("text", ""), *(data[kind] for kind in data if kind.startswith("text/"))]
    return ["".join(part) for part in said]


def check_quiet(report: Report) -> None:
    """Nothing was printed, warned of or left as a bare object."""
    kinds = {o["output_type"] for o in report.outputs}
    assert kinds <= {"display_data", "execute_result"}
    assert all(o["data"].keys() & {"text/html", "image/png"} for o in report.outputs)
    flat = "\n".join(text for o in report.outputs for text in texts(o))
    assert not re.search(r"\w*Warning\b", flat)
    assert not re.search(r"<(?:Axes|cxresearch)\b|\bNaT\b", flat)


def pictures(report: Report) -> list[dict[str, Any]]:
    return [o for o in report.outputs if "image/png" in o.get("data", {})]


def check_pictures(report: Report) -> None:
    """Each has an alternative of its own, with the numbers it shows, on the page as well."""
    alts = [o["metadata"]["image/png"]["alt"] for o in pictures(report)]
    assert len(set(alts)) == len(alts)
    for alt in alts:
        assert len(alt) > 40
        assert alt.endswith(".")
        assert re.search(r"\d", alt)
    assert Images(report.html).alts == alts


def check_findings(report: Report) -> None:
    assert report.findings
    for found in report.findings:
        assert found["notebook"] == report.name
        Finding(**{name: value for name, value in found.items() if name not in PLACE})
        assert f'id="cell-{found["cell"]}"' in report.html
    assert list(read_page(report.html).problems()) == []
    # what a script draws with names the kind of drawing by an address that nothing is asked of
    outside_scripts = re.sub(r"<script.*?</script>", "", report.html, flags=re.DOTALL)
    assert not re.search(r"<link|src=\"(?!data:)|https?://", outside_scripts)


@every
def test_it_runs_on_the_sample(shelf: Shelf, path: Path) -> None:
    report = shelf.default(path.stem)
    assert (report.entry["status"], report.entry["error"]) == ("ok", None)
    check_quiet(report)
    check_pictures(report)
    check_findings(report)
    drawn = [
        c for c in nodes(path) if isinstance(c, ast.Call) and "cx.plot_" in ast.unparse(c.func)
    ]
    assert len(pictures(report)) == len(drawn) > 0
    headline = read(path).metadata.cxresearch.headline
    assert report.entry["headline"] == report.of(headline)[0]["sentence"]


@pytest.mark.parametrize(
    ("recipe", "notebook"),
    [
        pytest.param(*run, marks=pytest.mark.verify if run in runs.SELDOM else ())
        for run in runs.ON_RECIPES
    ],
    ids=lambda part: getattr(part, "stem", part),
)
def test_it_runs_on_every_recipe_and_says_what_is_missing(
    shelf: Shelf, recipe: Path, notebook: str, request: pytest.FixtureRequest
) -> None:
    if recipe != runs.PAPER:
        request.getfixturevalue("shared_data")
    path = runs.ROOT / "notebooks" / f"{notebook}.ipynb"
    report = shelf.recipe(recipe, notebook)
    assert (report.entry["status"], report.entry["error"]) == ("ok", None)
    check_quiet(report)
    check_pictures(report)
    wants = read(path).metadata.cxresearch.adds
    with open_data(recipe) as data:
        lacking = set(wants) - capabilities(data)
    said = report.html.count(
        'class="cx-missing"'
    )  # what is missing may make more go without saying
    # and a number that the data lack may have to be entered
    assert said <= len(lacking) + len(calls(path, "unless_missing"))
    assert bool(said) == bool(lacking)


def test_purchases_find_the_published_estimates_on_every_run(
    shelf: Shelf, shared_data: Path
) -> None:
    """Fader, Hardie & Lee 2005, table 1; Fader & Hardie 2013, A note on the Gamma-Gamma model."""
    report = shelf.recipe(runs.CDNOW, VALUE)
    found = {
        (f["group"]["model"], f["group"]["parameter"]): f["value"]
        for f in report.of("model_parameter")
    }
    for (model, name), value in {
        ("bg_nbd", "r"): 0.243,
        ("bg_nbd", "alpha"): 4.414,
        ("bg_nbd", "a"): 0.793,
        ("bg_nbd", "b"): 2.426,
        ("pareto_nbd", "r"): 0.553,
        ("pareto_nbd", "alpha"): 10.578,
        ("pareto_nbd", "s"): 0.606,
        ("pareto_nbd", "beta"): 11.669,
    }.items():
        assert round(found[model, name], 3) == value
    for name, value in {"p": 6.25, "q": 3.74, "gamma": 15.45}.items():
        assert round(found["gamma_gamma", name], 2) == value


def test_a_shop_of_many_odd_rows_is_explained(shelf: Shelf, shared_data: Path) -> None:
    report = shelf.recipe(runs.ONLINE_RETAIL, VALUE)
    assert (report.entry["status"], report.entry["error"]) == ("ok", None)
    check_quiet(report)
    check_pictures(report)
    (used,) = report.of("orders_used")
    assert used["value"] == 397_924
    assert {f["group"]["reason"] for f in report.of("orders_left_out")} == {
        "no customer id", "returned",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"adjust_for": "plan", "horizon": "52", "weeks": "52"}, {"residual_value"}),
        pytest.param({"min_at_risk": "100000"}, {"not_reported"}, marks=pytest.mark.verify),
        ({"min_group": "100000"}, {"not_reported"}),
    ],
)
def test_value_goes_on_without_what_a_choice_leaves_out(
    shelf: Shelf, chosen: dict[str, str], expected: set[str]
) -> None:
    report = shelf.report("-".join(chosen), VALUE, runs.SAMPLE, **chosen)
    assert (report.entry["status"], report.entry["error"]) == ("ok", None)
    check_quiet(report)
    check_pictures(report)
    check_findings(report)
    assert expected <= {f["id"] for f in report.findings}
    if expected == {"not_reported"}:
        values = [f for f in report.findings if f["id"].startswith("lifetime_value")]
        assert [f for f in values if f["group"].get("unit") != "weeks"] == []


def test_value_says_the_answer_first_and_in_two_ways(shelf: Shelf) -> None:
    """The comparison in which most is alike stands for the report; its ratio is in words too."""
    report = shelf.default(VALUE)
    first, second, third = report.findings[:3]
    assert report.entry["headline"] == first["sentence"]
    assert first["sentence"].startswith("With the same history before the survey (")
    assert (second["id"], second["group"]) == ("lifetime_value_ratio", first["group"])
    assert third["sentence"].startswith("As they are, promoters are worth EUR ")
    for found in report.of("share_after_horizon"):
        assert found["grade"] == "D"
        assert 0 < found["ci_lower"] < found["ci_upper"] < 1
    assert len(report.of("share_after_horizon")) == len(report.of("share_beyond_data"))


def test_the_projection_finds_the_published_estimates_on_every_run(shelf: Shelf) -> None:
    report = shelf.recipe(runs.PAPER, "03_retention_projection")
    found = {tuple(sorted(f["group"].values())): f["value"] for f in report.of("model_parameter")}
    for value, *group in (
        (0.7041, "7", "alpha", "regular", "sbg"),
        (1.1820, "7", "beta", "regular", "sbg"),
        (0.6681, "7", "alpha", "high_end", "sbg"),
        (3.8061, "7", "beta", "high_end", "sbg"),
        (0.2593, "4", "alpha", "bdw", "high_end"),
        (1.7226, "4", "bdw", "beta", "high_end"),
        (1.5844, "4", "bdw", "c", "high_end"),
    ):
        assert round(found[tuple(sorted(group))], 4) == value
        assert f"<td>{value:.4f} (" in re.sub(r' class="[^"]*"', "", report.html)
    assert "24 years, extrapolated" in report.html
    assert "sBG, years" in report.html


@every
def test_it_runs_with_other_values_for_all_parameters(shelf: Shelf, path: Path) -> None:
    given = {p.name for p in read_notebook(path).parameters}
    assert given - {"data", "lang"} == set(SECOND[path.stem]), "give each parameter a second value"
    report = shelf.second(path.stem)
    assert (report.entry["status"], report.entry["error"]) == ("ok", None)
    check_quiet(report)
    check_pictures(report)
    check_findings(report)
    if "confidence_level" in given:
        valued = [f for f in report.findings if f["ci_lower"] not in {None, f["ci_upper"]}]
        # what was entered has no interval
        assert {f["confidence_level"] for f in valued} == (set() if path.stem in ENTERED else {0.9})


def test_curves_follow_their_parameters(shelf: Shelf) -> None:
    report = shelf.second(CURVES)
    retained = [f["group"] for f in report.of("retained") if "score_group" not in f["group"]]
    assert {group["tenure"] for group in retained} == {"6", "18", "30"}
    assert {frozenset(group) - {"tenure"} for group in retained} == {
        frozenset(),
        frozenset({"plan", "region"}),
    }
    assert {f["group"]["horizon"] for f in report.of("restricted_mean")} == {"24"}
    assert all(re.fullmatch(r"\d{4}-\d\d", f["group"]["period"]) for f in report.of("churn_rate"))
    assert all(f["n"] >= 40 for f in report.findings if f["unit"] == "share" and f["n"] is not None)
    small = [f for f in report.of("not_reported") if "period" not in f["group"]]
    assert all("fewer than 40" in f["sentence"] for f in small)


@every
def test_the_provenance_names_every_parameter(shelf: Shelf, path: Path) -> None:
    report = shelf.second(path.stem)
    table = provenance_of(report)
    entered = path.stem in ENTERED
    for parameter in read_notebook(path).parameters:
        if parameter.name == "data":
            known = "none: what counts was entered" if entered else "Simulated telecom"
            assert table["Data"] == known
            continue
        shown = table[f"Parameter {parameter.name}"]
        if parameter.name == "lang":
            assert shown == "'en'"
            continue
        given = SECOND[path.stem][parameter.name]
        assert shown in {repr(parameter.convert(given)), repr(given.split(","))}
    assert entered or re.fullmatch(r"[0-9a-f]{16}", table["Fingerprint of the data"])
    assert table["cxresearch"] == cxresearch.__version__


def provenance_of(report: Report) -> dict[str, str]:
    (output,) = report.notebook["cells"][-1]["outputs"]
    html = "".join(output["data"]["text/html"])
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', html)
    return {name: value.replace("&#x27;", "'") for name, value in rows}


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        (CURVES, "."),
        ("08_churn_reasons", "notebooks"),
        pytest.param(VALUE, "notebooks", marks=pytest.mark.verify),
    ],
)
def test_plain_papermill_gives_the_same_findings(
    shelf: Shelf, tmp_path: Path, name: str, folder: str
) -> None:
    here, out = runs.ROOT / folder, tmp_path / "out.ipynb"
    path = os.path.relpath(runs.ROOT / "notebooks" / f"{name}.ipynb", here)
    command = [sys.executable, "-m", "papermill", path, str(out), "--no-progress-bar"]
    env = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours = [{k: v for k, v in f.items() if k not in PLACE} for f in shelf.default(name).findings]
    theirs = runs.attached(nbformat.read(out, as_version=4))
    # what is said twice on a page is one finding
    theirs = [f for i, f in enumerate(theirs) if f not in theirs[:i]]
    assert theirs == ours


# Other data


def tenures(n: int, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"KUNDE-{i:04d}" for i in range(n)],
            "tenure": rng.integers(1, 61, n),
            "churned": rng.permutation(["yes", "no", "no"] * n)[:n],
            "plan": rng.choice(["basic", "pro"], n),
        }
    )


@pytest.fixture
def small_firm(tmp_path: Path) -> Path:
    """A tenure and a flag are all that is known: no dates, no surveys."""
    return runs.write_folder(tmp_path / "small", 'group_by = ["plan"]', customers=tenures(300))


def test_what_a_small_extract_cannot_answer_is_said(shelf: Shelf, small_firm: Path) -> None:
    report = shelf.report("small", CURVES, small_firm)
    assert report.entry["status"] == "ok"
    check_quiet(report)
    check_pictures(report)
    assert len(pictures(report)) == 2
    for what in ("retention by score", "retention per calendar period"):
        assert f"Not shown: {what}. It would take" in report.html
    assert {f["id"] for f in report.findings} == {
        "customers_used", "retained", "median_tenure", "restricted_mean", "logrank_p_value",
    }  # fmt: skip
    assert provenance_of(report)["As of"] == "no dates"
    assert "KUNDE" not in report.html


def test_the_check_of_a_small_extract_says_what_is_missing(shelf: Shelf, small_firm: Path) -> None:
    report = shelf.report("small", CHECK, small_firm)
    assert report.entry["status"] == "ok"
    check_quiet(report)
    assert "Not shown: which answers are counted. It would take survey_responses" in report.html
    assert "curves by score need survey_responses" in report.html


def test_ten_customers_get_a_report_without_a_number_about_them(tmp_path: Path) -> None:
    data = runs.write_folder(tmp_path / "ten", 'group_by = ["plan"]', customers=tenures(10))
    out = tmp_path / "reports"
    arguments = ["report", CURVES, "--data", str(data), "--out", str(out)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    report = Report(out, CURVES)
    check_quiet(report)
    assert "Customers are not reported: fewer than 30 customers." in report.html
    assert all("fewer than 30 customers" in f["sentence"] for f in report.of("not_reported"))
    assert {f["id"] for f in report.findings} == {"customers_used", "not_reported"}
    assert {(f["value"], f["n"]) for f in report.of("not_reported")} == {(None, None)}
    assert pictures(report) == []
    assert not re.search(r"\d\s*%", re.sub(r"<style.*?</style>", "", report.html, flags=re.S))


def test_a_group_that_nobody_left(shelf: Shelf, tmp_path: Path) -> None:
    customers = lifetimes(600)
    customers.loc[customers["plan"] == "pro", "end_date"] = None
    data = runs.write_folder(tmp_path / "loyal", DATED, customers=customers)
    report = shelf.report("loyal", CURVES, data)
    assert report.entry["status"] == "ok"
    check_quiet(report)
    check_pictures(report)
    pro = [f for f in report.of("retained") if f["group"].get("plan") == "pro" and f["value"]]
    assert pro
    for found in pro:
        assert found["value"] == found["ci_upper"] == 1
        assert 0.5 < found["ci_lower"] < 1
        assert "of them left while observed: read the interval" in found["sentence"]
    (median,) = [f for f in report.of("median_tenure") if f["group"].get("plan") == "pro"]
    assert (median["value"], median["ci_lower"], median["ci_upper"]) == (None, None, None)


def test_reasons_in_words_of_the_company_are_shown_without_a_judgement(
    shelf: Shelf, tmp_path: Path
) -> None:
    customers = lifetimes(600)
    words = pd.Series(["too dear", "moved away"] * 300)
    customers["cancel_type"] = words.where(customers["end_date"].notna())
    data = runs.write_folder(tmp_path / "worded", DATED, customers=customers)
    report = shelf.report("worded", "08_churn_reasons", data)
    assert (report.entry["status"], report.entry["error"]) == ("ok", None)
    assert "Not shown: the controllable share. Reason 'voluntary' does" in unescape(report.html)
    assert {f["group"]["cause"] for f in report.of("cumulative_incidence")} == set(words)
    assert report.of("controllable_share") == []


def test_a_plan_that_is_sold_no_more_and_a_single_quarter(shelf: Shelf, tmp_path: Path) -> None:
    """Nobody of the old plan is seen in the first months, and there is no change to speak of."""
    customers = lifetimes(2000)
    later = pd.Timedelta(130, "D")
    customers["start_date"] += later
    customers["end_date"] = pd.to_datetime(customers["end_date"]) + later
    customers.loc[customers["start_date"] < "2023-01-01", "plan"] = "old"
    first, last = pd.Timestamp("2025-02-15"), pd.Timestamp(AS_OF)
    customers.loc[customers["end_date"] > last, "end_date"] = None
    seen = (customers["start_date"] <= last) & ~(customers["end_date"] < first)
    recipe = f"observed_from = {first.date()}\n{DATED}"
    data = runs.write_folder(tmp_path / "old", recipe, customers=customers[seen])
    report = shelf.report("old", CURVES, data)
    assert (report.entry["status"], report.entry["error"]) == ("ok", None)
    check_quiet(report)
    assert {f["group"]["period"] for f in report.of("retention_rate")} == {"2025-Q2"}
    assert report.of("retention_rate_change") == []


def test_values_that_leave_nothing_to_show(shelf: Shelf, tmp_path: Path) -> None:
    """No tenure is asked for, and no curve has so many customers at risk."""
    recipe = 'snapshot_months = 1\ngroup_by = ["plan"]'
    data = runs.write_folder(tmp_path / "snapshot", recipe, customers=tenures(200))
    report = shelf.report("nothing", CURVES, data, tenures="", min_at_risk="5000")
    assert (report.entry["status"], report.entry["error"]) == ("ok", None)
    check_quiet(report)
    assert len(report.of("retained_as_snapshot")) == 1
    assert pictures(report) == []


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Every kind of error; each id and each bad cell says KUNDE or ANTWORT."""
    customers = lifetimes(400)
    customers["customer_id"] = "KUNDE-" + customers["customer_id"]
    replies = answers(customers)
    replies["response_id"] = "ANTWORT-" + replies["response_id"]
    customers["start_date"] = customers["start_date"].astype(str)
    customers.loc[20, "start_date"] = "KUNDE-C00020 soon"
    customers.loc[10, "end_date"] = pd.Timestamp("2019-01-01")
    customers.loc[4, "customer_id"] = customers.loc[3, "customer_id"]
    replies.loc[5, "score"] = 99
    replies.loc[7, "customer_id"] = "KUNDE-unknown"
    replies.loc[9, "metric"] = "KUNDE-metric"
    tables = {"customers": customers, "survey_responses": replies}
    return runs.write_folder(tmp_path / "broken", WITH_SCORES, **tables)


RULES = {
    ("duplicate", "customers.customer_id"),
    ("unreadable", "customers.start_date"),
    ("ends_before_start", "customers.end_date"),
    ("off_scale", "survey_responses.score"),
    ("orphan", "survey_responses.customer_id"),
    ("unknown_metric", "survey_responses.metric"),
}


def test_errors_stop_the_curves_with_rule_and_cure_but_no_customer(
    shelf: Shelf, broken: Path
) -> None:
    report = shelf.report("broken", CURVES, broken)
    assert report.entry["status"] == "failed"
    assert "This report failed" in report.html
    for _, where in RULES:
        assert f"{where}: " in report.entry["error"]
    assert "rows share their customer_id with another row" in report.html
    assert "Keep one row each; a join in the export may have doubled them." in report.html
    assert "Run `cxresearch check` to see which rows they are." in report.html
    assert not (report.folder / f"{CURVES}.findings.json").exists()
    written = [path.read_text("utf-8") for path in report.folder.iterdir()]
    assert [text for text in written if "KUNDE" in text or "ANTWORT" in text] == []


def test_errors_are_shown_by_the_check_without_any_customer(shelf: Shelf, broken: Path) -> None:
    report = shelf.report("broken", CHECK, broken)
    assert report.entry["status"] == "ok"
    check_quiet(report)
    found = {(f["group"]["rule"], f["group"]["where"]) for f in report.of("rows_offending")}
    assert found >= RULES
    assert report.entry["headline"].startswith("The data cannot be used.")
    assert "day and month may be swapped" in report.html
    for path in report.folder.glob("*.html"):
        assert "KUNDE" not in path.read_text("utf-8")
        assert "ANTWORT" not in path.read_text("utf-8")


def test_the_executed_check_holds_no_customer_either(shelf: Shelf, broken: Path) -> None:
    report = shelf.report("broken", CHECK, broken)
    written = [path.read_text("utf-8") for path in report.folder.iterdir()]
    assert [text for text in written if "KUNDE" in text or "ANTWORT" in text] == []
