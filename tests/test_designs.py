"""Risk sets by score, against the same rules applied row by row in plain Python."""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.designs import KINDS, Design
from cxresearch.errors import CxError, DataError
from cxresearch.tables import LifeTable

AS_OF, OBSERVED_FROM = dt.date(2025, 2, 28), dt.date(2021, 3, 17)
END = AS_OF + dt.timedelta(days=1)
CAUSES = ["Voluntary", "involuntary", None]


def extract(seed: int, n: int = 250) -> dict[str, pd.DataFrame]:
    """Customers, answers and tickets on all kinds of days, in and out of order."""
    rng = np.random.default_rng(seed)
    day0 = dt.date(2019, 1, 1)
    customers, spells, answers, tickets = [], [], [], []
    for i in range(n):
        start = day0 + dt.timedelta(days=int(rng.integers(0, 2200)))
        end = start + dt.timedelta(days=int(rng.integers(0, 1500)))
        gone = end if rng.random() < 0.6 else None
        notice = gone - dt.timedelta(days=int(rng.integers(0, 50))) if gone else None
        notice = notice if notice and notice >= start and rng.random() < 0.7 else None
        customers.append((f"C{i}", rng.choice(["basic", "plus"])))
        spells.append((f"C{i}", f"S{i}", start, gone, notice, rng.choice(np.array(CAUSES))))
        for k in range(rng.integers(0, 5)):
            asked = start + dt.timedelta(days=int(rng.integers(-40, 1500)))
            answers.append((f"R{i}-{k}", f"C{i}", asked, "NPS", int(rng.integers(0, 11))))
            if rng.random() < 0.3:
                answers.append((f"Q{i}-{k}", f"C{i}", asked, "nps", int(rng.integers(0, 11))))
        for _ in range(rng.integers(0, 8)):
            opened = start + dt.timedelta(days=int(rng.integers(0, 1500)))
            tickets.append((f"C{i}", opened, rng.choice(["ticket", "visit"])))
    frames = {
        "customers": pd.DataFrame(customers, columns=["customer_id", "plan"]),
        "subscriptions": pd.DataFrame(
            spells,
            columns=[
                *("customer_id", "subscription_id", "start_date", "end_date", "notice_date"),
                "cancel_type",
            ],
        ),
        "survey_responses": pd.DataFrame(
            answers, columns=["response_id", "customer_id", "responded_at", "metric", "score"]
        ),
        "touchpoints": pd.DataFrame(tickets, columns=["customer_id", "event_at", "event_type"]),
    }
    return {name: frame.sample(frac=1, random_state=seed) for name, frame in frames.items()}


def opened(frames: dict[str, pd.DataFrame]) -> Any:
    scales = {"nps": {"min": 0, "max": 10}}
    return cx.open_frames(frames, as_of=AS_OF, observed_from=OBSERVED_FROM, scales=scales)


class Answer(NamedTuple):
    """An answer that counts, and from which month of tenure."""

    tenure: int
    group: str
    known: tuple[str, str]


class Life(NamedTuple):
    """One customer's months under observation."""

    entry: int
    exit: int
    churned: bool
    cause: str | None
    answers: list[Answer]


def months(start: dt.date, day: dt.date) -> int:
    return 12 * (day.year - start.year) + day.month - start.month


def up(start: dt.date, day: dt.date) -> int:
    return months(start, day) + (day.day > start.day)


def down(start: dt.date, day: dt.date) -> int:
    last = calendar.monthrange(day.year, day.month)[1]
    return months(start, day) - ((31 if day.day == last else day.day) < start.day)


def lives(frames: dict[str, pd.DataFrame], design: Design) -> Iterator[Life]:
    given, opened_at = frames["survey_responses"], frames["touchpoints"]
    for row in frames["subscriptions"].itertuples():
        start = row.start_date
        end = row.end_date if not pd.isna(row.end_date) and row.end_date <= END else None
        entry = 0 if start >= OBSERVED_FROM else up(start, OBSERVED_FROM)
        full = down(start, END)
        churned = end is not None and up(start, end) <= full
        leaves = up(start, end) if end and churned else full
        cause = (row.cancel_type or "not recorded").lower() if churned else None
        mine = given[given.customer_id == row.customer_id]
        contacts = opened_at[opened_at.customer_id == row.customer_id]
        counting = []
        for answer in sorted(mine.itertuples(), key=lambda a: (a.responded_at, a.response_id)):
            day = answer.responded_at
            counts = day + dt.timedelta(days=design.blackout_days)
            limits = [d for d in (end, row.notice_date) if d is not None and not pd.isna(d)]
            if day < max(start, OBSERVED_FROM) or day > AS_OF or any(counts >= d for d in limits):
                continue
            counting.append(
                Answer(up(start, counts), _group(answer.score), _known(start, day, contacts))
            )
        yield Life(entry, leaves, churned, cause, counting)


def _group(score: int) -> str:
    return "detractor" if score <= 6 else "passive" if score <= 8 else "promoter"


def _known(start: dt.date, day: dt.date, contacts: pd.DataFrame) -> tuple[str, str]:
    age = months(start, day) - (day.day < start.day)
    band = "0 to 5" if age < 6 else "6 to 11" if age < 12 else "12 to 23"
    recent = [
        c
        for c in contacts.itertuples()
        if c.event_type == "ticket" and 0 < (day - c.event_at).days <= 180
    ]
    tickets = {0: "0", 1: "1"}.get(len(recent), "2 and more")
    return (band if age < 24 else "24 and more"), tickets


Row = tuple[tuple[str, ...], int, int, bool, str | None]


def episodes(life: Life, design: Design) -> Iterator[Row]:
    """Return (labels, entry, exit, churned, cause) as the design says it in words."""
    entry, leaves, churned, cause, answers = life
    if design.kind.startswith("ever"):
        hits = [a.tenure for a in answers if a.group == "promoter" and a.tenure < leaves]
        if design.kind == "ever_from_signup":
            yield (("promoter" if hits else "other",), entry, leaves, churned, cause)
        elif not hits:
            yield (("other",), entry, leaves, churned, cause)
        else:
            yield (("other",), entry, min(hits), False, None)
            yield (("promoter",), max(entry, min(hits)), leaves, churned, cause)
        return
    if design.kind.startswith("first") and answers:
        first = answers[0]
        late = design.kind == "first_from_answer"
        begin = max(entry, first.tenure) if late else entry
        yield ((first.group, *first.known), begin, leaves, churned, cause)
    if design.kind == "landmark":
        month = design.landmark_month
        held = [a for a in answers if month - design.max_age_months < a.tenure <= month]
        if held:
            labels = (held[-1].group, *held[-1].known)
            yield (labels, max(entry, month), leaves, churned, cause)
    if design.kind == "followup":
        for a in answers:
            begin = max(entry - a.tenure, 0)
            yield ((a.group, *a.known), begin, leaves - a.tenure, churned, cause)
    if design.kind == "current":
        never = Answer(100_000, "", ("", ""))
        for a, following in pairwise([*answers, never]):
            until = min(a.tenure + design.max_age_months, following.tenure + design.lag_months)
            mine = leaves <= until
            begin = max(entry, a.tenure + design.lag_months)
            yield (
                (a.group, *a.known),
                begin,
                min(until, leaves),
                churned and mine,
                cause if mine else None,
            )


def counted(rows: Iterator[Row]) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for labels, entry, leaves, churned, cause in rows:
        if 0 <= entry < leaves:
            found[(*labels, entry, "entered")] += 1
            found[(*labels, leaves, f"churned {cause}" if churned else "censored")] += 1
    return found


def table_counts(table: Any) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    life: LifeTable = table.life
    named = {"entered": life.entered, "censored": life.censored}
    named |= {f"churned {c}": table.churned[k] for k, c in enumerate(table.causes)}
    for name, counts in named.items():
        for g, t in np.argwhere(counts.sum(axis=1)):
            found[(*life.groups[g], int(t), name)] += int(counts[g, :, t].sum())
    return found


DESIGNS = [
    *(Design(kind) for kind in KINDS),
    *(Design(kind, blackout_days=0) for kind in KINDS),
    Design("current", blackout_days=17, lag_months=2, max_age_months=5),
    Design("current", lag_months=1, max_age_months=2),
    Design("landmark", landmark_month=6, max_age_months=3),
    Design("landmark", landmark_month=24, max_age_months=40, blackout_days=61),
]


@pytest.fixture(scope="module", params=[1, 2, 3])
def world(request: pytest.FixtureRequest) -> Iterator[tuple[dict[str, pd.DataFrame], Any]]:
    frames = extract(request.param)
    with opened(frames) as data:
        yield frames, data


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: f"{d.table}-{d.blackout_days}")
def test_counts_are_those_of_the_rules_row_by_row(world: Any, design: Design) -> None:
    frames, data = world
    known = ["tenure_band", "tickets_before"] if design.knows_answers else []
    table = data.cause_table(["score_group", *known], design=design)
    naive = counted(row for life in lives(frames, design) for row in episodes(life, design))
    assert table_counts(table) == naive
    assert len(naive) > 10
    life = data.life_table(["score_group", *known], design=design)
    assert (life.churned == table.life.churned).all()
    assert (life.entered == table.life.entered).all()


def test_a_score_group_without_a_design_counts_from_the_first_answer_without_a_wait(
    world: Any,
) -> None:
    _, data = world
    plain = data.life_table(["score_group"])
    first = data.life_table(["score_group"], design=Design("first_from_answer", blackout_days=0))
    assert (plain.entered == first.entered).all()
    assert plain.population == "customers who answered"


def test_causes_add_up_whatever_the_grouping(world: Any) -> None:
    _, data = world
    table = data.cause_table(["plan"])
    assert set(table.causes) == {"involuntary", "not recorded", "voluntary"}
    assert (table.churned.sum(axis=0) == data.life_table(["plan"]).churned).all()


def test_both_ever_designs_hold_the_same_customers_and_losses(world: Any) -> None:
    _, data = world
    naive = data.life_table(["score_group"], design=Design("ever_from_signup"))
    right = data.life_table(["score_group"], design=Design("ever_from_answer"))
    assert (naive.churned == right.churned).all()
    everybody = data.life_table([])
    for table in (naive, right):
        assert (months_and_losses(table) == months_and_losses(everybody)).all()


@pytest.mark.parametrize("blackout_days", [0, 30])
def test_a_score_that_never_grows_old_loses_no_month_and_no_loss(
    world: Any, blackout_days: int
) -> None:
    _, data = world
    first = Design("first_from_answer", blackout_days=blackout_days)
    endless = Design("current", blackout_days=blackout_days, max_age_months=1200)
    whole, pieces = (data.life_table(["score_group"], design=d) for d in (first, endless))
    assert (months_and_losses(whole) == months_and_losses(pieces)).all()


def months_and_losses(table: LifeTable) -> Any:
    """Customers at risk and losses of each month in all groups together."""
    return np.stack([table.at_risk[..., 1:], table.churned[..., 1:]]).sum(axis=(1, 2))


def test_a_design_says_all_that_is_wrong_with_it() -> None:
    with pytest.raises(CxError) as error:
        Design("curent", blackout_days=-1, lag_months=12, max_age_months=12)  # type: ignore[arg-type]
    assert len(error.value.problems) == 3
    assert "Did you mean 'current'?" in str(error.value)
    with pytest.raises(CxError, match=r"landmark_month == 1\.5, must be a whole number"):
        Design("landmark", landmark_month=1.5)  # type: ignore[arg-type]


def test_what_was_known_at_an_answer_needs_an_answer(world: Any) -> None:
    _, data = world
    with pytest.raises(DataError, match="no column 'tenure_band' to group by"):
        data.life_table(["tenure_band"], design=Design("ever_from_signup"))


def test_tickets_before_an_answer_need_touchpoints() -> None:
    frames = extract(1, 40)
    del frames["touchpoints"]
    with opened(frames) as data:
        assert data.life_table(["tenure_band"], design=Design("current")).n.sum() > 0
        with pytest.raises(DataError, match="no column 'tickets_before'"):
            data.life_table(["tickets_before"], design=Design("current"))


def test_a_design_needs_answers() -> None:
    frames = extract(1, 40)
    del frames["survey_responses"]
    with opened(frames) as data, pytest.raises(DataError, match="needs a table of answers"):
        data.life_table([], design=Design("current"))


def test_answers_that_never_count_are_counted_with_the_reason(world: Any) -> None:
    frames, data = world
    design = Design("current", blackout_days=30)
    counting = sum(len(life.answers) for life in lives(frames, design))
    valid = sum(len(life.answers) for life in lives(frames, Design("current", blackout_days=0)))
    waterfall = cx.answer_waterfall(data, design)
    assert waterfall.used == counting < valid
    assert waterfall.left_out["notice or end within 30 days of the answer"] == valid - counting
    assert waterfall.total == cx.answer_waterfall(data).total
