"""Batches in TOML: which reports they make, and every mistake told before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cxresearch.cli import app
from cxresearch.errors import CxError
from cxresearch.reports.batch import Given, read_batch
from cxresearch.reports.plan import Request, plan_reports
from cxresearch.reports.runner import plan_run

ROOT = Path(__file__).resolve().parents[1]
OWN = Path(__file__).parent / "notebooks"
CURVES, ROI = "02_retention_curves", "07_programme_roi"


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def batch(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "monthly.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def told(path: Path, given: Given | None = None) -> list[str]:
    with pytest.raises(CxError) as caught:
        read_batch(path, given)
    return list(caught.value.problems)


def test_the_example_of_the_project_makes_what_it_says():
    plan = read_batch("reports/monthly.toml")
    names = [job.name for job in plan.jobs]
    assert len(names) == len(set(names)) == 18
    assert names[:2] == ["00_data_check", "00_data_check.ja"]
    assert {f"{CURVES}.plan", f"{CURVES}.plan.ja", f"{CURVES}.long.ja"} <= set(names)
    assert plan.out == Path("reports/monthly")


def test_notebooks_segments_and_languages_are_multiplied(batch):
    path = batch(f"""
        data = "data/sample"
        lang = ["en", "ja"]
        [parameters]
        confidence_level = 0.9
        lift = 0.03
        [[report]]
        notebooks = ["{CURVES}"]
        segments = ["plan", "Early & late"]
        name = "v2"
        [report.parameters]
        horizon = 24
        confidence_level = 0.8
        [[report]]
        notebooks = "{ROI}"
        lang = "ja"
        [segment."Early & late"]
        tenures = [6, 60]
        horizon = 12
    """)
    plan = read_batch(path)
    sample = {"data": "data/sample"}
    by_plan = {**sample, "group_by": "plan", "horizon": 24, "confidence_level": 0.8}
    early = {**sample, "tenures": [6, 60], "horizon": 12, "confidence_level": 0.8}
    assert {job.name: dict(job.values) for job in plan.jobs} == {
        f"{CURVES}.v2.plan": {**by_plan, "lang": "en"},
        f"{CURVES}.v2.plan.ja": {**by_plan, "lang": "ja"},
        f"{CURVES}.v2.Early-late": {**early, "lang": "en"},
        f"{CURVES}.v2.Early-late.ja": {**early, "lang": "ja"},
        f"{ROI}.ja": {**sample, "lift": 0.03, "confidence_level": 0.9, "lang": "ja"},
    }
    assert [job.lang for job in plan.jobs] == ["en", "ja", "en", "ja", "ja"]
    assert plan.jobs[2].segment == "Early & late"
    assert plan.out == Path("reports")


def test_what_the_command_line_says_counts_first(batch):
    path = batch(f"""
        out = "elsewhere"
        lang = ["en", "ja"]
        [[report]]
        notebooks = ["{CURVES}"]
        data = "nowhere"
        parameters = {{ horizon = 24, min_group = 40 }}
    """)
    given = Given("data/sample", Path("here"), "ja", {"horizon": "12"})
    plan = read_batch(path, given)
    assert plan.out == Path("here")
    (job,) = plan.jobs
    assert job.values["horizon"] == 12
    assert (job.values["data"], job.values["min_group"]) == ("data/sample", 40)
    assert (job.name, job.values["lang"]) == (f"{CURVES}.ja", "ja")


def test_a_parameter_of_the_command_line_is_for_those_notebooks_that_have_it(batch):
    path = batch(f"""
        [[report]]
        notebooks = ["{CURVES}"]
        [[report]]
        notebooks = ["{ROI}"]
    """)
    plan = read_batch(path, Given(parameters={"min_at_risk": "40"}))
    assert [job.values.get("min_at_risk") for job in plan.jobs] == [40, None]
    with pytest.raises(CxError, match=r"-p horizn: no notebook of the batch has it; did you mean"):
        read_batch(path, Given(parameters={"horizn": "12"}))


def test_every_mistake_is_told_at_once_with_its_place_its_rule_and_what_was_meant(batch):
    said = told(batch(f"""
        dta = "x"
        out = 3
        lang = ["en", "jp"]
        [parameters]
        min_groop = 30
        [[report]]
        notebooks = ["{CURVES[:-1]}"]
        [[report]]
        notebooks = ["{CURVES}", "{ROI}"]
        segments = ["plam", "plan", "plan"]
        paramters = {{}}
        lang = "en"
        parameters = {{ horizon = "five", lift = 3 }}
        [[report]]
        notebooks = "08_churn_reasons"
        name = 3
        data = "nowhere"
        lang = "ja"
        [[report]]
        notebooks = "08_churn_reasons"
        lang = "ja"
        [segment.long]
        horizon = 60
    """))  # fmt: skip
    for message in (
        "monthly.toml: dta: is not a key here; did you mean data? (keys: data, out, lang,",
        "monthly.toml: out = 3: must be text in quotes",
        "monthly.toml: parameters.min_groop: no notebook of the batch has it; did you mean min_g",
        "monthly.toml: segment.long: no report asks for it: name it in segments = […]",
        "monthly.toml, report 1: lang = 'jp' is not a language of reports; did you mean ja?",
        f"monthly.toml, report 1: {CURVES[:-1]} is neither a file nor a notebook of notebooks; did",
        "monthly.toml: report 2, paramters: is not a key here; did you mean parameters?",
        "monthly.toml: report 2, segments: names 'plan' twice: once will do",
        "monthly.toml: report 2, segments: 'plam' is new here; did you mean plan? or write [segm",
        f"monthly.toml, report 2: {ROI} has no parameter of the segment 'plan' (group_by): ask f",
        "monthly.toml, report 2: horizon = 'five' is not a whole number: it must be a whole numb",
        "monthly.toml, report 2: lift = 3 is above 1: it must be a number (float) from -1 to 1",
        "monthly.toml: report 3, name = 3: must be text in quotes",
        "monthly.toml, report 3: nowhere does not exist: --data takes a recipe",
        "08_churn_reasons.ja.html would be made twice: give one of the reports a name of its own",
    ):
        assert any(problem.startswith(message) for problem in said), (message, said)
    assert len(said) == len(set(said))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "report: there is none: add [[report]]"),
        ("[report]\nnotebooks = ['x']", "write [[report]] with two brackets"),
        ("report = [1]", "write [[report]] with two brackets"),
        ("[[report]]\nnotebooks = [1]", "notebooks = [1]: must be texts in a list"),
        ("[[report]]\nparameters = 3", "parameters = 3: must be a table"),
        ("segment = 3\n[[report]]", "segment = 3: must be a table"),
        ("[segment]\nx = 3\n[[report]]", "segment.x = 3: must be a table"),
        ("data = [", "monthly.toml is not a TOML file in UTF-8: Invalid value"),
        ("[[report]]\nnotebooks = 'index'", "index is neither a file nor a notebook"),
    ],
)
def test_malformed_files_are_explained(batch, text, message):
    assert any(message in problem for problem in told(batch(text)))


def test_files_that_cannot_be_read_are_said(tmp_path):
    assert told(tmp_path / "none.toml") == [
        f"{tmp_path / 'none.toml'} cannot be read (No such file or directory): "
        "--batch takes a file such as reports/monthly.toml"
    ]
    (tmp_path / "latin.toml").write_bytes(b'data = "\xe9"')
    assert "is not a TOML file in UTF-8" in told(tmp_path / "latin.toml")[0]


@pytest.mark.parametrize(
    ("segment", "slug"),
    [("plan,region", "plan-region"), ("../../etc", "etc"), ("契約 プラン", "契約-プラン"),
     ("<script>alert(1)</script>", "script-alert-1-script"), ("a\x00/b\n", "a-b"),
     ("x" * 300, "x" * 60), ("\u202eabc", "abc")],
)  # fmt: skip
def test_names_of_files_hold_letters_and_digits_only(segment, slug, tmp_path):
    wanted = Request([CURVES], "data/sample", segments={segment: {"group_by": "plan"}})
    (job,) = plan_reports([wanted], tmp_path).jobs
    assert (job.name, job.segment) == (f"{CURVES}.{slug}", segment)


@pytest.mark.parametrize("segment", ["!?", "ja", "en"])
def test_segments_that_cannot_name_a_file_are_refused(segment, tmp_path):
    wanted = Request([CURVES], "data/sample", segments={segment: {"group_by": "plan"}})
    with pytest.raises(CxError, match="cannot name a file: give it another name"):
        plan_reports([wanted], tmp_path)


def test_names_that_some_computers_take_for_one_are_refused(tmp_path):
    segments = {"Plan": {"group_by": "plan"}, "plan!": {"group_by": "region"}}
    with pytest.raises(CxError, match="would be made twice"):
        plan_reports([Request([CURVES], "data/sample", segments=segments)], tmp_path)


def test_a_language_is_for_notebooks_that_have_it(tmp_path):
    both = Request([CURVES, OWN / "raises.ipynb"], "data/sample", languages=("ja", "en"))
    plan = plan_reports([both], tmp_path)
    assert [(job.name, job.lang) for job in plan.jobs] == [
        (f"{CURVES}.ja", "ja"), (CURVES, "en"), ("raises", "en"),
    ]  # fmt: skip
    (job,) = plan_run([CURVES], parameters={"lang": "ja"}, out=tmp_path).jobs
    assert (job.name, job.lang, job.values["lang"]) == (f"{CURVES}.ja", "ja", "ja")
    with pytest.raises(CxError, match="lang is given twice"):
        plan_run([CURVES], parameters={"lang": "ja"}, lang="en", out=tmp_path)
    with pytest.raises(CxError, match="lang = 'jaa' is not a language of reports; did you mean ja"):
        plan_run([OWN / "raises.ipynb"], lang="jaa", out=tmp_path)


SECRET = "postgresql://me:hunter2@db/x"


def call(*arguments: object):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["-p", f"group_by={SECRET}"], "group_by looks like a connection string with a password"),
        (["-p", SECRET], "the name of a parameter looks like a connection string"),
        (["-p", "api_key=hunter2"], "api_key looks like a credential, by its name"),
        (["-p", "plan=password=hunter2"], "plan looks like a password or a key"),
        ([SECRET], "notebook looks like a connection string with a password"),
        (["--data", SECRET], "data looks like a connection string with a password"),
    ],
)
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(tmp_path, arguments, named):
    done = call(CURVES, "--out", tmp_path / "out", *arguments)
    assert done.exit_code == 2
    assert f"error: {named}" in done.stderr
    assert "put this into the environment and name its variable in the recipe" in done.stderr
    assert "hunter2" not in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [f'data = "{SECRET}"', f'unknown = "{SECRET}"', f'[[report]]\nnotebooks = ["{SECRET}"]',
     '[parameters]\ndb_password = "hunter2"', f'[segment.x]\ngroup_by = "{SECRET}"',
     f'[[report]]\nparameters = {{ tenures = ["{SECRET}"] }}', f'["{SECRET}"]'],
)  # fmt: skip
def test_a_secret_in_a_batch_is_refused_and_not_repeated(batch, tmp_path, text):
    (said,) = told(batch(text))
    assert said.startswith("monthly.toml: ")
    assert "looks like a" in said
    assert "hunter2" not in said
    done = call("--batch", tmp_path / "monthly.toml", "--out", tmp_path / "out")
    assert (done.exit_code, "hunter2" in done.output) == (2, False)


def test_a_secret_in_a_notebook_is_refused(tmp_path):
    cell = '{"cell_type": "code", "source": "token: str = \\"hunter2\\"", %s}'
    cell %= '"metadata": {"tags": ["parameters"]}'
    path = tmp_path / "own.ipynb"
    path.write_text(f'{{"cells": [{cell}], "metadata": {{}}, "nbformat": 4}}')
    with pytest.raises(CxError, match=r"own.ipynb: token looks like a credential") as caught:
        plan_run([path], out=tmp_path / "out")
    assert "hunter2" not in str(caught.value)


def test_what_does_not_go_together_is_said(batch, tmp_path):
    path = batch(f'[[report]]\nnotebooks = "{CURVES}"')
    done = call(CURVES, "--batch", path, "--out", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "leave out NOTEBOOK, or --batch" in done.stderr
    assert call("--jobs", 0).exit_code == 2
    assert not (tmp_path / "out").exists()
