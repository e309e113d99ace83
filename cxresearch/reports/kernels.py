"""Where kernels come from: started anew, or forked from a server that has imported already.

Importing takes most of the time that a kernel needs before its first cell. A forked kernel has
imported what our notebooks use, and is in all else what a new one is. Notebooks of others get the
same in plain papermill through the kernelspec `cx-warm`, whose provisioner stands here. A loop of
a shell has to share a server, or every papermill would start its own:
`python -m cxresearch.reports.kernels sh monthly.sh`.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from time import monotonic
from typing import IO, Any, Final

from jupyter_client.provisioning import LocalProvisioner

from cxresearch._shared import SHARED
from cxresearch.reports._forking import ONE_THREAD, ForkedKernel, ForkServer, scratch_prefix

__all__ = ["ForkServer", "Kernels", "WarmProvisioner", "open_kernels", "server_of_this_process"]

ADDRESS: Final = "CXRESEARCH_KERNELS"  # names the socket of a server that is shared
_WORTHWHILE = 3  # reports; before that, importing once more is quicker than a server
_SOON, _OFTEN = 0.5, 0.005  # seconds that a kernel may take to leave, and between two looks
_LAUNCHER = ["-m", "ipykernel_launcher"]


class Kernels:
    """The kernels of a run: whether they are forked, and a way to end them all at once.

    Safe to use from several threads.

    Parameters
    ----------
    forked
        Whether to fork them from a server, which starts with the first kernel.
    shared
        A private folder for counts that their reports have in common.
    """

    def __init__(self, *, forked: bool = False, shared: str | None = None) -> None:
        self._forked = forked
        self.environment = ONE_THREAD | ({SHARED: shared} if shared else {})
        self._server: ForkServer | None = None
        self._processes: list[subprocess.Popen[bytes] | ForkedKernel] = []
        self._lock = threading.Lock()
        self.ended = False

    @property
    def server(self) -> ForkServer | None:
        """What forks them; None where each is started anew."""
        with self._lock:
            if self._forked and self._server is None and not self.ended:
                self._server = _server()
            return self._server

    def add(self, process: subprocess.Popen[bytes] | ForkedKernel) -> None:
        """Keep a kernel in mind, so that `end` ends it."""
        with self._lock:
            self._processes = [p for p in self._processes if p.poll() is None]
            self._processes.append(process)
            if self.ended:
                _kill(process)

    def end(self) -> None:
        """End every kernel now and start no more: `execute` raises KeyboardInterrupt."""
        with self._lock:
            self.ended = True
            for process in self._processes:
                _kill(process)
            if self._server:
                self._server.close()
            for process in self._processes:
                process.wait()


@contextmanager
def open_kernels(count: int) -> Iterator[Kernels]:
    """Give the kernels for `count` reports; forked where that can be and is worth it.

    They are ended on leaving, with the server that forked them; counts that several reports of
    the run need are made once, and kept until then.
    """
    forked = can_fork() and (count >= _WORTHWHILE or ADDRESS in os.environ)
    with ExitStack() as stack:
        shared = None
        if count > 1:
            folder = tempfile.TemporaryDirectory(
                prefix=scratch_prefix(), ignore_cleanup_errors=True
            )
            shared = stack.enter_context(folder)
        kernels = Kernels(forked=forked, shared=shared)
        stack.callback(kernels.end)
        yield kernels


def can_fork() -> bool:
    """Say whether kernels can be forked here: elsewhere libraries do not stand it."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def _server() -> ForkServer | None:
    """Return the server that the environment names, or a new one; None where there can be none."""
    if address := os.environ.get(ADDRESS):
        return ForkServer(Path(address))
    with suppress(OSError):
        return ForkServer.start()
    return None


def _kill(process: subprocess.Popen[bytes] | ForkedKernel) -> None:
    if process.poll() is None:
        process.kill()


@cache
def server_of_this_process() -> ForkServer | None:
    """Return the server that the environment names, or one that ends with this process."""
    server = _server() if can_fork() else None
    if server:
        atexit.register(server.close)
    return server


class WarmProvisioner(LocalProvisioner):  # type: ignore[misc]
    """Launches kernels by forking, and where that cannot be as ever."""

    server: ForkServer | None = None  # without one, that of the environment or of this process

    async def launch_kernel(self, cmd: list[str], **options: Any) -> dict[str, Any]:  # noqa: ANN401
        """Fork what `cmd` would start, from a server that has imported already."""
        server = self.server or server_of_this_process()
        try:
            if server is None or cmd[1:3] != _LAUNCHER:
                raise OSError("no kernel of ours, or no server")
            kernel = _forked(server, cmd[3:], options)
        except OSError:
            return dict(await super().launch_kernel(cmd, **options))
        self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid
        self.cwd = options.get("cwd") or Path.cwd()
        return dict(self.connection_info)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Wait for the end, which is near: a manager asks for it every 0.1 seconds only."""
        until = monotonic() + self.get_shutdown_wait_time(_SOON)
        while self.process and self.process.poll() is None and monotonic() < until:
            await asyncio.sleep(_OFTEN)


def _forked(
    server: ForkServer, arguments: Sequence[str], options: Mapping[str, Any]
) -> ForkedKernel:
    return server.fork(
        arguments,
        cwd=str(options.get("cwd") or Path.cwd()),
        env=options.get("env") or os.environ,
        outputs=[_descriptor(options.get("stdout"), 1), _descriptor(options.get("stderr"), 2)],
    )


def _descriptor(stream: IO[Any] | int | None, inherited: int) -> int:
    if stream is None:
        return inherited
    return stream if isinstance(stream, int) else stream.fileno()


def main() -> int:
    """Run the command in the arguments with one server for every papermill in it."""
    with open_kernels(_WORTHWHILE) as kernels:
        server = kernels.server
        address = {ADDRESS: str(server.address)} if server else {}
        return subprocess.call(sys.argv[1:], env=os.environ | address)


if __name__ == "__main__":
    sys.exit(main())
