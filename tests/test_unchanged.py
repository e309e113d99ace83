"""Runs again: what has not changed is kept, all else is made, whatever happened in between."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_output
from runs import SAMPLE

from cxresearch.errors import CxError, ReportError
from cxresearch.findings import MIME
from cxresearch.reports import building, kernels, unchanged
from cxresearch.reports.entries import METADATA_KEY
from cxresearch.reports.execution import Execution, Failure, mark_failure
from cxresearch.reports.runner import How, plan_run, run_plan, run_reports

PARAMETERS = """\
data: str = "data/sample"  # the recipe
lang: str = "en"  # the language; choices: en | ja
group_by: str = ""  # columns
source: str = ""  # a file or a folder that is read
count: int = 1  # how many; range: 1..9
"""
FINDING = {
    "id": "retained", "group": {}, "value": 0.84, "ci_lower": 0.83, "ci_upper": 0.85,
    "confidence_level": 0.95, "n": 7032, "unit": "share", "grade": "C", "as_of": None,
    "sentence": "84 % stay.",
}  # fmt: skip


class Killed(BaseException):
    """A process that is gone."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with data and two notebooks, in which nothing is really run."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SAMPLE, tmp_path / "sample")
    for name in ("a", "b"):
        write_notebook(tmp_path / f"{name}.ipynb", f"# What of {name}?")
    ran: list[str] = []
    state = SimpleNamespace(
        path=tmp_path, out=tmp_path / "out", ran=ran, fails=set(), kills=set(), say=[FINDING]
    )

    def execute(path, values, *, timeout, on_cell, kernels):
        if path.stem in state.kills:
            raise Killed
        ran.append(".".join([path.stem, *str(values.get("lang", "en")).split("en")]).strip("."))
        notebook = nbformat.read(path, 4)
        notebook.metadata["papermill"] = {"duration": 1.5}
        notebook.cells[-1].outputs = [new_output("display_data", data={MIME: state.say})]
        failure = Failure("It failed.") if path.stem in state.fails else None
        if failure:
            mark_failure(notebook, failure)
        return Execution(notebook, failure)

    monkeypatch.setattr(building, "execute", execute)
    monkeypatch.setattr(kernels, "can_fork", lambda: False)
    return state


def write_notebook(path: Path, title: str) -> None:
    cell = nbformat.v4.new_code_cell(PARAMETERS, id="p", metadata={"tags": ["parameters"]})
    cells = [nbformat.v4.new_markdown_cell(title, id="t"), cell]
    said = nbformat.v4.new_code_cell("say()", id="s")
    nbformat.write(nbformat.v4.new_notebook(cells=[*cells, said]), path)


def run(place, notebooks=("a.ipynb", "b.ipynb"), *, data="sample", lang=None, how=None, **given):
    """Run and return the names of the reports that were made, by what was really run."""
    place.ran.clear()
    plan = plan_run(notebooks, data=data, out=place.out, parameters=given, lang=lang)
    place.results = {each.name: each for each in run_plan(plan, how or How())}
    return sorted(place.ran)


def test_the_second_run_makes_nothing(place):
    assert run(place) == ["a", "b"]
    before = {path.name: path.stat().st_mtime_ns for path in place.out.glob("[ab].*")}
    first = place.results
    assert run(place) == []
    assert {path.name: path.stat().st_mtime_ns for path in place.out.glob("[ab].*")} == before
    for name, result in place.results.items():
        assert (result.unchanged, first[name].unchanged) == (True, False)
        assert result.record() == first[name].record()
        assert (result.findings, result.paths) == (first[name].findings, first[name].paths)
    assert "2 are unchanged" in (place.out / "index.html").read_text("utf-8")
    assert len(json.loads((place.out / "findings.json").read_text())) == 2
    assert run(place, how=How(force=True)) == ["a", "b"]


def test_a_run_without_changes_imports_nothing_slow(place):
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    run(place)
    code = (
        "import sys\nfrom cxresearch.reports.runner import run_reports\n"
        "run_reports(['a.ipynb', 'b.ipynb'], data='sample', out='out')\n"
        "slow = {'numpy', 'pandas', 'duckdb', 'papermill', 'nbconvert', 'jupyter_client'}\n"
        "sys.exit(', '.join(slow & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split(" since")[0] for line in done.stderr.splitlines()] == [
        "a: unchanged", "b: unchanged",
    ]  # fmt: skip


CHANGES = [
    "notebook", "data", "recipe", "parameter", "package", "library", "file", "folder",
    "page", "findings", "page gone", "findings gone", "record",
]  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_any_change_makes_it_again(place, monkeypatch, what):
    given = {"source": "source"} if what in {"file", "folder"} else {}
    source = place.path / "source"
    if what == "folder":
        source.mkdir()
        source = source / "x.csv"
    source.write_text("1")
    assert run(place, **given) == ["a", "b"]
    assert run(place, **given) == []
    change(place, monkeypatch, what, given, source)
    only_a = what.split()[0] in {"notebook", "page", "findings", "record"}
    assert run(place, **given) == (["a"] if only_a else ["a", "b"]), what
    assert run(place, **given) == []


def change(place, monkeypatch, what, given, source):
    if what == "notebook":
        write_notebook(place.path / "a.ipynb", "# What else?")
    elif what == "data":  # of the same size and date
        path = place.path / "sample" / "customers.parquet"
        seen, content = path.stat(), bytearray(path.read_bytes())
        content[50] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    elif what == "recipe":
        path = place.path / "sample" / "data.toml"
        path.write_text("first_periods = [4]\n" + path.read_text("utf-8"), "utf-8")
    elif what == "parameter":
        given["count"] = "2"
    elif what == "package":
        monkeypatch.setattr(unchanged, "_package", lambda: "another")
    elif what == "library":
        monkeypatch.setattr(unchanged, "_versions", lambda: "others")
    elif what in {"file", "folder"}:
        source.write_text("2")
    elif what == "record":
        path = place.out / "a.ipynb"
        path.write_text(path.read_text("utf-8").replace('"key"', '"kee"'), "utf-8")
    else:
        path = place.out / f"a.{'html' if 'page' in what else 'findings.json'}"
        path.unlink() if "gone" in what else path.write_bytes(path.read_bytes()[:-9])


def test_the_package_is_known_by_its_content(tmp_path, monkeypatch):
    shutil.copytree(unchanged._PACKAGE, tmp_path / "cxresearch")
    monkeypatch.setattr(unchanged, "_PACKAGE", tmp_path / "cxresearch")
    digest = unchanged._package.__wrapped__
    before = digest()
    (tmp_path / "cxresearch" / "__pycache__" / "x.pyc").parent.mkdir(exist_ok=True)
    (tmp_path / "cxresearch" / "__pycache__" / "x.pyc").write_text("compiled")
    (tmp_path / "cxresearch" / "money.py").touch()
    assert digest() == before
    seen = {before}
    for name in ("money.py", "reports/page.css", "claims/claims.toml", "new.sql"):
        with (tmp_path / "cxresearch" / name).open("a") as file:
            file.write("\n")
        seen.add(digest())
    assert len(seen) == 5


def test_each_language_is_a_report_of_its_own(place):
    assert run(place, lang="ja") == ["a.ja", "b.ja"]
    assert run(place) == ["a", "b"]
    assert run(place, lang="ja") == []
    assert run(place, ("a.ipynb",), lang="en") == []
    page = (place.out / "a.ja.html").read_text("utf-8")
    assert '<html lang="ja"' in page
    assert '<html lang="en"' in (place.out / "a.html").read_text("utf-8")
    assert {path.name for path in place.out.glob("findings*.json")} == {"findings.json"}
    index = (place.out / "index.html").read_text("utf-8")
    assert '<html lang="en"' in index
    assert '<h3 lang="ja"' in index


def test_a_failed_report_is_always_made_again(place):
    place.fails = {"a"}
    assert run(place) == ["a", "b"]
    assert "It failed." in (place.out / "a.html").read_text("utf-8")
    assert run(place) == ["a"]
    place.fails = set()
    assert run(place) == ["a"]
    assert run(place) == []


def test_what_cannot_be_known_is_made_again(place):
    (place.path / "sample" / "revenue.parquet").unlink()
    assert run(place) == ["a", "b"]
    assert run(place) == ["a", "b"]
    assert place.results["a"].key is None


def test_parameters_that_do_not_go_together_are_said_before_anything_is_written(place, monkeypatch):
    path = place.path / "a.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.metadata["cxresearch"] = {"check": "programme_problems"}
    nbformat.write(notebook, path)
    monkeypatch.setattr("cxresearch.programme_problems", lambda settings: ["no: mend it"])
    with pytest.raises(CxError, match="no: mend it"):
        run(place)
    assert not place.out.exists()


def test_a_report_that_reads_the_others_is_made_after_them(place):
    given = {"source": str(place.out)}
    place.out.mkdir()
    run(place, ("b.ipynb",), count="1")  # an earlier run has left findings
    assert run(place, ("a.ipynb",), **given) == ["a"]
    assert run(place, ("a.ipynb",), **given) == []  # its own files do not count
    run(place, ("b.ipynb",), count="2")
    assert run(place, ("a.ipynb",), **given) == ["a"]
    order = []
    place.ran.clear()
    place.say = [FINDING | {"sentence": "85 % stay."}]
    requests = [
        *plan_run(["a.ipynb"], data="sample", out=place.out, parameters=given).jobs,
        *plan_run(["b.ipynb"], data="sample", out=place.out, parameters={"count": 3}).jobs,
    ]
    plan = plan_run(["b.ipynb"], data="sample", out=place.out)
    order = [each.name for each in run_plan(type(plan)(tuple(requests), place.out), How())]
    assert order == ["a", "b"]  # listed as asked for
    assert place.ran == ["b", "a"]  # and made as needed


@pytest.mark.parametrize("force", [False, True])
def test_a_killed_run_goes_on_where_it_was(place, force):
    assert run(place) == ["a", "b"]
    before = (place.out / "b.ipynb").read_bytes()
    how = How(force=force)
    given = {} if force else {"count": "2"}
    place.kills = {"b"}
    with pytest.raises(Killed):
        run(place, how=how, **given)
    assert place.ran == ["a"]
    assert (place.out / "b.ipynb").read_bytes() == before
    index = (place.out / "index.html").read_text("utf-8")
    assert "1 report, run" in index
    assert "it is to have 2 reports" in index
    place.kills = set()
    assert run(place, how=How(resume=True), **given) == ["b"]
    assert [path.name for path in place.out.iterdir() if path.name.startswith(".")] == [
        ".cxresearch.lock"
    ]
    assert run(place, how=How(resume=True), **given) == []


def test_going_on_without_an_unfinished_run_is_a_run_as_ever(place):
    assert run(place, how=How(resume=True)) == ["a", "b"]
    assert run(place, how=How(resume=True)) == []
    assert run(place, how=How(resume=True, force=True)) == ["a", "b"]
    place.kills = {"b"}
    with pytest.raises(Killed):
        run(place, how=How(force=True))
    place.kills = set()
    assert run(place) == []  # not asked to go on: what was there before is unchanged


def test_a_report_and_the_lists_are_written_together(place, monkeypatch):
    """At every moment the index and the findings tell of the reports that are there."""
    real = os.fsync
    seen = []

    def fsync(descriptor):
        real(descriptor)
        if (place.out / "index.html").exists():
            told = json.loads((place.out / "findings.json").read_text("utf-8"))
            there = [json.loads(p.read_bytes()) for p in sorted(place.out.glob("?.findings.json"))]
            seen.append(len(told))
            assert told == [row for rows in there for row in rows]

    monkeypatch.setattr(os, "fsync", fsync)
    run(place)
    assert set(seen) == {1, 2}


def test_findings_of_the_whole_are_told_once_per_language(place):
    plans = [
        plan_run([name], data="sample", out=place.out, lang=lang)
        for name in ("a.ipynb", "b.ipynb")
        for lang in ("en", "ja")
    ]
    whole = type(plans[0])(tuple(job for plan in plans for job in plan.jobs), place.out)
    run_plan(whole, How())
    for name in ("findings.json", "findings.ja.json"):
        rows = json.loads((place.out / name).read_text("utf-8"))
        assert [row["notebook"] for row in rows] == ["a", "b"]


def test_a_page_that_cannot_be_made_does_not_stop_the_others(place, monkeypatch):
    real = building.render_page

    def render(notebook, title, **more):
        if title == "What of a?":
            raise ZeroDivisionError("by <nothing>")
        return real(notebook, title, **more)

    monkeypatch.setattr(building, "render_page", render)
    assert run(place) == ["a", "b"]
    assert place.results["a"].status == "failed"
    assert "its page cannot be written: by &lt;nothing&gt;" in place.results["a"].paths[
        "html"
    ].read_text("utf-8")
    assert place.results["b"].status == "ok"
    assert run(place) == ["a"]


def test_a_snapshot_is_not_headlined_without_its_warning(place):
    warning = FINDING | {"id": "retained_as_snapshot", "sentence": "A snapshot cannot tell."}
    place.say = [FINDING, warning]
    run(place)
    assert place.results["a"].headline == "84 % stay."
    assert place.results["a"].caution == "A snapshot cannot tell."
    assert "A snapshot cannot tell." in (place.out / "index.html").read_text("utf-8")


def test_the_record_of_a_report_is_in_its_notebook_and_the_notebook_valid(place):
    run(place, lang="ja")
    notebook = nbformat.read(place.out / "a.ja.ipynb", 4)
    nbformat.validate(notebook)
    record = notebook.metadata[METADATA_KEY]
    assert record == place.results["a.ja"].record()
    assert len(record["key"]) == len(record["files"]) == 64


def test_the_page_is_the_same_apart_from_its_marked_line(place):
    run(place)
    before = (place.out / "a.html").read_text("utf-8").splitlines()
    run(place, how=How(force=True))
    after = (place.out / "a.html").read_text("utf-8").splitlines()
    assert [x for x in before if "data-run" not in x] == [x for x in after if "data-run" not in x]
    assert sum("data-run" in line for line in after) == 1


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_several_workers_make_what_one_makes(place, workers):
    for name in "cdefgh":
        shutil.copy(place.path / "a.ipynb", place.path / f"{name}.ipynb")
    place.fails = {"d"}
    wanted = [f"{name}.ipynb" for name in "abcdefgh"]
    assert run(place, wanted, how=How(workers=workers)) == list("abcdefgh")
    assert list(place.results) == list("abcdefgh")
    assert [r.name for r in place.results.values() if r.status == "failed"] == ["d"]
    assert len(json.loads((place.out / "findings.json").read_text())) == 7


def test_a_disk_that_is_full_stops_all_workers_and_keeps_what_is_whole(place, monkeypatch):
    for name in "cdefgh":
        shutil.copy(place.path / "a.ipynb", place.path / f"{name}.ipynb")
    wanted = [f"{name}.ipynb" for name in "abcdefgh"]
    real, left = os.fsync, iter(range(17))  # three reports of five files each, and a part

    def fsync(descriptor):
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(ReportError, match="No space left on device"):
            run(place, wanted, how=How(workers=2))
    there = {path.stem for path in place.out.glob("*.html")} - {"index"}
    assert len(there) == 3
    assert [path for path in place.out.iterdir() if path.is_dir()] == []
    assert run(place, wanted, how=How(workers=2, resume=True)) == sorted(set("abcdefgh") - there)


def test_the_api_takes_it_all(place):
    given = {"data": "sample", "out": place.out, "lang": "ja", "jobs": 2, "force": True}
    results = run_reports(["a.ipynb", "b.ipynb"], **given)
    assert [result.name for result in results] == ["a.ja", "b.ja"]
    with pytest.raises(CxError, match="jobs is 0, must be at least 1"):
        run_reports(["a.ipynb"], **given | {"jobs": 0})
