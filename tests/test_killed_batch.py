"""Batches with real kernels: killed, out of disk, side by side, and valid for other tools."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from runs import COMMAND, ROOT, SAMPLE, forked

from cxresearch.reports.runner import Given, How, run_batch

BATCH = """\
data = "sample"
[[report]]
notebooks = ["a.ipynb", "b.ipynb", "c.ipynb", "d.ipynb"]
"""
PARAMETERS = 'data: str = "data/sample"  # the recipe\nlang: str = "en"  # choices: en | ja'
WAITS = """\
import os, pathlib, time
pathlib.Path("waiting").write_text(str(os.getpid()))
while not pathlib.Path("gate").exists():
    time.sleep(0.02)"""
SAYS = """\
import cxresearch as cx
cx.use_language(lang)
with cx.open_data(data) as opened:
    (curve,) = cx.retention_curves(opened.life_table())
cx.say(curve.at(12))"""


@pytest.fixture
def place(tmp_path):
    """Four notebooks of which the third waits for a file, and a batch of them."""
    (tmp_path / "sample").symlink_to(SAMPLE)
    (tmp_path / "batch.toml").write_text(BATCH)
    for name in "abcd":
        cells = [
            new_markdown_cell("# How many customers do we keep?", id="title"),
            new_code_cell(PARAMETERS, id="parameters", metadata={"tags": ["parameters"]}),
            new_code_cell(WAITS if name == "c" else "", id="waits"),
            new_code_cell(SAYS, id="says"),
        ]
        python = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        }
        nbformat.write(new_notebook(cells=cells, metadata=python), tmp_path / f"{name}.ipynb")
    return tmp_path


def start(place, *options, **how):
    return subprocess.Popen(
        [*COMMAND, "report", "--batch", "batch.toml", "--out", "out", *options],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )


def make():
    """Run the batch in this process and working directory, with kernels of its server."""
    with forked():
        return run_batch("batch.toml", How(workers=2), Given(out=Path("out")))


def finish(process):
    said, told = process.communicate(timeout=300)
    return process.returncode, said, told


def wait_until(condition, process):
    end = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.05)


def wait_for(place, names, process):
    """Wait for the third notebook and for some reports; return the process id of its kernel."""
    waiting, out = place / "waiting", place / "out"

    def arrived():
        there = all((out / f"{name}.html").exists() for name in names)
        written = there and not any(out.glob(".cxresearch-ready-*"))  # with the list of all
        return written and waiting.exists() and waiting.read_text()

    wait_until(arrived, process)
    return int(waiting.read_text())


def is_running(process_id):
    try:
        return "State:\tZ" not in Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return False


def whole(out):
    """Return the reports of a folder, each of which is complete, and agrees with the lists."""
    names = {path.stem for path in out.glob("*.html")} - {"index"}
    rows = json.loads((out / "findings.json").read_text("utf-8"))
    index = (out / "index.html").read_text("utf-8")
    assert set(re.findall(r'href="\./(.*?)\.html"', index)) == names
    assert [row["notebook"] for row in rows] == sorted(names)
    for name in names:
        notebook = nbformat.read(out / f"{name}.ipynb", 4)
        nbformat.validate(notebook)
        assert notebook.metadata.papermill.exception is None
        assert json.loads((out / f"{name}.findings.json").read_text("utf-8"))
        assert (out / f"{name}.html").read_text("utf-8").rstrip().endswith("</html>")
    return names


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_batch_that_is_killed_goes_on_where_it_was(place, workers):
    out = place / "out"
    process = start(place, "--jobs", workers)
    made = {"a", "b"} if workers == "1" else {"a", "b", "d"}
    kernel = wait_for(place, made, process)
    process.send_signal(signal.SIGKILL)
    finish(process)
    assert whole(out) == made
    before = {path.name: path.read_bytes() for path in out.glob("[abd].*")}
    (place / "gate").touch()
    code, said, told = finish(start(place, "--resume", "--jobs", workers))
    assert (code, said) == (0, "out/index.html\n"), told
    assert whole(out) == {"a", "b", "c", "d"}
    assert {name: (out / name).read_bytes() for name in before} == before
    assert len(re.findall(r"^\w: unchanged since", told, re.MULTILINE)) == len(made)
    wait_until_gone(kernel)


def wait_until_gone(kernel):
    end = time.monotonic() + 30
    while is_running(kernel):
        assert time.monotonic() < end, "the kernel is still there"
        time.sleep(0.05)


def test_an_interrupt_ends_all_workers(place):
    ready = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = start(place, "--jobs", "2", preexec_fn=ready)  # as from a terminal
    kernel = wait_for(place, "abd", process)
    process.send_signal(signal.SIGINT)
    code, said, told = finish(process)
    assert (code, said) == (130, "")
    assert told.splitlines()[-1].startswith("stopped; reports that were complete are kept: ")
    assert "Traceback" not in told
    assert whole(place / "out") == {"a", "b", "d"}
    wait_until_gone(kernel)


def test_a_full_disk_is_said_and_what_is_whole_is_kept(place, monkeypatch):
    """No file may grow beyond what one page needs: the index of three reports is too long."""
    monkeypatch.chdir(place)
    (place / "gate").touch()
    out = place / "out"
    make()
    limit = max((out / f"{name}.html").stat().st_size for name in "abcd")
    index = (out / "index.html").stat().st_size
    room = min(limit, index) - 100  # what everything needs until the last
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    code, said, told = finish(start(place, "--force", "--jobs", "2", preexec_fn=full))
    assert (code, said) == (2, "")
    assert "File too large" in told
    assert "free space or rights there" in told
    assert "Traceback" not in told
    after = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    after.pop(".cxresearch-forced")
    assert after.keys() == before.keys()
    assert [p for p in out.iterdir() if p.is_dir()] == []
    code, _, told = finish(start(place, "--resume", "--jobs", "2"))
    assert (code, "unchanged" in told) == (0, False), told
    assert whole(out) == {"a", "b", "c", "d"}


def test_two_languages_at_once_are_not_mixed(place, monkeypatch):
    monkeypatch.chdir(place)
    (place / "gate").touch()
    text = BATCH.replace("[[report]]", 'lang = ["en", "ja"]\n[[report]]')
    (place / "batch.toml").write_text(text)
    results = make()
    assert len(results) == 8
    for result in results:
        japanese = result.name.endswith(".ja")
        page = result.paths["html"].read_text("utf-8")
        assert f'<html lang="{"ja" if japanese else "en"}"' in page
        assert ("か月" in page, "months" in str(result.headline)) == (japanese, not japanese)
        nbformat.validate(nbformat.read(result.paths["ipynb"], 4))
    told = json.loads(Path("out/findings.ja.json").read_text("utf-8"))
    assert all("か月" in row["sentence"] for row in told)


def test_executed_notebooks_go_through_other_tools(place, monkeypatch):
    monkeypatch.chdir(place)
    (place / "gate").touch()
    make()
    for tool, arguments in {
        "papermill": ["out/a.ipynb", "again.ipynb", "-p", "lang", "ja", "--no-progress-bar"],
        "nbconvert": ["--to", "html", "out/a.ipynb", "--output", "plain.html"],
    }.items():
        line = [sys.executable, "-W", "ignore", "-m", tool, *arguments]
        done = subprocess.run(line, cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    again = nbformat.read(place / "again.ipynb", 4)
    nbformat.validate(again)
    assert "か月" in str(again.cells[-1].outputs)
    assert "12 months" in (place / "out" / "plain.html").read_text("utf-8")
