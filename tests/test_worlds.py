"""The simulator itself: what it says to be true is true."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from worlds import AS_OF, MONTHS, WAVE, Setting, live, months_later, true_retained, world

import cxresearch as cx
from cxresearch.designs import Design


def occurrence(lives):
    """Exposed customer-months and voluntary ends by state and plan, shape (3, 2) each."""
    months = np.arange(1, MONTHS + 1)
    state = np.repeat(lives.state, WAVE, axis=1)
    at_risk = months <= lives.exit[:, None]
    left = (months == lives.exit[:, None]) & lives.voluntary[:, None]
    plan = np.broadcast_to(lives.plan[:, None], state.shape)
    exposed, ends = np.zeros((3, 2)), np.zeros((3, 2))
    np.add.at(exposed, (state[at_risk], plan[at_risk]), 1)
    np.add.at(ends, (state[left], plan[left]), 1)
    return exposed, ends


@pytest.mark.parametrize("ratio", [1.0, 0.7])
def test_the_hazard_of_the_current_state_is_the_stated_one(ratio):
    setting = Setting(n=60_000, hazard_ratio=ratio, confounded=True, involuntary=0.01)
    exposed, ends = occurrence(live(setting, np.random.default_rng(1)))
    found = -np.log1p(-ends / exposed)
    expected = setting.monthly_hazard * np.outer(
        np.exp(setting.log_hazard_ratios), setting.plan_hazard
    )
    # binomial: the error of each rate is its square root over the ends behind it
    assert (np.abs(found / expected - 1) < 4.5 / np.sqrt(ends)).all()


def test_the_plan_moves_states_and_hazards_only_when_confounded():
    for confounded in (False, True):
        lives = live(Setting(n=40_000, confounded=confounded), np.random.default_rng(2))
        promoters = [(lives.state[lives.plan == p] == 2).mean() for p in (0, 1)]
        assert (abs(promoters[0] - promoters[1]) > 0.2) == confounded


@pytest.mark.parametrize("held", [False, True])
def test_potential_outcomes_agree_with_customers_who_are_put_into_a_state(held):
    # brute force: of everybody still there at month 7, in each state, no selection by answering
    setting = Setting(n=200_000, hazard_ratio=0.5, stays=1.0 if held else 0.6)
    lives = live(setting, np.random.default_rng(3))
    found = []
    for state in range(3):
        there = (lives.exit > 7) & (lives.state[:, 1] == state)
        found.append((lives.exit[there] > 7 + 12).mean())
    truth = true_retained(setting, 12, held=held)
    np.testing.assert_allclose(found, truth, atol=4.5 * np.sqrt(0.25 / 50_000))
    assert truth[0] < truth[1] < truth[2]


def test_without_a_difference_nothing_differs():
    truth = true_retained(Setting(confounded=True, frailty=0.5), 12)
    np.testing.assert_allclose(truth, truth[0])


def test_months_end_on_the_day_they_began():
    day = np.array(["2023-01-28", "2024-02-28"], dtype="M8[D]")
    assert months_later(day, np.array([1, 12])).astype(str).tolist() == ["2023-02-28", "2025-02-28"]


def test_an_extract_has_the_traps_it_says():
    since = dt.date(2021, 7, 1)
    made = world(4, Setting(n=4000, observed_from=since, involuntary=0.01))
    customers, subscriptions = made.customers, made.subscriptions
    assert (customers["end_date"].dropna() > pd.Timestamp(since)).all()
    assert (customers["end_date"].dropna() <= pd.Timestamp(AS_OF) + pd.Timedelta(days=1)).all()
    assert (customers["start_date"] < pd.Timestamp(since)).any()
    ahead = (subscriptions["end_date"] - subscriptions["notice_date"]).dt.days.dropna()
    assert (ahead.min(), ahead.max()) == (0, 25)
    assert set(subscriptions["cancel_type"].dropna()) == {"voluntary", "involuntary"}
    assert set(made.survey_responses["score"]) == set(range(11))
    joined = made.survey_responses.merge(customers, on="customer_id", validate="many_to_one")
    assert (joined["responded_at"] < joined["end_date"].fillna(pd.Timestamp("2100-01-01"))).all()


def test_an_extract_opens_without_a_complaint_and_counts_the_same_customers():
    made = world(5, Setting(n=1500))
    with made.open() as data:
        table = data.life_table(["plan"])
    assert isinstance(data, cx.Data)
    assert table.n.sum() == len(made.customers)
    assert table.churned.sum() == made.customers["end_date"].notna().sum()


def test_answers_are_followed_as_the_reduction_follows_them():
    setting = Setting(n=3000, observed_from=dt.date(2021, 7, 1), symptom=0.5, involuntary=0.01)
    made = world(7, setting)
    groups = ("score_group", "plan")
    with made.open() as data:
        # four weeks end within the month after the answer, thirty days in February do not
        table = data.life_table(groups, design=Design("followup", blackout_days=28))
    mine = made.followup(groups)
    assert table.groups == mine.groups
    for name in ("entered", "churned", "censored"):
        theirs, ours = table.counts(name).sum(axis=1), mine.counts(name).sum(axis=1)
        np.testing.assert_array_equal(theirs, ours)


def test_those_who_know_that_they_leave_answer_accordingly():
    lives = live(Setting(n=20_000, symptom=1.0), np.random.default_rng(6))
    next_month = lives.exit[:, None] == WAVE * np.arange(MONTHS // WAVE) + 1
    assert (lives.score[lives.answered & next_month] <= 6).all()
    assert (lives.score[lives.answered & ~next_month] >= 9).mean() == pytest.approx(0.4, abs=0.02)
