import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.cause_table import NOT_RECORDED, CauseTable
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.tables import LifeTable


def small(**options):
    return CauseTable.from_durations(
        [1, 2, 2, 3, 3, 4],
        ["voluntary", "involuntary", None, "voluntary", NOT_RECORDED, None],
        group={"plan": ["a", "a", "a", "b", "b", "b"]},
        **options,
    )


def rows(n=300, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"tenure": rng.geometric(0.2, n), "replicate": rng.integers(0, 256, n)})
    causes = np.array(["voluntary", "involuntary", NOT_RECORDED, None], dtype=object)
    return frame.assign(cause=rng.choice(causes, n), plan=rng.choice(["a", "b"], n))


def long(frame):
    """One row per customer as a long frame: an entry and an exit."""
    lost = frame["cause"].notna().astype(int)
    exits = frame.assign(entered=0, churned=lost, censored=1 - lost)
    entries = frame.assign(tenure=0, cause=None, entered=1, churned=0, censored=0)
    return pd.concat([entries, exits])


def test_counts_by_cause():
    table = small()
    assert table.causes == ("involuntary", "voluntary", NOT_RECORDED)
    assert table.life.groups == (("a",), ("b",))
    np.testing.assert_array_equal(table.churned[1, :, 0], [[0, 1, 0, 0, 0], [0, 0, 0, 1, 0]])
    np.testing.assert_array_equal(table.churned.sum(0), table.life.churned)


def test_one_cause_has_the_others_as_censored():
    table = small()
    voluntary = table.cause("voluntary")
    assert isinstance(voluntary, LifeTable)
    np.testing.assert_array_equal(voluntary.at_risk, table.life.at_risk)
    np.testing.assert_array_equal(voluntary.censored[:, 0], [[0, 0, 2, 0, 0], [0, 0, 0, 1, 1]])


def test_a_long_frame_gives_the_same_table_as_rows():
    frame = rows()
    counted = CauseTable.from_counts(long(frame), ["plan"])
    direct = CauseTable.from_durations(
        frame["tenure"], frame["cause"], group=frame[["plan"]], replicate=frame["replicate"]
    )
    assert counted.causes == direct.causes
    np.testing.assert_array_equal(counted.churned, direct.churned)
    np.testing.assert_array_equal(counted.life.censored, direct.life.censored)


def test_a_long_frame_without_replicates_is_one_replicate():
    table = CauseTable.from_counts(long(rows()).drop(columns="replicate"))
    assert table.life.n_replicates == 1
    assert table.churned.shape[:3] == (3, 1, 1)


def test_merging_names_causes_anew_and_keeps_the_rest():
    table = small().merged({"controllable": ["voluntary"], "other": ["involuntary", "company"]})
    assert table.causes == ("controllable", "other", NOT_RECORDED)
    np.testing.assert_array_equal(table.churned[0], small().cause("voluntary").churned)
    np.testing.assert_array_equal(table.churned.sum(0), small().churned.sum(0))


def test_a_merge_may_keep_the_name_of_a_member():
    table = small().merged({"voluntary": ["voluntary", NOT_RECORDED]})
    assert table.causes == ("voluntary", "involuntary")
    assert table.churned[0].sum() == 3


def test_groups_are_taken_selected_pooled_and_split_with_their_causes():
    table = small()
    only = table.select(plan="b")
    assert only.life.groups == (("b",),)
    np.testing.assert_array_equal(only.churned, table.churned[:, 1:])
    np.testing.assert_array_equal(table.take([1]).churned, only.churned)
    np.testing.assert_array_equal(table.pooled().churned[:, 0], table.churned.sum(1))
    large, few = table.split_small(13, np.array([12, 13]))
    assert (large.life.groups, few) == ((("b",),), (("a",),))


def test_a_selection_by_an_iterator_selects_once():
    assert small().select(plan=iter(["b"])).life.groups == (("b",),)


@settings(max_examples=30)
@given(st.integers(0, 300), st.integers(0, 100))
def test_parts_pool_to_the_whole(cut, seed):
    frame = rows(seed=seed)
    parts = [CauseTable.from_counts(long(p), ["plan"]) for p in (frame[:cut], frame[cut:])]
    whole = CauseTable.from_counts(long(frame), ["plan"])
    pooled = parts[0] + parts[1]
    assert pooled.causes == whole.causes
    assert set(pooled.life.groups) == set(whole.life.groups)
    order = [pooled.life.groups.index(group) for group in whole.life.groups]
    np.testing.assert_array_equal(pooled.churned[:, order], whole.churned)
    np.testing.assert_array_equal(pooled.life.at_risk[order], whole.life.at_risk)


def test_nobody_left():
    table = CauseTable.from_durations([3, 4], [None, None])
    assert table.causes == ()
    assert table.churned.shape == (0, 1, 1, 5)
    assert table.to_frame().empty
    assert table.merged({"controllable": ["voluntary"]}).churned.sum() == 0


def test_weights_are_kept():
    table = small(weights=[0.5, 1, 1, 2, 1, 1])
    assert table.cause("voluntary").churned.sum() == 2.5
    assert table.pooled().life.weighted


def test_frame_holds_each_cause_and_tenure():
    frame = small().to_frame()
    assert list(frame.columns) == ["cause", "plan", "tenure", "at_risk", "churned"]
    assert len(frame) == 3 * 2 * 5
    row = frame.query("cause == 'voluntary' and plan == 'a' and tenure == 1")
    assert row[["at_risk", "churned"]].to_numpy().tolist() == [[3, 1]]


def test_it_says_what_it_is():
    assert "causes: involuntary, voluntary, not recorded" in repr(small())
    assert "<table" in small()._repr_html_()


def test_causes_that_do_not_add_up_are_refused():
    table = small()
    with pytest.raises(
        DataError, match=r"plan a: the causes add up to 0 churned at tenure 2 .* must be 1"
    ):
        CauseTable(table.life, table.causes[1:], table.churned[1:])


def test_shapes_and_names_are_checked_together():
    table = small()
    with pytest.raises(DataError) as caught:
        CauseTable(table.life, ("x", "x"), table.churned)
    assert "has shape (3, 2, 1, 5), must be (2, 2, 1, 5)" in str(caught.value)
    assert "must be named once each" in str(caught.value)


def test_negative_counts_are_refused():
    table = small()
    with pytest.raises(DataError, match="below 0"):
        CauseTable(table.life, table.causes, -table.churned)


def test_an_unknown_cause_is_answered_with_the_closest():
    with pytest.raises(DataError, match="did you mean 'voluntary'"):
        small().cause("voluntry")


def test_a_word_of_the_contract_that_nobody_left_with_counts_nothing():
    assert small().cause("migration").churned.sum() == 0
    unrecorded = CauseTable.from_durations([1, 2], [NOT_RECORDED, None])
    assert unrecorded.cause("voluntary").churned.sum() == 0
    own = CauseTable.from_durations([1, 2], ["moved", None])
    with pytest.raises(NotEnoughError, match="'voluntary' does not exist, must be one of moved"):
        own.cause("voluntary")  # which a report goes on without
    for names in (("movd",), ("moved", "voluntary")):
        with pytest.raises(DataError) as error:
            own.cause(*names)
        assert not isinstance(error.value, NotEnoughError)


def test_several_causes_are_counted_together():
    both = small().cause("voluntary", NOT_RECORDED)
    np.testing.assert_array_equal(both.churned, small().churned[1:].sum(0))
    np.testing.assert_array_equal(both.at_risk, small().life.at_risk)


def test_churn_without_a_cause_is_refused_with_its_cure():
    frame = long(rows()).assign(cause=None)
    with pytest.raises(DataError, match=r"cause is empty in \d+ rows .* write 'not recorded'"):
        CauseTable.from_counts(frame)


def test_a_frame_without_causes_is_refused():
    with pytest.raises(DataError, match="column 'cause' does not exist"):
        CauseTable.from_counts(long(rows()).drop(columns="cause"))


def test_merges_that_contradict_are_refused_together():
    with pytest.raises(DataError) as caught:
        small().merged({"one": ["voluntary"], "two": ["voluntary"], NOT_RECORDED: []})
    assert "'voluntary' is put into 2 groups" in str(caught.value)
    assert "new name 'not recorded' is that of a cause left over" in str(caught.value)


def test_a_table_is_frozen():
    with pytest.raises(ValueError, match="read-only"):
        small().churned[0, 0, 0, 0] = 9
