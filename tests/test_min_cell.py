"""Fewer people than the minimum cell are counted nowhere, whatever the minimum is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import runs
from runs import SAMPLE, Shelf

import cxresearch as cx
from cxresearch._html import format_cell
from cxresearch._min_cell import USUAL_MIN_CELL, least_events, min_cell
from cxresearch.errors import CxError
from cxresearch.reports.audit import audit
from cxresearch.retention import retention_curves
from cxresearch.tables import LifeTable

shelf = runs.shelf


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    yield
    cx.use_min_cell(USUAL_MIN_CELL)


@pytest.mark.parametrize("people", [0, -1, 2.5, True, "10"])
def test_what_is_no_count_is_refused(people: object) -> None:
    with pytest.raises(CxError, match=r"^min_cell is .*, must be a whole number from 1: 10 is"):
        cx.use_min_cell(people)  # type: ignore[arg-type]
    assert min_cell() == USUAL_MIN_CELL


@pytest.mark.parametrize("least", [1, 10, 50])
def test_a_table_counts_no_fewer(least: int) -> None:
    cx.use_min_cell(least)
    for count in (0, least, 1000):
        assert format_cell("customers", count) == f"{count:,}"
    if least > 1:
        assert format_cell("customers", least - 1) == f"under {least}"
    assert format_cell("months", 3) == "3"


def test_a_warning_names_no_smaller_count() -> None:
    durations, churned = np.r_[np.full(14, 3), np.full(60, 12)], np.arange(74) < 14
    curve = retention_curves(LifeTable.from_durations(durations, churned))[0]
    assert "Fewer than" not in curve.sentence()
    cx.use_min_cell(20)
    assert least_events() == 20
    assert "Fewer than 20 of them left" in curve.sentence()


def test_so_few_as_the_minimum_asks_for_are_guarded() -> None:
    sizes = [40, 60, 12]
    plan = np.repeat(["basic", "plus", "pro"], sizes)
    table = LifeTable.from_durations(
        np.full(sum(sizes), 6), [True] * sum(sizes), group={"plan": plan.tolist()}
    )
    assert table.split_small(30)[1] == (("pro",),)
    cx.use_min_cell(20)
    shown, small = table.split_small(30)
    assert (shown.groups, small.guards) == ((("plus",),), 1)


@pytest.mark.parametrize("notebook", ["02_retention_curves", "08_churn_reasons"])
def test_a_whole_report_keeps_to_its_minimum(shelf: Shelf, notebook: str) -> None:
    report = shelf.report("coarse", notebook, SAMPLE, min_cell="100", min_group="30")
    found = audit(report.folder, min_cell=100)
    assert found.offences == ()
    usual = audit(shelf.default(notebook).folder, min_cell=100)
    assert usual.offences  # the minimum is what hides them
