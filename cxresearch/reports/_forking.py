"""Asking the server of kernels for one, and seeing how that one ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

from cxresearch.reports._fork_server import LONGEST

# For as many kernels as there are cores, and so that sums come out the same wherever they run.
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
ONE_THREAD: Final = dict.fromkeys(_THREADS, "1")
# glibc would hand every array of some size back and ask for it anew, page by page.
_KEPT: Final = {"MALLOC_MMAP_THRESHOLD_": str(2**26), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
_INLINE = "module://matplotlib_inline.backend_inline"
_SERVE = "import sys; sys.path.pop(0); from cxresearch.reports._fork_server import main; main()"
_PATIENCE = 5.0  # seconds for a server to leave


class ForkedKernel:
    """A kernel that a server forked, as `subprocess.Popen` would show it."""

    stdin: ClassVar[None] = None
    stdout: ClassVar[None] = None
    stderr: ClassVar[None] = None

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        said = self._said()
        if not said:
            raise ConnectionError("the server of kernels is gone")
        self.pid = int(said)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._ended(socket.MSG_DONTWAIT)

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return int(self._ended(0) or 0)

    def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel, if it is there."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _ended(self, flags: int) -> int | None:
        if self.returncode is None:
            with suppress(BlockingIOError):
                said = self._said(flags)
                # without a word the server itself was killed, which its kernels do not outlive
                self.returncode = int(said) if said else int(-signal.SIGKILL)
                self._connection.close()
        return self.returncode

    def _said(self, flags: int = 0) -> bytes:
        try:
            return self._connection.recv(16, flags)
        except BlockingIOError:
            raise
        except OSError:  # closed: by the server, or by another thread that has seen the end
            return b""


class ForkServer:
    """A server of kernels: its socket, and the process where this one started it."""

    def __init__(self, address: Path, process: subprocess.Popen[bytes] | None = None) -> None:
        self.address = address
        self._process = process

    @property
    def pid(self) -> int | None:
        """Its process, where this one started it."""
        return self._process.pid if self._process else None

    @classmethod
    def start(cls) -> ForkServer:
        """Start one; it imports while the caller goes on.

        Raises
        ------
        OSError
            When there cannot be a socket, for example in a folder with too long a name.
        """
        folder = Path(tempfile.mkdtemp(prefix=scratch_prefix()))  # nobody else may look into it
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
                listener.bind(str(folder / "socket"))
                listener.listen()
                return cls(folder / "socket", _serve(listener.fileno()))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def fork(
        self, arguments: Sequence[str], *, cwd: str, env: Mapping[str, str], outputs: Sequence[int]
    ) -> ForkedKernel:
        """Return a new kernel, once the server has imported.

        Parameters
        ----------
        arguments
            Of ipykernel_launcher.
        cwd, env
            Of the kernel.
        outputs
            Where it writes what it says outside of cells: descriptors of stdout and stderr.

        Raises
        ------
        OSError
            When the server is gone, or could not import.
        """
        request = {"arguments": list(arguments), "cwd": cwd, "env": dict(env)}
        text = json.dumps(request).encode()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
            connection.connect(str(self.address))
            socket.send_fds(connection, [text], outputs)
            return ForkedKernel(connection)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """End the server, and with it every kernel that is left."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.closed:
            return
        process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:  # its kernels see that it is gone
            process.kill()
            process.wait()
        shutil.rmtree(self.address.parent, ignore_errors=True)


def _serve(listener: int) -> subprocess.Popen[bytes]:
    env = {"MPLBACKEND": _INLINE, **_KEPT, **os.environ, **ONE_THREAD}  # read at start or import
    return subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(listener)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[listener],
        env=env,
        start_new_session=True,  # Ctrl-C is for whoever runs it, who then ends it
    )


def scratch_prefix() -> str:
    """Return how temporary folders begin: `opening.scratch` deletes those of a killed process."""
    return f"cxresearch-{os.getpid()}-"
