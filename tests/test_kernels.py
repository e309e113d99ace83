"""Forked kernels are what new ones are, tell failures as they do, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cxresearch import write_sample
from cxresearch.reports import kernels as module
from cxresearch.reports._forking import ForkServer
from cxresearch.reports.execution import Execution, execute
from cxresearch.reports.kernels import ADDRESS, Kernels, can_fork, open_kernels

pytestmark = pytest.mark.skipif(not can_fork(), reason="kernels cannot be forked here")

ROOT = Path(__file__).resolve().parents[1]
OURS = Path(__file__).parent / "notebooks"
TRAPS = {
    "figure": "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.title('é')\nplt.show()",
    "shown": "plt.bar([1, 2], [3, 4]);",
    "wide": "import pandas as pd\npd.DataFrame([range(30)])",
    "options": "import re\ntext = pd.describe_option(_print_desc=False)\n"
    "print(re.findall(r'(?m)^(\\S+) :|currently: (.*)\\]', text))",
    "settings": "import matplotlib\nprint(sorted(matplotlib.rcParams.items()))",
    "main": "import __main__, sys\nprint(sorted(vars(__main__).get('__annotations__', {})), "
    "hasattr(__main__, '__file__'), {'papermill', 'pytest', 'nbconvert'} & set(sys.modules))",
    "arguments": "print(sys.path, len(sys.argv), sys.stdin.isatty())",
    "threads": "import os\nprint({k: v for k, v in os.environ.items() if 'THREADS' in k})",
    "signals": "import signal\nprint([signal.getsignal(n) for n in (2, 13, 15, 17)])",
    "loop": "import asyncio\nawait asyncio.sleep(0)\nprint(os.getpgid(0) == os.getpid())",
}
SEED = "import numpy as np, random\nprint(np.random.random(), random.random())"


def write_notebook(folder: Path, **cells: str) -> Path:
    path = folder / "trap.ipynb"
    nbformat.write(
        new_notebook(cells=[new_code_cell(source, id=name) for name, source in cells.items()]), path
    )
    return path


def run(
    path: Path, kernels: Kernels | None = None, timeout: int = 60, **given: object
) -> Execution:
    def on_cell(index: int, count: int) -> None:
        assert 0 <= index < count

    return execute(path, given, timeout=timeout, on_cell=on_cell, kernels=kernels)


def put_out(done: Execution) -> dict[str, list[dict[str, Any]]]:
    return {cell.id: cell.get("outputs", []) for cell in done.notebook.cells}


def printed(done: Execution) -> str:
    (output,) = done.notebook.cells[-1].outputs
    return str(output.text).strip()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.02)


def is_running(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    try:
        return "State:\tZ" not in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="module")
def forked() -> Iterator[Kernels]:
    with open_kernels(3) as kernels:
        assert kernels.server is not None
        yield kernels


# The same as a new kernel


@pytest.fixture(scope="module")
def pair(forked: Kernels, tmp_path_factory: pytest.TempPathFactory) -> tuple[Execution, Execution]:
    path = write_notebook(tmp_path_factory.mktemp("traps"), **TRAPS)
    return run(path), run(path, forked)


@pytest.mark.parametrize("cell", TRAPS)
def test_a_cell_puts_out_what_it_does_in_a_new_kernel(
    pair: tuple[Execution, Execution], cell: str
) -> None:
    anew, forked = pair
    assert anew.failure is forked.failure is None
    assert put_out(forked)[cell] == put_out(anew)[cell] != []


def test_no_figure_is_lost(pair: tuple[Execution, Execution]) -> None:
    for cell in ("figure", "shown"):
        kinds = [set(output.get("data", {})) for output in put_out(pair[1])[cell]]
        assert any("image/png" in kind for kind in kinds), cell


def test_no_two_kernels_draw_the_same(forked: Kernels, tmp_path: Path) -> None:
    path = write_notebook(tmp_path, draw=SEED)
    drawn = [printed(run(path, forked)).split() for _ in range(2)]
    assert len({*drawn[0], *drawn[1]}) == 4


def test_a_notebook_of_ours_puts_out_the_same(forked: Kernels, tmp_path: Path) -> None:
    data = str(write_sample(tmp_path / "data", customers=400, seed=3))
    path = ROOT / "notebooks" / "02_retention_curves.ipynb"
    anew, warm = run(path, data=data), run(path, forked, data=data)
    assert anew.failure is warm.failure is None
    assert [cell.source for cell in warm.notebook.cells] == [
        cell.source for cell in anew.notebook.cells
    ]
    assert put_out(warm) == put_out(anew)


def test_what_is_to_happen_at_the_end_happens(forked: Kernels, tmp_path: Path) -> None:
    left = tmp_path / "left"
    code = f"import atexit, pathlib\natexit.register(pathlib.Path({str(left)!r}).write_text, 'so')"
    assert run(write_notebook(tmp_path, end=code), forked).failure is None
    assert left.read_text() == "so"


def test_the_server_has_one_thread(forked: Kernels, pair: tuple[Execution, Execution]) -> None:
    assert pair
    assert forked.server is not None
    status = Path(f"/proc/{forked.server.pid}/status").read_text()
    assert "Threads:\t1\n" in status


def test_the_script_that_runs_notebooks_is_not_run_again(tmp_path: Path) -> None:
    """As multiprocessing's own server would, which imports the main module into each child."""
    path = write_notebook(tmp_path, cell="print(1)")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nprint('imported')\n"
        "from cxresearch.reports.execution import execute\n"
        "from cxresearch.reports.kernels import open_kernels\n"
        "with open_kernels(3) as kernels:\n"
        f"    done = execute(Path({str(path)!r}), {{}}, timeout=60, on_cell=print, kernels=kernels)\n"
        "print(done.notebook.cells[0].outputs[0].text, done.failure)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "imported\n0 1\n1\n None\n"


# Failures


@pytest.mark.parametrize("name", ["raises", "dies", "hangs", "leaves_early", "refuses"])
def test_a_failure_is_told_as_by_a_new_kernel(forked: Kernels, name: str) -> None:
    told = [run(OURS / f"{name}.ipynb", kernels, timeout=4) for kernels in (None, forked)]
    anew, warm = (done.failure for done in told)
    assert anew is not None
    assert warm is not None
    # the traceback of an interrupt shows where it came, which may be anywhere in the cell
    assert replace(warm, error="") == replace(anew, error="")
    assert bool(warm.error) == bool(anew.error)


def test_what_a_dying_kernel_said_is_kept(forked: Kernels, tmp_path: Path) -> None:
    source = "import os\nos.write(2, b'out of luck'); os._exit(1)"
    done = run(write_notebook(tmp_path, cell=source), forked)
    assert done.failure is not None
    assert "ended the Python process" in done.failure.what


# Several at once


def test_two_threads_run_notebooks_at_once(forked: Kernels, tmp_path: Path) -> None:
    paths = []
    for each in ("first", "second"):
        (tmp_path / each).mkdir()
        other = tmp_path / ("second" if each == "first" else "first") / "here"
        source = (
            f"from pathlib import Path; import time\nPath({str(tmp_path / each / 'here')!r}).touch()\n"
            f"while not Path({str(other)!r}).exists(): time.sleep(0.01)\nprint({each!r})"
        )
        paths.append(write_notebook(tmp_path / each, cell=source))
    with ThreadPoolExecutor(2) as pool:
        for kernels in (forked, None):
            done = list(pool.map(lambda path, k=kernels: run(path, k), paths))
            assert [one.failure for one in done] == [None, None]
            assert [printed(one) for one in done] == ["first", "second"]
            for path in paths:
                (path.parent / "here").unlink()


@pytest.mark.parametrize("count", [1, 3])
def test_kernels_are_ended_from_another_thread(tmp_path: Path, count: int) -> None:
    mark = tmp_path / "process"
    source = f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    path = write_notebook(tmp_path, cell=source)
    with open_kernels(count) as kernels:
        ending = threading.Thread(
            target=lambda: (
                wait_until(lambda: mark.exists() and bool(mark.read_text())),
                kernels.end(),
            )
        )
        ending.start()
        with pytest.raises(KeyboardInterrupt):
            run(path, kernels)
        ending.join()
        wait_until(lambda: not is_running(int(mark.read_text())))
        with pytest.raises(KeyboardInterrupt):
            run(path, kernels)


# Nothing is left behind


def start_kernel(server: ForkServer, folder: Path) -> tuple[Any, int]:
    """Fork a kernel that nobody talks to, and one process of its own."""
    with (folder / "log").open("wb") as log:
        kernel = server.fork(
            ["-f", str(folder / "k.json")],
            cwd=str(folder),
            env=os.environ,
            outputs=[log.fileno()] * 2,
        )
    return kernel, kernel.pid


def test_a_kernel_ends_with_whoever_asked_for_it(forked: Kernels, tmp_path: Path) -> None:
    assert forked.server is not None
    kernel, process = start_kernel(forked.server, tmp_path)
    assert is_running(process)
    kernel._connection.close()
    wait_until(lambda: not is_running(process))


def test_a_kernel_says_how_it_ended(forked: Kernels, tmp_path: Path) -> None:
    assert forked.server is not None
    kernel, _ = start_kernel(forked.server, tmp_path)
    assert kernel.poll() is None
    kernel.terminate()
    assert kernel.wait() == kernel.poll() == -signal.SIGTERM


@pytest.mark.parametrize("how", ["close", "kill"])
def test_kernels_end_with_their_server(tmp_path: Path, how: str) -> None:
    server = ForkServer.start()
    kernel, process = start_kernel(server, tmp_path)
    wait_until((tmp_path / "k.json").exists)  # by then it looks after its parent
    if how == "kill":
        os.kill(server.pid, signal.SIGKILL)
    server.close()
    assert kernel.wait() == -signal.SIGKILL
    wait_until(lambda: not is_running(process))
    assert not server.address.parent.exists()


def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import time\nfrom cxresearch.reports._forking import ForkServer\n"
        "server = ForkServer.start()\nprint(server.pid, flush=True)\ntime.sleep(60)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}
    ) as owner:
        assert owner.stdout is not None
        server = int(owner.stdout.readline())
        assert is_running(server)
        owner.kill()
    wait_until(lambda: not is_running(server))


# When they are forked, and when not


def test_few_reports_get_new_kernels() -> None:
    for count in (1, 2):
        with open_kernels(count) as kernels:
            assert kernels.server is None


def test_elsewhere_kernels_are_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "platform", "darwin")
    with open_kernels(9) as kernels:
        assert kernels.server is None


def test_without_its_server_a_kernel_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, str(tmp_path / "gone"))
    path = write_notebook(tmp_path, cell="import os\nprint(os.getppid())")
    with open_kernels(1) as kernels:
        assert kernels.server is not None
        done = run(path, kernels)
    assert printed(done) == str(os.getpid())


def test_papermill_shares_the_server_of_the_environment(forked: Kernels, tmp_path: Path) -> None:
    assert forked.server is not None
    path = write_notebook(tmp_path, cell="import os\nprint(os.getppid())")
    command = [sys.executable, "-m", "papermill", "-k", "cx-warm", path.name, "out.ipynb"]
    environment = os.environ | {ADDRESS: str(forked.server.address)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    (cell,) = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert cell.outputs[-1].text.strip() == str(forked.server.pid)


def test_a_command_gets_a_server_for_all_its_papermills() -> None:
    code = f"import os, sys; sys.exit(3 if os.path.exists(os.environ[{ADDRESS!r}]) else 4)"
    command = [sys.executable, "-m", "cxresearch.reports.kernels", sys.executable, "-c", code]
    assert subprocess.run(command, check=False).returncode == 3
