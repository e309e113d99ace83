"""Shares of orders, answers and money: the counts, and the interval against other ways to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_wording import CAUSAL, FUTURE, check_interval, check_whole

from cxresearch.errors import DataError
from cxresearch.scores.shares import Share, shares
from cxresearch.share_table import ShareTable

WORDS = {"name": "returned_orders", "whole_word": "orders", "part_word": "were returned"}
MONEY = WORDS | {"name": "returned_value", "whole_word": "EUR of sales", "amounts": True}


def table(columns: dict[str, Any], group_columns: tuple[str, ...] = (), **words: Any) -> ShareTable:
    return ShareTable.from_counts(pd.DataFrame(columns), group_columns, **(WORDS | words))


def each_alone(part: np.ndarray, whole: np.ndarray, **words: Any) -> ShareTable:
    """One customer per replicate."""
    rows = {"replicate": np.arange(len(part)), "part": part, "whole": whole, "people": 1}
    return table(rows, n_replicates=len(part), **words)


def only(counted: ShareTable, **how: Any) -> Share:
    (result,) = shares(counted, **({"min_group": 1} | how))
    return result


# The counts


def test_rows_of_a_group_and_replicate_add_up() -> None:
    counted = table(
        {"plan": ["b", "a", "a", "a"], "replicate": [3, 0, 0, 255], "part": [1, 2, 3, 4],
         "whole": [5, 6, 7, 8], "people": [2, 3, 4, 5]}, ("plan",),
    )  # fmt: skip
    assert counted.part.shape == counted.whole.shape == counted.people.shape == (2, 256)
    assert counted.groups == (("a",), ("b",))
    assert (counted.part[0, 0], counted.whole[0, 0], counted.people[0, 255]) == (5, 13, 5)
    assert counted.n.tolist() == [12, 2]
    assert counted.to_frame().to_dict("records") == [
        {"plan": "a", "part": 9, "whole": 21, "people": 12},
        {"plan": "b", "part": 1, "whole": 5, "people": 2},
    ]
    assert repr(counted).startswith("ShareTable(returned_orders, groups by plan: 2, 14 customers")


def test_groups_are_pooled_selected_and_added_like_in_any_table() -> None:
    rows = {"plan": list("aab"), "replicate": [0, 1, 0], "part": [1, 2, 3], "whole": [4, 5, 6]}
    counted = table(rows, ("plan",))
    assert counted.pooled().whole.sum() == 15
    assert counted.pooled().part.shape == (1, 256)
    assert counted.select(plan="b").part.tolist()[0][0] == 3
    both = counted + table({"plan": ["c"], "replicate": [7], "part": [1], "whole": [1]}, ("plan",))
    assert both.groups == (("a",), ("b",), ("c",))
    assert both.whole.sum(axis=1).tolist() == [9, 6, 1]
    with pytest.raises(ValueError, match="read-only"):
        counted.part[0, 0] = 5


def test_without_people_each_of_the_whole_is_a_customer() -> None:
    counted = table({"replicate": [0, 1], "part": [1, 2], "whole": [4, 5]})
    assert counted.once
    assert counted.n.tolist() == [9]
    assert not table({"part": [1], "whole": [4], "people": [3]}).once
    assert not table({"part": [4], "whole": [4]}, amounts=True).once


def test_a_part_above_its_whole_is_an_error_that_names_the_group() -> None:
    rows = {"plan": ["a", "b", "c"], "part": [50, 90, 80], "whole": [50, 60, 70]}
    with pytest.raises(DataError) as error:
        table(rows, ("plan",))
    first, second = error.value.problems
    assert first.startswith(
        "plan b: part is 90 of 60 orders, must be at most the whole: count both"
    )
    assert second.startswith("plan c: part is 80 of 70 orders")


def test_a_part_above_its_whole_in_a_small_group_names_neither_label_nor_amount() -> None:
    rows = {"plan": ["Jane Doe", "John Roe"], "part": [987, 7], "whole": [654, 6], "people": [1, 2]}
    with pytest.raises(DataError) as error:
        table(rows, ("plan",))
    assert not {"Jane", "Roe", "987", "654"} & set(str(error.value).replace(":", " ").split())
    assert error.value.problems == (
        "in a group of fewer than 30 customers the part is more than the whole of orders, must be "
        "at most the whole: count both over the same customers and time.",
    )


def test_a_replicate_may_return_more_than_it_bought() -> None:
    counted = table({"replicate": [0, 1], "part": [5.5, 0.5], "whole": [2.5, 30.5]}, amounts=True)
    assert only(counted).share == pytest.approx(6 / 33)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"part": [1]}, "column 'whole' does not exist"),
        ({"part": [-1], "whole": [4]}, "part has -1, must be 0 or more"),
        ({"part": [np.nan], "whole": [4]}, "column 'part' has 1 missing values"),
        ({"part": ["x"], "whole": [4]}, "column 'part' has type .*, must be numbers"),
        ({"part": [1], "whole": [4], "replicate": [256]}, "replicate has 256, must be below 256"),
    ],
)
def test_bad_counts_are_named(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        table(columns)


# The interval


def test_independent_customers_have_wilsons_interval() -> None:
    """Newcombe 1998, table I, method 3: 81 of 263 gives .2553 to .3662, 15 of 148 .0624 to .1605."""
    for part, whole, lower, upper in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        result = only(table({"part": [part], "whole": [whole]}))
        assert (result.share_ci_lower, result.share_ci_upper) == pytest.approx(
            (lower, upper), abs=5e-5
        )
        assert (result.n, result.effective_n) == (whole, whole)


def taylor(part: np.ndarray, whole: np.ndarray) -> float:
    """Standard error of a ratio of sums over customers, linearised (Cochran 1977, §6.4)."""
    n, ratio = len(whole), part.sum() / whole.sum()
    residual = part - ratio * whole
    return float(np.sqrt(n / (n - 1) * (residual**2).sum()) / whole.sum())


def test_clustered_orders_have_the_interval_of_the_linearised_ratio() -> None:
    rng = np.random.default_rng(3)
    whole = rng.integers(1, 9, 400)
    part = rng.binomial(whole, rng.beta(1, 3, 400))
    result = only(each_alone(part, whole))
    error = taylor(part, whole)
    p = part.sum() / whole.sum()
    assert result.effective_n == pytest.approx(p * (1 - p) / error**2, rel=0.03)
    assert result.effective_n < whole.sum()
    middle = (result.share_ci_lower + result.share_ci_upper) / 2
    assert middle == pytest.approx(p, abs=0.005)
    assert result.share_ci_upper - result.share_ci_lower == pytest.approx(3.92 * error, rel=0.04)


def test_money_has_the_interval_of_the_linearised_ratio_and_its_unit_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    whole = rng.lognormal(3, 1, 800)
    part = whole * (rng.random(800) < 0.7)
    result = only(each_alone(part, whole, **MONEY))
    width = result.share_ci_upper - result.share_ci_lower
    assert width == pytest.approx(3.92 * taylor(part, whole), rel=0.05)
    cents = only(each_alone(np.round(100 * part).astype(int), np.round(100 * whole), **MONEY))
    assert cents.share_ci_lower == pytest.approx(result.share_ci_lower, abs=1e-4)
    assert cents.effective_n == pytest.approx(result.effective_n, rel=1e-3)


def test_few_who_hold_most_of_the_money_widen_the_interval() -> None:
    rng = np.random.default_rng(5)
    whole = np.r_[rng.uniform(10, 20, 97), 4000.0, 4500.0, 5000.0]
    part = whole * np.r_[rng.random(97) < 0.5, True, False, True]
    result = only(each_alone(part, whole, **MONEY))
    assert result.n == 100
    assert result.effective_n < 3
    assert result.share_ci_upper - result.share_ci_lower > 0.5


def test_a_few_large_sums_on_one_side_widen_the_interval() -> None:
    """The whole is spread over 200 customers, but 5 of the 12 outside the part hold most of it."""
    whole = np.r_[np.linspace(9, 11, 188), np.full(7, 1.0), np.linspace(90, 110, 5)]
    part = whole * (np.arange(200) < 188)
    result = only(each_alone(part, whole, **MONEY))
    p = part.sum() / whole.sum()
    worth = p * (1 - p) / taylor(part, whole) ** 2
    # t of about 5 degrees of freedom in the place of 1.96: 2.57² / 1.96² = 1.72
    assert result.effective_n == pytest.approx(worth / 1.72, rel=0.1)


def test_totals_of_money_have_no_interval_and_say_so_in_no_word() -> None:
    result = only(table({"part": [30.0], "whole": [40.0], "people": [12]}, **MONEY))
    assert np.isnan([result.share_ci_lower, result.share_ci_upper]).all()
    assert result.sentence() == "Of 100 EUR of sales, 75 were returned."
    counted = only(table({"part": [30], "whole": [40], "people": [12]}))
    assert counted.effective_n == 12


@pytest.mark.parametrize(("part", "ends"), [(0, (0.0, 0.1135)), (30, (0.8865, 1.0))])
def test_all_or_nothing_is_as_sure_as_its_customers(part: int, ends: tuple[float, float]) -> None:
    """Wilson at 0 of 30: z²/(30 + z²) = .1135."""
    whole = np.full(30, 5)
    result = only(each_alone(whole * (part > 0), whole))
    assert (result.share_ci_lower, result.share_ci_upper) == pytest.approx(ends, abs=5e-5)
    assert result.effective_n == 30


def test_everybody_alike_is_not_taken_for_certain() -> None:
    result = only(each_alone(np.full(40, 1), np.full(40, 4)))
    assert result.share == 0.25
    assert result.effective_n == 40
    assert result.share_ci_upper - result.share_ci_lower > 0.2


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=40),
    st.booleans(),
    st.sampled_from([0.5, 0.9, 0.99]),
)
@settings(max_examples=150)
def test_the_share_lies_in_its_interval_and_the_interval_in_0_to_1(
    rows: list[tuple[int, int]], amounts: bool, level: float
) -> None:
    part, whole = (np.array(x) for x in zip(*((min(a, b), b) for a, b in rows), strict=True))
    result = only(each_alone(part, whole, amounts=amounts), confidence_level=level)
    assert 0 <= result.share_ci_lower <= result.share <= result.share_ci_upper <= 1
    wider = only(each_alone(part, whole, amounts=amounts), confidence_level=0.999)
    assert wider.share_ci_lower <= result.share_ci_lower + 1e-12
    assert wider.share_ci_upper >= result.share_ci_upper - 1e-12


@pytest.mark.verify
@pytest.mark.parametrize(("spread", "least"), [(0.5, 0.93), (1.5, 0.93)])
def test_the_interval_of_money_covers_the_truth(spread: float, least: float) -> None:
    rng, covered = np.random.default_rng(8), []
    for _ in range(600):
        whole = rng.lognormal(3, spread, 300)
        part = whole * (rng.random(300) < 0.8)
        replicate = np.arange(300) % 256
        rows = {"replicate": replicate, "part": part, "whole": whole, "people": 1}
        result = only(table(rows, **MONEY))
        covered.append(result.share_ci_lower <= 0.8 <= result.share_ci_upper)
    assert least <= np.mean(covered) <= 0.985


# What is said and shown


def test_a_share_is_said_as_a_natural_frequency_and_found_under_its_name() -> None:
    result = only(table({"part": [81], "whole": [263]}, as_of="2025-06-30"))
    assert result.sentence() == "Of 100 orders, 31 were returned (95 % interval 26 to 37)."
    (finding,) = result.findings()
    assert (finding.id, finding.unit, finding.n, finding.grade) == (
        "returned_orders", "share", 263, "C",
    )  # fmt: skip
    assert finding.value == pytest.approx(81 / 263)
    assert finding.as_of == "2025-06-30"
    check_interval(finding.to_dict())
    assert "31 % (26 to 37 %)" in result._repr_html_()
    with pytest.raises(ValueError, match="lang"):
        result.sentence("xx")


@pytest.mark.parametrize(
    ("column", "label", "said"),
    [
        ("window", "1", "Of 100 orders in the last whole month, "),
        ("window", "3", "Of 100 orders in the last 3 whole months, "),
        ("score_group", "promoter", "Of 100 orders (promoters), "),
        ("score_group", "not satisfied", "Of 100 orders (not satisfied), "),
        ("plan", "pro", "Of 100 orders with plan pro, "),
    ],
)
def test_groups_are_named_in_words(column: str, label: str, said: str) -> None:
    result = only(table({column: [label], "part": [30], "whole": [90]}, (column,)))
    assert result.sentence().startswith(said)
    assert result.findings()[0].group == {column: label}
    assert result.label == label
    check_whole(result.sentence())
    assert not CAUSAL.search(result.sentence())
    assert not FUTURE.search(result.sentence())


def test_small_groups_are_counted_and_never_named() -> None:
    rows = {"plan": ["a", "x@y.z", "c"], "part": [10, 1, 0], "whole": [40, 12, 0]}
    results = shares(table(rows, ("plan",)))
    assert [r.label for r in results] == ["a"]
    assert "2 groups with fewer than 30 customers are not reported." in results.sentence()
    assert "x@y.z" not in results.sentence()
    none = shares(table({"part": [0.0], "whole": [0.0], "people": [50]}, **MONEY))
    assert len(none) == 0
    assert none.findings()[0].id == "not_reported"


def test_customers_and_not_orders_make_a_group_large_enough() -> None:
    assert len(shares(table({"part": [10], "whole": [400], "people": [29]}))) == 0
    assert len(shares(table({"part": [10], "whole": [400], "people": [30]}))) == 1


def test_a_share_of_random_groups_can_bear_their_grade() -> None:
    assert only(table({"part": [30], "whole": [90]}, grade="A")).findings()[0].grade == "A"
