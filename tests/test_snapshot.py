"""A snapshot read in the two ways: as if everybody had been followed, and as what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import TELCO

from cxresearch._format import percent_interval
from cxresearch.errors import DataError
from cxresearch.retention import retention_curves
from cxresearch.snapshot import as_snapshot, snapshot_warning
from cxresearch.source import open_data
from cxresearch.tables import LifeTable


def table(tenure: list[int], churned: list[int], **options: object) -> LifeTable:
    return LifeTable.from_durations(tenure, churned, **options)


# Ten customers: tenure, and whether they left in the last month.
TEN = table([1, 1, 1, 2, 2, 3, 3, 3, 3, 3], [1, 0, 0, 1, 0, 1, 1, 0, 0, 0])


@pytest.mark.parametrize(("months", "retained"), [(1, 0.0012), (3, 0.1106)])
def test_telco_collapses_when_read_as_a_snapshot(
    shared_data: Path, months: int, retained: float
) -> None:
    """Computed with lifelines' KaplanMeierFitter, entry = max(tenure − months, 0)."""
    assert shared_data.is_dir()
    with open_data(TELCO) as data:
        life = data.life_table()
    found = snapshot_warning(life, months, 12)
    assert found.value is not None
    assert round(found.value, 4) == retained
    (curve,) = retention_curves(as_snapshot(life, months))
    assert curve.median[0] == months  # 1 and 3 months


def test_a_month_at_a_time_by_hand() -> None:
    """Of those in each month, who left in it: 1 of 3, 1 of 2, 2 of 5."""
    proper = as_snapshot(TEN, 1)
    np.testing.assert_array_equal(proper.at_risk[0, 0], [3, 3, 2, 5])
    (curve,) = retention_curves(proper, min_group=1)
    np.testing.assert_allclose(curve.retained, [1, 2 / 3, 2 / 3 / 2, 2 / 3 / 2 * 3 / 5])
    (usual,) = retention_curves(TEN, min_group=1)
    np.testing.assert_allclose(usual.retained, [1, 9 / 10, 9 / 10 * 6 / 7, 9 / 10 * 6 / 7 * 3 / 5])


def test_two_months_by_hand() -> None:
    """At risk in month 1: the three and the two; in month 2: the two and the five."""
    np.testing.assert_array_equal(as_snapshot(TEN, 2).at_risk[0, 0], [5, 5, 7, 5])


def test_the_sentence_sets_both_readings_side_by_side() -> None:
    found = snapshot_warning(TEN, 1, 2, min_group=10)
    assert (found.id, found.grade, found.unit, found.n) == (
        "retained_as_snapshot",
        "D",
        "share",
        10,
    )
    assert found.group == {"tenure": "2"}
    assert found.value == pytest.approx(1 / 3)
    assert found.ci_lower is not None
    assert found.ci_upper is not None
    shown = percent_interval(found.value, found.ci_lower, found.ci_upper)
    assert (
        f"in the last month. Counted only for that time, the same file gives {shown} after 2 "
        in (found.sentence)
    )
    assert "not 77 %: a snapshot cannot tell" in found.sentence
    assert "the last 2 months" in snapshot_warning(TEN, 2, 2, min_group=10).sentence
    assert "after 1 month, " in snapshot_warning(TEN, 1, 1, min_group=10).sentence


def test_the_level_is_kept() -> None:
    wide = snapshot_warning(TEN, 1, 2, min_group=1, confidence_level=0.99)
    narrow = snapshot_warning(TEN, 1, 2, min_group=1, confidence_level=0.5)
    assert (wide.confidence_level, narrow.confidence_level) == (0.99, 0.5)
    assert wide.ci_lower is not None
    assert narrow.ci_lower is not None
    assert wide.ci_lower < narrow.ci_lower


def test_a_tenure_beyond_the_file_is_brought_back() -> None:
    assert snapshot_warning(TEN, 1, 600, min_group=1).group == {"tenure": "3"}


def test_groups_are_pooled() -> None:
    split = table([1, 1, 2], [1, 0, 0], group={"plan": ["a", "b", "b"]})
    whole = table([1, 1, 2], [1, 0, 0])
    assert snapshot_warning(split, 1, 1, min_group=1) == snapshot_warning(whole, 1, 1, min_group=1)


def test_a_small_file_has_no_number() -> None:
    found = snapshot_warning(TEN, 1, 2)
    assert (found.value, found.ci_lower, found.ci_upper, found.n) == (None, None, None, None)
    assert found.sentence.startswith("The flag says who left in the last month: a snapshot cannot")


def test_a_tenure_that_nobody_has_ends_the_comparison() -> None:
    """Month 3 is empty: what is known of months 1 and 2 is said, and nothing beyond."""
    gap = table([1] * 20 + [2] * 20 + [4] * 20, [1, 0] * 30)
    found = snapshot_warning(gap, 1, 12)
    assert found.group == {"tenure": "2"}
    assert found.value == pytest.approx(1 / 4)
    nobody_new = table([3] * 20 + [4] * 20, [1, 0] * 20)
    assert snapshot_warning(nobody_new, 1, 12).value is None


@pytest.mark.parametrize("months", [0, -1])
def test_months_below_one(months: int) -> None:
    with pytest.raises(DataError, match=rf"months == {months}, must be at least 1"):
        as_snapshot(TEN, months)


def test_late_entry_is_refused() -> None:
    with pytest.raises(DataError, match="nobody may have entered late"):
        as_snapshot(table([3, 4], [1, 0], entry=[0, 2]), 1)
    with pytest.raises(DataError, match="nobody may have entered late"):
        as_snapshot(as_snapshot(TEN, 1), 1)


people = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=60)
@given(people, st.integers(1, 40))
def test_everybody_is_at_risk_for_so_many_months_and_no_more(
    customers: list[tuple[int, bool]], months: int
) -> None:
    tenure, churned = (list(each) for each in zip(*customers, strict=True))
    proper = as_snapshot(table(tenure, churned), months)
    reference = table(tenure, churned, entry=[max(t - months, 0) for t in tenure])
    for name in ("entered", "churned", "censored", "at_risk"):
        np.testing.assert_array_equal(getattr(proper, name), getattr(reference, name))
    assert proper.at_risk[..., 1:].sum() == sum(min(t, months) for t in tenure)


@settings(max_examples=60)
@given(people, st.integers(1, 3), st.integers(1, 40))
def test_any_snapshot_gets_its_warning(
    customers: list[tuple[int, bool]], months: int, tenure: int
) -> None:
    found = snapshot_warning(
        table(*(list(each) for each in zip(*customers, strict=True))), months, tenure, min_group=1
    )
    assert found.sentence.endswith("serve only to compare groups.")
    assert found.value is None or 0 <= found.value <= 1
