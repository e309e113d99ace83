"""Value tables against plain Python that sees the raw rows alone, on random extracts."""

from __future__ import annotations

import calendar
import datetime as dt
import random
from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.designs import Design
from cxresearch.source import open_frames
from cxresearch.value_table import ValueTable

Day = dt.date
Rows = dict[str, list[tuple[Any, ...]]]
Sums = dict[str, dict[tuple[str, int], float]]
COLUMNS = {
    "customers": ["customer_id", "start_date", "end_date", "referred_by"],
    "survey_responses": ["response_id", "customer_id", "responded_at", "metric", "score"],
    "revenue": ["customer_id", "month", "revenue", "contribution_margin"],
    "touchpoints": ["customer_id", "event_at", "event_type"],
    "costs": ["customer_id", "month", "cost_type", "amount"],
}
DATES = {"start_date", "end_date", "responded_at", "month", "event_at"}
LAST_DAYS = [Day(2024, 6, 30), Day(2024, 6, 15), Day(2024, 2, 29), Day(2023, 12, 31)]
BEYOND = Day(2024, 9, 1)
FIRST_DAYS = [None, Day(2022, 6, 1), Day(2022, 11, 17)]


def month_of(day: Day) -> int:
    return 12 * day.year + day.month - 1


def rounded_up(start: Day, day: Day) -> int:
    return month_of(day) - month_of(start) + (day.day > start.day)


def completed(start: Day, end: Day) -> int:
    """Full months before `end`, the first day that is not observed."""
    whole = end.day == calendar.monthrange(end.year, end.month)[1]
    return month_of(end) - month_of(start) - ((31 if whole else end.day) < start.day)


def group_of(score: int) -> str:
    return "detractor" if score <= 6 else "passive" if score <= 8 else "promoter"


def random_rows(seed: int, last: Day) -> Rows:
    """Doubled bills, credits, missing ids, referrals of oneself and of nobody, days of all kinds."""
    rng = random.Random(seed)
    n = rng.randint(3, 12)

    def who() -> str | None:
        return None if rng.random() < 0.05 else f"C{rng.randint(0, n)}"

    def day(until: Day = BEYOND) -> Day:
        drawn = Day(2022, 1, 1) + dt.timedelta(rng.randint(0, (until - Day(2022, 1, 1)).days))
        ends = calendar.monthrange(drawn.year, drawn.month)[1]
        return drawn.replace(day=ends) if rng.random() < 0.2 else drawn

    def customer(i: int) -> tuple[Any, ...]:
        start = day(last)
        end = start + dt.timedelta(rng.randint(0, 700)) if rng.random() < 0.6 else None
        return f"C{i}", start if rng.random() < 0.95 else None, end, rng.choice([None, who()])

    def amount() -> float:
        return round(rng.uniform(-5, 50), 2)

    months = [Day(year, month, 1) for year in (2022, 2023, 2024) for month in range(1, 13)]
    billed = months[rng.randint(0, 8) : rng.randint(18, 36)]
    booked = months[rng.randint(0, 12) : rng.randint(18, 36)]
    kinds = ["ticket", "Ticket", "call"]
    return {
        "customers": [customer(i) for i in range(n)],
        "survey_responses": [
            (f"R{i}", who(), day(), "nps", rng.randint(0, 10)) for i in range(3 * n)
        ],
        "revenue": [(who(), m, amount(), amount()) for m in billed for _ in range(n)],
        "touchpoints": [(who(), day(), rng.choice(kinds)) for _ in range(10 * n)],
        "costs": [
            (who(), m, rng.choice(["serve", "acquire"]), amount()) for m in booked for _ in range(3)
        ],
    }


class Loop:
    """Counts one answer, one month and one row at a time."""

    def __init__(self, rows: Rows, last: Day, first: Day | None, blackout: int) -> None:
        self.rows, self.end, self.first, self.blackout = (
            rows,
            last + dt.timedelta(1),
            first,
            blackout,
        )
        self.sums: Sums = defaultdict(lambda: defaultdict(float))
        whole = month_of(first) + (first.day > 1) if first else 0
        bills = [month_of(month) for _, month, _, _ in rows["revenue"]]
        self.billed = range(max(whole, min(bills)), min(max(bills), month_of(self.end) - 1) + 1)
        tickets = [month_of(d) for _, d, kind in rows["touchpoints"] if kind != "call"]
        ledger = [month_of(month) for _, month, kind, _ in rows["costs"] if kind == "serve"]
        self.served = range(max(whole, min(tickets), min(ledger)), max(ledger) + 1)
        life = {who: (start, end) for who, start, end, _ in rows["customers"]}
        for _, who, day, _, score in rows["survey_responses"]:
            start, end = life.get(who, (None, None))
            if start is not None:
                self.follow(group_of(score), who, (start, end), day)

    def follow(self, group: str, who: str, life: tuple[Day, Day | None], day: Day) -> None:
        start, end = life[0], life[1] if life[1] and life[1] <= self.end else None
        counts = day + dt.timedelta(self.blackout)
        if day < max(start, self.first or start) or day >= self.end or (end and end <= counts):
            return
        begin, full = rounded_up(start, counts), completed(start, self.end)
        late = rounded_up(start, self.first) if self.first and start < self.first else 0
        lost = rounded_up(start, end) if end else None
        churned = lost is not None and lost <= full
        entry, leave = max(late - begin, 0), (lost if churned else full) - begin  # type: ignore[operator]
        if leave <= entry:
            return
        self.sums["entered"][group, entry] += 1
        self.sums["churned" if churned else "censored"][group, leave] += 1
        clock = month_of(start) + begin
        for t in range(entry, leave + (not churned)):
            self.bill(group, who, t, clock + t)
        for t in range(entry, leave):
            self.serve(group, who, t, (start.day, clock + t))

    def bill(self, group: str, who: str, t: int, month: int) -> None:
        if month not in self.billed:
            return
        self.sums["paying"][group, t] += 1
        for payer, at, revenue, margin in self.rows["revenue"]:
            if payer == who and month_of(at) == month:
                self.sums["revenue"][group, t] += revenue
                self.sums["margin"][group, t] += margin

    def serve(self, group: str, who: str, t: int, at: tuple[int, int]) -> None:
        begins, month = at

        def within(day: Day) -> bool:
            return month_of(day) - (day.day < begins) == month

        for new, start, _, by in self.rows["customers"]:
            if by == who != new and start and within(start):
                self.sums["referrals"][group, t] += 1
        if month not in self.served:
            return
        self.sums["served"][group, t] += 1
        for caller, day, kind in self.rows["touchpoints"]:
            if caller == who and kind != "call" and within(day):
                self.sums["tickets"][group, t] += 1
        for payer, booked, kind, amount in self.rows["costs"]:
            if payer == who and kind == "serve" and month_of(booked) == month:
                self.sums["direct_cost"][group, t] += amount


def value_table(rows: Rows, last: Day, first: Day | None, blackout: int) -> ValueTable:
    frames = {}
    for name, columns in COLUMNS.items():
        frame = pd.DataFrame(rows[name], columns=columns)
        dates = {column: pd.to_datetime(frame[column]) for column in DATES & set(columns)}
        frames[name] = frame.assign(**dates)
    known = {"observed_from": first} if first else {}
    scales = {"nps": {"min": 0, "max": 10}}
    with open_frames(frames, as_of=last, scales=scales, **known) as data:
        return data.value_table(design=Design("followup", blackout_days=blackout))


@given(
    seed=st.integers(0, 10**6),
    last=st.sampled_from(LAST_DAYS),
    first=st.sampled_from(FIRST_DAYS),
    blackout=st.sampled_from([0, 30, 400]),
)
@settings(max_examples=10)
def test_every_count_of_a_random_extract_is_that_of_a_loop_over_its_rows(
    seed: int, last: Day, first: Day | None, blackout: int
) -> None:
    rows = random_rows(seed, last)
    table, expected = (
        value_table(rows, last, first, blackout),
        Loop(rows, last, first, blackout).sums,
    )
    for name in table.count_fields:
        counted = {
            (table.groups[g][0], t): value
            for (g, t), value in np.ndenumerate(table.counts(name).sum(axis=1))
            if abs(value) > 1e-9
        }
        wanted = {key: value for key, value in expected[name].items() if abs(value) > 1e-9}
        assert counted == pytest.approx(wanted), name
