"""What the simulator states about referrals and value must be found in its tables."""

import datetime as dt
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.simulate import Settings, simulate
from cxresearch.simulate import settings as s
from cxresearch.simulate.referrals import referrals_per_odds, referrers

AS_OF = pd.Timestamp("2025-12-31")
PARTS = ("margin", "tickets", "referrals")


@lru_cache
def simulation(**settings):
    return simulate(Settings(**{"customers": 40_000, "seed": 11} | settings))


# --- who referred whom ---------------------------------------------------------------------


def referred(customers):
    """Those who were referred, with the customer who did it."""
    own = customers.set_index("customer_id")
    joined = customers.dropna(subset="referred_by")
    by = own.loc[joined["referred_by"]].reset_index(drop=True)
    return joined.reset_index(drop=True), by


def test_a_referrer_is_another_customer_of_that_day():
    joined, by = referred(simulation().tables["customers"])
    assert (by["start_date"] < joined["start_date"]).all()
    assert not (by["end_date"] <= joined["start_date"]).any()


def test_all_whose_source_is_earned_were_referred_but_the_very_first():
    customers = simulation().tables["customers"]
    earned = customers["acquisition_source"].eq("earned")
    assert not (customers["referred_by"].notna() & ~earned).any()
    alone = customers[earned & customers["referred_by"].isna()]
    assert len(alone) < 10
    first = customers["start_date"].min()
    assert ((alone["start_date"] - first).dt.days < 3).all()


def odds_of(extract, person, day):
    """Odds of these customers on that day, by the definition."""
    month = s.completed_months(extract.people.start[person], day)
    return np.array([1, 2, 4])[s.group_of(extract.people.score[person, month // 6])]


def there(extract, day):
    gone = extract.lives.end <= day
    return np.flatnonzero((extract.people.start < day) & ~gone)


def test_referrers_have_the_stated_odds():
    """By brute force: of the customers of each day, each group is drawn by its odds."""
    drawn = simulation()
    extract, customers = drawn.world.extract, drawn.tables["customers"]
    joined = customers[customers["referred_by"].notna() & (customers["start_date"] >= "2022-01-01")]
    expected, variance, seen = np.zeros(3), np.zeros(3), np.zeros(3)
    for stamp, rows in list(joined.groupby("start_date"))[::4]:
        day = np.datetime64(stamp, "D")
        odds = odds_of(extract, there(extract, day), day)
        share = np.array([odds[odds == own].sum() for own in (1, 2, 4)]) / odds.sum()
        by = rows["referred_by"].str[1:].astype(int).to_numpy() - 1
        seen += (odds_of(extract, by, day)[:, None] == [1, 2, 4]).sum(axis=0)
        expected += len(rows) * share
        variance += len(rows) * share * (1 - share)
    assert seen.sum() > 1_500
    assert (abs(seen - expected) < 3 * np.sqrt(variance)).all(), (seen, expected)


def test_expected_referrals_of_a_day_by_brute_force():
    extract = simulation(customers=3_000).world.extract
    first, up_to = referrals_per_odds(extract)
    start = extract.people.start
    for day in np.array(["2022-01-01", "2022-01-31", "2023-07-14", "2025-12-31"], "M8[D]"):
        odds = odds_of(extract, there(extract, day), day).sum()
        at = int((day - first).astype(int))
        rate = 0.40 * 0.85 * np.sum(start == day) / odds
        assert up_to[at + 1] - up_to[at] == pytest.approx(rate, rel=1e-9)


def test_referrals_are_drawn_from_a_stream_of_their_own():
    """Every other table and column is what it was before there were referrals."""
    customers = simulation(customers=500, seed=1).tables["customers"]
    assert customers.columns[-1] == "referred_by"
    rng = s.stream(np.random.SeedSequence(1), "referrals")
    extract = simulation(customers=500, seed=1).world.extract
    joined = np.flatnonzero(customers["acquisition_source"].eq("earned"))
    again = referrers(extract, joined, rng)
    names = np.append(extract.ids, None)[again]
    assert customers["referred_by"].iloc[joined].tolist() == names.tolist()


def test_nobody_refers_where_nobody_is_there():
    extract = simulation(customers=1, seed=2).world.extract
    assert referrers(extract, np.array([0]), np.random.default_rng(1)).tolist() == [-1]


# --- remaining contribution ----------------------------------------------------------------


def months_between(start, day):
    """Renewals from the start up to and including that day, by year, month and day."""
    start, day = start.dt, day.dt
    return 12 * (day.year - start.year) + day.month - start.month - (day.day < start.day)


def calendar(day):
    return 12 * day.dt.year + day.dt.month


def followed_answers(tables):
    """One row per answer that counts: clock, last month followed, whether churned in it."""
    answers = tables["survey_responses"].query("metric == 'nps'")
    lives = tables["subscriptions"][["customer_id", "start_date", "end_date", "notice_date"]]
    rows = answers.merge(lives, on="customer_id")
    counts = rows["responded_at"] + pd.Timedelta(days=30)
    kept = ~(rows["end_date"] <= counts) & ~(rows["notice_date"] <= counts)
    rows, counts = rows[kept], counts[kept]
    since = months_between(rows["start_date"], counts - pd.Timedelta(days=1)) + 1
    last = rows["end_date"].fillna(AS_OF)
    rows = rows.assign(since=since, exit=months_between(rows["start_date"], last) - since)
    # a renewal on the 29th to 31st falls on the last day of a shorter month
    short = rows["end_date"].notna() & (last.dt.day < rows["start_date"].dt.day)
    rows["exit"] += short & last.dt.is_month_end
    rows["churned"] = rows["end_date"].notna()
    rows["clock"] = calendar(rows["start_date"]) + rows["since"]
    rows["group"] = s.group_of(rows["score"].to_numpy())
    return rows[rows["exit"] > 0].reset_index(drop=True)


def happened(rows, tables):
    """Return margin, tickets and referrals by answer and month of its clock, shape (3, A, 37)."""
    found = np.zeros((3, len(rows), 37))
    its = rows.assign(row=np.arange(len(rows)))
    its = its[["customer_id", "row", "clock", "start_date", "exit"]]
    joined = tables["customers"].dropna(subset="referred_by")
    joined = joined[["referred_by", "start_date"]].set_axis(["customer_id", "at"], axis=1)
    tickets = tables["touchpoints"][["customer_id", "event_at"]].set_axis(
        ["customer_id", "at"], axis=1
    )
    bills = tables["revenue"].rename(columns={"month": "at"})
    for part, events in enumerate((bills, tickets, joined)):
        both = its.merge(events, on="customer_id")
        month = calendar(both["at"]) - both["clock"]
        month -= (both["at"].dt.day < both["start_date"].dt.day) if part else 0
        amount = both["contribution_margin"].to_numpy() if part == 0 else np.ones(len(both))
        use = (month >= 0) & (month <= 36) & (month < both["exit"] + (part == 0))
        np.add.at(found[part], (both["row"][use], month[use].astype(int)), amount[use])
    return found


def naive_sums(rows, found, weight):
    """Product-limit times means, added up over 1 to 36 bills; shape (3, 36)."""
    left, exits, churned = np.ones(37), rows["exit"].to_numpy(), rows["churned"].to_numpy()
    sums = np.zeros((3, 37))
    for month in range(37):
        if month:
            at_risk = weight[exits >= month].sum()
            left[month] = left[month - 1] * (1 - weight[(exits == month) & churned].sum() / at_risk)
        paying = weight[(exits > month) | ((exits == month) & ~churned)].sum()
        whole = weight[exits > month].sum()
        sums[:, month] = left[month] * (weight @ found[:, :, month].T) / [paying, whole, whole]
    return np.cumsum(sums, axis=1)[:, :36]


@pytest.mark.parametrize("group", range(3))
@pytest.mark.parametrize("ratio", [0.7, pytest.param(1.0, marks=pytest.mark.verify)])
def test_remaining_contribution_is_what_the_tables_lead_to_expect(group, ratio):
    """Row by row, without the package; standard errors by leaving out a fiftieth of customers."""
    drawn = simulation(promoter_hazard_ratio=ratio)
    rows = followed_answers(drawn.tables)
    known = drawn.truth["remaining_contribution"]
    assert known["answers"] == len(rows)
    mine = rows[rows["group"] == group].reset_index(drop=True)
    found = happened(mine, drawn.tables)
    fold = mine["customer_id"].str[1:].astype(int).to_numpy() % 50
    full = naive_sums(mine, found, np.ones(len(mine)))
    left_out = np.array([naive_sums(mine, found, (fold != f).astype(float)) for f in range(50)])
    error = np.sqrt(49 / 50 * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    truth = known[s.GROUPS[group]]
    for months in (12, 24, 36):
        wanted = np.array([truth[str(months)][part] for part in PARTS])
        off = (full[:, months - 1] - wanted) / error[:, months - 1]
        assert (abs(off) < 3).all(), (months, dict(zip(PARTS, off, strict=True)))
        assert (error[:, months - 1] / wanted < [0.02, 0.03, 0.08]).all()


def test_the_package_counts_what_the_rows_say():
    drawn = simulation(customers=3_000, seed=3)
    rows = followed_answers(drawn.tables)
    found = happened(rows, drawn.tables)
    scales = {"nps": {"min": 0, "max": 10}, "csat": {"min": 1, "max": 5}}
    words = {"as_of": AS_OF.date(), "observed_from": dt.date(2022, 1, 1), "currency": "EUR"}
    with cx.open_frames(dict(drawn.tables), scales=scales, **words) as data:
        table = data.value_table(["score_group"])
    for code, name in enumerate(s.GROUPS):
        one, mine = table.select(score_group=name), (rows["group"] == code).to_numpy()
        assert one.n.sum() == mine.sum()
        for part, values in zip(PARTS, found, strict=True):
            counted = one.counts(part).sum(axis=(0, 1))[:37]
            np.testing.assert_allclose(counted, values[mine].sum(axis=0), atol=1e-6)


def test_promoters_refer_more_and_leave_later_so_they_bring_more():
    known = simulation().truth["remaining_contribution"]
    for months in ("12", "24", "36"):
        detractor, promoter = known["detractor"][months], known["promoter"][months]
        assert promoter["margin"] > 1.2 * detractor["margin"]
        assert promoter["referrals"] > 1.3 * detractor["referrals"]
        assert promoter["tickets"] < 0.8 * detractor["tickets"]


def test_a_short_history_states_no_long_horizon():
    known = simulate(Settings(customers=400, months=24)).truth["remaining_contribution"]
    assert list(known["promoter"]) == ["12"]
    shortest = simulate(Settings(customers=50, months=6)).truth["remaining_contribution"]
    assert shortest["promoter"] == {}
