"""The simulator: what it states must be recoverable from what it shows."""

import datetime as dt
import json
import tomllib
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from cxresearch.errors import CxError
from cxresearch.simulate import (
    Settings,
    files,
    simulate,
    write_flat_extract,
    write_sample,
)
from cxresearch.simulate import settings as s
from cxresearch.simulate.people import block_risk, hazards

AS_OF = np.datetime64("2025-12-31")
OBSERVED_FROM = np.datetime64("2022-01-01")
DAY = np.timedelta64(1, "D")
PLANS = ("basic", "plus", "pro")


@lru_cache
def simulation(**settings):
    return simulate(Settings(**{"customers": 20_000, "seed": 7} | settings))


# --- a naive product-limit estimator, written without the package ---------------------------


def months_since(start, day):
    """Whole months by year, month and day alone; every simulated end is a renewal day."""
    start, day = pd.DatetimeIndex(start), pd.DatetimeIndex(day)
    return 12 * (day.year - start.year) + day.month - start.month


def spells(customers):
    """(entry, exit, churned) of each customer at risk in (entry, exit]."""
    start, end = customers["start_date"], customers["end_date"]
    churned = end.notna().to_numpy()
    to_end = months_since(start, end.fillna(pd.Timestamp(AS_OF))).to_numpy()
    to_as_of = to_end - (pd.Timestamp(AS_OF).day < start.dt.day.to_numpy())
    exit_ = np.where(churned, to_end, to_as_of)
    late = (start < pd.Timestamp(OBSERVED_FROM)).to_numpy()
    entry = months_since(start, np.full(len(start), OBSERVED_FROM)).to_numpy()
    entry = np.where(late, entry + (start.dt.day.to_numpy() < 1), 0)
    return entry, exit_, churned


def product_limit(entry, exit_, churned, longest=48):
    """Retained share and Greenwood standard error at tenures 1, 2, ..., by the definition."""
    retained, summed, curve = 1.0, 0.0, {}
    for tenure in range(1, longest + 1):
        at_risk = np.sum((entry < tenure) & (tenure <= exit_))
        left = np.sum((exit_ == tenure) & churned & (entry < tenure))
        retained *= 1 - left / at_risk
        summed += left / (at_risk * (at_risk - left))
        curve[tenure] = (retained, retained * np.sqrt(summed))
    return curve


def test_product_limit_is_the_textbook_one():
    """Freireich 6-MP, Kaplan-Meier as printed: S(6) .8571, S(10) .7529, S(23) .4482."""
    time = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    left = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    exits = np.array(time)
    curve = product_limit(np.zeros(21, int), exits, np.array(left, bool), 23)
    assert [round(curve[t][0], 4) for t in (6, 10, 23)] == [0.8571, 0.7529, 0.4482]


@pytest.mark.parametrize("plan", [None, *PLANS])
def test_retained_is_recovered_with_late_entry(plan):
    drawn = simulation()
    customers = drawn.tables["customers"]
    chosen = customers if plan is None else customers[customers["plan"] == plan]
    truth = drawn.truth["retained"]["overall" if plan is None else "plan"]
    truth = truth if plan is None else truth[plan]
    curve = product_limit(*spells(chosen))
    off = {t: (curve[t][0] - truth[str(t)]) / curve[t][1] for t in (12, 24, 36, 48)}
    assert max(map(abs, off.values())) < 3, off


def test_ignoring_late_entry_flatters_retention():
    drawn = simulation()
    entry, exit_, churned = spells(drawn.tables["customers"])
    retained, error = product_limit(np.zeros_like(entry), exit_, churned)[24]
    assert retained - drawn.truth["retained"]["overall"]["24"] > 8 * error


def test_without_earlier_sign_ups_nobody_enters_late():
    drawn = simulation(customers=3_000, months_before=0)
    assert (spells(drawn.tables["customers"])[0] == 0).all()
    assert drawn.truth["retained"]["sign_ups"] == 3_000


def test_figures_look_like_a_telecom():
    truth, tables = simulation().truth, simulation().tables
    retained = truth["retained"]["overall"]
    assert 0.75 <= retained["12"] <= 0.80
    assert 0.62 <= retained["24"] <= 0.68
    assert all(10 <= wave["nps"] <= 20 for wave in truth["nps"]["waves"])
    relationship = tables["survey_invitations"]["trigger"] == "relationship"
    answers = (tables["survey_responses"]["metric"] == "nps").sum()
    assert 0.25 <= answers / relationship.sum() <= 0.40


def test_retention_rises_with_tenure_only_because_customers_differ():
    same = {"frailty_variance": 0.0, "confounding": 0.0, "promoter_hazard_ratio": 1.0}
    plan = {name: simulation(**same).truth["retained"]["plan"] for name in PLANS}["pro"]["pro"]
    differ = simulation().truth["retained"]["overall"]
    assert plan["24"] / plan["12"] == pytest.approx(plan["12"], abs=0.005)
    assert differ["24"] / differ["12"] > differ["12"] + 0.03


# --- the effect of the score ---------------------------------------------------------------


def person_months(drawn):
    """Each renewal somebody faced: score group, hazard without the score, left voluntarily."""
    world, rows = drawn.world, []
    people, lives, settings = world.people, world.lives, drawn.settings
    faced = s.completed_months(people.start, settings.last_day)
    faced = np.where(lives.months > 0, np.minimum(lives.months, faced), faced)
    for k, hazard in enumerate(hazards(people, world.answers, settings), start=1):
        at_risk = faced >= k
        group = s.group_of(people.score[:, (k - 1) // 6])
        left = (lives.months == k) & (lives.cause == 0)
        rest = (lives.months != k) | (lives.cause == 0)  # other causes compete: drop that month
        use = at_risk & rest
        rows.append((group[use], (hazard / settings.hazard_ratios[group])[use], left[use]))
    return [np.concatenate(part) for part in zip(*rows, strict=True)]


def cloglog_ratio(offset, left):
    """Maximum-likelihood log hazard ratio of a one-parameter grouped cloglog, and its SE."""

    def score(log_ratio):
        hazard = np.exp(log_ratio) * offset
        return np.sum(np.where(left, hazard / np.expm1(hazard), -hazard))

    log_ratio = brentq(score, -5, 5)
    return log_ratio, 1 / np.sqrt(left.sum())


@pytest.mark.parametrize("ratio", [1.0, 0.7])
def test_stated_hazard_ratio_holds_given_the_confounders(ratio):
    group, offset, left = person_months(simulation(promoter_hazard_ratio=ratio))
    wanted = {0: 1 / ratio, 1: 1.0, 2: ratio}
    for code, truth in wanted.items():
        log_ratio, error = cloglog_ratio(offset[group == code], left[group == code])
        assert abs(log_ratio - np.log(truth)) < 3 * error, (code, np.exp(log_ratio))


def test_without_effect_the_crude_comparison_still_shows_one():
    """What confounding does: promoters stay longer although the score moves nothing."""
    group, offset, left = person_months(simulation(promoter_hazard_ratio=1.0))
    rate = [left[group == code].mean() for code in range(3)]
    assert rate[2] < 0.8 * rate[0]
    free = simulation(promoter_hazard_ratio=1.0, confounding=0.0, frailty_variance=0.0)
    group, offset, left = person_months(free)
    weighed = [left[group == code].sum() / offset[group == code].sum() for code in range(3)]
    assert max(weighed) / min(weighed) < 1.1


def test_detractor_ratio_follows_the_promoter_ratio_unless_given():
    assert Settings(promoter_hazard_ratio=0.5).hazard_ratios.tolist() == [2.0, 1.0, 0.5]
    given_one = Settings(promoter_hazard_ratio=0.5, detractor_hazard_ratio=1.1)
    assert given_one.hazard_ratios.tolist() == [1.1, 1.0, 0.5]


def test_block_risk_by_hand():
    """A promoter after two tickets: 0.7 * exp(2 * 0.30)."""
    people = SimpleNamespace(score=np.array([[5, 9]]), tickets=np.array([[2, 7]]))
    assert block_risk(people, 0, Settings())[0] == pytest.approx(1 / 0.7)
    assert block_risk(people, 1, Settings())[0] == pytest.approx(0.7 * np.exp(0.6))


def test_card_failures_do_not_depend_on_the_score():
    world, settings = simulation().world, simulation().settings
    people, lives = world.people, world.lives
    faced = s.completed_months(people.start, settings.last_day)
    faced = np.where(lives.months > 0, np.minimum(lives.months, faced), faced)
    failed, months = np.zeros(3), np.zeros(3)
    for k in range(1, settings.horizon + 1):
        group = s.group_of(people.score[:, (k - 1) // 6])
        months += np.bincount(group[faced >= k], minlength=3)
        now = (lives.months == k) & (lives.cause == 1) & (faced >= k)
        failed += np.bincount(group[now], minlength=3)
    expected = months * failed.sum() / months.sum()
    assert np.sum((failed - expected) ** 2 / expected) < 13.8  # chi2 with 2 df, p = .001
    assert abs(failed.sum() / months.sum() / 0.0020 - 1) < 0.1


# --- how customers were won ---------------------------------------------------------------


def test_how_customers_were_won_is_as_stated_and_moves_nothing():
    drawn = simulation()
    customers = drawn.tables["customers"]
    source = customers["acquisition_source"]
    assert set(source.dropna()) == {"earned", "bought"}
    chance = drawn.truth["acquisition"]
    wanted = {
        "earned": chance["earned"] * chance["recorded"],
        "bought": (1 - chance["earned"]) * chance["recorded"],
    }
    for name, share in wanted.items():
        error = np.sqrt(share * (1 - share) / len(source))
        assert abs((source == name).mean() - share) < 3.5 * error
    for other in ("plan", "region"):
        seen = pd.crosstab(customers[other].fillna(""), source.fillna(""))
        expected = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / len(source)
        assert ((seen - expected) ** 2 / expected).to_numpy().sum() < 26.1  # chi2, 8 df, p = .001
    left = customers["end_date"].notna()
    rates = [left[source == name].mean() for name in wanted]
    assert abs(rates[0] - rates[1]) < 0.03


def test_how_customers_were_won_is_drawn_from_a_stream_of_its_own():
    seed = np.random.SeedSequence(1)
    customers = simulation(customers=2_000, seed=1).tables["customers"]
    rng = s.stream(seed, "sources")
    earned, known = rng.random(2_000) < s.EARNED_SHARE, rng.random(2_000) < s.SOURCE_KNOWN_SHARE
    words = np.where(known, np.where(earned, "earned", "bought"), "")
    assert (customers["acquisition_source"].fillna("") == words).all()


# --- surveys -------------------------------------------------------------------------------


def test_silence_biases_the_score_by_the_stated_amount():
    for wave in simulation(customers=30_000).truth["nps"]["waves"]:
        bias = wave["nps_of_those_who_answer"] - wave["nps"]
        error = 100 * np.sqrt(0.8 / wave["answers"])
        assert 6 < bias < 15
        assert abs(wave["naive_nps"] - wave["nps_of_those_who_answer"]) < 3.5 * error
        rate = wave["response_rate"]
        assert rate["passive"] < rate["detractor"] < rate["promoter"]


def test_truth_of_a_wave_counts_everybody_then_a_customer():
    drawn = simulation()
    wave = drawn.truth["nps"]["waves"][2]
    customers = drawn.tables["customers"]
    day = pd.Timestamp(wave["date"])
    here = (customers["start_date"] <= day) & ~(customers["end_date"] <= day)
    assert wave["customers"] == here.sum()
    share = wave["share"]
    assert wave["nps"] == pytest.approx(100 * (share["promoter"] - share["detractor"]), abs=1e-3)
    assert sum(share.values()) == pytest.approx(1, abs=1e-5)


def test_those_who_answer_stay_longer_than_those_who_are_silent():
    drawn = simulation(customers=60_000)
    sent = drawn.tables["survey_invitations"]
    sent = sent.query("trigger == 'relationship' and invited_at < '2024-12-01'")
    answered = sent["invitation_id"].isin(drawn.tables["survey_responses"]["invitation_id"])
    ends = drawn.tables["customers"].set_index("customer_id")["end_date"]
    days = (ends.loc[sent["customer_id"]].to_numpy() - sent["invited_at"].to_numpy()) / DAY
    lost = (days > 15) & (days <= 365)
    yes, no = lost[answered], lost[~answered]
    error = np.sqrt(yes.var() / len(yes) + no.var() / len(no))
    assert no.mean() - yes.mean() > 3 * error


def test_remaining_margin_agrees_with_what_was_billed():
    drawn = simulation(customers=60_000)
    customers = drawn.tables["customers"].set_index("customer_id")
    day = pd.Timestamp("2022-03-15")
    here = customers[(customers["start_date"] <= day) & ~(customers["end_date"] <= day)]
    billed = drawn.tables["revenue"].set_index("customer_id")
    billed = billed.loc[billed.index.isin(here.index)].join(here["start_date"])
    # a renewal on a later day of the month than the wave's is the first one of the window
    late = billed["start_date"].dt.day > 15
    first = np.where(late, np.datetime64("2022-03-01"), np.datetime64("2022-04-01"))
    last = np.where(late, np.datetime64("2023-02-01"), np.datetime64("2023-03-01"))
    window = billed[(billed["month"] >= first) & (billed["month"] <= last)]
    each = window.groupby(level=0)["contribution_margin"].sum().reindex(here.index, fill_value=0)
    known = drawn.truth["remaining_margin"]
    group = s.group_of(drawn.world.answers.score[0][drawn.world.kept])
    rows = np.flatnonzero(drawn.tables["customers"]["customer_id"].isin(here.index))
    for code, name in enumerate(("detractor", "passive", "promoter")):
        mine = each.to_numpy()[group[rows] == code]
        assert abs(mine.mean() - known[name]["12"]) < 3 * mine.std() / np.sqrt(len(mine))


# --- call-backs ----------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_call_back_does_what_is_stated_and_to_those_assigned_alone(ratio):
    drawn = simulation(customers=60_000, call_hazard_ratio=ratio)
    calls, world, settings = drawn.tables["interventions"], drawn.world, drawn.settings
    row = world.kept[calls["customer_id"].str[1:].astype(int) - 1]
    start, lives = world.people.start[row], world.lives
    day = calls["assigned_at"].to_numpy().astype("datetime64[D]")
    first = s.completed_months(start, day) + 2
    seen = s.completed_months(start, settings.last_day)
    seen = np.where(lives.months[row] > 0, np.minimum(lives.months[row], seen), seen)
    treat = (calls["arm"] == "treat").to_numpy()
    parts = {True: [], False: []}
    without = replace(settings, call_hazard_ratio=1.0)
    for k, hazard in enumerate(hazards(world.people, world.answers, without), start=1):
        now = lives.months[row] == k
        use = (first <= k) & (k < first + 5) & (k <= seen) & ~(now & (lives.cause[row] > 0))
        for arm, rows in parts.items():
            mine = use & (treat == arm)
            rows.append((hazard[row[mine]], now[mine]))
    for arm, rows in parts.items():
        offset, left = (np.concatenate(part) for part in zip(*rows, strict=True))
        log_ratio, error = cloglog_ratio(offset, left)
        assert abs(log_ratio - np.log(ratio if arm else 1.0)) < 3 * error, np.exp(log_ratio)
        assert error < 0.15
    assert abs(treat.mean() - 0.5) < 3 * 0.5 / np.sqrt(len(treat))


# --- the tables hang together --------------------------------------------------------------


def test_same_seed_same_bytes_and_another_seed_others():
    first, again, other = (
        simulate(Settings(customers=500, seed=seed)).tables for seed in (3, 3, 4)
    )
    assert list(first) == list(s.TABLES)
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, again[name], check_exact=True)
        assert table.to_csv().encode() == again[name].to_csv().encode()
        assert not table.equals(other[name])


def test_leaving_tables_out_changes_no_other():
    full = simulate(Settings(customers=500)).tables
    for name in s.TABLES:
        alone = simulate(Settings(customers=500, tables=(name,))).tables
        assert list(alone) == [name]
        pd.testing.assert_frame_equal(alone[name], full[name], check_exact=True)


def test_every_id_resolves_and_every_key_is_unique():
    tables = simulation().tables
    ids = tables["customers"]["customer_id"]
    assert ids.is_unique
    assert ids.iloc[0] == "C000001"
    for name, table in tables.items():
        if name != "costs":
            guests = table["customer_id"].isna() & (name == "transactions")
            assert (table["customer_id"].isin(ids) | guests).all(), name
    for name, key in (
        ("subscriptions", "customer_id"),
        ("subscriptions", "subscription_id"),
        ("survey_invitations", "invitation_id"),
        ("survey_responses", "response_id"),
        ("survey_responses", "invitation_id"),
        ("touchpoints", "ticket_id"),
    ):
        assert tables[name][key].is_unique, (name, key)
    assert not tables["revenue"].duplicated(["customer_id", "month"]).any()
    invited = tables["survey_invitations"].set_index("invitation_id")
    answers = tables["survey_responses"]
    asked = invited.loc[answers["invitation_id"]]
    assert (asked["customer_id"].to_numpy() == answers["customer_id"].to_numpy()).all()
    assert not asked["bounced"].any()
    assert (asked["invited_at"].to_numpy() <= answers["responded_at"].to_numpy()).all()


def test_nothing_is_seen_before_the_start_after_the_end_or_after_as_of():
    tables = simulation().tables
    spell = tables["subscriptions"].set_index("customer_id")
    for name, column in (
        ("survey_invitations", "invited_at"),
        ("survey_responses", "responded_at"),
        ("touchpoints", "event_at"),
        ("touchpoints", "resolved_at"),
        ("interventions", "assigned_at"),
        ("interventions", "contacted_at"),
    ):
        rows = tables[name].dropna(subset=column)
        day, its = rows[column].to_numpy(), spell.loc[rows["customer_id"]]
        assert (day >= its["start_date"].to_numpy()).all(), name
        assert not (day >= its["end_date"].to_numpy()).any(), name
        if name.startswith("survey"):
            assert not (day >= its["notice_date"].to_numpy()).any(), name
    for name, table in tables.items():
        for column in table.select_dtypes("datetime"):
            assert not (table[column] > pd.Timestamp(AS_OF)).any(), (name, column)


def test_spells_are_whole_and_end_on_a_renewal_day():
    tables = simulation().tables
    spell, customers = tables["subscriptions"], tables["customers"]
    ended = spell[spell["end_date"].notna()]
    assert (ended["end_date"] > ended["start_date"]).all()
    assert (ended["end_date"] > pd.Timestamp(OBSERVED_FROM)).all()
    assert spell["cancel_type"].notna().eq(spell["end_date"].notna()).all()
    assert set(ended["cancel_type"]) == set(s.CAUSES)
    month_end = ended["end_date"].dt.is_month_end
    assert ((ended["end_date"].dt.day == ended["start_date"].dt.day) | month_end).all()
    pd.testing.assert_series_equal(spell["end_date"], customers["end_date"])
    told = ended[ended["cancel_type"] == "voluntary"]
    notice = (told["end_date"] - told["notice_date"]).dt.days
    assert (notice.min(), notice.max()) == (3, 27)
    assert (told["notice_date"] > told["start_date"]).all()


def test_messy_but_valid_details_are_there():
    tables = simulation().tables
    customers, spell = tables["customers"], tables["subscriptions"]
    assert 0.02 < customers["region"].isna().mean() < 0.04
    assert ((AS_OF - customers["start_date"].to_numpy()).astype("m8[D]").astype(int) < 28).any()
    assert (spell["notice_date"].notna() & spell["end_date"].isna()).any()
    assert tables["survey_responses"]["comment"].dropna().str.contains("<b>").any()
    assert tables["survey_responses"]["comment"].dropna().str.contains('"').any()
    scores = tables["survey_responses"].groupby("metric")["score"]
    assert scores.min().to_dict() == {"csat": 1, "nps": 0}
    assert scores.max().to_dict() == {"csat": 5, "nps": 10}


def test_revenue_has_one_row_per_billed_month():
    tables = simulation().tables
    customers = tables["customers"].set_index("customer_id")
    young = customers[customers["start_date"] > pd.Timestamp(OBSERVED_FROM)]
    ended = young[young["end_date"].notna()]
    rows = tables["revenue"].groupby("customer_id").size()
    months = months_since(ended["start_date"], ended["end_date"])
    assert (rows.loc[ended.index].to_numpy() == months.to_numpy()).all()
    assert (tables["revenue"]["month"] >= pd.Timestamp(OBSERVED_FROM)).all()
    still = young[young["end_date"].isna()]
    last = tables["revenue"].groupby("customer_id")["month"].max()
    assert (last.loc[still.index] >= pd.Timestamp("2025-12-01")).mean() == 1.0


def test_costs_count_the_tickets_and_the_sign_ups():
    tables = simulation().tables
    ledger = tables["costs"].set_index(["month", "cost_type", "driver"])["amount"]
    month = pd.Timestamp("2024-05-01")
    tickets = (tables["touchpoints"]["event_at"].dt.to_period("M") == "2024-05").sum()
    joined = (tables["customers"]["start_date"].dt.to_period("M") == "2024-05").sum()
    assert ledger[month, "serve", "per_ticket"] == pytest.approx(9 * tickets)
    assert ledger[month, "acquire", "per_customer"] == pytest.approx(60 * joined)


@given(
    st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)),
    st.integers(0, 100),
    st.integers(0, 3_000),
)
def test_months_agree_with_pandas(start, months, days):
    day = np.array([np.datetime64(start)])
    moved = s.add_months(day, months)[0]
    assert pd.Timestamp(moved) == pd.Timestamp(start) + pd.DateOffset(months=months)
    until = day[0] + days
    done = int(s.completed_months(day, until)[0])
    assert s.add_months(day, done)[0] <= until < s.add_months(day, done + 1)[0]


# --- files ---------------------------------------------------------------------------------


def test_sample_is_read_back_as_it_was_drawn(tmp_path):
    folder = write_sample(tmp_path / "new" / "it's", customers=300, seed=5)
    drawn = simulate(Settings(customers=300, seed=5))
    recipe = tomllib.loads((folder / "data.toml").read_text(encoding="utf-8"))
    assert recipe["as_of"] == dt.date(2025, 12, 31)
    assert recipe["observed_from"] == dt.date(2022, 1, 1)
    assert recipe["group_by"] == ["plan"]
    for name, table in drawn.tables.items():
        assert recipe[name]["path"] == f"{name}.parquet"
        relation = duckdb.read_parquet(str(folder / f"{name}.parquet"))
        kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
        assert relation.columns == list(table.columns)
        assert {kinds[c] for c in table.select_dtypes("datetime")} <= {"DATE"}
        assert {kinds[c] for c in table.select_dtypes("object")} <= {"VARCHAR"}
        written = relation.df()
        for column in table:
            same = written[column].astype(object).where(written[column].notna(), None)
            want = table[column].astype(object).where(table[column].notna(), None)
            assert same.tolist() == want.tolist(), (name, column)
    assert duckdb.read_parquet(str(folder / "survey_responses.parquet")).types[4] == "SMALLINT"
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert truth == json.loads(json.dumps(drawn.truth))
    for part in ("hazard_ratios", "retained", "nps", "remaining_margin"):
        assert truth[part]["definition"].endswith(".")


def test_sample_replaces_a_sample_and_leaves_no_scratch(tmp_path):
    folder = write_sample(tmp_path / "sample", customers=50)
    before = (folder / "customers.parquet").read_bytes()
    write_sample(folder, customers=60)
    assert (folder / "customers.parquet").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


@pytest.mark.parametrize("name", ["data.toml", "notes.txt"])
def test_sample_refuses_the_files_of_others(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(CxError, match=rf"'{name}', which no simulation wrote: name an empty"):
        write_sample(tmp_path, customers=50)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_overwriting_keeps_the_files_of_others(tmp_path):
    folder = write_sample(tmp_path / "sample", customers=50)
    (folder / "notes.txt").write_text("mine")
    write_sample(folder, customers=60, overwrite=True)
    assert (folder / "notes.txt").read_text() == "mine"
    assert json.loads((folder / "truth.json").read_text())["settings"]["customers"] == 60
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_failure_leaves_the_old_sample_alone(tmp_path, monkeypatch):
    folder = write_sample(tmp_path / "sample", customers=50)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*_):
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(files, "recipe", fail)
    with pytest.raises(RuntimeError, match="disk on fire"):
        write_sample(folder, customers=60)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_target_that_is_a_file_or_a_folder_too_few(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CxError, match="is a file, must be a folder: name another"):
        write_sample(tmp_path / "file", customers=50)
    with pytest.raises(CxError, match="is a folder, must be a file: add a name"):
        write_flat_extract(tmp_path, customers=50)


def test_too_many_customers_for_the_disk_or_the_memory(tmp_path, monkeypatch):
    with pytest.raises(CxError, match=r"must be at most 1,000,000 .* use write_flat_extract"):
        simulate(Settings(customers=1_000_001))
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: SimpleNamespace(free=20_000))
    with pytest.raises(CxError, match=r"0\.0 GB free: simulate at most 100 customers"):
        write_sample(tmp_path / "a" / "b", customers=5_000)
    with pytest.raises(CxError, match="simulate at most 500 customers"):
        write_flat_extract(tmp_path / "flat.parquet", customers=5_000)


@pytest.mark.parametrize("customers", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_a_handful_of_customers_is_written(tmp_path, customers, seed):
    folder = write_sample(tmp_path / "few", customers=customers, seed=seed)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert duckdb.read_parquet(str(folder / "customers.parquet")).shape[0] == customers
    for wave in truth["nps"]["waves"]:
        known = [wave["nps"], *wave["share"].values()]
        assert (None in known) == (wave["customers"] == 0)
        assert len(set(map(type, known))) == 1


def test_waves_without_customers_occur_among_a_handful():
    waves = [simulation(customers=1, seed=seed).truth["nps"]["waves"] for seed in range(6)]
    assert any(wave["customers"] == 0 for each in waves for wave in each)


def test_a_place_without_room_or_rights_is_named(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.tempfile, "mkdtemp", refuse)
    with pytest.raises(CxError, match=r"few cannot be written \(Permission denied\): name a place"):
        write_sample(tmp_path / "few", customers=5)
    with pytest.raises(CxError, match=r"flat.parquet cannot be written \(Permission denied\)"):
        write_flat_extract(tmp_path / "flat.parquet", customers=5)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(CxError) as error:
        write_sample(tmp_path / "few", customers=5)
    assert str(error.value) == f"{tmp_path} has no room for files: name a place on another disk."


def test_settings_name_all_problems_at_once():
    with pytest.raises(CxError) as raised:
        Settings(
            customers=0,
            seed=-1,
            months_before=1.5,
            promoter_hazard_ratio=0,
            frailty_variance=float("nan"),
            response_rates=(0.5, 1.2),
            tables=("customer",),
        )
    text = str(raised.value)
    assert len(raised.value.problems) == 8
    assert "customers is 0, must lie between 1 and" in text
    assert "seed is -1" in text
    assert "months_before is 1.5, must be a whole number" in text
    assert "promoter_hazard_ratio is 0, must lie between 0.05 and 20" in text
    assert "frailty_variance is nan" in text
    assert "response rate of a passive is 1.2, must lie between 0 and 1" in text
    assert "response_rates has 2 values, must have 3" in text
    assert "'customer' is no simulated table: choose from customers" in text


def test_flat_extract_numbers_its_chunks_through(tmp_path, monkeypatch):
    monkeypatch.setattr("cxresearch.simulate._CHUNK", 400)
    path = write_flat_extract(tmp_path / "flat.parquet", customers=1_000, seed=3)
    flat = duckdb.read_parquet(str(path))
    assert flat.columns == ["customer_id", "start_date", "end_date", "plan", "region"]
    assert list(map(str, flat.types)) == ["VARCHAR", "DATE", "DATE", "VARCHAR", "VARCHAR"]
    rows = flat.df()
    assert rows["customer_id"].tolist() == [f"C{number:06d}" for number in range(1, 1_001)]
    assert not rows["start_date"].iloc[:400].equals(rows["start_date"].iloc[400:800])
    assert set(rows["plan"]) == set(PLANS)
    assert set(rows["region"].dropna()) == set(s.REGIONS)
    assert rows["region"].isna().any()
    assert [path.name for path in tmp_path.iterdir()] == ["flat.parquet"]


def test_flat_extract_is_the_same_population(tmp_path):
    path = write_flat_extract(tmp_path / "flat.parquet", customers=20_000, seed=11)
    curve = product_limit(*spells(duckdb.read_parquet(str(path)).df()))
    truth = simulation(customers=60_000).truth["retained"]["overall"]
    off = {t: (curve[t][0] - truth[str(t)]) / curve[t][1] for t in (12, 24, 36, 48)}
    assert max(map(abs, off.values())) < 3, off


@pytest.mark.verify
def test_recovery_is_calibrated_over_many_seeds():
    """The z of retained at 24 months has mean 0 and is not wider than 1."""
    settings = Settings(customers=4_000, tables=("customers",))
    scores = []
    for seed in range(200):
        drawn = simulate(replace(settings, seed=seed))
        retained, error = product_limit(*spells(drawn.tables["customers"]), 24)[24]
        scores.append((retained - drawn.truth["retained"]["overall"]["24"]) / error)
    assert abs(np.mean(scores)) < 3 / np.sqrt(len(scores))
    assert 0.8 < np.std(scores) < 1.1
