"""What several tests share."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cxresearch import _looks

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure() -> None:
    """Give Hypothesis the time it takes, and leave out a grammar, as our command does."""
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # over a second


def pytest_collection_finish() -> None:
    """Let the collector pass over what is there before any test."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _own_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no figure of another test decide on the colours of this one."""
    monkeypatch.setattr(_looks, "_PLACES", {})


@pytest.fixture
def shared_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of real data sets, which are not the project's to ship."""
    folder = Path(os.environ.get("CXRESEARCH_DATA", SHARED))
    if not folder.is_dir():
        pytest.skip("the real data sets are not here: set CXRESEARCH_DATA to their folder")
    monkeypatch.setenv("CXRESEARCH_DATA", str(folder))
    return folder
