"""Losses after an experience beside those of comparable customers: by hand, and with known truth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from frames import recipe
from test_wording import CAUSAL, FUTURE, check_digits, check_interval, check_whole

from cxresearch.bad_experiences import KINDS
from cxresearch.errors import DataError
from cxresearch.hazards._comparable import Cells, compare
from cxresearch.hazards.experience_churn import experience_churn
from cxresearch.product_limit import greenwood_se, retained_share
from cxresearch.source import open_data, open_frames
from cxresearch.tables import LifeTable

MONTHS = 48
MONTE_CARLO = 4.0  # errors that a mean of simulations may be off
SO_FAR = np.array(["0", "1", "2", "3 and more"])


@dataclass(frozen=True)
class World:
    """Monthly hazards of leaving and of bad experiences; what one experience does is `ratio`."""

    n: int = 3000
    hazard: float = 0.02
    rate: float = 0.06
    ratio: float = 1.0  # of the hazard, from the first experience on
    frailty: float = 0.0  # of the hazard: the standard deviation of its logarithm
    shared: bool = False  # whether the same trait goes with experiences
    ageing: float = 0.0  # of the hazard in early months
    late: float = 0.0  # share who come under observation in the middle of their life

    def followed(self, months):
        """True share lost after the first experience where nothing else differs."""
        return 1 - np.exp(-self.hazard * self.ratio * months)

    def comparable(self, months):
        return 1 - np.exp(-self.hazard * months)


def draw(world: World, seed: int):
    """Return what is seen of each customer: entry, exit, churned, months of three experiences."""
    rng = np.random.default_rng(seed)
    trait = np.exp(world.frailty * rng.standard_normal(world.n) - world.frailty**2 / 2)
    calls = rng.poisson(
        (world.rate * (trait if world.shared else np.ones(world.n)))[:, None],
        (world.n, MONTHS),
    )
    before = np.cumsum(calls, axis=1) - calls > 0
    month = np.arange(MONTHS)
    hazard = world.hazard * (1 + world.ageing * np.exp(-month / 6)) * trait[:, None]
    hazard = hazard * np.where(before, world.ratio, 1.0)
    leaves = rng.random((world.n, MONTHS)) < 1 - np.exp(-hazard)
    end = np.where(leaves.any(1), leaves.argmax(1) + 1, MONTHS + 1)
    entry = np.where(rng.random(world.n) < world.late, rng.integers(1, 24, world.n), 0)
    last = np.minimum(entry + rng.integers(1, 37, world.n), MONTHS)
    exit_, lost = np.minimum(end, last), end <= last
    # an experience in month m counts from m on; those before the observation are not known
    seen = np.where(month + 1 > entry[:, None], calls, 0)
    total = np.cumsum(seen, axis=1)
    at = [np.where((total >= k).any(1), (total >= k).argmax(1) + 1, 10**6) for k in (1, 2, 3)]
    keep = exit_ > entry
    columns = {"entry": entry, "exit": exit_, "lost": lost, "replicate": np.arange(world.n) % 256}
    columns |= {f"at{k}": months for k, months in zip((1, 2, 3), at, strict=True)}
    return pd.DataFrame(columns)[keep].reset_index(drop=True)


def tables(rows: pd.DataFrame, strata: tuple[str, ...] = (), months: int = 24):
    """Count the rows as the data layer does."""
    edges = np.stack([rows.entry, rows.at1, rows.at2, rows.at3, np.full(len(rows), 10**6)], 1)
    edges = np.maximum(edges, rows.entry.to_numpy()[:, None])
    pieces, after = [], []
    for k in range(4):
        until = np.minimum(edges[:, k + 1], rows.exit)
        piece = rows.assign(
            experiences=SO_FAR[k],
            entry=edges[:, k],
            lost=rows.lost & (rows.exit <= until),
            exit=until,
        )
        pieces.append(piece[piece.exit > piece.entry])
        if k:
            clock = rows.assign(dose=str(k), from_tenure=rows[f"at{k}"])
            clock["lost"] &= clock.exit - clock.from_tenure <= months
            clock["exit"] = np.minimum(clock.exit - clock.from_tenure, months)
            after.append(clock[clock.exit > 0])
    so_far, since = pd.concat(pieces), pd.concat(after)
    table = LifeTable.from_durations(
        so_far.exit,
        so_far.lost,
        entry=so_far.entry,
        group=so_far[["experiences", *strata]],
        replicate=so_far.replicate,
    )
    followup = LifeTable.from_durations(
        since.exit,
        since.lost,
        group=since[["dose", "from_tenure", *strata]].astype(str),
        replicate=since.replicate,
    )
    return table, followup


def results(world: World, seed: int, months=(3, 6, 12), **options):
    found = experience_churn(*tables(draw(world, seed)), months, **options)
    return {result.dose: result for result in found}


# The same by hand


def by_hand(rows: pd.DataFrame, dose: int, months: int, strata: tuple[str, ...]):
    """Return both shares by going through everybody's months one by one."""
    at_risk, left = {}, {}
    for row in rows.itertuples():
        for tenure in range(row.entry + 1, row.exit + 1):
            so_far = sum(a < tenure for a in (row.at1, row.at2, row.at3))
            key = (so_far, tenure, *(getattr(row, name) for name in strata))
            at_risk[key] = at_risk.get(key, 0) + 1
            left[key] = left.get(key, 0) + (row.lost and tenure == row.exit)
    stayed, expected = 1.0, 1.0
    for month in range(1, months + 1):
        n = lost = foreseen = 0.0
        for row in rows.itertuples():
            tenure = getattr(row, f"at{dose}") + month
            key = (dose - 1, tenure, *(getattr(row, name) for name in strata))
            if tenure > row.exit or not at_risk.get(key):
                continue
            n += 1
            lost += row.lost and tenure == row.exit
            foreseen += left[key] / at_risk[key]
        stayed, expected = stayed * (1 - lost / n), expected * (1 - foreseen / n)
    return 1 - stayed, 1 - expected


@pytest.mark.parametrize("strata", [(), ("plan",)])
@pytest.mark.parametrize("dose", [1, 2, 3])
def test_both_shares_are_those_of_plain_python(dose, strata):
    rows = draw(World(n=700, hazard=0.05, rate=0.15, late=0.3, ageing=1.0), seed=dose)
    rows["plan"] = np.where(rows.index % 3 > 0, "basic", "plus")
    found = experience_churn(*tables(rows, strata), (1, 6), min_group=5)
    result = next(result for result in found if result.dose == str(dose))
    for i, months in enumerate(result.months):
        share, expected = by_hand(rows, dose, months, strata)
        assert result.churn_share[i] == pytest.approx(share, abs=1e-12)
        assert result.expected_share[i] == pytest.approx(expected, abs=1e-12)
        assert result.excess_share[i] == pytest.approx(share - expected, abs=1e-12)


def test_where_nobody_is_comparable_months_are_left_out_on_both_sides():
    followed = LifeTable.from_durations(
        [2, 2, 2, 1], [True, False, True, True],
        group={"dose": ["1"] * 4, "from_tenure": ["0", "0", "1", "0"]}, replicate=[0, 1, 2, 3],
    )  # fmt: skip
    others = LifeTable.from_durations([2, 2], [True, False], replicate=[4, 5])
    got = compare(followed, others, Cells(np.array([0, 1]), np.array([0, 0])))
    assert got.at_risk.tolist() == [4, 2]  # nobody is there in the third month of tenure
    assert got.without.tolist() == [0, 1]
    assert got.lost.tolist() == [1, 1]
    assert got.share == pytest.approx([1 / 4, 1 - 3 / 4 * 1 / 2])
    assert got.expected == pytest.approx([1 / 8, 1 - 7 / 8 * 1 / 2])


def test_the_jackknife_agrees_with_greenwood_for_the_share_itself():
    table, followup = tables(draw(World(n=6000), 3))
    followed = followup.select(dose="1").pooled()
    counts = (followed.at_risk.sum((0, 1)), followed.churned.sum((0, 1)))
    cells = followup.select(dose="1")
    start = np.array([int(group[1]) for group in cells.groups])
    others = table.select(experiences="0").pooled()
    got = compare(cells, others, Cells(start, np.zeros(len(start), int)))
    assert got.share == pytest.approx(1 - retained_share(*counts)[1:])
    assert got.share_error[:12] == pytest.approx(greenwood_se(*counts)[1:13], rel=0.15)


def test_an_experience_that_nobody_leaves_after_still_has_intervals():
    rows = draw(World(n=2000), 1)
    after = rows.exit > rows.at1
    rows["lost"] &= ~after
    (result,) = [r for r in experience_churn(*tables(rows), (6,)) if r.dose == "1"]
    assert result.churn_share[0] == result.churn_share_ci_lower[0] == 0
    assert 0 < result.churn_share_ci_upper[0] < 0.05
    width = result.excess_share_ci_upper[0] - result.excess_share[0]
    assert width >= result.churn_share_ci_upper[0] * 0.99
    assert result.excess_share_ci_upper[0] < 0


def test_comparable_customers_who_never_leave_have_an_upper_limit():
    rows = draw(World(n=2000), 1)
    rows["lost"] &= rows.exit > rows.at1
    (result,) = [r for r in experience_churn(*tables(rows), (6,)) if r.dose == "1"]
    assert result.expected_share[0] == 0
    assert 0 < result.expected_share_ci_upper[0] < 0.5
    assert result.excess_share_ci_lower[0] < result.churn_share_ci_lower[0]


# Simulated with a known truth


def mean_excess(world: World, seeds: range, months: int = 12):
    """Return the mean excess after each dose, and its Monte Carlo error, shape (3,)."""
    found = [results(world, seed, (months,)) for seed in seeds]
    values = np.array([[one[dose].excess_share[0] for dose in "123"] for one in found])
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


NULLS = {
    "plain": World(),
    "ageing and late entry": World(n=5000, ageing=3.0, late=0.4),
    "frailty of losses alone": World(frailty=1.0),
}


@pytest.mark.parametrize("name", ["plain", "ageing and late entry"])
def test_there_is_no_excess_where_experiences_go_with_nothing(name):
    mean, error = mean_excess(NULLS[name], range(24))
    assert (abs(mean) < MONTE_CARLO * error).all()
    assert (error < [0.006, 0.008, 0.012]).all()


def test_the_excess_of_an_experience_that_counts_is_found():
    world = World(ratio=2.0, n=4000)
    mean, error = mean_excess(world, range(16))
    truth = world.followed(12) - world.comparable(12)
    assert truth == pytest.approx(0.168, abs=1e-3)
    # the second and the third add nothing to the first
    assert (abs(mean - [truth, 0, 0]) < MONTE_CARLO * error).all()


def test_who_calls_more_and_leaves_more_shows_an_excess_without_any_effect():
    """Selection: nothing an experience does, and yet those with one are those at more risk."""
    mean, error = mean_excess(World(frailty=1.0, shared=True), range(8))
    assert mean[0] > 0.02
    assert mean[0] > 10 * error[0]


def test_comparing_within_the_trait_takes_that_excess_away():
    found = []
    for seed in range(8):
        calm, angry = (
            draw(World(hazard=h, rate=r), 2 * seed + i)
            for i, (h, r) in enumerate([(0.01, 0.03), (0.04, 0.12)])
        )
        rows = pd.concat([calm.assign(mood="calm"), angry.assign(mood="angry")])
        rows = rows.assign(replicate=np.arange(len(rows)) % 256)
        pooled, within = (experience_churn(*tables(rows, by), (12,)) for by in ((), ("mood",)))
        found.append([r[0].excess_share[0] for r in (pooled, within)])
    pooled, within = np.mean(found, axis=0)
    error = np.std(found, axis=0, ddof=1)[1] / np.sqrt(len(found))
    assert pooled > 0.05
    assert abs(within) < MONTE_CARLO * error


def test_customers_under_notice_are_no_comparison():
    """Everybody gives notice three months before the end; tickets go with nothing.

    A hazard that held those under notice against nobody with a ticket would be off by the
    losses of three months, 8 points.
    """
    rng = np.random.default_rng(2)
    n, first = 5000, np.datetime64("2021-01-01")
    start = first + rng.integers(0, 1000, n)
    notice = start + rng.geometric(0.001, n)
    end = notice + 91
    last = np.datetime64("2025-06-30")
    who, day = np.nonzero(rng.random((n, 54)) < 0.05)
    opened = start[who] + 30 * day + rng.integers(0, 30, len(who))
    here = (opened < end[who]) & (opened <= last)
    frames = {
        "customers": pd.DataFrame({"customer_id": [f"C{i}" for i in range(n)]}),
        "subscriptions": pd.DataFrame(
            {
                "customer_id": [f"C{i}" for i in range(n)],
                "subscription_id": [f"S{i}" for i in range(n)],
                "start_date": start.astype("M8[s]"),
                "end_date": np.where(end <= last, end, np.datetime64("NaT")).astype("M8[s]"),
                "notice_date": np.where(notice <= last, notice, np.datetime64("NaT")).astype(
                    "M8[s]"
                ),
            }
        ),
        "touchpoints": pd.DataFrame(
            {
                "customer_id": [f"C{i}" for i in who[here]],
                "event_at": opened[here].astype("M8[s]"),
                "event_type": "ticket",
            }
        ),
    }
    with open_frames(frames, **recipe(as_of=dt.date(2025, 6, 30))) as data:
        first_one, *_ = experience_churn(data.experience_table(), data.experience_followup(), (6,))
    assert first_one.n > 2000
    half = first_one.excess_share_ci_upper[0] - first_one.excess_share[0]
    assert half < 0.025
    assert abs(first_one.excess_share[0]) < 2 * half
    assert first_one.churn_share[0] == pytest.approx(1 - 0.999**182.6, abs=0.03)


@pytest.mark.verify
@pytest.mark.parametrize(
    "world", [World(n=1200), World(n=1200, ratio=2.0), World(n=400, rate=0.03)]
)
def test_intervals_cover_the_truth(world):
    seeds = range(400)
    truth = {
        "churn": world.followed(6),
        "expected": world.comparable(6),
        "excess": world.followed(6) - world.comparable(6),
    }
    hits = dict.fromkeys(truth, 0)
    tried = 0
    for seed in seeds:
        result = results(world, seed, (6,), min_group=20).get("1")
        if result is None:
            continue
        tried += 1
        for name, true in truth.items():
            low, high = (getattr(result, f"{name}_share_ci_{end}")[0] for end in ("lower", "upper"))
            hits[name] += low <= true <= high
    assert tried > 350
    for name, hit in hits.items():
        assert 0.925 < hit / tried < 0.98, (name, hit / tried)


@pytest.mark.verify
@pytest.mark.parametrize("world", [*NULLS.values(), World(n=3000, late=0.5)])
def test_there_is_no_excess_in_many_worlds(world):
    mean, error = mean_excess(world, range(200), months=6)
    assert (abs(mean) < MONTE_CARLO * error).all()


# What it says


@pytest.fixture(scope="module")
def sample():
    with open_data() as data:
        return [
            experience_churn(
                data.experience_table(kind), data.experience_followup(kind), experience=kind
            )
            for kind in KINDS
        ]


def test_the_findings_of_the_sample_keep_the_rules(sample):
    found = [finding for results in sample for finding in results.findings()]
    checked = set()
    for finding in found:
        row = finding.to_dict()
        check_whole(row["sentence"])
        check_interval(row)
        if check_digits(row):
            checked.add(row["id"])
        assert not CAUSAL.search(row["sentence"])
        assert not FUTURE.search(row["sentence"])
        if row["id"] == "experience_excess":
            unclear = row["ci_lower"] <= 0 <= row["ci_upper"]
            assert row["sentence"].startswith("No clear difference") == unclear
    assert checked == {"experience_churn", "experience_expected", "experience_excess"}
    assert len({(f.id, *f.group.values()) for f in found if f.id != "not_reported"}) == len(
        [f for f in found if f.id != "not_reported"]
    )
    for results_ in sample:
        for result in results_:
            assert not CAUSAL.search(result.definition)
            assert not FUTURE.search(result.definition)
            check_whole(result.definition)


def test_the_sample_says_whom_it_compares(sample):
    first = sample[0][0]
    assert dict(first.group) == {"experience": "ticket", "dose": "1"}
    assert first.months == (1, 3, 6, 12)
    said = [finding.sentence for finding in first.findings()]
    assert "within 1 month after their first ticket" in said[0]
    assert "comparable customers with no ticket so far" in said[1]
    assert "without the experience playing any part" in first.definition
    assert list(first.to_frame()["months"]) == [1, 3, 6, 12]


def test_a_lower_share_is_said_to_be_lower():
    row = results(World(ratio=0.1, hazard=0.05), 1)["1"].findings()[-1].to_dict()
    assert row["value"] < 0
    assert "lower than among these" in row["sentence"]
    assert check_digits(row)


def test_thin_doses_are_counted_and_not_reported():
    found = experience_churn(*tables(draw(World(n=300, rate=0.02), 1)), (3,))
    assert [result.dose for result in found] == ["1"]
    said = [finding.sentence for finding in found.suppressed]
    assert said == [
        "2 groups are not reported: fewer than 30 customers to follow or to compare with."
    ]


def test_months_with_too_few_are_left_out():
    result = results(World(n=400, rate=0.03), 1, (3, 6, 12, 36))["1"]
    assert result.months[-1] < 36
    assert (result.at_risk >= 30).all()


def test_tables_that_do_not_belong_together_are_refused():
    table, followup = tables(draw(World(n=300), 1))
    with pytest.raises(DataError) as error:
        experience_churn(table.pooled(), followup, (0, 1.5))
    assert len(error.value.problems) == 3
    assert "no column 'experiences' in experience_table" in error.value.problems[0]
    with pytest.raises(DataError, match="there are 0 months, must be at least 1"):
        experience_churn(table, followup, ())
    rows = draw(World(n=300), 1).assign(plan="basic")
    _, by_plan = tables(rows, ("plan",))
    with pytest.raises(DataError, match="'plan' is a group of the follow-up only"):
        experience_churn(table, by_plan)
    with pytest.raises(DataError, match="have 1 and 1 replicates"):
        experience_churn(*tables(draw(World(n=300), 1).assign(replicate=0)))
