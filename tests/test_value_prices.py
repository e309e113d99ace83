from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_wording import CAUSAL, FUTURE, check_whole

from cxresearch.errors import DataError, NotEnoughError
from cxresearch.unit_costs import UnitCosts
from cxresearch.value.prices import APART, ENTERED, IN_DATA, ITEMS, LEFT_OUT, Prices, prices
from cxresearch.value_table import MONEY, ValueTable

LEDGER = UnitCosts(12.5, 3.0, 150.0, "2025-01", "2025-12", "EUR")


def table(**words: object) -> ValueTable:
    zero = np.zeros((1, 2, 2), dtype=int)
    life = {"entered": zero.copy(), "churned": zero, "censored": zero.copy()}
    life["entered"][..., 0] = life["censored"][..., 1] = 5
    counts = life | dict.fromkeys(MONEY, zero)
    return ValueTable((), ((),), **counts, **{"currency": "EUR"} | words)  # type: ignore[arg-type]


def sources(found: Prices) -> dict[str, str]:
    frame = found.to_frame()
    return dict(zip(frame["item"], frame["where_from"], strict=True))


# Where a price comes from


def test_what_the_data_say_is_taken() -> None:
    found = prices(table(), LEDGER)
    assert found == Prices(None, None, 12.5, 3.0, 150.0, 150.0, "EUR", (), ())
    assert not found.assumed
    assert found.sentence() == "All prices are from the data."
    assert sources(found) == {
        "contribution margin": IN_DATA,
        ITEMS["cost_per_ticket"]: IN_DATA,
        ITEMS["cost_per_month"]: IN_DATA,
        ITEMS["referral_value"]: IN_DATA,
        ITEMS["acquisition_cost"]: APART,
    }


def test_what_is_entered_goes_before_what_the_data_say() -> None:
    found = prices(
        table(), LEDGER, margin_share=0.4, cost_per_ticket=20, cost_per_month=1, referral_value=60
    )
    assert (found.margin_share, found.cost_per_ticket) == (0.4, 20)
    assert (found.cost_per_month, found.referral_value) == (1, 60)
    assert found.acquisition_cost == 150
    assert found.entered == ("margin_share", "cost_per_ticket", "cost_per_month", "referral_value")
    assert found.assumed
    assert [sources(found)[ITEMS[name]] for name in found.entered] == [ENTERED] * 4
    assert "contribution margin" not in sources(found)
    said = found.sentence()
    assert "contribution margin, share of revenue (40.0 %)" in said
    assert "cost of a ticket (EUR 20)" in said


def test_the_table_has_the_currency_and_no_gap_where_the_data_hold_the_margin() -> None:
    page = prices(table(), LEDGER, cost_per_month=1.19318)._repr_html_()
    cells = ("of each bill", "EUR 12.50", "EUR 1.19", "EUR 150")
    assert [cell for cell in cells if f">{cell}</td>" not in page] == []
    page = prices(table(currency=None), margin_share=0.35)._repr_html_()
    assert ">35.0 %</td>" in page
    assert page.count(">–</td>") == 3


def test_what_nothing_says_is_left_out_and_named() -> None:
    found = prices(table())
    assert found.lacking == ("cost_per_ticket", "cost_per_month", "referral_value")
    assert not found.assumed
    assert [sources(found)[ITEMS[name]] for name in found.lacking] == [LEFT_OUT] * 3
    assert found.sentence().startswith("Left out, since the data do not say it: cost of a ticket,")


def test_a_price_of_what_the_data_do_not_hold_is_left_out() -> None:
    """Neither the ledger's nor an entered price of tickets counts where there are no tickets."""
    bare = table(has_tickets=False, has_referrals=False)
    found = prices(bare, LEDGER, cost_per_ticket=20, referral_value=60)
    assert (found.cost_per_ticket, found.referral_value) == (None, None)
    assert found.entered == ()
    assert found.lacking == ("cost_per_ticket", "referral_value")


@pytest.mark.parametrize(
    ("held", "entered", "expected"),
    [
        ({}, {}, (None, None)),
        ({"has_margin": False}, {"margin_share": 0.3}, (0.3, None)),
        ({"has_margin": False}, {"monthly_margin": 25}, (None, 25)),
        ({"has_margin": False, "has_revenue": False}, {"monthly_margin": 25}, (None, 25)),
    ],
)
def test_the_margin_is_in_the_data_or_entered(
    held: dict[str, bool], entered: dict[str, float], expected: tuple[float | None, float | None]
) -> None:
    found = prices(table(**held), **entered)
    assert (found.margin_share, found.monthly_margin) == expected
    assert found.entered == tuple(entered)


def test_a_cost_that_the_data_say_can_be_left_out_as_an_assumption() -> None:
    found = prices(table(), LEDGER, cost_per_ticket=1e-9)
    assert found.cost_per_ticket == 1e-9
    assert (found.entered, found.lacking) == (("cost_per_ticket",), ())


def test_the_currency_is_that_of_the_bills_or_of_the_ledger() -> None:
    assert prices(table(currency=None), LEDGER).currency == "EUR"
    assert prices(table()).currency == "EUR"
    assert prices(table(currency=None)).currency is None


def test_the_cost_of_winning_a_customer_stays_apart() -> None:
    (found,) = prices(table(), LEDGER).findings()
    assert (found.id, found.value, found.unit, found.group) == ("acquisition_cost", 150, "EUR", {})
    assert "spent already" in found.sentence
    check_whole(found.sentence)
    assert not CAUSAL.search(found.sentence)
    assert prices(table()).findings() == ()


def test_words_claim_no_cause() -> None:
    some = prices(table(has_referrals=False), cost_per_ticket=3)
    for said in (some.sentence(), prices(table(), LEDGER).sentence()):
        check_whole(said)
        assert not CAUSAL.search(said)
        assert not FUTURE.search(said)
    assert "<table" in some._repr_html_()


# Errors


@pytest.mark.parametrize(
    ("held", "entered", "message"),
    [
        (
            {},
            {},
            "The data hold no revenue, must say what a bill contributes: enter monthly_margin",
        ),
        ({"has_revenue": True}, {}, "hold revenue but no contribution margin.*enter margin_share"),
        ({}, {"margin_share": 0.4}, "hold no revenue"),
    ],
)
def test_without_a_margin_it_is_said_what_to_bring_or_enter(
    held: dict[str, bool], entered: dict[str, float], message: str
) -> None:
    with pytest.raises(NotEnoughError, match=message):
        prices(table(**{"has_margin": False, "has_revenue": False} | held), **entered)


@pytest.mark.parametrize(
    ("entered", "message"),
    [
        ({"margin_share": 40}, "margin_share is 40, must be a share from 0 to 1: write 0.4"),
        ({"cost_per_ticket": -5}, "cost_per_ticket is -5, must be an amount from 0"),
        ({"cost_per_month": float("nan")}, "cost_per_month is nan"),
        ({"referral_value": float("inf")}, "referral_value is inf"),
        ({"margin_share": 0.4, "monthly_margin": 9}, "must be one or the other"),
    ],
)
def test_a_price_that_breaks_its_rule_is_refused(entered: dict[str, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        prices(table(), **entered)


def test_all_that_is_wrong_is_said_at_once() -> None:
    dollars = replace(LEDGER, currency="USD")
    with pytest.raises(DataError) as raised:
        prices(table(), dollars, margin_share=40, cost_per_ticket=-1, monthly_margin=-2)
    assert len(raised.value.problems) == 5
    assert "revenue is in 'EUR' and costs are in 'USD'" in str(raised.value)
