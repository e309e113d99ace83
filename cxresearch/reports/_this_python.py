"""The kernel of a report: the very Python that runs this code, reached without a network."""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import ClassVar

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets.config import Config

from cxresearch.reports._forking import scratch_prefix
from cxresearch.reports.kernels import Kernels, WarmProvisioner

__all__ = ["ThisPython", "connection", "log_of"]

_SOCKET_PATH_LIMIT = 80  # a Unix socket's path may have 103 to 107 characters


class _Client(AsyncKernelClient):  # type: ignore[misc]
    """Is ready once the kernel answers and can be heard; others go on to listen for 0.2 seconds."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel is ready.

        Raises
        ------
        RuntimeError
            When it dies, or does not answer within so many seconds.
        """
        until = monotonic() + (math.inf if timeout is None else timeout)
        while not await self._answers():
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _answers(self) -> bool:
        self.kernel_info()
        try:
            await self.get_shell_msg(timeout=1)
            await self.get_iopub_msg(timeout=0.2)
        except Empty:
            return False
        return True


class ThisPython(AsyncKernelManager):  # type: ignore[misc]
    """Starts the Python that runs this code, whatever kernelspecs are installed elsewhere."""

    client_factory = _Client
    kernels: ClassVar[Kernels]
    latest: ClassVar[ThisPython | None] = None

    @classmethod
    def of(cls, kernels: Kernels) -> type[ThisPython]:
        """Return a class of its own for one notebook: nbclient makes the instance itself."""
        return type(cls.__name__, (cls,), {"kernels": kernels})

    @property
    def kernel_spec(self) -> KernelSpec:
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name="Python 3", language="python")

    async def start_kernel(self, **options: object) -> None:
        """Start it with a log for what it says outside of any cell."""
        type(self).latest = self
        if server := self.kernels.server:
            self.provisioner = WarmProvisioner(parent=self, kernel_spec=self.kernel_spec)
            self.provisioner.server = server
        env = os.environ | self.kernels.environment
        with _log(self.connection_file).open("wb") as log:
            await super().start_kernel(**options, env=env, stdout=log, stderr=log)
        self.kernels.add(self.provisioner.process)


@contextmanager
def connection() -> Iterator[Config]:
    """Give the settings of a connection: Unix sockets, with no ports to clash over."""
    with tempfile.TemporaryDirectory(prefix=scratch_prefix()) as folder:  # nobody else can connect
        # a kernel that is slow to leave is ended: nothing is asked of it any more
        settings = {"connection_file": str(Path(folder) / "k.json"), "shutdown_wait_time": 1.0}
        if sys.platform != "win32" and len(folder) < _SOCKET_PATH_LIMIT:
            settings["transport"] = "ipc"
        yield Config({"ThisPython": settings})


def log_of(settings: Config) -> str:
    """Return the end of what the kernel of a connection said outside of any cell."""
    log = _log(settings.ThisPython.connection_file)
    return log.read_text("utf-8", "replace")[-4000:] if log.exists() else ""


def _log(connection_file: str) -> Path:
    return Path(connection_file).with_suffix(".log")
