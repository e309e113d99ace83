import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.errors import DataError
from cxresearch.tables import LifeTable, PeriodTable

COUNTS = ("entered", "churned", "censored", "at_risk")
ROW = st.tuples(  # entry, time at risk, churned, group, replicate
    st.integers(0, 6),
    st.integers(1, 6),
    st.booleans(),
    st.sampled_from(["basic", "premium", None]),
    st.integers(0, 255),
)
ROWS = st.lists(ROW, min_size=1, max_size=40)
quick = settings(max_examples=60)


def life(rows, **extra):
    entry, length, churned, group, replicate = zip(*rows, strict=True)
    exits = np.add(entry, length)
    names = pd.Series(group, name="plan", dtype=object)
    return LifeTable.from_durations(
        exits, churned, entry=entry, group=names, replicate=[*replicate[:-1], 255], **extra
    )


def same(a, b):
    assert a.groups == b.groups
    for name in COUNTS:
        np.testing.assert_array_equal(a.counts(name), b.counts(name))


def one(entered, churned, censored, **extra):
    arrays = (np.array(x).reshape(1, 1, -1) for x in (entered, churned, censored))
    return LifeTable((), ((),), *arrays, **extra)


def test_at_risk_counts_entry_before_and_exit_from_the_tenure_on():
    table = LifeTable.from_durations([3, 5, 5], [True, False, True], entry=[0, 2, 4])
    assert table.at_risk[0, 0].tolist() == [1, 1, 1, 2, 1, 2]


@given(ROWS)
@quick
def test_at_risk_equals_counting_rows_one_by_one(rows):
    table = life(rows).pooled()
    entry = np.array([r[0] for r in rows])
    exits = entry + [r[1] for r in rows]
    for tenure in range(1, exits.max() + 1):
        expected = ((entry < tenure) & (tenure <= exits)).sum()
        assert table.at_risk[0, :, tenure].sum() == expected


@given(ROWS, ROWS)
@quick
def test_pooling_two_tables_is_one_table_of_all_rows(first, second):
    first[-1], second[-1] = (*first[-1][:4], 255), (*second[-1][:4], 255)
    pooled = (life(first) + life(second)).pooled()
    same(pooled, life(first + second).pooled())


@given(ROWS, st.randoms())
@quick
def test_order_of_rows_does_not_matter(rows, random):
    rows[-1] = (*rows[-1][:4], 255)
    mixed = rows.copy()
    random.shuffle(mixed)
    frames = [life(r) for r in (rows, mixed)]
    np.testing.assert_array_equal(frames[0].at_risk.sum(1), frames[1].at_risk.sum(1))
    assert frames[0].groups == frames[1].groups


@given(ROWS)
@quick
def test_duplicated_rows_equal_weights_of_two(rows):
    entry, length, churned, *_ = zip(*rows, strict=True)
    exits = np.add(entry, length)
    double = LifeTable.from_durations(np.tile(exits, 2), churned * 2, entry=entry * 2)
    weighted = LifeTable.from_durations(exits, churned, entry=entry, weights=[2.0] * len(rows))
    assert weighted.weighted
    assert not double.weighted
    same(double, weighted)


@given(ROWS)
@quick
def test_from_counts_of_the_counts_is_the_same_table(rows):
    table = life(rows)
    index = [(g, r, t) for g, r, t in np.ndindex(table.entered.shape)]
    frame = pd.DataFrame(
        {
            "plan": [table.groups[g][0] for g, _, _ in index],
            "replicate": [r for _, r, _ in index],
            "tenure": [t for _, _, t in index],
            **{n: table.counts(n).ravel() for n in LifeTable.count_fields},
        }
    )
    same(LifeTable.from_counts(frame, ["plan"]), table)


@given(ROWS)
@quick
def test_lifelines_rows_have_the_same_risk_sets(rows):
    table = life(rows)
    frame = table.to_lifelines()
    back = LifeTable.from_durations(
        frame["durations"],
        frame["churned"],
        entry=frame["entry"],
        weights=frame["weights"],
        group=frame[["plan"]],
    )
    length = back.at_risk.shape[-1]
    np.testing.assert_allclose(back.at_risk[:, 0, 1:], table.at_risk.sum(1)[:, 1:length])
    np.testing.assert_allclose(back.churned[:, 0], table.churned.sum(1)[:, :length])
    assert table.at_risk[..., length:].sum() == 0


def test_sums_of_integers_that_come_as_floats_stay_counts():
    frame = pd.DataFrame(
        {"tenure": [0, 2], "entered": [5.0, 0.0], "churned": [0.0, 3.0], "censored": [0.0, 2.0]}
    )
    table = LifeTable.from_counts(frame)
    assert not table.weighted
    assert table.n_replicates == 1
    assert table.n.tolist() == [5]


def test_from_counts_sums_duplicates_and_shows_missing_labels():
    frame = pd.DataFrame(
        {
            "plan": ["b", None, "b", np.nan],
            "region": ["n", "n", "n", "n"],
            "replicate": [0, 1, 0, 1],
            "tenure": [0, 0, 1, 1],
            "entered": [2, 1, 0, 0],
            "churned": [0, 0, 2, 0],
            "censored": [0, 0, 0, 1],
        }
    )
    table = LifeTable.from_counts(frame, ["plan", "region"], as_of="2025-12-31")
    assert table.groups == (("(missing)", "n"), ("b", "n"))
    assert table.n.tolist() == [1, 2]
    assert table.labels(1) == {"plan": "b", "region": "n"}
    assert table.pooled("region").groups == (("n",),)
    assert table.to_frame().query("tenure == 1")["at_risk"].tolist() == [1, 2]


def test_leading_zeros_survive_in_labels():
    table = LifeTable.from_durations([1, 2], [1, 0], group={"store": ["007", "7"]})
    assert table.groups == (("007",), ("7",))


def test_select_and_split_small_keep_the_right_groups():
    plans = ["a"] * 9 + ["b"] * 5 + ["c"] * 6
    table = LifeTable.from_durations([2] * 20, [1] * 20, group={"plan": plans})
    assert table.select(plan="b").n.tolist() == [5]
    large, small = table.split_small(7)
    assert large.groups == (("a",),)
    assert (small, small.guards) == ((("b",), ("c",)), 0)
    assert table.take([]).n.tolist() == []


@pytest.mark.parametrize(
    ("sizes", "least", "shown", "guards"),
    [
        ((20, 15, 4), 12, ("a",), 1),  # 4 are the total less the others
        ((20, 5, 4), 5, ("a",), 1),
        ((20, 15, 0), 12, ("a", "b"), 0),  # nobody is nobody's secret
        ((20, 6, 5), 12, ("a",), 0),  # two together are 11
        ((6, 5, 4), 12, (), 0),
    ],
)
def test_the_total_does_not_give_a_hidden_group_away(
    sizes: tuple[int, ...], least: int, shown: tuple[str, ...], guards: int
) -> None:
    table = LifeTable.from_durations([2] * 3, [1] * 3, group={"plan": ["a", "b", "c"]})
    large, small = table.split_small(least, np.array(sizes))
    assert (tuple(label for (label,) in large.groups), small.guards) == (shown, guards)
    hidden = sum(n for n, name in zip(sizes, "abc", strict=True) if (name,) in small)
    assert not 0 < hidden < min(least, 10)


def test_counts_are_frozen_and_the_caller_s_array_is_not():
    mine = np.array([[[2, 0]]])
    table = LifeTable((), ((),), mine, [[[0, 1]]], [[[0, 1]]])
    mine[0, 0, 0] = 99
    assert table.n.tolist() == [2]
    with pytest.raises(ValueError, match="read-only"):
        table.entered[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        table.at_risk[0, 0, 0] = 1


def test_pooled_dates_are_the_earlier_and_lengths_are_padded():
    a = one([2, 0], [0, 1], [0, 1], as_of="2025-12-31")
    b = one([1, 0, 0], [0, 0, 1], [0, 0, 0], as_of="2025-06-30")
    assert (a + b).as_of == "2025-06-30"
    assert (a + b).at_risk[0, 0].tolist() == [3, 3, 1]


def test_repr_is_short_and_html_is_escaped():
    table = LifeTable.from_durations([1], [1], group={"plan": ["<b>x</b>"]})
    assert len(repr(table)) < 160
    assert "&lt;b&gt;x&lt;/b&gt;" in table._repr_html_()
    assert "<b>" not in table._repr_html_()


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (([1, 0], [0, 2], [0, -1]), r"censored has -1, must be 0 or more"),
        (([1, 0, 0], [0, 2, 0], [0, 0, 0]), r"tenure 1 in replicate 0 \(2 against 1\), must be"),
        (([3, 0], [0, 1], [0, 1]), r"3 customers entered but 2 churned or were censored"),
        (([1, 0], [0, 1], [0, 0, 0]), r"censored has shape \(1, 1, 3\), must be \(1, 1, 2\)"),
    ],
)
def test_impossible_counts_are_refused(counts, message):
    with pytest.raises(DataError, match=message):
        one(*counts)


def test_all_problems_of_rows_are_named_at_once():
    with pytest.raises(DataError) as error:
        LifeTable.from_durations([3, -1, 5.5], ["Yes", "No", "?"], entry=[1, 2, np.nan])
    assert len(error.value.problems) == 3
    assert "durations has 2 values such as -1.0 (row 1)" in str(error.value)
    assert "churned has ['Yes', 'No', '?'], must be True or False" in str(error.value)
    with pytest.raises(DataError, match=r"churned has \[1.0, 0.0\], must be True or False"):
        LifeTable.from_durations([3, 1], [1.0, 0.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([2, 5], [1, 0], [3, 1]), "1 customers exit before or at their entry .first: row 0"),
        (([2, 5], [1, 0], [2, 1]), "1 customers exit before or at their entry"),
        (([2, 5], [1], [0, 0]), r"shapes \(2,\), \(1,\) and \(2,\)"),
    ],
)
def test_customers_never_at_risk_are_refused(arguments, message):
    durations, churned, entry = arguments
    with pytest.raises(DataError, match=message):
        LifeTable.from_durations(durations, churned, entry=entry)


def test_bad_frames_are_refused_with_the_cure():
    frame = pd.DataFrame({"replicate": [300], "tenure": [1], "entered": [1], "churned": [1]})
    with pytest.raises(DataError, match="column 'censored' does not exist"):
        LifeTable.from_counts(frame)
    with pytest.raises(DataError, match="column 'pln' does not exist"):
        LifeTable.from_counts(frame.assign(censored=0), ["pln"])
    with pytest.raises(DataError, match="replicate has 300, must be below 256"):
        LifeTable.from_counts(frame.assign(censored=0))
    with pytest.raises(DataError, match="column 'churned' has type"):
        LifeTable.from_counts(frame.assign(censored=0, churned="x", replicate=0))


def test_unknown_labels_name_the_close_match():
    table = LifeTable.from_durations([1], [1], group={"plan": ["premium"]})
    with pytest.raises(DataError, match="did you mean 'premium'"):
        table.select(plan="premum")
    with pytest.raises(DataError, match="group column 'plam' does not exist"):
        table.pooled("plam")


def test_tables_of_different_kinds_or_replicates_do_not_pool():
    table = one([1, 0], [0, 1], [0, 0])
    with pytest.raises(DataError, match="n_replicates is 1 and 256"):
        _ = table + LifeTable.from_durations([1], [1], replicate=[3])
    with pytest.raises(DataError, match="cannot pool LifeTable and PeriodTable"):
        _ = table + period_table()


def period_table(**changes):
    columns = {"period": ["2025-Q2", "2025-Q1"], "at_start": [8, 10], "lost": [1, 2]}
    return PeriodTable.from_counts(
        pd.DataFrame(columns | {"joined": [0, 3]} | changes), period="quarter"
    )


def test_periods_are_sorted_and_pool_by_label():
    table = period_table()
    assert table.periods == ("2025-Q1", "2025-Q2")
    assert table.at_start[0, 0].tolist() == [10, 8]
    both = table + period_table(period=["2025-Q3", "2025-Q2"])
    assert both.periods == ("2025-Q1", "2025-Q2", "2025-Q3")
    assert both.at_start[0, 0].tolist() == [10, 18, 8]
    assert both.to_frame()["lost"].tolist() == [2, 3, 1]
    assert both.n.tolist() == [18]


def test_more_lost_than_there_were_is_refused():
    with pytest.raises(DataError, match=r"9 customers lost against 8 at the start in 2025-Q2"):
        period_table(lost=[9, 2])


def test_empty_input_gives_an_empty_table():
    table = LifeTable.from_durations([], [])
    assert table.n.tolist() in ([], [0])
    assert len(table.to_frame()) <= 1
