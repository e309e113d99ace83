"""What several tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of real data sets, which are not the project's to ship."""
    folder = Path(os.environ.get("CXRESEARCH_DATA", SHARED))
    if not folder.is_dir():
        pytest.skip("the real data sets are not here: set CXRESEARCH_DATA to their folder")
    monkeypatch.setenv("CXRESEARCH_DATA", str(folder))
    return folder
