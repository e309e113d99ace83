"""Reports that need not be made again: nothing that they depend on has changed.

The key of a report is a digest of its notebook, of this package's own files, of the libraries
that compute and draw, of its parameters and language, and of the content of all data and files
that the parameters name. It is kept with the report, together with a digest of the files written,
so that a page which somebody cut short or changed is made again, too.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import cxresearch
from cxresearch.errors import CxError
from cxresearch.findings import FILE
from cxresearch.fingerprint import data_fingerprint
from cxresearch.reports.plan import DATA, Job, seen_from_here

__all__ = ["Keys", "digest_of", "reads"]

_PACKAGE: Final = Path(cxresearch.__file__).parent
_LIBRARIES: Final = (
    "numpy", "scipy", "pandas", "statsmodels", "lifelines", "duckdb", "sqlglot", "matplotlib",
    "matplotlib-fontja", "pillow", "babel", "ipykernel", "papermill", "nbconvert", "mistune",
    "latex2mathml",
)  # fmt: skip


class Keys:
    """Tells the keys of the reports of one run; what several depend on is read once."""

    def __init__(self) -> None:
        self._content: dict[Path, str | None] = {}

    def of(self, job: Job) -> str | None:
        """Return the key of a report; None where it cannot be told what it depends on."""
        read = {name: self._read(path, job) for name, path in _paths(job)}
        if job.notebook.wants_data and read.get(DATA) is None:
            return None
        try:
            notebook = digest_of([job.notebook.path.read_bytes()])
        except OSError:
            return None
        whole = [notebook, _package(), _versions(), job.lang, job.settings, read]
        return digest_of([json.dumps(whole, sort_keys=True).encode()])

    def _read(self, path: Path, job: Job) -> str | None:
        if _reports(path):  # which other reports of the same run may have written meanwhile
            return _reports_digest(path, without=job.notebook.name)
        if path not in self._content:
            self._content[path] = _content(path)
        return self._content[path]


def reads(job: Job, folder: Path) -> bool:
    """Tell whether a report reads what other reports leave in a folder."""
    there = folder.resolve()
    found = (path.resolve() for _, path in _paths(job))
    return any(path == there or there in path.parents for path in found)


def digest_of(parts: Iterable[bytes]) -> str:
    """Return a SHA-256 over some parts, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _paths(job: Job) -> Iterator[tuple[str, Path]]:
    """Yield the files and folders that parameters name, each with where it stands."""
    for name, value in job.settings.items():
        texts = value if isinstance(value, list) else [value]
        for place, text in enumerate(texts):
            path = seen_from_here(text) if isinstance(text, str) and text else None
            if path is not None:
                yield (f"{name} {place}" if isinstance(value, list) else name), path


def _content(path: Path) -> str | None:
    """Return a digest of what is at a path; None where it cannot be read."""
    try:
        if path.suffix == ".toml" or (path / "data.toml").is_file():
            return data_fingerprint(path)
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        return digest_of(str(state).encode() for state in _states(path))
    except (OSError, CxError):
        return None


def _states(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    # of a folder that nothing is known about, which may be large: whoever writes changes these
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            seen = path.stat()
            yield str(path.relative_to(folder)), seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _reports(path: Path) -> bool:
    return path.is_dir() and any(path.glob(f"*.{FILE}"))


def _reports_digest(folder: Path, *, without: str) -> str:
    """Return a digest of a folder's reports, except those of the notebook that reads them."""
    own = f"{without}."
    found = sorted({*folder.glob("*.ipynb"), *folder.glob(f"*.{FILE}")})
    files = [path for path in found if not path.name.startswith(own)]
    return digest_of(part for path in files for part in (path.name.encode(), path.read_bytes()))


@cache
def _package() -> str:
    """Return a digest of the code, texts and templates that make a report."""
    files = (path for path in sorted(_PACKAGE.rglob("*")) if path.is_file())
    sources = [path for path in files if path.suffix != ".pyc"]
    named = ((str(path.relative_to(_PACKAGE)).encode(), path.read_bytes()) for path in sources)
    return digest_of(part for pair in named for part in pair)


@cache
def _versions() -> str:
    return " ".join([sys.version, *(f"{name} {_version(name)}" for name in _LIBRARIES)])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
