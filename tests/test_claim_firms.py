"""Claims on firms that hold little, or hold it otherwise: what is refused, and what is not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import runs
from frames import AS_OF, answers, lifetimes, recipe
from test_claim_evidence import assigned, found, readings

from cxresearch.claims.evidence import claim_verdicts
from cxresearch.claims.judged import READING, SUPPORTED, UNTESTED
from cxresearch.claims.register import claims_register
from cxresearch.claims.settings import ClaimSettings
from cxresearch.claims.verdict import ClaimVerdict
from cxresearch.claims.verdicts import ClaimVerdicts
from cxresearch.source import open_data, open_frames


@pytest.fixture(scope="module")
def verdicts() -> ClaimVerdicts:
    with open_data(runs.SAMPLE) as data:
        return claim_verdicts(data)


def test_what_is_kept_for_it_is_known_from_chance_only() -> None:
    """What a customer kept costs rests on how many were kept, which is a cause."""
    frames = assigned()
    frames["costs"]["amount"] = 1e5  # a new customer costs more than the 20 of one who is kept
    with open_frames(frames, **recipe()) as data:
        chance, chosen = (
            claim_verdicts(data, ClaimSettings(randomised=by_chance))["S3-2"]
            for by_chance in (True, False)
        )
    assert (chance.verdict, chosen.verdict) == (SUPPORTED, READING)


def served(**columns: object) -> dict[str, pd.DataFrame]:
    """Customers and 900 tickets over the time of the extract, each solved on its day."""
    customers, rng = lifetimes(400), np.random.default_rng(3)
    day = pd.Timestamp("2021-01-02") + pd.to_timedelta(rng.integers(0, 1630, 900), "D")
    contacts = pd.DataFrame(
        {
            "customer_id": rng.choice(customers["customer_id"], 900),
            "event_at": day,
            "event_type": "ticket",
            "resolved_at": day,
        }
    )
    return {"customers": customers, "touchpoints": contacts.assign(**columns)}


def of_tickets(frames: dict[str, pd.DataFrame], **extra: object) -> ClaimVerdict:
    with open_frames(frames, **recipe(**extra)) as data:
        return claim_verdicts(data)["S2-5"]


def test_the_bound_counts_all_tickets_that_outlived_their_day() -> None:
    """A ticket solved in three days took more than one contact; it stood out of 7 days before."""
    at_once, later = served(), served()
    later["touchpoints"]["resolved_at"] += pd.Timedelta(days=3)
    quick, slow = ({j.evidence.reading: j.evidence for j in of_tickets(frames).judged}
                   for frames in (at_once, later))  # fmt: skip
    assert quick["upper_bound"].value < 0.02
    assert slow["upper_bound"].value > 0.1
    assert slow["upper_bound_year"].value > 2 * slow["upper_bound"].value
    assert all(evidence.upper_bound for evidence in slow.values())


def test_tickets_that_are_not_held_bound_nothing() -> None:
    late = served()
    late["touchpoints"] = late["touchpoints"].query("event_at > '2025-01-01'")
    gap = of_tickets(late)
    assert gap.verdict == UNTESTED
    assert gap.why.startswith("tickets are held from 2025-01 to 2025-06 only, and ")
    assert "observed_from = 2025-01-" in gap.unlock
    stated = of_tickets(late, observed_from=dt.date(2025, 1, 2))
    assert "tickets are held" not in stated.why
    calls = of_tickets(served(event_type="call"))
    assert (calls.verdict, calls.why) == (UNTESTED, "no contact is a ticket")
    reopened = served(reopened=False)
    reopened["touchpoints"] = reopened["touchpoints"].drop(columns="resolved_at")
    assert "resolved_at in touchpoints" in of_tickets(reopened).unlock


def test_low_scores_are_experiences_without_any_ticket() -> None:
    customers = lifetimes(400)
    asked = answers(customers).assign(metric="csat")
    asked["score"] = 1 + asked["score"] % 2
    frames = {"customers": customers, "survey_responses": asked}
    with open_frames(frames, **recipe(scales={"csat": {"min": 1, "max": 5}})) as data:
        found_here = claim_verdicts(data, ClaimSettings(bad_experience="low_csat"))
        refused = claim_verdicts(data)["S0-1"]
    assert "left_within_12" in readings(found_here, "S0-1")
    assert "ouchpoints: there is no such table" in refused.sentence()


def test_only_what_lacks_is_named() -> None:
    customers = lifetimes(200)
    frames = {"customers": customers, "survey_responses": answers(customers)}
    with open_frames(frames, as_of=AS_OF) as data:
        verdicts = claim_verdicts(data)
    assert verdicts["S0-11a"].unlock == "the scale of nps in the recipe"
    assert verdicts["S2-5"].unlock.startswith("resolved_at in a table touchpoints")
    assert "start_date" not in verdicts.unlocks.to_frame().to_string()
    listed = ", ".join(verdicts.unlocks.to_frame()["claims"]).replace(" and ", ", ").split(", ")
    assert sorted(listed) == sorted(v.claim.id for v in verdicts.of(UNTESTED))


def test_a_shop_without_bills_tests_whether_customers_come_back() -> None:
    customers = lifetimes(300)[["customer_id"]]
    rng = np.random.default_rng(5)
    orders = pd.DataFrame(
        {
            "customer_id": rng.choice(customers["customer_id"], 2000),
            "order_id": [f"O{i}" for i in range(2000)],
            "order_date": pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 1200, 2000), "D"),
            "net_revenue": 20.0,
        }
    )  # fmt: skip
    asked = answers(lifetimes(300)).assign(responded_at=pd.Timestamp("2023-06-01"))
    frames = {"customers": customers, "transactions": orders, "survey_responses": asked}
    with open_frames(frames, **recipe()) as data:
        verdicts = claim_verdicts(data)
    assert set(readings(verdicts, "S3-5a")) == {"bought_again_12"}
    assert "promoter" in found(verdicts, "S3-5a", "bought_again_12").definition
    assert "of a contract" not in found(verdicts, "S0-2", "last_12_months").definition


def test_a_firm_with_contracts_is_told_what_is_of_another_kind(verdicts: ClaimVerdicts) -> None:
    assert "of another kind than" in found(verdicts, "S0-2", "last_1_months").definition
    assert "not those of a shop" in found(verdicts, "S2-6", "by_order").definition
    assert verdicts["S1-1b"].verdict == READING  # a month is no order
    assert verdicts["S1-1b"].untested == (
        "what an order is worth more after a good answer than after others",
    )


def test_customers_who_use_a_channel_are_more_than_its_contacts(verdicts: ClaimVerdicts) -> None:
    """People name several channels each: the share of contacts is not comparable with theirs."""
    for claim in ("S4-1b", "S4-2", "S4-11a"):
        contacts, customers = (found(verdicts, claim, name) for name in ("contacts", "customers"))
        assert customers.value > 1.5 * contacts.value


def test_tables_show_every_row(verdicts: ClaimVerdicts) -> None:
    for shown in (verdicts, verdicts.tested, verdicts.unlocks, claims_register()):
        assert "more rows" not in shown._repr_html_()
        assert shown._repr_html_().count('scope="col"') <= 3
