"""Where kernels come from: started anew, or forked from a server that has imported already.

Importing takes most of the time that a kernel needs before its first cell. A forked kernel has
imported what our notebooks use, and is in all else what a new one is. Notebooks of others get the
same in plain papermill through the kernelspec `cx-warm`, whose provisioner stands here. A loop of
a shell has to share a server, or every papermill would start its own:
`python -m cxresearch.reports.kernels sh monthly.sh`.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, ClassVar, Final

from jupyter_client.provisioning import LocalProvisioner

from cxresearch._shared import SHARED
from cxresearch.reports._fork_server import LONGEST

__all__ = ["ForkServer", "Kernels", "WarmProvisioner", "open_kernels", "server_of_this_process"]

ADDRESS: Final = "CXRESEARCH_KERNELS"  # names the socket of a server that is shared
# For as many kernels as there are cores, and so that sums come out the same wherever they run.
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
ONE_THREAD: Final = dict.fromkeys(_THREADS, "1")
_WORTHWHILE = 3  # reports; before that, importing once more is quicker than a server
_INLINE = "module://matplotlib_inline.backend_inline"
_LAUNCHER = ["-m", "ipykernel_launcher"]
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
    env = {"MPLBACKEND": _INLINE, **os.environ, **ONE_THREAD}  # all three are read at import
    return subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(listener)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[listener],
        env=env,
        start_new_session=True,  # Ctrl-C is for whoever runs it, who then ends it
    )


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


def scratch_prefix() -> str:
    """Return how temporary folders begin: `opening.scratch` deletes those of a killed process."""
    return f"cxresearch-{os.getpid()}-"


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
