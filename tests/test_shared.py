"""Counts that the reports of a run share: the very same, made once, and of nobody in particular."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from runs import DATED, write_folder

from cxresearch import sql, write_sample
from cxresearch._cells import steady
from cxresearch._shared import SHARED, recall
from cxresearch.checking import check
from cxresearch.designs import Design
from cxresearch.reports.kernels import open_kernels
from cxresearch.source import Data, open_data, open_frames

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["secret-1", "secret-2", "secret-3"],
        "start_date": ["2024-01-05", "2024-03-01", "2024-02-01"],
        "end_date": ["2024-06-05", "2024-01-01", ""],  # the second left before it came
        "plan": ["basic", "basic", "pro"],
    }
)

# up, down
ORDERS = (np.arange(999), np.arange(999)[::-1])


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setenv(SHARED, str(folder))
    return folder


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("data") / "sample", customers=400, seed=5)


def counted(data: Data, monkeypatch: pytest.MonkeyPatch) -> dict[str, pd.DataFrame]:
    """Return the result of every query, by its text, of much that a report asks for."""
    found: dict[str, pd.DataFrame] = {}
    query = data.query

    def kept(tree: sql.Expression) -> pd.DataFrame:
        return found.setdefault(sql.render(tree), query(tree)).copy()

    monkeypatch.setattr(data, "query", kept)
    check(data)
    data.life_table(["plan"])
    data.life_table(["score_group"], design=Design("current"))
    data.period_table("quarter")
    data.value_table(["score_group"])
    data.invitation_table(["plan"])
    return found


def test_what_is_read_back_is_what_was_counted(
    sample: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as alone, open_data(sample) as data:
        alone.delenv(SHARED)
        wanted = counted(data, alone)
    with open_data(sample) as data:
        first = counted(data, monkeypatch)
        assert data._made
    with open_data(sample) as data:
        second = counted(data, monkeypatch)
        assert not data._made  # nothing was reduced again
    assert len(wanted) == len(first) > len(second) > 20  # rules are shared as a whole
    for text, one in first.items():
        if text in second:
            assert_frame_equal(second[text], one, check_exact=True)
        assert_frame_equal(one, wanted[text], check_exact=True)


def test_without_a_folder_nothing_is_shared(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SHARED, raising=False)
    with open_data(sample) as data:
        data.life_table()
        assert data._made
    monkeypatch.setenv(SHARED, str(tmp_path / "gone"))
    with open_data(sample) as data:
        data.life_table()
        assert data._made


def test_other_data_and_other_questions_are_counted(tmp_path: Path, shared: Path) -> None:
    folder = write_folder(tmp_path / "data", DATED, customers=CUSTOMERS)
    with open_data(folder) as data:
        assert (data.rows("customers"), len(data.life_table(["plan"]).groups)) == (3, 2)
        assert data.life_table().groups == ((),)
    write_folder(tmp_path / "data", DATED, customers=CUSTOMERS.head(1))
    with open_data(folder) as data:
        assert data.rows("customers") == 1


def test_tables_in_memory_are_not_shared(shared: Path) -> None:
    with open_frames({"customers": CUSTOMERS}, as_of="2025-12-31") as data:
        assert data.rows("customers") == 3
    assert list(shared.iterdir()) == []


def test_no_customer_is_in_what_is_shared(tmp_path: Path, shared: Path) -> None:
    folder = write_folder(tmp_path / "data", DATED, customers=CUSTOMERS)
    with open_data(folder) as data:
        examples = [row for offence in check(data).offences for row in offence.rows]
        assert any("secret-2" in row for row in examples)
        assert "secret-1" in data.query_column("customers", "customer_id")
        assert data.known_ids(["secret-3"]) == {"secret-3"}
        data.life_table(["plan"])
    files = list(shared.iterdir())
    assert len(files) > 10
    assert not [path for path in files if b"secret" in path.read_bytes()]


def test_two_who_ask_at_once_count_once(shared: Path) -> None:
    begun, asked, counts = Event(), Event(), pd.DataFrame({"n": [0.1 + 0.2]})
    calls = []

    def first() -> pd.DataFrame:
        begun.set()
        assert asked.wait(60)
        calls.append("first")
        return counts

    def second() -> pd.DataFrame:
        calls.append("second")
        return counts

    def ask(count: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        return recall("key", count)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(ask, first)
        assert begun.wait(60)
        other = pool.submit(ask, second)
        asked.set()
        assert_frame_equal(one.result(), other.result(), check_exact=True)
    assert calls == ["first"]


def test_whoever_fails_leaves_it_to_the_next(shared: Path) -> None:
    def fails() -> pd.DataFrame:
        raise ValueError("a bad query")

    with pytest.raises(ValueError, match="a bad query"):
        recall("key", fails)
    assert recall("key", lambda: pd.DataFrame({"n": [1]}))["n"].tolist() == [1]


def test_a_full_disk_only_costs_time(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    for n in (1, 2):
        assert recall("key", lambda n=n: pd.DataFrame({"n": [n]}))["n"].tolist() == [n]  # type: ignore[misc]


def test_a_run_of_several_reports_shares_and_deletes() -> None:
    with open_kernels(1) as kernels:
        assert SHARED not in kernels.environment
    with open_kernels(2) as kernels:
        folder = Path(kernels.environment[SHARED])
        assert folder.stat().st_mode & 0o077 == 0
        assert folder.stat().st_uid == os.getuid()
    assert not folder.exists()


@pytest.mark.parametrize("digits", [-12, -4, 0])
def test_the_order_of_a_sum_shows_in_no_digit(digits: int) -> None:
    rng = np.random.default_rng(digits + 20)
    amounts = np.round(rng.gamma(2, 20, (200, 999)), 2) * 10.0**digits
    sums = [pd.DataFrame({"amount": [sum(row[order]) for row in amounts]}) for order in ORDERS]
    assert not (sums[0] == sums[1]).all().all()  # each is a little off, in its own way
    assert_frame_equal(steady(sums[0].copy()), steady(sums[1].copy()), check_exact=True)
    np.testing.assert_allclose(steady(sums[0].copy()), sums[0], rtol=1e-12)


def test_what_is_no_sum_stays_as_it_is() -> None:
    odd = [0.0, -0.0, np.nan, np.inf, -np.inf, -12.5, 5e-324, 1.7e308, 10.0, 1e15 + 2.0]
    frame = pd.DataFrame({"amount": odd, "n": range(10), "plan": list("abcdefghij")})
    assert_frame_equal(steady(frame.copy()), frame, check_exact=True)
