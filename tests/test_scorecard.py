"""The scorecard at its edges: too little is said, few people stay hidden, nothing is too sure."""

from __future__ import annotations

import ast
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import runs
from frames import recipe
from runs import Shelf

from cxresearch.checking import check
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.invitation_table import InvitationTable
from cxresearch.present import unless_missing
from cxresearch.recipe import Scale
from cxresearch.revenue_bridge import RevenueBridge
from cxresearch.score_table import ScoreTable
from cxresearch.scores._score_intervals import adjusted_wald
from cxresearch.scores.answers_needed import responses_needed
from cxresearch.scores.levels import score_levels
from cxresearch.scores.nonresponse import nps_nonresponse
from cxresearch.scores.responder_retention import compare_responders
from cxresearch.scores.response_rates import invitation_waterfall, response_rates
from cxresearch.scores.revenue_retention import revenue_retention
from cxresearch.scores.score_change import score_changes
from cxresearch.source import open_frames
from cxresearch.tables import LifeTable

shelf = runs.shelf

NOTEBOOK = "01_scorecard"
LAST = dt.date(2025, 12, 31)
SCALES = {"nps": {"min": 0, "max": 10}, "csat": {"min": 1, "max": 5}}
TOML = "as_of = 2025-12-31\n[scales]\nnps = { min = 0, max = 10 }\n"


def table(frame: Any, columns: list[str], metric: str = "nps") -> ScoreTable:
    scale = Scale(0, 10) if metric == "nps" else Scale(1, 5)
    return ScoreTable.from_counts(pd.DataFrame(frame), columns, metric=metric, scale=scale)


# Too little is said, and does not fail


def people(n: int = 120) -> pd.DataFrame:
    return pd.DataFrame(
        {"customer_id": [f"C{i}" for i in range(n)], "start_date": "2023-01-01",
         "end_date": [None if i % 4 else "2025-09-10" for i in range(n)]}
    )  # fmt: skip


def asked(day: str, share: float, n: int = 120) -> dict[str, pd.DataFrame]:
    """One invitation per customer, of which the first so many are answered on the next day."""
    sent = pd.DataFrame(
        {"invitation_id": [f"I{i}" for i in range(n)], "customer_id": [f"C{i}" for i in range(n)],
         "invited_at": day, "survey_id": "S"}
    )  # fmt: skip
    given = sent.head(round(share * n)).assign(
        response_id=lambda f: f["invitation_id"], metric="nps", score=10,
        responded_at=str((pd.Timestamp(day) + pd.Timedelta(1, "D")).date()),
    )  # fmt: skip
    given = given.drop(columns=["invited_at", "survey_id"])
    return {"survey_invitations": sent, "survey_responses": given}


def paid(first: str, months: int, amount: float = 10.0) -> dict[str, pd.DataFrame]:
    each = pd.date_range(first, periods=months, freq="MS").strftime("%Y-%m-%d")
    rows = [(f"C{i}", month, amount) for i in range(60) for month in each]
    return {"revenue": pd.DataFrame(rows, columns=["customer_id", "month", "revenue"])}


SILENT = "Not shown: who did not answer, and what that leaves open. "
MONEY = "Not shown: gross and net revenue retention, and earned growth. "
CASES = {
    "everybody_answers": (asked("2025-05-05", 1), "whether those who answer stay. survey_inv"),
    "too_recent": (asked("2025-12-20", 0.5), SILENT + "survey_invitations: there are 0"),
    "short": (paid("2025-06-01", 7), MONEY + "revenue: there are no amounts in 2024-12"),
    "refunds": (paid("2024-01-01", 24, -5), MONEY + "revenue: no customer paid in 2024-12"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_data_are_too_short_for_is_said(case: str, shelf: Shelf, tmp_path: Path) -> None:
    tables, said = CASES[case]
    data = runs.write_folder(tmp_path / case, TOML, customers=people(), **tables)
    report = shelf.report(f"card_{case}", NOTEBOOK, data)
    assert (report.entry["status"], report.entry["error"]) == ("ok", None)
    assert said in report.html


def test_invitations_need_lifetimes_and_the_scorecard_goes_on(shelf: Shelf, tmp_path: Path) -> None:
    customers = people()[["customer_id"]]
    data = runs.write_folder(
        tmp_path / "ids", TOML, customers=customers, **asked("2025-05-05", 0.5)
    )
    report = shelf.report("card_ids", NOTEBOOK, data)
    assert report.entry["status"] == "ok"
    assert f"{SILENT}customers: nothing tells how long customers stayed" in report.html


@pytest.mark.parametrize(
    ("tables", "given", "message"),
    [
        ({}, {}, "customers: there is no such table"),
        ({"customers": people()}, {"observed_from": dt.date(2025, 6, 1)}, "opening month is 2024-12"),
    ],
)  # fmt: skip
def test_revenue_that_holds_too_little(tables: Any, given: Any, message: str) -> None:
    with (
        open_frames({**tables, **paid("2024-01-01", 24)}, as_of=LAST, **given) as data,
        pytest.raises(NotEnoughError, match=message),
    ):
        data.revenue_bridge()


def test_a_wrong_parameter_is_never_taken_for_a_lack_of_data() -> None:
    with (
        open_frames({"customers": people(), **paid("2025-06-01", 7)}, as_of=LAST) as data,
        pytest.raises(DataError, match="months is 0") as raised,
    ):
        data.revenue_bridge(months=0)
    assert not isinstance(raised.value, NotEnoughError)


def test_only_a_lack_of_data_is_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    with unless_missing("revenue"):
        raise NotEnoughError("revenue: too short.")
    assert "Not shown: revenue. revenue: too short." in capsys.readouterr().out
    with pytest.raises(DataError, match="mixed"), unless_missing("revenue"):
        raise DataError("mixed currencies")


def test_answers_before_the_observation_unlock_nothing() -> None:
    tables = {"customers": people(), **asked("2025-05-05", 0.5)}
    given = {"as_of": LAST, "scales": SCALES}
    with open_frames(tables, **given) as data:
        assert data.metrics == {"nps"}
    with open_frames(tables, observed_from=dt.date(2025, 7, 1), **given) as data:
        assert data.metrics == frozenset()


def test_averages_of_csat_are_refused_by_the_check_already() -> None:
    given = asked("2025-05-05", 0.5)["survey_responses"].assign(metric="csat", score=4.5)
    frames = {"customers": people(), "survey_responses": given.drop(columns="invitation_id")}
    with open_frames(frames, **recipe(as_of=LAST, scales=SCALES)) as data:
        rules = {(o.rule, o.count) for o in check(data).offences if o.severity == "error"}
    assert ("not_whole", 60) in rules


# Nobody is left out in silence


def test_invitations_that_do_not_count_are_listed() -> None:
    frame = pd.DataFrame({"outcome": ["silent", "promoter", "bounced"], "invitations": [60, 40, 7]})
    found = InvitationTable.from_counts(
        frame, left_out={"the time to answer was not over": 12}, unlinked=1
    )
    assert invitation_waterfall(found).sentence() == (
        "Of 119 invitations in the extract, 100 are used. Left out: 12 the time to answer was not "
        "over and 7 bounced."
    )
    assert found.definition.endswith("Left out: 1 answer without the id of an invitation.")


def test_a_group_that_answered_in_one_wave_only_is_counted() -> None:
    rows = [
        (w, p, i, i % 11, 1) for w, p in (("a", "x"), ("b", "x"), ("b", "y")) for i in range(60)
    ]
    frame = pd.DataFrame(rows, columns=["wave", "plan", "replicate", "score", "answers"])
    found = score_changes(table(frame, ["wave", "plan"]))
    assert [change.group for change in found] == [{"plan": "x"}]
    assert found.sentence().endswith(
        "1 group with fewer than 30 customers who answered is not reported."
    )


def test_the_column_of_a_table_is_called_what_it_counts() -> None:
    """`nps` counts customers who answered; its tables say so."""
    cells = runs.ROOT / "notebooks" / f"{NOTEBOOK}.ipynb"
    source = "\n".join("".join(c["source"]) for c in json.loads(cells.read_text())["cells"]
                       if c["cell_type"] == "code")  # fmt: skip
    said = {ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)}
    (level,) = score_levels(table({"score": [10], "answers": [90], "customers": [40]}, []))
    assert level.findings()[0].n == 40
    assert {f"cx.tabulate({name})" for name in ("levels", "latest", "csat", "easy")} <= said


# Few people stay hidden, however often they are asked


def often(customers: int, times: int) -> InvitationTable:
    """So many customers, all asked so often in one wave, who answer every other time."""
    rows = [(i, outcome, times // 2, outcome == "silent") for i in range(customers)
            for outcome in ("silent", "passive")]  # fmt: skip
    names = ["replicate", "outcome", "invitations", "customers"]
    return InvitationTable.from_counts(pd.DataFrame(rows, columns=names))


def test_few_customers_are_no_group_by_being_asked_often() -> None:
    few, enough = often(5, 40), often(30, 4)
    assert len(response_rates(few)) == len(nps_nonresponse(few)) == 0
    assert "fewer than 30 customers" in response_rates(few).sentence()
    assert "fewer than 30 customers who answered" in nps_nonresponse(few).sentence()
    assert len(response_rates(enough)) == len(nps_nonresponse(enough)) == 1


@pytest.mark.parametrize(("customers", "shown"), [(3, 0), (60, 1)])
def test_few_customers_are_not_compared(customers: int, shown: int) -> None:
    rows = 1200
    life = LifeTable.from_durations(
        np.full(rows, 20), np.zeros(rows, dtype=int), replicate=np.arange(rows) // 2 % customers,
        group={"response": ["answered", "silent"] * (rows // 2)},
    )  # fmt: skip
    assert len(compare_responders(life)) == shown


# Nothing is too sure


def test_the_same_answers_twice_are_no_proof_of_no_change() -> None:
    """A panel that answers alike in both waves has a correlation of 1, and an interval."""
    rng = np.random.default_rng(1)
    score, replicate = rng.integers(1, 6, 60), rng.integers(0, 256, 60)
    for metric, shift in (("nps", 5), ("csat", 0)):
        frame = [{"wave": w, "replicate": r, "score": s + shift, "answers": 1}
                 for w in "ab" for s, r in zip(score, replicate, strict=True)]  # fmt: skip
        (change,) = score_changes(table(frame, ["wave"], metric))
        assert change.correlation == pytest.approx(1)
        assert change.p_value == 1
        share = (change.change_ci_upper - change.change_ci_lower) / (200 if metric == "nps" else 2)
        assert 0.02 < share < 0.07  # all others changing would have been seen, a few not


def test_answers_that_are_all_alike_need_a_number_with_an_interval() -> None:
    (found,) = responses_needed(table({"score": [10], "answers": [40]}, []))
    assert (found.answers_needed_ci_lower < found.answers_needed).all()
    assert (found.answers_needed < found.answers_needed_ci_upper).all()
    assert "needs 0 answers" not in found.sentence()


@pytest.mark.parametrize("outcome", ["promoter", "detractor"])
def test_answers_that_are_all_alike_are_weighted_with_an_interval(outcome: str) -> None:
    """Rounding left a standard error of 1e-13 points, and 100.0000000000000 in the sentence."""
    rng = np.random.default_rng(3)
    plan, answered = rng.integers(0, 3, 200), rng.random(200) < 0.4
    frame = pd.DataFrame(
        {"plan": plan.astype(str), "replicate": rng.integers(0, 256, 200),
         "outcome": np.where(answered, outcome, "silent"), "invitations": 1}
    ).groupby(["plan", "replicate", "outcome"], as_index=False).sum()  # fmt: skip
    (found,) = nps_nonresponse(InvitationTable.from_counts(frame, ["plan"]))
    score = abs(found.nps)
    assert score == 100
    ends = {abs(found.nps_weighted_ci_lower), abs(found.nps_weighted_ci_upper)}
    assert max(ends) == pytest.approx(100)
    assert 85 < min(ends) < 97
    assert ".000" not in found.sentence()


def test_nobody_leaving_on_either_side_is_no_proof_of_no_difference() -> None:
    life = LifeTable.from_durations(
        np.full(120, 20), np.zeros(120, dtype=int), replicate=np.arange(120) // 2,
        group={"response": ["answered", "silent"] * 60},
    )  # fmt: skip
    (found,) = compare_responders(life)
    assert (found.difference == 0).all()
    assert (found.difference_ci_lower < -0.02).all()
    assert (found.difference_ci_upper > 0.02).all()


def test_when_all_revenue_is_gone_some_may_have_been_kept() -> None:
    frame = {"move": "churned", "people": 1, "opening": 10.0, "closing": 0.0}
    rows = pd.DataFrame([{**frame, "replicate": i} for i in range(40)])
    (found,) = revenue_retention(
        RevenueBridge.from_counts(rows, opening_month="2024-12", closing_month="2025-12")
    )
    assert found.net_revenue_retention == 0
    assert found.net_revenue_retention_ci_upper == found.gross_revenue_retention_ci_upper > 0.05


def test_the_stated_coverage_holds_where_nearly_nobody_is_a_detractor() -> None:
    """Binomial outcomes: without detractors the interval is at its worst."""
    rng = np.random.default_rng(11)
    for n, least in ((10, 0.86), (30, 0.91)):
        for share in (0.08, 0.26, 0.62, 0.94):
            up = rng.binomial(n, share, 40_000) / n
            lower, upper = adjusted_wald(up, 0 * up, np.full(up.shape, float(n)), 0.95)
            assert ((lower <= share + 1e-12) & (share - 1e-12 <= upper)).mean() > least - 0.006


def test_a_wave_that_is_held_in_part_is_not_said_to_end_early() -> None:
    frame = {"wave": ["2025-Q1"], "score": [10], "answers": [40]}
    held = ScoreTable.from_counts(
        pd.DataFrame(frame), ["wave"], metric="nps", scale=Scale(0, 10), incomplete=("2025-Q1",)
    )
    (level,) = score_levels(held)
    assert level.sentence().endswith("The extract holds only part of this wave.")


def test_revenue_of_a_few_large_customers_is_told_with_a_wider_interval() -> None:
    """500 draws of 40 lognormal amounts: normal quantiles hold it in 85 %, these in 89 %."""
    rng = np.random.default_rng(8)
    held = []
    for _ in range(500):
        opening = np.exp(rng.normal(3, 1.5, 40))
        gone = rng.random(40) < 0.15
        frame = pd.DataFrame(
            {"move": np.where(gone, "churned", "unchanged"), "people": 1, "opening": opening,
             "closing": np.where(gone, 0, opening), "replicate": rng.integers(0, 256, 40)}
        )  # fmt: skip
        (found,) = revenue_retention(
            RevenueBridge.from_counts(frame, opening_month="2024-12", closing_month="2025-12")
        )
        ends = (found.gross_revenue_retention_ci_lower, found.gross_revenue_retention_ci_upper)
        held.append(ends[0] <= 0.85 <= ends[1])
    assert np.mean(held) > 0.87
