from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.cause_table import NOT_RECORDED, CauseTable
from cxresearch.causes.aalen_johansen import cause_share, cause_share_se, incidence, incidence_se
from cxresearch.causes.controllable import controllable_shares
from cxresearch.causes.cumulative_incidence import cumulative_incidence
from cxresearch.errors import CxError, DataError
from cxresearch.uncertainty import logit_interval

NAMES = ["voluntary", "involuntary", NOT_RECORDED]


def table_of(n=2000, seed=1, mix=(0.6, 0.3, 0.1), censored=0.02, **options):
    rng = np.random.default_rng(seed)
    exits = rng.geometric(0.05, n)
    stayed = rng.geometric(censored, n) if censored else np.full(n, 10_000)
    lost = exits <= np.minimum(stayed, 36)
    cause = np.where(lost, rng.choice(np.array(NAMES, object), n, p=mix), None)
    last = np.minimum(np.minimum(exits, stayed), 36) if censored else exits
    cause = cause if censored else rng.choice(np.array(NAMES, object), n, p=mix)
    replicate = rng.integers(0, 256, n)
    return CauseTable.from_durations(last, cause, replicate=replicate, **options)


def share(table, tenure=24, **options):
    (result,) = controllable_shares(cumulative_incidence(table, **options), tenure=tenure)
    return result


def test_it_is_the_ratio_of_the_shares_that_left():
    table = table_of()
    (left,) = cumulative_incidence(table)
    at = dict(zip(left.causes, left.cumulative_incidence[:, 24], strict=True))
    v, i, u = (at[name] for name in NAMES)
    got = share(table)
    assert got.controllable_share == pytest.approx(v / (v + i))
    assert got.bounds == pytest.approx((v / (v + i + u), (v + u) / (v + i + u)))
    assert got.unrecorded_share == pytest.approx(u / (v + i + u))
    assert got.churned == left.churned[:, :25].sum()


def test_without_censoring_it_is_a_share_of_those_who_left():
    table = table_of(mix=(0.7, 0.3, 0.0), censored=0)
    got = share(table)
    left = {name: table.cause(name).churned[..., :25].sum() for name in NAMES[:2]}
    total = sum(left.values())
    p = left["voluntary"] / total
    assert got.controllable_share == pytest.approx(p)
    ends = logit_interval(p, np.sqrt(p * (1 - p) / total))
    assert got.controllable_share_ci_lower == pytest.approx(float(ends[0]), rel=1e-9)
    assert got.controllable_share_ci_upper == pytest.approx(float(ends[1]), rel=1e-9)


def test_the_error_is_that_of_a_numerical_derivative():
    """The delta method by differences: every hazard of every month is moved a little."""
    table = table_of(60, mix=(0.6, 0.4, 0.0))
    n = table.life.at_risk.sum((0, 1)).astype(float)[:20]
    one, two = (table.cause(name).churned.sum((0, 1)).astype(float)[:20] for name in NAMES[:2])

    def p(a, b):
        return cause_share(n, a + b, a, b)[-1]

    variance, step = 0.0, 1e-4
    for u in np.flatnonzero(n):
        move = np.eye(20)[u] * step * n[u]
        g = np.array([(p(one + move, two) - p(one - move, two)) / (2 * step),
                      (p(one, two + move) - p(one, two - move)) / (2 * step)])  # fmt: skip
        h = np.array([one[u], two[u]]) / n[u]
        variance += g @ (np.diag(h) - np.outer(h, h)) @ g / n[u]
    assert cause_share_se(n, one + two, one, two)[-1] == pytest.approx(np.sqrt(variance), rel=1e-4)


def test_the_textbook_and_the_jackknife_agree():
    table = table_of(8000)
    textbook, jackknife = share(table), share(table, method="jackknife")
    assert jackknife.controllable_share == textbook.controllable_share
    for name in ("controllable_share_ci_lower", "controllable_share_ci_upper"):
        wide = abs(getattr(textbook, name) - textbook.controllable_share)
        other = abs(getattr(jackknife, name) - textbook.controllable_share)
        assert other == pytest.approx(wide, rel=0.15)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(40, 400))
def test_the_interval_holds_both_bounds(seed, n):
    got = share(table_of(n, seed), min_group=1)
    low, high = got.bounds
    assert 0 <= got.controllable_share_ci_lower <= low + 1e-12
    assert low <= got.controllable_share + 1e-12
    assert got.controllable_share <= high + 1e-12
    assert high <= got.controllable_share_ci_upper + 1e-12 <= 1 + 2e-12


def test_all_and_none_controllable_have_exact_ends():
    all_of_them = share(table_of(mix=(1.0, 0.0, 0.0)))
    assert (all_of_them.controllable_share, all_of_them.controllable_share_ci_upper) == (1, 1)
    exact = 0.025 ** (1 / all_of_them.churned)
    assert all_of_them.controllable_share_ci_lower == pytest.approx(exact)
    none = share(table_of(mix=(0.0, 1.0, 0.0)))  # "voluntary" is a word of the contract
    assert (none.controllable_share, none.controllable_share_ci_lower) == (0, 0)
    assert none.controllable_share_ci_upper == pytest.approx(1 - 0.025 ** (1 / none.churned))


def test_the_sentence_says_what_counts():
    got = share(table_of(mix=(0.65, 0.35, 0.0)))
    (finding,) = got.findings()
    value, low, high = (round(100 * x) for x in (finding.value, finding.ci_lower, finding.ci_upper))
    assert finding.sentence == (
        f"Of 100 customers who left within the first 24 months, {value} left recorded as "
        f"voluntary, counted here as controllable (95 % interval {low} to {high})."
    )
    assert (finding.id, finding.unit, finding.group) == ("controllable_share", "share", {})
    assert finding.n == got.churned


def test_missing_reasons_are_said_and_bounded():
    got = share(table_of(mix=(0.5, 0.3, 0.2)))
    said = got.sentence()
    assert said.startswith(
        "Of 100 customers who left within the first 24 months and have a recorded reason, "
    )
    low, high = (round(100 * end) for end in got.bounds)
    assert (
        f"No reason is recorded for {round(100 * got.unrecorded_share)} % of all who left: "
        "counting none or all of those as controllable makes it "
        f"{low} to {high} %, and the interval covers both."
    ) in said


def test_several_reasons_may_count():
    found = cumulative_incidence(table_of(mix=(0.5, 0.3, 0.2)))
    (both,) = controllable_shares(found, ["voluntary", "involuntary"], 24)
    assert both.controllable_share == 1
    assert "left recorded as voluntary and recorded as involuntary, counted" in both.sentence()
    (every,) = controllable_shares(found, ["voluntary", NOT_RECORDED], 24)
    assert every.unrecorded_share == 0


def test_nothing_recorded_leaves_all_open():
    got = share(table_of(mix=(0.0, 0.0, 1.0)))
    (finding,) = got.findings()
    assert (finding.value, finding.ci_lower, finding.ci_upper) == (None, 0, 1)
    assert finding.sentence == (
        "Not known: none of the customers who left within the first 24 months have a recorded "
        "reason."
    )


def test_nobody_left():
    table = CauseTable.from_durations([30] * 40, [None] * 40)
    (finding,) = share(table).findings()
    assert (finding.value, finding.n) == (None, 0)
    assert finding.sentence == "None of the customers have left: there is no churn to divide."


def test_groups_and_those_left_out():
    table = table_of(group={"plan": ["a"] * 990 + ["b"] * 990 + ["c"] * 20})
    found = controllable_shares(cumulative_incidence(table), tenure=24)
    assert [result.group for result in found] == [{"plan": "a"}, {"plan": "b"}]
    assert found.findings()[-1].id == "not_reported"
    assert list(found.to_frame()["plan"]) == ["a", "b"]
    assert "customers with plan a who left" in found[0].sentence()


def test_a_start_counts_only_who_left_after_it():
    table = table_of()
    later = share(table, start=6)
    assert later.churned == table.churned[..., 7:25].sum()
    assert "customers who reached 6 months and left within the first 24 months" in later.sentence()


def test_nothing_is_told_of_few_who_left():
    table = CauseTable.from_durations(
        [1, 2, 3] + [30] * 40, ["voluntary", "company", "company"] + [None] * 40
    )
    (told,) = share(table).findings()
    assert (told.id, told.value, told.n) == ("not_reported", None, None)
    assert told.sentence == share(table).sentence()
    assert told.sentence.startswith("Fewer than 10 of the customers left: ")


def test_a_total_tells_nothing_of_few_who_left():
    """All who left less those of the plans that are shown would be those of the third."""
    sizes = {"a": 40, "b": 25, "c": 6}
    plan = [name for name, left in sizes.items() for _ in range(left + 40)]
    cause = [c for left in sizes.values() for c in ["voluntary"] * left + [None] * 40]
    last = [1 if c else 30 for c in cause]
    table = CauseTable.from_durations(last, cause, group={"plan": plan})
    told = controllable_shares(cumulative_incidence(table), tenure=24)
    assert [result.guards for result in told] == [False, True, False]
    assert [finding.n for finding in told.findings()] == [40, None, None]
    assert "plan b left so is not reported: the total would tell of" in told[1].sentence()
    enough = controllable_shares(cumulative_incidence(table.select(plan=["a", "b"])), tenure=24)
    assert [finding.n for finding in enough.findings()] == [40, 25]


def test_wrong_arguments_are_refused():
    found = cumulative_incidence(table_of())
    with pytest.raises(DataError, match="did you mean 'voluntary'"):
        controllable_shares(found, ["volontary"], 24)
    with pytest.raises(DataError, match="0 reasons are controllable"):
        controllable_shares(found, [], 24)
    for tenure in (0, 37):
        with pytest.raises(CxError, match=f"tenure is {tenure}, must be above 0 and at most 36"):
            controllable_shares(found, tenure=tenure)
    own = CauseTable.from_durations([1, 2] * 20, ["price", "moved"] * 20)
    with pytest.raises(DataError, match="'voluntary' does not exist, must be one of moved, price"):
        controllable_shares(cumulative_incidence(own), tenure=1)


def test_a_share_and_its_error_before_anybody_has_left():
    n = np.array([50, 50, 50])
    one, two = np.array([0, 0, 3]), np.array([0, 0, 2])
    assert np.isnan(cause_share(n, one + two, one, two)[1])
    assert cause_share_se(n, one + two, one, two).tolist()[:2] == [0, 0]
    both = incidence(n, one + two, one) + incidence(n, one + two, two)
    assert both[2] == pytest.approx(0.1)
    assert incidence_se(n, one + two, one + two)[2] == pytest.approx(np.sqrt(0.1 * 0.9 / 50))


@pytest.mark.verify
@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("missing", [0.0, 0.15])
def test_the_interval_keeps_its_level(n, missing):
    """With missing reasons it covers the truth whichever way the missing ones fall."""
    truth, held = 0.7, []
    for seed in range(800):
        recorded = np.array([truth, 1 - truth])
        worst = seed % 2  # all of the missing are of one kind: the other keeps its number
        mix = recorded.copy()
        mix[worst] -= missing
        got = share(table_of(n, seed, (*mix, missing)))
        held.append(got.controllable_share_ci_lower <= truth <= got.controllable_share_ci_upper)
    assert 0.93 < np.mean(held) <= (0.97 if not missing else 1.0)
