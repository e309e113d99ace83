"""Running notebooks into a folder: honest about failures, whole or not at all."""

import errno
import json
import os
import pathlib
import sys

import pytest

from cxresearch import errors
from cxresearch.errors import CxError, ReportError
from cxresearch.recipe_reader import find_recipe
from cxresearch.reports import execution, publish
from cxresearch.reports.collect import collect_findings
from cxresearch.reports.entries import Entry
from cxresearch.reports.index import render_index
from cxresearch.reports.notebooks import find_notebooks
from cxresearch.reports.publish import open_folder
from cxresearch.reports.runner import run_report, run_reports

NOTEBOOKS = pathlib.Path(__file__).parent / "notebooks"
NAMES = [
    "raises", "dies", "hangs", "leaves_early", "refuses", "malformed_finding", "says_one_number",
]  # fmt: skip
FINDING = {
    "id": "retained",
    "group": {"tenure": "12"},
    "value": 0.84,
    "ci_lower": 0.83,
    "ci_upper": 0.85,
    "confidence_level": 0.95,
    "n": 7032,
    "unit": "share",
    "grade": "C",
    "as_of": "2025-12-31",
    "sentence": "84 % of customers are still here after 12 months (83 to 85 %).",
}


def notebook(name):
    return NOTEBOOKS / f"{name}.ipynb"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One run of every kind of notebook, in which four kinds of failure happen."""
    out = tmp_path_factory.mktemp("run") / "new" / "reports"
    out.mkdir(parents=True)
    (out / "raises.findings.json").write_text("[]")  # of an earlier run that went well
    wrong_kernel = tmp_path_factory.mktemp("jupyter")
    spec = {"argv": ["false"], "display_name": "Wrong", "language": "python"}
    (wrong_kernel / "kernels" / "python3").mkdir(parents=True)
    (wrong_kernel / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(wrong_kernel))
        paths = [notebook(name) for name in NAMES]
        results = run_reports(paths, data=str(NOTEBOOKS), out=out, timeout=4)
    return out, {result.name: result for result in results}


def executed(run, name):
    return json.loads((run[0] / f"{name}.ipynb").read_text("utf-8"))


def states(run, name):
    cells = [c for c in executed(run, name)["cells"] if "papermill" in c["metadata"]]
    return [cell["metadata"]["papermill"]["status"] for cell in cells]


def test_a_report_is_a_notebook_a_page_and_its_findings(run):
    out, results = run
    result = results["says_one_number"]
    assert (result.status, result.error) == ("ok", None)
    assert result.headline == FINDING["sentence"]
    assert set(result.paths) == {"ipynb", "html", "findings.json"}
    assert all(path.parent == out and path.stat().st_size for path in result.paths.values())
    assert executed(run, "says_one_number")["metadata"]["papermill"]["exception"] is None
    assert FINDING["sentence"] in result.paths["html"].read_text("utf-8")


def test_findings_have_exactly_the_agreed_fields(run):
    everything = json.loads((run[0] / "findings.json").read_text("utf-8"))
    (found,) = everything
    place = {"cell": found["cell"], "figure": None}
    assert found == {"notebook": "says_one_number", **FINDING, **place}
    cells = {cell["id"]: cell for cell in executed(run, "says_one_number")["cells"]}
    assert FINDING["sentence"] in json.dumps(cells[found["cell"]], ensure_ascii=False)
    own = json.loads((run[0] / "says_one_number.findings.json").read_text("utf-8"))
    assert own == everything
    assert list(own[0]) == ["notebook", *FINDING, "cell", "figure"]


@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        ("raises", "Cell In [2] raised ValueError: this is no amount", ["failed", "pending"]),
        ("dies", "Cell In [2] ended the Python process", ["failed", "pending", "pending"]),
        ("hangs", "ran longer than 4 seconds and was stopped", ["failed", "pending"]),
        ("leaves_early", "Cell In [1] raised SystemExit", ["failed", "pending"]),
    ],
)
def test_a_failure_is_shown_where_it_happened(run, name, error, status):
    out, results = run
    assert results[name].status == "failed"
    assert error in results[name].error
    assert states(run, name)[-len(status) :] == status
    assert "failed" not in states(run, name)[: -len(status)]
    saved = executed(run, name)
    assert saved["metadata"]["papermill"]["exception"] is True
    assert error in "".join(saved["cells"][0]["source"])
    outputs = [output for cell in saved["cells"] for output in cell.get("outputs", ())]
    assert [output["output_type"] for output in outputs].count("error") == 1
    assert not (out / f"{name}.findings.json").exists()
    assert results[name].findings == ()


@pytest.mark.parametrize(
    ("name", "source"), [("dies", "os._exit(137)"), ("hangs", "time.sleep(600)")]
)
def test_the_page_of_a_failure_shows_cell_and_error(run, name, source):
    html = (run[0] / f"{name}.html").read_text("utf-8")
    assert "This report failed" in html
    assert source in html
    assert "computed before" in html
    assert "never reached" not in html


def test_the_page_of_an_exception_shows_it_escaped(run):
    html = (run[0] / "raises.html").read_text("utf-8")
    assert "ValueError: this is no amount: &lt;script&gt;" in html
    assert "<script" not in html
    assert "\x1b" not in html


def test_each_error_of_ours_is_known_as_such():
    ours = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert {kind.__name__ for kind in ours if issubclass(kind, CxError)} == execution._OURS


def test_our_own_errors_are_a_list_of_reasons_without_a_traceback(run):
    out, results = run
    what, *reasons = results["refuses"].error.splitlines()
    assert what == "Cell In [2] refused to go on:"
    assert reasons == ["customers: the first reason: mend it.", "start_date: <b>second</b>."]
    html = (out / "refuses.html").read_text("utf-8")
    assert "<li>customers: the first reason: mend it.</li>" in html
    assert "<li>start_date: &lt;b&gt;second&lt;/b&gt;.</li>" in html
    assert "Traceback" not in html
    assert "The error" not in html
    index = (out / "index.html").read_text("utf-8")
    assert "Cell In [2] refused to go on: 2 reasons, on its page." in index
    assert "the first reason" not in index
    saved = executed(run, "refuses")
    assert saved["metadata"]["papermill"]["exception"] is True
    assert states(run, "refuses")[-2:] == ["failed", "pending"]


def test_the_index_names_one_reason_of_an_error_with_many_lines(run):
    index = (run[0] / "index.html").read_text("utf-8")
    assert "its findings cannot be used: 1 reason, on its page." in index
    entry = Entry("a", "A", "failed", 1.0, "Cell In [1] raised OSError: one\ntwo", None, "", "")
    assert "OSError: one …</p>" in render_index([entry], [], made="")


def test_a_malformed_finding_fails_the_report(run):
    out, results = run
    assert "the finding retained lacks unit" in results["malformed_finding"].error
    assert not (out / "malformed_finding.findings.json").exists()
    assert "findings cannot be used" in (out / "malformed_finding.html").read_text("utf-8")


def test_the_index_lists_all_with_their_state(run):
    html = (run[0] / "index.html").read_text("utf-8")
    assert "7 reports, 6 of them failed" in html
    assert all(f'href="./{name}.html"' in html for name in NAMES)
    assert FINDING["sentence"] in html


def test_nothing_is_left_behind(run):
    left = {path.name for path in run[0].iterdir() if path.name.startswith(".")}
    assert left == {".cxresearch.lock"}


def test_parameters_reach_the_notebook_with_their_type(tmp_path):
    given = {"segment": "007", "tenures": "1,2", "by_plan": "yes", "discount_rate": "0.05"}
    data = str(NOTEBOOKS)
    result = run_report(notebook("typed_parameters"), data=data, out=tmp_path, parameters=given)
    saved = json.loads(result.paths["ipynb"].read_text("utf-8"))
    (text,) = [out["text"] for cell in saved["cells"] for out in cell.get("outputs", ())]
    assert "".join(text) == f"({data!r}, '007', 24, 0.05, True, [1, 2], 'all')\n"
    assert saved["metadata"]["papermill"]["parameters"] == {
        "data": data, "segment": "007", "tenures": [1, 2], "by_plan": True, "discount_rate": 0.05,
    }  # fmt: skip
    html = result.paths["html"].read_text("utf-8")
    assert "<dt>segment</dt><dd>007</dd>" in html


def test_earlier_reports_stay_listed(run, tmp_path):
    for name in ("says_one_number", "raises"):
        for suffix in ("ipynb", "html"):
            (tmp_path / f"{name}.{suffix}").write_bytes((run[0] / f"{name}.{suffix}").read_bytes())
    (tmp_path / "not_ours.ipynb").write_text("{}")
    run_report(notebook("leaves_early"), data="", out=tmp_path)
    html = (tmp_path / "index.html").read_text("utf-8")
    this, earlier = html.split("From earlier runs")
    assert 'href="./leaves_early.html"' in this
    assert 'href="./raises.html"' in earlier
    assert 'href="./says_one_number.html"' in earlier
    assert "not_ours" not in html


@pytest.fixture
def no_kernel(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr("cxresearch.reports.building.execute", refuse)


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize(
    ("wanted", "options", "message"),
    [
        ("typed_parameters", {"parameters": {"horizn": "3"}}, "did you mean horizon"),
        ("typed_parameters", {"parameters": {"horizon": "five"}}, "'five' is not a whole number"),
        ("typed_parameters", {"parameters": {"data": "x"}}, "choose the data with --data"),
        ("typed_parameters", {"data": "nowhere"}, "nowhere does not exist: --data takes"),
        ("raises", {"out": NOTEBOOKS}, "raises.ipynb itself: write reports elsewhere"),
        ("raises", {"out": notebook("raises")}, "cannot be written"),
        ("raises", {"out": notebook("raises") / "x"}, "cannot be written"),
    ],
)
def test_what_cannot_work_is_said_before_a_kernel_starts(tmp_path, wanted, options, message):
    with pytest.raises(CxError, match=message):
        run_report(notebook(wanted), **({"data": str(tmp_path), "out": tmp_path} | options))
    assert not (tmp_path / "index.html").exists()


@pytest.mark.usefixtures("no_kernel")
def test_a_folder_without_rights_is_said(tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(pathlib.Path, "mkdir", refuse)
    with pytest.raises(ReportError, match=r"cannot be written .*Permission denied"):
        run_report(notebook("raises"), data="", out=tmp_path)


@pytest.mark.parametrize("data", ["data/sample", "data/sample/data.toml"])
def test_data_are_found_from_elsewhere_as_a_notebook_finds_them(tmp_path, monkeypatch, data):
    ran = []

    def note(path, values, **_):
        ran.append(values["data"])
        raise Killed

    monkeypatch.setattr("cxresearch.reports.building.execute", note)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Killed):
        run_report(notebook("typed_parameters"), data=data, out=tmp_path)
    assert ran == [data]
    assert find_recipe(data).is_file()
    with pytest.raises(CxError, match="data/nowhere does not exist"):
        run_report(notebook("typed_parameters"), data="data/nowhere", out=tmp_path)


def write(path, cells=(), name="x.ipynb", **metadata):
    file = path / name
    file.write_text(json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4}))
    return file


def test_names_paths_and_typing_errors(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    write(tmp_path / "notebooks", name="02_curves.ipynb")
    write(tmp_path / "notebooks", name="00_check.ipynb")
    monkeypatch.chdir(tmp_path)
    assert [found.name for found in find_notebooks()] == ["00_check", "02_curves"]
    assert find_notebooks(["02_curves"])[0].path == pathlib.Path("notebooks/02_curves.ipynb")
    assert find_notebooks([notebook("raises")])[0].title == "What happens when a cell raises?"
    with pytest.raises(CxError) as caught:
        find_notebooks(["02_curvs", "zzz"])
    assert "02_curvs is neither a file nor a notebook" in caught.value.problems[0]
    assert "did you mean 02_curves? (00_check, 02_curves)" in caught.value.problems[0]
    assert "zzz" in caught.value.problems[1]
    with pytest.raises(CxError, match="02_curves is asked for twice"):
        find_notebooks(["02_curves", "notebooks/02_curves.ipynb"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.ipynb", "not json", "is not a Jupyter notebook"),
        ("x.ipynb", "[]", "is not a Jupyter notebook"),
        ("x.txt", '{"cells": [], "metadata": {}}', "is not a Jupyter notebook"),
        ("index.ipynb", '{"cells": [], "metadata": {}}', "rename it"),
        (
            "x.ipynb",
            '{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}',
            "is written in R: reports run Python notebooks",
        ),
    ],
)
def test_files_that_are_no_notebook(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ReportError, match=message):
        find_notebooks([tmp_path / name])


def test_malformed_parameters_cells_are_named(tmp_path):
    cell = {"cell_type": "code", "source": ["data: int = 1"], "metadata": {"tags": ["parameters"]}}
    with pytest.raises(ReportError, match="data is int: it is a path"):
        find_notebooks([write(tmp_path, [cell])])
    with pytest.raises(ReportError, match="2 cells tagged `parameters`"):
        find_notebooks([write(tmp_path, [cell, cell])])
    cell["source"] = "x = 1"
    with pytest.raises(ReportError, match=r"x.ipynb, parameters cell, line 1: `x = 1`"):
        find_notebooks([write(tmp_path, [cell])])


def collected(*items):
    mime = "application/vnd.cxresearch.findings+json"
    return collect_findings([{"outputs": [{"data": {mime: list(items)}}]}], "a")


def test_groups_not_reported_for_two_reasons_are_both_kept():
    small = FINDING | {
        "id": "not_reported", "group": {}, "value": None, "ci_lower": None, "ci_upper": None,
        "n": None, "sentence": "2 groups with fewer than 30 customers are not reported.",
    }  # fmt: skip
    thin = small | {"sentence": "1 group is not reported: fewer than 10 customers at risk."}
    assert [f["sentence"] for f in collected(small, thin, small)] == [
        small["sentence"], thin["sentence"],
    ]  # fmt: skip


def test_a_finding_shown_twice_counts_once():
    other = FINDING | {"group": {"tenure": "24"}}
    assert [f["group"]["tenure"] for f in collected(FINDING, FINDING, other)] == ["12", "24"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": float("nan")}, "has value = nan"),
        ({"value": "0.84"}, "has value = '0.84'"),
        ({"n": 7.5}, "has n = 7.5"),
        ({"n": True}, "has n = True"),
        ({"group": "all"}, "has group = 'all'"),
        ({"group": {"tenure": 12}}, "12"),
        ({"confidence_level": 95}, "must be between 0 and 1"),
        ({"grade": "E"}, "'E'"),
        ({"colour": "red"}, "has the unknown field colour"),
        ({"ci_lower": 0.9}, "0.9"),
    ],
)
def test_malformed_findings_are_named(change, message):
    with pytest.raises(ReportError, match=message):
        collected(FINDING | change)


def test_findings_that_disagree_are_named():
    with pytest.raises(ReportError, match=r"the finding retained .* is given twice and differs"):
        collected(FINDING, FINDING | {"value": 0.841})


OLD = {"a.html": "old page", "a.ipynb": "old notebook", "a.findings.json": "[]"}
NEW = {"a.html": "new page", "a.ipynb": "new notebook", "a.findings.json": None}


class Killed(BaseException):
    """What a process that is killed would do at this point: nothing more."""


def contents(folder):
    return {
        path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(".")
    }


@pytest.fixture
def folder(tmp_path):
    with open_folder(tmp_path) as reports:
        reports.publish(OLD)
    return tmp_path


def test_publishing_replaces_and_removes(folder):
    with open_folder(folder) as reports:
        reports.publish(NEW)
    assert contents(folder) == {"a.html": "new page", "a.ipynb": "new notebook"}


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), Killed()])
@pytest.mark.parametrize("files_written", [0, 1, 2])
def test_a_run_that_stops_while_writing_leaves_the_old_report(
    folder, monkeypatch, files_written, error
):
    calls = iter([None] * files_written)
    real = os.fsync

    def fsync(descriptor):
        if next(calls, error) is error:
            raise error
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    expected = ReportError if isinstance(error, OSError) else Killed
    with open_folder(folder) as reports, pytest.raises(expected) as caught:
        reports.publish(NEW)
    assert contents(folder) == OLD
    assert [p.name for p in folder.iterdir() if p.is_dir()] == []
    if expected is ReportError:
        assert "No space left on device" in str(caught.value)
        assert "unchanged" in str(caught.value)


def test_a_full_disk_is_an_error_not_a_traceback(tmp_path, monkeypatch):
    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(publish, "_write", full)
    with pytest.raises(ReportError, match="No space left on device"):
        run_report(notebook("leaves_early"), data="", out=tmp_path)
    assert contents(tmp_path) == {}


def test_a_run_killed_before_the_commit_is_cleaned_up(folder, monkeypatch):
    monkeypatch.setattr(publish.shutil, "rmtree", lambda *args, **kwargs: None)
    monkeypatch.setattr(pathlib.Path, "rename", lambda *args: (_ for _ in ()).throw(Killed()))
    with open_folder(folder) as reports, pytest.raises(Killed):
        reports.publish(NEW)
    monkeypatch.undo()
    assert any(path.is_dir() for path in folder.iterdir())
    with open_folder(folder):
        assert contents(folder) == OLD
    assert not any(path.is_dir() for path in folder.iterdir())


@pytest.mark.parametrize("steps", [0, 1])
def test_a_run_killed_after_the_commit_is_completed(folder, monkeypatch, steps):
    calls = iter([None] * steps)
    real = pathlib.Path.replace

    def replace(self, target):
        if next(calls, Killed) is Killed:
            raise Killed
        return real(self, target)

    monkeypatch.setattr(pathlib.Path, "replace", replace)
    with open_folder(folder) as reports, pytest.raises(Killed):
        reports.publish(NEW)
    monkeypatch.undo()
    with open_folder(folder):
        assert contents(folder) == {"a.html": "new page", "a.ipynb": "new notebook"}
    assert not any(path.is_dir() for path in folder.iterdir())


def test_the_list_of_reports_never_names_one_that_is_not_there(tmp_path, monkeypatch):
    placed = []
    monkeypatch.setattr(pathlib.Path, "replace", lambda _, target: placed.append(target.name))
    monkeypatch.setattr(pathlib.Path, "rmdir", lambda _: None)
    with open_folder(tmp_path) as reports:
        reports.publish(dict.fromkeys(["a.html", "index.html", "z.html"], "text"))
    assert placed == ["a.html", "z.html", "index.html"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock on Windows")
def test_two_runs_exclude_each_other(folder):
    with open_folder(folder) as reports:
        reports.publish(NEW)
        with (
            pytest.raises(ReportError, match=f"in use by another run \\(process {os.getpid()}\\)"),
            open_folder(folder),
        ):
            pass
    with open_folder(folder):
        pass


def test_text_that_is_not_unicode_is_still_written(folder):
    with open_folder(folder) as reports:
        reports.publish({"a.html": "broken \ud800 text"})
    assert (folder / "a.html").read_text() == "broken ? text"
