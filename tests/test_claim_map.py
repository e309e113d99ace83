"""The map of the claim: the closed form on every line of it, and the company's own point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_wording import CAUSAL, FUTURE, check_whole

from cxresearch.errors import DataError
from cxresearch.roi.claim_map import SHOWN_RATES, ClaimMap, claim_map
from cxresearch.roi.constant import uplift
from cxresearch.roi.economics import Economics
from cxresearch.roi.readings import Lift, lifts

TERMS: dict[str, Any] = {
    "annual_discount_rate": 0.10, "first_margin": "now", "horizon": None, "annual_margin": 100.0,
    "acquisition_cost": 0.0, "retention_cost": 0.0, "fixed_cost_share": 0.0,
}  # fmt: skip


def drawn(lift: Lift | None = None, **changed: Any) -> ClaimMap:
    words = {"concept": "customer_value", "target": 0.25, "year": None, "own": 0.85} | {
        name: changed.pop(name) for name in ("concept", "target", "year", "own") if name in changed
    }
    return claim_map(lift or Lift(points=0.05), Economics(**TERMS | changed), **words)


def test_every_cell_is_the_closed_form() -> None:
    found = drawn()
    left = 1 + found.rates[:, None] - found.retention
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(found.retention <= 0.95 + 1e-12, left / (left - 0.05) - 1, np.nan)
    np.testing.assert_allclose(found.uplift[1:], expected[1:], rtol=1e-9)
    assert np.isnan(found.uplift[0, found.retention > 0.951]).all()


@pytest.mark.parametrize(
    ("lift", "edge"),
    [(Lift(points=0.05), lambda d: 0.75 + d), (Lift(relative=0.05), lambda d: 0.8 * (1 + d))],
)
def test_it_holds_from_the_published_edge_on(lift: Lift, edge: Any) -> None:
    """methods M11: points r ≥ 0.75 + d, relative r ≥ 0.8(1 + d), where that is not above 1."""
    for rate, lowest in zip(SHOWN_RATES, drawn(lift).holds_from, strict=True):
        reached = not lift.capped(edge(rate))
        assert lowest == pytest.approx(edge(rate), abs=1e-9) if reached else math.isnan(lowest)


def test_fewer_who_leave_are_enough_nowhere() -> None:
    found = drawn(Lift(fewer_churners=0.05))
    assert all(math.isnan(lowest) for lowest in found.holds_from)
    assert np.nanmax(found.uplift) <= 0.05 / 0.95 + 1e-12
    assert "is nowhere on this map 25 % higher or more" in found.sentence()


def test_the_own_point_is_that_of_the_claim() -> None:
    """claims D: r = .85 and i = 10 % give 25.0, 20.5 and 3.1 %."""
    shown = [round(100 * drawn(lift).own_uplift, 1) for lift in lifts()]
    assert shown == [25.0, 20.5, 3.1]
    assert math.isnan(drawn(own=None).own_uplift)
    assert "Here" not in drawn(own=None).sentence()
    assert drawn(own=(0.83, 0.81, 0.85)).sentence().endswith("at 83 % (81 to 85 %) and 10.0 %, it is 22.7 % higher.")  # fmt: skip


def test_the_own_point_without_a_number_says_so() -> None:
    assert drawn(own=0.97).sentence().endswith("Here retention is 97.0 %, where there is no such number.")  # fmt: skip


@given(st.floats(0.05, 0.99), st.floats(0.02, 0.6))
def test_the_company_is_on_its_map(own: float, rate: float) -> None:
    found = drawn(own=(own, own - 0.04, own), annual_discount_rate=rate)
    assert found.retention[0] <= own - 0.04
    assert found.retention[-1] == 1
    assert found.rates[0] == 0
    assert found.rates[-1] >= rate
    assert found.uplift.shape == (len(found.rates), len(found.retention))


def test_an_entered_rate_has_no_interval() -> None:
    own = drawn(own=0.85).own
    assert own is not None
    assert own[0] == 0.85
    assert np.isnan(own[1:]).all()


def test_profit_of_a_year_does_not_depend_on_the_discount_rate() -> None:
    found = drawn(concept="annual_profit", year=3, acquisition_cost=150.0)
    np.testing.assert_array_equal(
        found.uplift, np.broadcast_to(found.uplift[0], found.uplift.shape)
    )
    terms = Economics(**TERMS | {"acquisition_cost": 150.0})
    at = uplift(Lift(points=0.05), found.retention, terms, "annual_profit", year=3)
    np.testing.assert_array_equal(found.uplift[0], at)


def test_the_table_is_what_is_said() -> None:
    frame = drawn().to_frame()
    np.testing.assert_allclose(frame["threshold_retention_rate"], [0.75, 0.8, 0.85, 0.9, 0.95])
    assert "from 85.0 % at 10 %" in drawn().sentence()
    assert "and at no retention at the other rates" in drawn(Lift(relative=0.05)).sentence()


@pytest.mark.parametrize("lift", lifts(), ids=lambda lift: lift.reading)
@pytest.mark.parametrize("concept", ["customer_value", "net_value", "steady_state"])
def test_no_sentence_claims_a_cause(lift: Lift, concept: str) -> None:
    said = drawn(lift, concept=concept, acquisition_cost=50.0).sentence()
    assert not CAUSAL.search(said)
    assert not FUTURE.search(said)
    check_whole(said)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(DataError) as caught:
        drawn(concept="profit", target=-1, own=85)
    said = str(caught.value)
    for part in ("concept is 'profit'", "target is -1, must be above 0", "own is 85, must be"):
        assert part in said


def test_a_rate_that_was_entered_is_not_rounded_onto_the_edge() -> None:
    """84.8 % is not enough at 10 %, where 85 % is."""
    assert "Here, at 84.8 % and 10.0 %, it is 24.8 % higher." in drawn(own=0.848).sentence()
