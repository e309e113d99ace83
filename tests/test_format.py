import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch import _format as words
from cxresearch._html import MAX_ROWS, format_cell, html_table

nan = math.nan


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0.8432, 0.8342, 0.8518), "84 % (83 to 85 %)"),
        ((0.8432, 0.8412, 0.8452), "84.3 % (84.1 to 84.5 %)"),
        ((0.8, 0.4, 0.95), "80 % (40 to 95 %)"),
        ((1.0, 0.9, 1.0), "100 % (90 to 100 %)"),
        ((0.5, nan, nan), "50 %"),
        ((nan, nan, nan), "–"),
    ],
)
def test_percent_with_interval(arguments, text):
    assert words.percent_interval(*arguments) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((34, 33, 36, "month"), "34 months (33 to 36)"),
        ((28.42, 28.31, 28.53, "month"), "28.4 months (28.3 to 28.5)"),
        ((1.2, 0.8, 1.9, "percentage point"), "1 percentage point (1 to 2)"),
        ((34, 33, nan, "month"), "34 months (33 to not reached)"),
        ((12, nan, nan, "month"), "12 months"),
    ],
)
def test_quantity(arguments, text):
    assert words.quantity(*arguments) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((1237.2, 1181.0, 1301.0, "EUR"), "EUR 1,240 (1,180 to 1,300)"),
        ((1237.2, 1201.0, 1271.0, "EUR"), "EUR 1,240 (1,200 to 1,270)"),
        ((12345.0, nan, nan, "JPY"), "JPY 12,000"),
        ((0.0, nan, nan, "JPY"), "JPY 0"),
        ((1234.5, 1200.0, 1260.0, None), "1,230 (1,200 to 1,260)"),
    ],
)
def test_money(arguments, text):
    assert words.money(*arguments) == text


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ({}, ""),
        ({"plan": "basic", "region": "north"}, " with plan basic, region north"),
        ({"score_group": "promoter"}, " (promoters)"),
        ({"plan": "basic", "score_group": "passive"}, " (passives) with plan basic"),
        ({"score_group": "no answer"}, " with score group no answer"),
    ],
)
def test_a_group_stands_after_its_population(group, text):
    assert words.with_group(group) == text


@given(st.floats(0, 1), st.floats(1e-4, 0.4))
def test_an_interval_is_one_to_ten_units_wide(share, half):
    unit = words.rounding_unit(share - half, share + half, coarsest=1.0)
    assert 1 - 1e-6 <= 2 * half / unit < 10 + 1e-6


@given(st.floats(0, 1), st.floats(0, 0.5))
def test_natural_frequency_holds_together(share, half):
    whole, some, spread = words.out_of(share, max(share - half, 0), min(share + half, 1))
    low, high = (int(x.replace(",", "")) for x in spread.split(" to "))
    assert low <= int(some.replace(",", "")) <= high <= int(whole.replace(",", ""))
    assert re.fullmatch(r"1(0|,?000?)+|100", whole)


def test_small_words():
    assert words.and_list(["a"]) == "a"
    assert words.and_list(["a", "b", "c"]) == "a, b and c"
    assert words.and_list([]) == ""
    assert words.number(-0.0001) == "0"
    assert words.number(1234567.0) == "1,234,567"
    assert words.level_words(0.95) == "95 %"
    assert words.p_value(0.00131) == "p = 0.0013"
    assert words.p_value(1e-9) == "p < 0.0001"
    assert words.group_words({"nps_group": "promoter", "plan": "a"}) == "nps group promoter, plan a"
    assert words.plain("a\x00\tb\n") == "a\ufffd\ufffdb\n"


@pytest.mark.parametrize(
    ("column", "values", "text"),
    [
        ("retained", (0.8432, 0.8342, 0.8518), "84 % (83 to 85 %)"),
        ("churn_rate", (0.051,), "5 %"),
        ("n", (7043,), "7,043"),
        ("logrank_p_value", (0.00131,), "0.0013"),
        ("p_value", (1e-9,), "< 0.0001"),
        ("expected", (91.58,), "91.6"),
        ("restricted_mean", (324.05, 280.3, 367.8), "324 (280 to 368)"),
        ("anything", (None,), "–"),
        ("anything", (nan,), "–"),
        ("plan", ("007",), "007"),
        ("active", (True,), "True"),
    ],
)
def test_cells_are_formatted_by_name(column, values, text):
    assert format_cell(column, *values) == text


def test_fewer_than_one_is_none():
    assert words.fewer_than(1_000, "customers") == "fewer than 1,000 customers"
    assert words.fewer_than(1, "customers") == words.fewer_than(0, "customers") == "no customers"


def test_table_joins_intervals_scopes_headers_and_escapes():
    frame = pd.DataFrame(
        {
            "plan<": ["<i>"],
            "retained": [0.8],
            "retained_ci_lower": [0.7],
            "retained_ci_upper": [0.9],
        }
    )
    html = html_table(frame, caption="A & B")
    assert '<th scope="col">plan&lt;</th><th scope="col" class="cx-number">retained</th>' in html
    assert '<th scope="row">&lt;i&gt;</th><td class="cx-number">80 % (70 to 90 %)</td>' in html
    assert "<caption>A &amp; B</caption>" in html
    assert "ci" not in re.sub("<[^>]*>", "", html)


def test_long_tables_are_cut_and_say_so():
    html = html_table(pd.DataFrame({"n": range(MAX_ROWS + 5)}))
    assert "… and 5 more rows" in html
    assert html.count("<tr>") == MAX_ROWS + 2


def test_no_share_has_more_digits_than_a_thousandth_of_a_percent() -> None:
    assert words.percent_interval(3e-40, 1e-42, 2e-38) == "0.000 % (0.000 to 0.000 %)"


def test_parameters_have_the_digits_of_papers() -> None:
    assert words.parameter_interval(0.66809, 0.4928, 0.9057) == "0.6681 (0.4928 to 0.9057)"
    assert words.parameter_interval(15.1919, 10, 2345.6) == "15.19 (10.00 to 2,345.60)"
    assert words.parameter_interval(float("nan"), 0, 1) == "–"


def test_a_label_cannot_turn_its_row_around():
    table = html_table(pd.DataFrame({"\u202ex": ["\u202eevil"]}))
    assert "\u202e" not in table
    assert "\N{REPLACEMENT CHARACTER}evil" in table
