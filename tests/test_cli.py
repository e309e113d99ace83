"""The command: exit codes, what goes to stdout, and no tracebacks."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest
from nbclient.exceptions import CellExecutionError, DeadKernelError
from typer.testing import CliRunner

from cxresearch.cli import app
from cxresearch.reports.execution import _unretrieved

NOTEBOOKS = Path(__file__).parent / "notebooks"
COMMAND = [sys.executable, "-c", "from cxresearch.cli import app; app()"]
# Time for nbclient to notice that the kernel is gone while an interrupted run is cleaned up
SLOW_TO_LEAVE = """
import asyncio
from cxresearch.reports._this_python import ThisPython
clean_up = ThisPython.cleanup_resources
async def slowly(self, restart=False):
    await asyncio.sleep(2)
    await clean_up(self, restart)
ThisPython.cleanup_resources = slowly
from cxresearch.cli import app
app()
"""
# The place at which a run is interrupted before its kernel is ready
NEVER_READY = """
import asyncio
from jupyter_client.asynchronous import AsyncKernelClient
async def wait(self, timeout=None):
    import os
    kernel = self.parent.provisioner.process.pid
    with open(os.environ["MARKER"] + "-", "w") as file:
        file.write(str(kernel))
    os.rename(os.environ["MARKER"] + "-", os.environ["MARKER"])
    await asyncio.sleep(60)
AsyncKernelClient.wait_for_ready = wait
from cxresearch.cli import app
app()
"""


def call(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def notebook(name):
    return NOTEBOOKS / f"{name}.ipynb"


def test_version():
    result = call("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("cxresearch ")


def test_help_imports_nothing_slow():
    code = (
        "import sys; from cxresearch.cli import app\n"
        "try: app(['report', '--help'])\n"
        "except SystemExit: pass\n"
        "slow = {'numpy', 'pandas', 'duckdb', 'papermill', 'nbconvert', 'rich', 'matplotlib'}\n"
        "sys.exit(', '.join(slow & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--timeout" in done.stdout


def test_one_failing_report_does_not_stop_the_others(tmp_path):
    out = tmp_path / "reports"
    arguments = ["report", notebook("raises"), notebook("says_one_number")]
    result = call(*arguments, "--data", NOTEBOOKS, "--out", out)
    assert result.exit_code == 1
    assert result.stdout == f"{out / 'index.html'}\n"
    assert "raises: FAILED" in result.stderr
    assert "says_one_number: ok" in result.stderr
    assert len(json.loads((out / "findings.json").read_text())) == 1


def test_a_good_report_exits_with_0_and_says_nothing_else(tmp_path):
    arguments = ["report", str(notebook("says_one_number")), "--data", str(NOTEBOOKS)]
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout == "reports/index.html\n"
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert (tmp_path / "reports" / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "horizn=3"], "error: horizn is not a parameter; did you mean horizon?"),
        (["-p", "horizon"], "error: -p horizon: write -p name=value"),
        (["-p", "horizon=1", "-p", "horizon=2"], "error: -p horizon is given twice"),
        (["--data", "nowhere"], "error: nowhere does not exist"),
        (["--out", __file__], "cannot be written"),
        (["\x1b[31mred"], "\N{REPLACEMENT CHARACTER}[31mred is neither a file"),
    ],
)
def test_bad_input_is_said_in_words(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = call("report", notebook("typed_parameters"), "--data", ".", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_parameters_are_explained():
    result = call("report", notebook("typed_parameters"), "--help-parameters")
    assert result.exit_code == 0
    assert "horizon: a whole number (int) from 1 to 240, unit: months; default 24" in result.stdout
    assert "how far the curve goes" in result.stdout
    assert "one of all | basic | premium" in result.stdout


def test_an_interrupt_of_other_commands_does_not_speak_of_reports(monkeypatch, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cxresearch.source.open_data", interrupt)
    monkeypatch.setattr("cxresearch.simulate.write_sample", interrupt)
    for arguments in (["check", "data/sample"], ["sample", tmp_path / "new"]):
        result = call(*arguments)
        assert (result.exit_code, result.stderr) == (130, "stopped\n")


def is_running(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{process_id}/status").read_text()


def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.05)


@pytest.fixture(params=[COMMAND[2]])
def hanging(request, tmp_path):
    """A run in the middle of its notebook, in a folder with a report of an earlier run."""
    out = tmp_path / "reports"
    out.mkdir()
    (out / "hangs.html").write_text("the earlier report")
    marker = tmp_path / "running"
    arguments = ["report", str(notebook("hangs")), "-p", f"marker={marker}", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", request.param, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"MARKER": str(marker)},
        # whoever runs the tests in the background may have Ctrl-C ignored, and children inherit it
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    wait_until(lambda: marker.is_file() and marker.read_text())
    yield process, int(marker.read_text()), out
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CellExecutionError("", "KeyboardInterrupt", ""), 0),
        (DeadKernelError(), 0),
        (OSError(), 1),
    ],
)
def test_only_how_an_interrupted_cell_ends_is_told_to_nobody(error, told):
    loop = Mock()
    _unretrieved(loop, {"exception": error})
    assert loop.default_exception_handler.call_count == told


@pytest.mark.parametrize(
    "hanging", [COMMAND[2], SLOW_TO_LEAVE, NEVER_READY], indirect=True, ids=["", "slow", "starting"]
)
def test_an_interrupt_leaves_nothing_behind(hanging):
    process, kernel, out = hanging
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (
        said
        == "stopped; reports that were complete are kept: give it again with --resume to go on\n"
    )
    assert {path.name for path in out.iterdir()} == {"hangs.html", ".cxresearch.lock"}
    assert not is_running(kernel)


def test_a_killed_run_leaves_the_old_report_and_the_folder_usable(hanging):
    process, kernel, out = hanging
    busy = call("report", notebook("says_one_number"), "--data", NOTEBOOKS, "--out", out)
    assert busy.exit_code == 2
    assert f"in use by another run (process {process.pid})" in busy.stderr
    process.kill()
    process.wait()
    assert (out / "hangs.html").read_text() == "the earlier report"
    again = call("report", notebook("leaves_early"), "--out", out)
    assert again.exit_code == 1
    assert (out / "hangs.html").read_text() == "the earlier report"
    wait_until(lambda: not is_running(kernel))
