"""The server that has imported already, and forks a kernel for each connection to its socket.

It runs in a process of its own with one thread, since a fork copies the forking thread only. It
ends when its standard input does, which the process that started it holds open, and takes its
kernels along; a kernel is ended when the connection that asked for it closes.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
from dataclasses import dataclass, field
from importlib import import_module, resources
from types import SimpleNamespace
from typing import Any, Final

__all__ = ["LONGEST", "main"]

LONGEST: Final = 2**18  # bytes of a request, which is one message with the kernel's outputs
# What notebooks import, and what a kernel does before its first cell. The inline backend is left
# out on purpose: it looks for its kernel when it is imported, and would lose every figure.
_PRELOADED: Final = (
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "IPython.core.pylabtools",
    "pandas.core.reshape.reshape",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "scipy.ndimage",  # for maps
    "sqlglot.generators.duckdb",
)
_SQL: Final = ("reductions", "rules")  # folders of it, whose parsing is kept
_STDIN: Final = 0


@dataclass(frozen=True)
class Request:
    """What a kernel is started with, as `subprocess.Popen` would be told."""

    arguments: list[str]
    cwd: str
    env: dict[str, str]


@dataclass
class _Server:
    listener: socket.socket
    kernels: dict[int, socket.socket] = field(default_factory=dict)  # by process id
    events: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def serve(self) -> Request | None:
        """Fork for every connection; return what was asked for in a kernel, None in the server."""
        self.events.register(self.listener, selectors.EVENT_READ, "listener")
        self.events.register(_STDIN, selectors.EVENT_READ, "owner")
        while True:
            for key, _ in self.events.select():
                if key.data == "owner":
                    self._end()
                    return None
                if key.data == "listener":
                    if request := self._fork():
                        return request
                else:
                    self._settle(key.fileobj, key.data)

    def _fork(self) -> Request | None:
        connection, _ = self.listener.accept()
        text, outputs, *_ = socket.recv_fds(connection, LONGEST, 2)
        if len(outputs) < 2:  # whoever asked is gone
            connection.close()
            return None
        process = os.fork()
        if not process:
            self._become_kernel(connection, outputs)
            return Request(**json.loads(text))
        for output in outputs:
            os.close(output)
        self.kernels[process] = connection
        self.events.register(os.pidfd_open(process), selectors.EVENT_READ, process)
        self.events.register(connection, selectors.EVENT_READ, process)
        return None

    def _become_kernel(self, connection: socket.socket, outputs: list[int]) -> None:
        """Let go of what is the server's, and say so: from then on the group is the kernel's."""
        os.setsid()
        for number, output in enumerate([os.open(os.devnull, os.O_RDONLY), *outputs]):
            os.dup2(output, number)
            os.close(output)
        connection.sendall(f"{os.getpid()}\n".encode())
        for other in [self.listener, connection, *self.kernels.values()]:
            other.close()
        for key in list(self.events.get_map().values()):
            if isinstance(key.fileobj, int) and key.fileobj != _STDIN:
                os.close(key.fileobj)
        self.events.close()

    def _settle(self, source: Any, process: int) -> None:  # noqa: ANN401 - as selectors have it
        """Tell how a kernel ended, or end it when nobody waits for it any more."""
        if process not in self.kernels:
            return  # settled a moment ago
        if isinstance(source, socket.socket):
            _kill(process)
            self.events.unregister(source)
            return
        _, status = os.waitpid(process, 0)
        self.events.unregister(source)
        os.close(source)
        connection = self.kernels.pop(process)
        with contextlib.suppress(KeyError):
            self.events.unregister(connection)
        with connection, contextlib.suppress(OSError):
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())

    def _end(self) -> None:
        for process in self.kernels:
            _kill(process)
        for process in self.kernels:
            os.waitpid(process, 0)


def _kill(process: int) -> None:
    for kill in (os.killpg, os.kill):  # it leads no group yet when it has only just begun
        with contextlib.suppress(ProcessLookupError):
            kill(process, signal.SIGKILL)


def _import() -> None:
    _import_pandas()
    package = import_module("cxresearch")
    for name in (*_PRELOADED, *sorted({f"cxresearch.{home}" for home in package._HOME.values()})):
        import_module(name)
    sql = import_module("cxresearch.sql")
    for folder in _SQL:
        for file in resources.files("cxresearch").joinpath(folder).iterdir():
            if file.name.endswith(".sql"):
                sql.load(file.name.removesuffix(".sql"), folder)


def _import_pandas() -> None:
    """Import it as if in a kernel: it asks, and shows wide tables otherwise in a terminal."""
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    pandas = import_module("pandas")
    del builtins.get_ipython  # type: ignore[attr-defined]
    pandas.set_option("display.encoding", "UTF-8")  # that of a kernel's output


def _run_kernel(request: Request, server: int) -> None:
    """Be what `python -m ipykernel_launcher` would be, apart from what is imported already."""
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.env)
    sys.argv = ["ipykernel_launcher", *request.arguments]
    import_module("numpy").random.seed()  # or every kernel would draw the same
    from ipykernel.kernelapp import launch_new_instance  # noqa: PLC0415 - heavy

    launch_new_instance(parent_handle=server)
    # Taking apart all that was imported would take a while, for nobody.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def main() -> None:
    """Import, then serve the listening socket whose number is the first argument."""
    _import()
    gc.collect()
    gc.freeze()  # or collecting would copy the pages that kernels share
    server = os.getpid()
    request = _Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    if request:
        _run_kernel(request, server)
