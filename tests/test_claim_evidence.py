"""What is measured for each claim is what the statistics say, and what lacks is named exactly."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import runs
from frames import AS_OF, lifetimes, recipe

from cxresearch.claims import evidence as tests_by_name
from cxresearch.claims.evidence import TESTS, claim_verdicts
from cxresearch.claims.judged import CONTRADICTED, READING, SUPPORTED, UNCLEAR, UNTESTED
from cxresearch.claims.measured import Evidence, Lacking
from cxresearch.claims.register import Register, claims_register
from cxresearch.claims.settings import ClaimSettings
from cxresearch.claims.verdicts import ClaimVerdicts
from cxresearch.designs import Design
from cxresearch.errors import CxError, DataError
from cxresearch.projection.fitted import projections
from cxresearch.roi.economics import Economics
from cxresearch.roi.own_curve import own_curve
from cxresearch.roi.profit_claim import profit_claim
from cxresearch.source import Data, open_data, open_frames
from cxresearch.value.difference import value_differences
from cxresearch.value.prices import prices
from cxresearch.value.terms import Terms

SAMPLE = runs.SAMPLE


@pytest.fixture(scope="module")
def sample() -> Iterator[Data]:
    with open_data(SAMPLE) as data:
        yield data


@pytest.fixture(scope="module")
def verdicts(sample: Data) -> ClaimVerdicts:
    return claim_verdicts(sample)


def found(verdicts: ClaimVerdicts, claim: str, reading: str) -> Evidence:
    (one,) = [j.evidence for j in verdicts[claim].judged if j.evidence.reading == reading]
    return one


def readings(verdicts: ClaimVerdicts, claim: str) -> dict[str, tuple[float, str]]:
    return {j.evidence.reading: (j.evidence.value, j.verdict) for j in verdicts[claim].judged}


# The register and the tests fit each other


def test_each_test_of_the_register_exists_and_each_test_is_used() -> None:
    assert {test for claim in claims_register() for test in claim.tests} == set(TESTS)


def test_a_test_that_does_not_exist_is_named(sample: Data) -> None:
    odd = replace(claims_register()["S2-6"], tests=("return",))
    with pytest.raises(
        CxError, match=r"S2-6: test 'return' does not exist.*did you mean 'returns'"
    ):
        claim_verdicts(sample, register=Register((odd,)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["by_valeu"], "reading 'by_valeu' does not exist.*did you mean 'by_value'"),
        (["by_value", "by_value"], "S2-6, by_value: there is evidence twice"),
    ],
)
def test_evidence_that_does_not_fit_its_claim_is_refused(
    sample: Data, monkeypatch: pytest.MonkeyPatch, given: list[str], said: str
) -> None:
    def odd(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
        for reading in given:
            yield Evidence("S2-6", reading, 0.1, 0.1, 0.1, 9, "share", "C", "x")

    monkeypatch.setattr(tests_by_name, "TESTS", {"returns": odd})
    with pytest.raises(CxError, match=said):
        claim_verdicts(sample, register=Register((claims_register()["S2-6"],)))


# On the sample


def test_every_claim_has_one_verdict_and_says_what_it_would_take(verdicts: ClaimVerdicts) -> None:
    assert [v.claim.id for v in verdicts] == [claim.id for claim in claims_register()]
    assert sum(Counter(v.verdict for v in verdicts).values()) == len(verdicts) == 60
    for verdict in verdicts.of(UNTESTED):
        assert verdict.why, verdict.claim.id
        assert verdict.unlock, verdict.claim.id


def test_what_the_sample_can_test(verdicts: ClaimVerdicts) -> None:
    tested = {v.claim.id for v in verdicts} - {v.claim.id for v in verdicts.of(UNTESTED)}
    able = {claim.id for claim in claims_register() if claim.tests}
    # nobody writes through a website, and no clear number of customers was kept
    assert able - tested == {"S4-1a", "S3-2"}


def test_contacts_are_those_of_the_file(verdicts: ClaimVerdicts) -> None:
    path = SAMPLE / "touchpoints.parquet"
    query = f"SELECT channel, COUNT(*) FROM '{path}' GROUP BY channel"
    counted: dict[str, int] = dict(duckdb.sql(query).fetchall())
    for claim, channel in (("S4-1b", "e-mail"), ("S4-2", "phone"), ("S4-11a", "e-mail")):
        share = counted[channel] / sum(counted.values())
        assert found(verdicts, claim, "contacts").value == pytest.approx(share, abs=1e-12)


def test_what_promoters_are_worth_is_what_05_says(sample: Data, verdicts: ClaimVerdicts) -> None:
    known = sample.known_before("")
    paid = sample.value_table(["score_group", *known], design=Design("followup"))
    terms = Terms(0.1, 36, "now")
    rows = value_differences(paid, prices(paid, sample.unit_costs()), terms)
    for row in rows:
        one = found(verdicts, "S3-3", row.counting)
        assert (one.value, one.ci_lower, one.ci_upper) == pytest.approx(row.difference)
        assert (one.unit, one.grade) == ("EUR", row.grade)
    parts = {
        "S3-5a": "staying",
        "S0-11b": "spending",
        "S1-4": "cost_to_serve",
        "S1-1c": "referring",
    }
    for claim, part in parts.items():
        assert row.parts
        one = found(verdicts, claim, "same_history")
        assert (one.value, one.ci_lower, one.ci_upper) == pytest.approx(row.parts[part])


def test_what_goes_together_is_never_taken_for_a_cause(verdicts: ClaimVerdicts) -> None:
    for claim in ("S0-11a", "S1-2", "S1-3a", "S1-4", "S2-7"):
        assert verdicts[claim].verdict in {READING, UNCLEAR}, claim


def test_what_people_say_is_never_contradicted_by_what_they_do(verdicts: ClaimVerdicts) -> None:
    said = [v for v in verdicts if v.claim.asserts == "intention" and v.judged]
    assert {v.claim.id for v in said} >= {"S0-1", "S0-4", "S2-2", "S4-13", "S4-14"}
    assert all(v.verdict in {READING, UNCLEAR} for v in said)


def test_experiences_are_those_of_their_own_statistic(
    sample: Data, verdicts: ClaimVerdicts
) -> None:
    after = sample.experience_followup("unresolved", months=12).pooled("dose").select(dose="1")
    at_risk, churned = (x.sum(axis=(0, 1)) for x in (after.at_risk, after.churned))
    left = 1 - np.prod(1 - churned[1:13] / at_risk[1:13])
    for claim, reading in (("S0-1", "left_within_12"), ("S0-4", "after_1"), ("S4-13", "after_1")):
        assert found(verdicts, claim, reading).value == pytest.approx(left, abs=0.02)
    assert found(verdicts, "S0-1", "left_within_3").value < left


def test_the_level_of_the_intervals_is_that_of_the_settings(
    sample: Data, verdicts: ClaimVerdicts
) -> None:
    wide, narrow = verdicts, claim_verdicts(sample, ClaimSettings(confidence_level=0.5))
    assert {j.evidence.confidence_level for j in wide.judged} == {0.95}
    assert {j.evidence.confidence_level for j in narrow.judged} == {0.5}
    ends = {tuple(j.group.values()): j.evidence for j in narrow.judged}
    same = [j for j in wide.judged if tuple(j.group.values()) in ends and j.evidence.uncertain]
    assert len(same) > 35
    for one in same:
        other = ends[tuple(one.group.values())]
        assert one.evidence.value == pytest.approx(other.value)
        assert one.evidence.ci_upper > other.ci_upper, one.group


def test_a_large_smallest_group_leaves_nothing_of_customers(sample: Data) -> None:
    few = claim_verdicts(sample, ClaimSettings(min_group=10**6))
    assert {j.claim.id for j in few.judged} == {"S0-12"}
    assert few["S0-2"].verdict == UNTESTED
    assert few["S0-2"].why == "fewer than 1000000 customers paid in these months"


# On public data


def test_online_retail(shared_data: Path) -> None:
    """The shares of revenue of existing customers, and of cancelled invoices, as published here."""
    with open_data(runs.ONLINE_RETAIL) as data:
        found_here = claim_verdicts(data)
    windows = readings(found_here, "S0-2")
    assert {name: round(100 * value, 1) for name, (value, _) in windows.items()} == {
        "last_1_months": 88.2, "last_3_months": 81.9, "last_6_months": 77.1,
    }  # fmt: skip
    assert found_here["S0-2"].verdict == CONTRADICTED
    back = readings(found_here, "S2-6")
    assert round(100 * back["by_order"][0], 1) == 14.8
    assert round(100 * back["by_value"][0], 1) in {8.4, 8.6}
    assert found_here["S2-6"].verdict == CONTRADICTED
    assert len(found_here.of(UNTESTED)) == len(found_here) - 2


def test_one_cohort_has_nobody_new_and_no_returns(shared_data: Path) -> None:
    with open_data(runs.CDNOW) as data:
        found_here = claim_verdicts(data)
    assert found_here["S0-2"].why == "nobody new came in these months"
    assert found_here["S2-6"].why == "no line is below 0"
    assert "0 can be tested" in found_here.sentence()


def test_a_snapshot_holds_no_retention_of_a_firm(shared_data: Path) -> None:
    with open_data(runs.TELCO) as data:
        found_here = claim_verdicts(data)
    assert not found_here.judged
    assert "snapshot" in found_here["S3-1"].why
    assert "days on which customers came and left" in found_here["S3-1"].unlock
    assert "resolved_at in a table touchpoints" in found_here["S2-5"].unlock


def test_a_retention_table_without_customers_tests_the_claim_about_retention() -> None:
    with open_data(runs.PAPER) as data:
        found_here = claim_verdicts(data)
    assert {v.claim.id for v in found_here if v.judged} == {"S3-1"}
    assert found_here["S3-1"].verdict == READING


# Made up


def test_the_claim_about_retention_at_a_constant_rate() -> None:
    """At 85 % and 10 % a year: 25.0, 20.5 and 3.1 %, over 5 years 9.3 % (constant margin)."""
    years = np.arange(11)
    kept = pd.DataFrame({"tenure": years, "survivors": np.round(1e7 * 0.85**years)})
    with open_frames({"retention": kept}, period="year") as data:
        found_here = readings(claim_verdicts(data), "S3-1")
    percent = {name: 100 * value for name, (value, _) in found_here.items()}
    assert percent["points"] == pytest.approx(25.0, abs=0.06)
    assert percent["relative"] == pytest.approx(20.5, abs=0.06)
    assert percent["fewer_churners"] == pytest.approx(3.1, abs=0.06)
    assert percent["points_5_years"] == pytest.approx(9.3, abs=0.06)
    assert found_here["fewer_churners"][1] == found_here["points_5_years"][1] == CONTRADICTED


def test_the_register_says_of_profit_what_its_own_report_says() -> None:
    """Of printed cohorts 5 points more are enough, and rates times 1.05 if nobody leaves then."""
    economics = Economics(
        annual_discount_rate=0.1, first_margin="now", horizon=None, annual_margin=1.0,
        acquisition_cost=0.0, retention_cost=0.0, fixed_cost_share=0.0,
    )  # fmt: skip
    with open_data(runs.PAPER) as data:
        judged = {x.evidence.reading: x for x in claim_verdicts(data)["S3-1"].judged}
        own = own_curve(projections(data.life_table(), min_at_risk=10), average="all_years")
    said = profit_claim(own, economics, concept="customer_value", renewals="every", year=5)
    assert said.verdicts == {
        "points": "true here", "relative": "true only if", "fewer_churners": "false here",
    }  # fmt: skip
    same = {"true here": SUPPORTED, "true only if": READING, "false here": CONTRADICTED}
    for one in said.headline:
        reading = one.asked.lift.reading
        assert judged[reading].verdict == same[said.verdicts[reading]]
        assert judged[reading].evidence.value == pytest.approx(one.uplift)
    sentence = judged["relative"].verdict_finding().sentence
    assert sentence.endswith(" (only if nobody leaves from year 10 as a customer on).")
    assert "No rate can pass 100 %: nobody leaves" in judged["points"].evidence.definition


def assigned(n: int = 1200, lift: float = 0.3) -> dict[str, pd.DataFrame]:
    """Half of the customers are called on one day; so many more of them stay than of the others."""
    rng = np.random.default_rng(4)
    day = pd.Timestamp("2024-01-15")
    treat = rng.random(n) < 0.5
    leaves = rng.random(n) < np.where(treat, 0.5 - lift, 0.5)
    end = day + pd.to_timedelta(rng.integers(40, 300, n), "D")
    customers = pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)],
            "start_date": day - pd.to_timedelta(rng.integers(20, 400, n), "D"),
            "end_date": pd.Series(end).where(leaves, None),
        }
    )
    assignments = pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "assigned_at": day,
            "arm": np.where(treat, "treat", "holdout"),
            "assignment_rule": "a coin",
            "cost": np.where(treat, 6.0, 0.0),
        }
    )
    months = pd.date_range("2023-01-01", "2024-12-01", freq="MS").strftime("%Y-%m")
    costs = pd.DataFrame({"month": months, "cost_type": "acquire", "amount": 1000.0})
    return {"customers": customers, "interventions": assignments, "costs": costs}


def of_experiment(randomised: bool, **changed: float) -> tuple[ClaimVerdicts, float | None]:
    with open_frames(assigned(**changed), **recipe()) as data:
        settings = ClaimSettings(randomised=randomised)
        return claim_verdicts(data, settings), data.unit_costs().per_new_customer


def test_only_a_randomised_experiment_supports_a_cause() -> None:
    (chance, _), (chosen, won) = of_experiment(True), of_experiment(False)
    one, other = (found(v, "S1-3a", "assigned") for v in (chance, chosen))
    assert (one.grade, other.grade) == ("A", "C")
    assert one.value == other.value == pytest.approx(0.3, abs=0.06)
    assert (chance["S1-3a"].verdict, chosen["S1-3a"].verdict) == (SUPPORTED, READING)
    assert "is not stated (parameter randomised)" in other.definition
    ratio = found(chance, "S3-2", "per_customer_kept")
    assert won
    assert ratio.value == pytest.approx(6.0 / one.value / won)
    assert ratio.ci_lower == pytest.approx(6.0 / one.ci_upper / won)


def test_a_customer_kept_has_no_cost_where_it_is_not_clear_that_any_was() -> None:
    verdicts, _ = of_experiment(True, lift=0.0)
    assert verdicts["S1-3a"].verdict == UNCLEAR
    assert verdicts["S3-2"].verdict == UNTESTED
    assert "has no upper end" in verdicts["S3-2"].why


@pytest.mark.parametrize(("lowest", "expected"), [(0, CONTRADICTED), (1, SUPPORTED)])
def test_the_scale_of_the_question(lowest: int, expected: str) -> None:
    customers = lifetimes(60)
    asked = pd.DataFrame(
        {
            "response_id": [f"R{i}" for i in range(60)],
            "customer_id": customers["customer_id"],
            "responded_at": customers["start_date"],
            "metric": "nps",
            "score": 1 + np.arange(60) % 10,
        }
    )
    scales = {"nps": {"min": lowest, "max": 10}}
    frames = {"customers": customers, "survey_responses": asked}
    with open_frames(frames, as_of=AS_OF, scales=scales) as data:
        verdict = claim_verdicts(data)["S0-12"]
    assert verdict.verdict == expected


@pytest.mark.parametrize(
    ("claim", "lacking"),
    [
        ("S0-1", "event_at in a table touchpoints"),
        ("S0-2", "a table transactions (customer_id, order_id, order_date, net_revenue)"),
        ("S1-1c", "referred_by in customers: who brought whom"),
        ("S1-3a", "arm in a table interventions (treat or holdout)"),
        ("S3-3", "the scale of nps in the recipe"),
        ("S4-2", "channel in a table touchpoints (where it took place)"),
        ("S2-1", "prices that were varied at random"),
    ],
)
def test_what_lacks_is_named_to_the_column(claim: str, lacking: str) -> None:
    with open_frames({"customers": lifetimes(200)}, as_of=dt.date(2025, 6, 30)) as data:
        verdict = claim_verdicts(data)[claim]
    assert verdict.verdict == UNTESTED
    assert lacking in verdict.unlock
    assert lacking in verdict.sentence()


def test_a_claim_of_ones_own_is_judged_like_the_others(sample: Data) -> None:
    own = replace(claims_register()["S4-2"], id="S9-1", number=0.34, asserts="share")
    with pytest.raises(CxError):
        Register((own,))["S4-2"]
    assert claim_verdicts(sample, register=Register((own,)))["S9-1"].verdict == UNTESTED


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"annual_discount_rate": 10.0}, "write 0.1 for 10 %"),
        ({"first_margin": "later"}, "first_margin is 'later'"),
        ({"confidence_level": 95}, "write 0.95 for 95 %"),
        ({"horizon": 0}, "horizon is 0, must be a whole number from 1"),
        ({"min_group": 2.5}, "min_group is 2.5"),
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        ClaimSettings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError) as raised:
        ClaimSettings(**wrong, blackout_days=-1)  # type: ignore[arg-type]
    assert len(raised.value.problems) == 2


def test_no_evidence_is_without_a_definition(verdicts: ClaimVerdicts) -> None:
    for judged in verdicts.judged:
        assert judged.evidence.definition.endswith("."), judged.group
        assert math.isfinite(judged.evidence.value)
        assert judged.evidence.n is None or judged.evidence.n >= 30, judged.group
