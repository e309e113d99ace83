"""Bad experiences so far and what came after them, against plain Python, row by row."""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd
import pytest
from frames import recipe
from sqlglot import exp, parse

import cxresearch as cx
from cxresearch import sql
from cxresearch.bad_experiences import KINDS, Experience
from cxresearch.errors import CxError, DataError, NotEnoughError
from cxresearch.scores.shares import shares
from cxresearch.source import Data, open_data, open_frames

AS_OF, OBSERVED_FROM = dt.date(2025, 2, 28), dt.date(2021, 3, 17)
END = AS_OF + dt.timedelta(days=1)
NEVER = dt.date(9999, 12, 31)
HOSTILE = ["O'Brien", '"; DROP TABLE customers; --', " C ", "<b>é</b>", "N/A", "0", "%_", "名前"]


def day(rng: np.random.Generator, first: dt.date, days: int) -> dt.date:
    return first + dt.timedelta(days=int(rng.integers(0, max(days, 1))))


def extract(seed: int, n: int = 220) -> dict[str, pd.DataFrame]:
    """Customers with hostile ids and several spells; tickets on all days, rows doubled."""
    rng = np.random.default_rng(seed)
    customers, spells, tickets, answers = [], [], [], []
    for i in range(n):
        name = HOSTILE[i] if i < len(HOSTILE) else f"C{i}"
        customers.append((name, rng.choice(["basic", "plus"])))
        start = day(rng, dt.date(2019, 1, 1), 2100)
        for k in range(int(rng.choice([1, 1, 1, 2, 3]))):
            length = int(rng.integers(0, 900))
            end = start + dt.timedelta(days=length) if rng.random() < 0.75 else None
            notice = None
            if rng.random() < 0.5:
                notice = (end or start + dt.timedelta(days=length)) - dt.timedelta(
                    days=int(rng.integers(0, 90))
                )
            spells.append((name, f"S{i}-{k}", start, end, notice))
            marks = [d for d in (start, end, notice, OBSERVED_FROM, AS_OF, END) if d]
            for j in range(int(rng.integers(0, 4)) + (i < len(HOSTILE))):
                # many on the very days on which something ends or begins
                at = (
                    marks[rng.integers(len(marks))] if rng.random() < 0.3 else day(rng, start, 1000)
                )
                tickets.append(ticket(rng, name, f"T{i}-{k}-{j}", at))
                if rng.random() < 0.8:
                    asked = at + dt.timedelta(days=1)
                    score = float(rng.choice([0, 1, 1, 2, 2, 3, 5, 6]))
                    answers.append((f"R{i}-{k}-{j}", name, asked, "CSAT", score))
            if end is None:
                break
            start = end + dt.timedelta(days=int(rng.integers(0, 60)))
    # doubled rows, later rows of the same ticket, tickets of strangers and of nobody
    again = [tickets[k] for k in rng.integers(0, len(tickets), 40)]
    later = [ticket(rng, t[0], t[3], t[1] + dt.timedelta(days=9)) for t in again[:20]]
    nobody = [
        ("stranger", *again[0][1:]),
        (None, *again[1][1:]),
        ("C99", None, "ticket", "undated", *again[2][4:]),
    ]
    frames = {
        "customers": pd.DataFrame(customers, columns=["customer_id", "plan"]),
        "subscriptions": pd.DataFrame(
            spells,
            columns=["customer_id", "subscription_id", "start_date", "end_date", "notice_date"],
        ),
        "touchpoints": pd.DataFrame(
            [*tickets, *again, *later, *nobody],
            columns=[
                *("customer_id", "event_at", "event_type", "ticket_id", "severity"),
                *("resolved_at", "reopened", "channel"),
            ],
        ),
        "survey_responses": pd.DataFrame(
            [*answers, *answers[:30]],
            columns=["response_id", "customer_id", "responded_at", "metric", "score"],
        ),
    }
    return {name: frame.sample(frac=1, random_state=seed) for name, frame in frames.items()}


def ticket(rng: np.random.Generator, name: str, ident: str | None, at: dt.date) -> tuple[Any, ...]:
    solved = at + dt.timedelta(days=int(rng.integers(-2, 25))) if rng.random() < 0.8 else None
    return (
        name,
        at,
        rng.choice(["ticket", "Ticket", "visit"], p=[0.6, 0.3, 0.1]),
        ident if rng.random() < 0.8 else None,
        rng.choice(np.array(["HIGH", "urgent", "low", None], object)),
        solved,
        bool(rng.random() < 0.2) if rng.random() < 0.9 else None,
        rng.choice(np.array(["chat", "e-mail", None], object)),
    )


def opened(frames: dict[str, pd.DataFrame], **extra: Any) -> Data:
    words = {"as_of": AS_OF, "observed_from": OBSERVED_FROM}
    scales = {"csat": {"min": 1, "max": 5}}
    return open_frames(frames, **recipe(**words, scales=scales, **extra))


# The same in plain Python


class Life(NamedTuple):
    """One customer's months until the decision, and the months in which experiences count."""

    plan: str
    entry: int
    exit: int
    lost: bool
    start: dt.date
    decided: dt.date | None
    counts: list[int]


def up(start: dt.date, at: dt.date) -> int:
    return 12 * (at.year - start.year) + at.month - start.month + (at.day > start.day)


def down(start: dt.date, at: dt.date) -> int:
    last = calendar.monthrange(at.year, at.month)[1]
    months = 12 * (at.year - start.year) + at.month - start.month
    return months - ((31 if at.day == last else at.day) < start.day)


def present(value: Any) -> Any:
    return None if value is None or pd.isna(value) else value


def lifetime(rows: pd.DataFrame) -> tuple[dt.date, dt.date | None, dt.date | None]:
    """Return the start, the end and the notice of the first lifetime."""
    spells = zip(rows.start_date, rows.end_date, rows.notice_date, strict=True)
    parts = [(start, present(end) or NEVER, present(notice)) for start, end, notice in spells]
    parts.sort(key=lambda part: part[:2])
    first, reached = [parts[0]], parts[0][1]
    for part in parts[1:]:
        if (part[0] - reached).days > 30:
            break
        first.append(part)
        reached = max(reached, part[1])
    notices = [notice for _, end, notice in first if end == reached and notice]
    return first[0][0], reached if reached < NEVER else None, max(notices, default=None)


def of_each(frame: pd.DataFrame) -> Callable[[str], pd.DataFrame]:
    """Return a look-up of the rows of one customer."""
    held, none = dict(iter(frame.groupby("customer_id"))), frame.iloc[:0]
    return lambda who: held.get(who, none)


def happened(mine: pd.DataFrame, bad: Experience) -> Iterator[Any]:
    """Yield the day of each bad experience of a customer, each once."""
    if bad.kind == "low_csat":
        low = mine[mine.score.isin([1, 2])]
        yield from {r.response_id: r.responded_at for r in low.itertuples()}.values()
        return
    mine = mine[mine.event_type.isin(["ticket", "Ticket"])]
    if bad.kind == "unresolved":
        yield from (troubled_since(*t, bad.open_days) for t in whole_tickets(mine))
        return
    days: dict[Any, dt.date] = {}
    for r in mine.itertuples():
        at, severe = present(r.event_at), present(r.severity)
        if bad.kind == "severe" and (severe or "").lower() not in bad.severities:
            continue
        key = present(r.ticket_id) or ("no id", at)
        days[key] = min(days.get(key) or at or NEVER, at or NEVER)
    yield from (at for at in days.values() if at is not None and at < NEVER)


def whole_tickets(rows: pd.DataFrame) -> list[tuple[Any, Any, bool]]:
    """Return (opened, solved, reopened) of each ticket, however many rows it has."""
    held: dict[Any, list[Any]] = {}
    for r in rows.itertuples():
        at, solved = present(r.event_at), present(r.resolved_at)
        key = present(r.ticket_id) or ("no id", at, solved)
        held.setdefault(key, []).append((at, solved, bool(present(r.reopened))))
    return [
        (
            min((a for a, _, _ in parts if a), default=None),
            max((s for _, s, _ in parts if s), default=None),
            any(back for _, _, back in parts),
        )
        for parts in held.values()
    ]


def troubled_since(at: Any, solved: Any, back: bool, open_days: int) -> Any:
    if at is None:
        return None
    due = at + dt.timedelta(days=open_days)
    if not back and solved is not None and solved <= due:
        return None
    return max(at, min(due, solved or due))


def lives(frames: dict[str, pd.DataFrame], bad: Experience) -> Iterator[Life]:
    spells = of_each(frames["subscriptions"])
    source = of_each(frames[bad.source])
    for row in frames["customers"].itertuples():
        start, end, notice = lifetime(spells(row.customer_id))
        end = end if end and end <= END else None
        notice = notice if notice and notice <= AS_OF else None
        decided = min((d for d in (end, notice) if d), default=None)
        full = down(start, END)
        lost = decided is not None and up(start, decided) <= full
        entry = 0 if start >= OBSERVED_FROM else up(start, OBSERVED_FROM)
        if bad.new_only and start < OBSERVED_FROM:
            continue
        counts = []
        for at in happened(source(row.customer_id), bad):
            if at is None or not max(start, OBSERVED_FROM) <= at <= AS_OF:
                continue
            counted = at + dt.timedelta(days=bad.wait_days)
            if decided is None or counted < decided:
                counts.append(up(start, counted))
        leaves = up(start, decided) if decided and lost else full
        yield Life(row.plan, entry, leaves, lost, start, decided, sorted(counts))


def spans(life: Life) -> Iterator[tuple[str, int, int, bool]]:
    """Go through the months one by one, as who looks at the customer then."""
    held: list[tuple[str, int]] = []
    for month in range(life.entry + 1, life.exit + 1):
        so_far = sum(counts < month for counts in life.counts)
        held.append((str(so_far) if so_far < 3 else "3 and more", month))
    for label in dict.fromkeys(name for name, _ in held):
        months = [month for name, month in held if name == label]
        yield label, months[0] - 1, months[-1], life.lost and months[-1] == life.exit


def so_far(frames: dict[str, pd.DataFrame], bad: Experience) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for life in lives(frames, bad):
        for label, entry, leaves, lost in spans(life):
            found[(label, life.plan, entry, "entered")] += 1
            found[(label, life.plan, leaves, "churned" if lost else "censored")] += 1
    return found


def after(
    frames: dict[str, pd.DataFrame], bad: Experience, months: int
) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for life in lives(frames, bad):
        for dose, since in enumerate(life.counts[:3], start=1):
            followed = life.exit - since
            if followed < 1 or life.exit <= life.entry:
                continue
            lost = life.lost and followed <= months
            key = (str(dose), str(since), life.plan)
            found[(*key, 0, "entered")] += 1
            found[(*key, min(followed, months), "churned" if lost else "censored")] += 1
    return found


def counted(table: Any) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for name in table.count_fields:
        counts = table.counts(name).sum(axis=1)
        for g, t in np.argwhere(counts):
            found[(*table.groups[g], int(t), name)] += int(counts[g, t])
    return found


@pytest.fixture(scope="module", params=[1, 2])
def world(request: pytest.FixtureRequest) -> Iterator[Any]:
    frames = extract(request.param)
    with opened(frames) as data:
        yield frames, data


@pytest.fixture(scope="module")
def sample() -> Iterator[Data]:
    with open_data() as data:
        yield data


BAD = [
    *(Experience(kind) for kind in KINDS),
    Experience("ticket", wait_days=30),
    Experience("unresolved", open_days=0),
    Experience("severe", severities=("URGENT",), new_only=True),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.table)
def test_the_groups_so_far_are_those_of_plain_python(world: Any, bad: Experience) -> None:
    frames, data = world
    lower = Experience(**{**vars(bad), "severities": tuple(s.lower() for s in bad.severities)})
    expected = so_far(frames, lower)
    assert counted(data.experience_table(bad, ["plan"])) == expected
    assert sum(n for key, n in expected.items() if key[0] == "1") > 4


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.table)
def test_the_follow_up_is_that_of_plain_python(world: Any, bad: Experience) -> None:
    frames, data = world
    lower = Experience(**{**vars(bad), "severities": tuple(s.lower() for s in bad.severities)})
    expected = after(frames, lower, 9)
    assert counted(data.experience_followup(bad, ["plan"], months=9)) == expected
    assert any(key[0] == "2" for key in expected) or bad.new_only
    assert any(key[-1] == "churned" for key in expected) or bad.new_only


def test_the_frames_hold_what_is_hard(world: Any) -> None:
    frames, data = world
    counts = data.experience_counts("ticket")
    assert set(counts.index) == {
        "counts", "no date", "customer without a start date", "before the customer started",
        "before the observation began", "after the last day",
        "after the customer left or gave notice",
    }  # fmt: skip
    assert (counts > 0).all()
    held = list(lives(frames, Experience()))
    assert any(life.counts and life.counts[0] == life.entry for life in held)
    assert any(a == b for life in held for a, b in zip(life.counts, life.counts[1:], strict=False))
    assert any(life.start < OBSERVED_FROM and life.counts for life in held)
    assert frames["subscriptions"].customer_id.duplicated().any()
    assert set(HOSTILE) <= set(frames["touchpoints"].customer_id)


def test_nobody_and_no_loss_is_left_out(world: Any) -> None:
    """All groups together are the life table of customers who end on the day of their notice."""
    frames, data = world
    rows = frames["subscriptions"].groupby("customer_id")
    ends = {who: lifetime(mine) for who, mine in rows}
    people = frames["customers"].copy()
    people["start_date"] = [ends[who][0] for who in people.customer_id]
    people["end_date"] = [
        min((d for d in (end, notice if notice and notice <= AS_OF else None) if d), default=None)
        for _, end, notice in (ends[who] for who in people.customer_id)
    ]
    with opened({"customers": people}) as plain:
        life = plain.life_table()
    for kind in KINDS:
        table = data.experience_table(kind)
        length = table.entered.shape[-1]
        months = np.stack([table.at_risk[..., 1:], table.churned[..., 1:]]).sum(axis=1)
        whole = np.stack([life.at_risk[..., 1:length], life.churned[..., 1:length]]).sum(axis=1)
        assert (months == whole).all()
        assert not life.at_risk[..., length:].any()


def test_without_an_observed_window_experiences_count_from_the_start() -> None:
    frames = extract(4, 60)
    with opened(frames) as late:
        observed = late.experience_table("ticket")
    words = recipe(as_of=AS_OF)
    with open_frames(frames, **words) as data:
        assert data.experience_table("ticket").n.sum() > observed.n.sum()


@pytest.mark.parametrize("open_days", [0, 7])
def test_unresolved_tickets_before_a_loss_are_those_of_plain_python(
    world: Any, open_days: int
) -> None:
    frames, data = world
    days, found = 120, Counter()
    contacts = of_each(frames["touchpoints"])
    for row, life in zip(
        frames["customers"].itertuples(), lives(frames, Experience()), strict=True
    ):
        if not life.lost or life.exit <= life.entry:
            continue
        since = life.decided - dt.timedelta(days=days)
        if since < OBSERVED_FROM:
            continue
        mine = contacts(row.customer_id)
        mine = mine[mine.event_type.isin(["ticket", "Ticket"])]
        found[(life.plan, "whole")] += 1
        found[(life.plan, "part")] += any(
            at
            and since <= at < life.decided
            and (
                back
                or solved is None
                or solved >= life.decided
                or solved > at + dt.timedelta(days=open_days)
            )
            for at, solved, back in whole_tickets(mine)
        )
    table = data.unresolved_before_loss(days, ["plan"], open_days=open_days)
    got = {
        (plan, name): int(table.counts(name)[g].sum())
        for g, (plan,) in enumerate(table.groups)
        for name in ("part", "whole")
    }
    assert got == dict(found)
    assert 0 < table.part.sum() < table.whole.sum()


@pytest.mark.parametrize("of", ["contacts", "customers"])
def test_channels_are_shares_of_all_contacts_or_of_all_who_made_one(world: Any, of: str) -> None:
    frames, data = world
    rows = frames["touchpoints"]
    inside = pd.to_datetime(rows.event_at).between(str(OBSERVED_FROM), str(AS_OF))
    rows = rows[inside & rows.customer_id.notna()]
    rows = rows.assign(channel=rows.channel.fillna("(missing)"))
    by, whole = rows.groupby("channel"), len(rows)
    parts = by.size() if of == "contacts" else by.customer_id.nunique()
    whole = len(rows) if of == "contacts" else rows.customer_id.nunique()
    table = data.contact_channels(of)
    assert {g: int(n) for (g,), n in zip(table.groups, table.part.sum(1), strict=True)} == dict(
        parts
    )
    assert set(table.whole.sum(axis=1)) == {whole}
    assert set(table.n) == {rows.customer_id.nunique()}
    said = shares(table)[1].sentence()
    whose = "contacts" if of == "contacts" else "customers with a contact"
    assert said.startswith(f"Of 100 {whose}, ")
    assert f" came by chat{'' if of == 'contacts' else ' at least once'} (95 % interval " in said


# What it cannot do, and the words for it


def test_severities_are_texts() -> None:
    with pytest.raises(CxError, match=r"severities is \(1, 2\), must be a tuple of at least one"):
        Experience("severe", severities=(1, 2))  # type: ignore[arg-type]


def test_an_experience_says_all_that_is_wrong_with_it() -> None:
    with pytest.raises(CxError) as error:
        Experience("tickets", severities=(), open_days=-1, wait_days=1.5)  # type: ignore[arg-type]
    assert len(error.value.problems) == 4
    assert "bad is 'tickets', must be one of ticket, severe" in error.value.problems[0]
    assert "Did you mean 'ticket'?" in error.value.problems[0]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.table)
def test_the_definition_says_what_counts(bad: Experience) -> None:
    said = bad.definition
    assert ("nothing is known of those before" in said) != bad.new_only
    assert ("begins 30 days after it or later" in said) == (bad.wait_days == 30)


def test_it_says_which_tables_and_columns_are_missing() -> None:
    frames = extract(5, 40)
    few = {"customers": frames["customers"].assign(tenure=5, churned=False)}
    with open_frames(few, **recipe(scales={})) as data:
        with pytest.raises(NotEnoughError) as error:
            data.experience_table("low_csat")
        assert len(error.value.problems) == 3
        with pytest.raises(NotEnoughError, match="touchpoints: there is no such table"):
            data.experience_followup("ticket")
        with pytest.raises(NotEnoughError, match="with a column channel"):
            data.contact_channels()
    bare = frames["touchpoints"].drop(columns=["severity", "resolved_at", "reopened"])
    with opened(frames | {"touchpoints": bare}) as data:
        assert data.experience_table("ticket").n.sum() > 0
        with pytest.raises(NotEnoughError, match="no column severity, which 'severe' takes"):
            data.experience_table("severe")
        with pytest.raises(NotEnoughError, match="resolved_at and no column reopened"):
            data.unresolved_before_loss()


def test_where_nobody_says_what_was_solved_only_what_came_back_is_unresolved() -> None:
    frames = extract(6)
    once = frames["touchpoints"].loc[lambda rows: ~rows.ticket_id.duplicated(keep=False)]
    back = once[once.reopened.eq(True)].assign(resolved_at=None)
    expected = so_far(frames | {"touchpoints": back}, Experience("unresolved"))
    with opened(frames | {"touchpoints": once.drop(columns=["resolved_at"])}) as data:
        assert counted(data.experience_table("unresolved", ["plan"])) == expected
    with opened(frames | {"touchpoints": once}) as data:
        assert counted(data.experience_table("unresolved", ["plan"])) != expected


def test_arguments_out_of_range_are_named(world: Any) -> None:
    _, data = world
    with pytest.raises(DataError, match="months is 0, must be a whole number from 1 to 120"):
        data.experience_followup(months=0)
    with pytest.raises(DataError, match="days is 0, must be"):
        data.unresolved_before_loss(0)
    with pytest.raises(DataError, match="of is 'people', must be"):
        data.contact_channels("people")
    with pytest.raises(DataError, match="no column 'plna' to group by"):
        data.experience_table("ticket", ["plna"])


def test_a_column_called_as_one_of_ours_is_named() -> None:
    frames = extract(7, 60)
    frames["customers"]["decided_at"] = "x"
    frames["customers"]["Dose"] = "y"
    with opened(frames) as data:
        assert data.experience_table("ticket", ["plan"]).n.sum() > 0
        with pytest.raises(DataError, match="'Dose' has a meaning of its own here"):
            data.experience_followup("ticket", ["Dose"])


def test_no_experience_at_all_is_said() -> None:
    frames = extract(8, 40)
    frames["touchpoints"]["event_type"] = "call"
    with opened(frames) as data:
        table = data.experience_table("ticket")
        assert [group for (group,) in table.groups] == ["0"]
        with pytest.raises(NotEnoughError, match="nobody can be followed"):
            data.experience_followup("ticket")


@pytest.mark.parametrize("dialect", sql.DIALECTS)
@pytest.mark.parametrize(
    ("name", "group_by", "bad"),
    [
        *(("experience_table", ["plan"], kind) for kind in KINDS),
        ("experience_followup", ["plan"], "ticket"),
        ("unresolved_before_loss", ["plan"], "ticket"),
        ("contact_channels", [], "ticket"),
    ],
)
def test_every_reduction_is_one_query_in_every_dialect(
    sample: Data, name: str, group_by: list[str], bad: Any, dialect: str
) -> None:
    text = sample.reduction_sql(name, group_by, dialect, bad=bad)
    (tree,) = parse(text, dialect=dialect)
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert {table.name for table in tree.find_all(exp.Table) if not table.db} <= {*defined, ""}
    assert "@" not in text
    assert "$" not in text


def test_a_printed_query_gives_the_same_counts(sample: Data) -> None:
    text = sample.reduction_sql("experience_table", ["plan"], bad="unresolved")
    table = sample.experience_table("unresolved", ["plan"])
    counts = duckdb.connect().execute(text).df()
    assert counts["churned"].sum() == table.churned.sum() > 0
    assert counts["entered"].sum() == table.n.sum()


def test_a_query_says_what_it_lacks(sample: Data) -> None:
    with pytest.raises(DataError, match="contact_channels has no groups"):
        sample.reduction_sql("contact_channels", ["plan"])
    people = {"customers": extract(9, 30)["customers"].assign(dose="x")}
    with opened(people) as data, pytest.raises(CxError) as error:
        data.reduction_sql("experience_table", ["dose"], bad="low_csat")
    assert len(error.value.problems) == 3
    assert "'dose' has a meaning of its own" in error.value.problems[-1]


def test_the_sample_counts_every_customer_who_is_seen_for_a_month(sample: Data) -> None:
    life, table = sample.life_table(), sample.experience_table()
    followed = sample.experience_followup().pooled("dose")
    entered = table.select(experiences="0").n.sum()
    assert 0 < life.n.sum() - entered < 0.05 * life.n.sum()
    assert list(followed.n) == sorted(followed.n, reverse=True)
    assert cx.retention_curves(followed)[0].longest == 24
