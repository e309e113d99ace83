"""Assignments as a life table by arm: against a loop, and against what is true of the sample."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from sqlglot import exp, parse

from cxresearch import sql
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.hazards.ratios import hazard_ratios
from cxresearch.simulate import Settings, simulate
from cxresearch.source import Data, open_data, open_frames
from cxresearch.tables import LifeTable

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"
AS_OF = dt.date(2025, 6, 17)
OBSERVED = dt.date(2023, 2, 10)
RULE = "random half of all"
Row = dict[str, Any]
Moves = dict[tuple[str, ...], Counter[tuple[str, int]]]


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def month(date: dt.date) -> int:
    return 12 * date.year + date.month - 1


def opened(customers: list[Row], interventions: list[Row], **words: Any) -> Data:
    frames = {"customers": pd.DataFrame(customers), "interventions": pd.DataFrame(interventions)}
    return open_frames(frames, **({"as_of": AS_OF, "observed_from": OBSERVED} | words))


def trial(seed: int, n: int = 300) -> tuple[list[Row], list[Row]]:
    """Customers and assignments: some doubled, some without a day, an arm or a customer."""
    rng = np.random.default_rng(seed)
    customers, assigned = [], []
    for i in range(n):
        start = day("2021-06-01") + dt.timedelta(int(rng.integers(0, 1400)))
        end = start + dt.timedelta(int(rng.geometric(1 / 500)))
        row = {
            "customer_id": f"c{i}",
            "start_date": start if rng.random() > 0.03 else None,
            "end_date": end if end <= AS_OF + dt.timedelta(20) else None,
            "plan": str(rng.choice(["basic", "pro"])),
        }
        customers += [row] * (2 if rng.random() < 0.04 else 1)
        for _ in range(rng.integers(0, 4)):
            on = day("2022-11-01") + dt.timedelta(int(rng.integers(0, 975)))
            some = {
                "customer_id": f"c{i}" if rng.random() > 0.03 else None,
                "assigned_at": on if rng.random() > 0.03 else None,
                "arm": str(rng.choice(["treat", "Holdout", " treat "]))
                if rng.random() > 0.03 else None,
                "assignment_rule": RULE,
            }  # fmt: skip
            other = some | {"arm": "holdout" if rng.random() < 0.5 else "treat"}
            assigned += [some, other] if rng.random() < 0.1 else [some]
            assigned += [some] if rng.random() < 0.1 else []
    stranger = assigned[0] | {"customer_id": "stranger"}
    late = {"customer_id": "new", "assigned_at": AS_OF + dt.timedelta(1), "arm": "treat"}
    customers += [{"customer_id": "new", "start_date": day("2025-01-01"), "plan": "pro"}]
    return customers, [*assigned, stranger, late | {"assignment_rule": RULE}]


def full_months(first: dt.date, last: dt.date) -> int:
    return month(last) - month(first) - (last.day < first.day)


def by_loop(customers: list[Row], assigned: list[Row]) -> tuple[Moves, Counter[str]]:
    """The same rules one customer at a time; reasons in the order of the rules."""
    known = {row["customer_id"]: row for row in customers}
    of: dict[Any, list[Row]] = defaultdict(list)
    for row in assigned:
        arm = row["arm"].strip().lower() if row["arm"] else None
        of[row["customer_id"]].append(row | {"arm": arm})
    moves: Moves = defaultdict(Counter)
    reasons: Counter[str] = Counter()
    for name, rows in of.items():
        if name is None:
            reasons["no customer id"] += len(rows)
            continue
        dated = [row for row in rows if row["assigned_at"]]
        reasons["no date"] += len(rows) - len(dated)
        reasons["assigned before"] += max(len(dated) - 1, 0)
        if not dated:
            continue
        on = min(row["assigned_at"] for row in dated)
        arms = {row["arm"] for row in dated if row["assigned_at"] == on} - {None}
        customer = known.get(name)
        start, end = (customer.get(c) if customer else None for c in ("start_date", "end_date"))
        end = end if end and end <= AS_OF + dt.timedelta(1) else None
        seen = full_months(on, AS_OF + dt.timedelta(1))
        rules = {
            "no arm": not arms,
            "in both arms on one day": len(arms) > 1,
            "customer is not in the extract": customer is None,
            "customer without a start date": start is None,
            "before the observation began": on < OBSERVED,
            "before the customer started": start is not None and on < start,
            "after the last day": on > AS_OF,
            "after the customer left": end is not None and on >= end,
            "observed for less than one full month": seen < 1,
        }
        reason = next((why for why, holds in rules.items() if holds), "counted")
        reasons[reason] += 1
        if reason == "counted":
            # a loss belongs to the month of the last day as a customer
            lost = full_months(on, end - dt.timedelta(1)) + 1 if end else None
            gone = lost is not None and lost <= seen
            group = moves[(next(iter(arms)), customer["plan"])]
            group[("churned" if gone else "censored", lost if gone else seen)] += 1
    return moves, +reasons


@pytest.mark.parametrize("seed", range(4))
def test_the_table_is_that_of_a_loop(seed: int) -> None:
    customers, assigned = trial(seed)
    with opened(customers, assigned) as data:
        table, counts = data.experiment_table(["plan"]), data.assignment_counts()
    moves, reasons = by_loop(customers, assigned)
    assert dict(counts) == dict(reasons)
    assert counts.sum() == len(assigned)
    assert set(reasons) >= {
        "no customer id", "no date", "assigned before", "no arm", "in both arms on one day",
        "customer without a start date", "before the observation began",
        "before the customer started", "after the last day", "after the customer left", "counted",
    }  # fmt: skip
    assert table.groups == tuple(sorted(moves))
    for g, label in enumerate(table.groups):
        for name in ("churned", "censored"):
            at = table.counts(name)[g].sum(axis=0)
            wanted = {t: n for (kind, t), n in moves[label].items() if kind == name}
            assert {t: int(n) for t, n in enumerate(at) if n} == wanted, (label, name)
        assert table.entered[g, :, 0].sum() == sum(moves[label].values())
    assert table.entered.sum() == reasons["counted"]


def test_the_first_assignment_counts_and_nobody_changes_the_arm() -> None:
    customers = [{"customer_id": "a", "start_date": "2023-01-01", "end_date": None}]
    first = {"customer_id": "a", "assigned_at": "2024-06-01", "arm": "holdout",
             "assignment_rule": RULE, "contacted_at": None}  # fmt: skip
    later = first | {"assigned_at": "2024-09-01", "arm": "treat", "contacted_at": "2024-09-02"}
    for rows in ([first, later], [later, first], [later, first, first]):
        with opened(customers, rows) as data:
            table = data.experiment_table()
        assert table.groups == (("holdout",),)
        assert (int(table.entered.sum()), table.axis[-1]) == (1, 12)
        assert table.population == "customers assigned"


@pytest.mark.parametrize(
    ("end", "tenure", "churned"),
    [("2024-02-01", 1, 1), ("2024-02-29", 1, 1), ("2024-03-02", 2, 1), ("2025-06-17", 16, 0)],
)
def test_months_begin_on_the_day_of_the_assignment(end: str, tenure: int, churned: int) -> None:
    """Assigned on 31 January: a month is over on the last day of February; a loss counts in the
    month of the last day as a customer, and one in a month that is not over for nobody."""
    customers = [{"customer_id": "a", "start_date": "2023-01-01", "end_date": end}]
    rows = [{"customer_id": "a", "assigned_at": "2024-01-31", "arm": "treat",
             "assignment_rule": RULE}]  # fmt: skip
    with opened(customers, rows) as data:
        table = data.experiment_table()
    assert (table.axis[-1], int(table.churned.sum())) == (tenure, churned)


def test_a_rule_must_be_named_where_there_are_several() -> None:
    customers, assigned = trial(1)
    other = [
        row | {"assignment_rule": "those who called" if i % 2 else None}
        for i, row in enumerate(assigned)
    ]
    with opened(customers, [*assigned, *other]) as data:
        with pytest.raises(DataError, match="assignment_rule has 3 different values, one must be"):
            data.experiment_table()
        with pytest.raises(DataError, match=r"rule 'random half' does not exist.*did you mean"):
            data.experiment_table(rule="random half")
        table = data.experiment_table(rule=RULE)
        missing = data.assignment_counts("(missing)")
        rules = data.assignment_rules()
    with opened(customers, assigned) as data:
        np.testing.assert_array_equal(table.churned, data.experiment_table().churned)
    assert missing.sum() == sum(row["assignment_rule"] is None for row in other)
    assert rules["assignments"].sum() == 2 * len(assigned)
    assert set(rules.columns) == {"assignment_rule", "arm", "assignments", "customers"}


def test_rules_and_arms_of_few_customers_are_counted_and_never_named() -> None:
    """A text that a colleague wrote for one customer may say who that is."""
    customers, assigned = trial(1)
    rules = [row | {"assignment_rule": f"Jane {i}" if i < 9 else RULE}
             for i, row in enumerate(assigned)]  # fmt: skip
    arms = [row | {"arm": f"Jane {i}" if i < 9 else "call"} for i, row in enumerate(assigned)]
    for rows, rule, said in (
        (rules, "", f"since each may choose others: '{RULE}', 9 not named here"),
        (rules, "Jan", f"rule 'Jan' does not exist, must be one of {RULE}:"),
        (arms, "", "arm has 'call', "),
    ):
        with opened(customers, rows) as data, pytest.raises(DataError) as error:
            data.experiment_table(rule=rule)
        assert said in str(error.value)
        assert "jane" not in str(error.value).lower()


def test_what_is_wrong_with_an_experiment_is_named() -> None:
    customers, assigned = trial(2)
    odd = [row | {"arm": "call"} for row in assigned]
    with opened(customers, odd) as data, pytest.raises(DataError) as error:
        data.experiment_table()
    assert str(error.value).startswith(
        "interventions: arm has 'call', must be one of treat and holdout: name values for it"
    )
    unknown = pytest.raises(DataError, match="no column 'plna' to group by")
    with opened(customers, assigned) as data, unknown:
        data.experiment_table(["plna"])
    taken = [row | {"left_in": "x"} for row in customers]
    with opened(taken, assigned) as data, pytest.raises(DataError, match="'left_in' has a mea"):
        data.experiment_table(["left_in"])
    nothing = pytest.raises(NotEnoughError, match="interventions: there is no such table")
    with open_frames({"customers": pd.DataFrame(customers)}, as_of=AS_OF) as data, nothing:
        data.experiment_table()
    snapshot = [{"customer_id": "c1", "tenure": 3, "churned": 0}]
    with opened(snapshot, assigned) as data, pytest.raises(NotEnoughError, match="needs start_dat"):
        data.assignment_rules()
    late = [row | {"assigned_at": AS_OF} for row in assigned]
    with opened(customers, late) as data, pytest.raises(NotEnoughError) as none:
        data.experiment_table()
    assert "there are 0 assignments to follow (" in str(none.value)
    assert "observed for less than one full month: " in str(none.value)


# What is true


def ratio(table: LifeTable) -> tuple[float, float, float]:
    found = hazard_ratios(table, "arm", reference="holdout", min_events=5)
    row = found.to_frame().set_index("arm").loc["treat"]
    ends = ("hazard_ratio", "hazard_ratio_ci_lower", "hazard_ratio_ci_upper")
    return tuple(float(row[name]) for name in ends)


def test_the_call_of_the_sample_changes_nothing_and_is_found_to() -> None:
    truth = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))
    with open_data(SAMPLE) as data:
        table, counts = data.experiment_table(), data.assignment_counts()
        assert list(data.assignment_rules()["arm"]) == ["holdout", "treat"]
    assert [arm for (arm,) in table.groups] == ["holdout", "treat"]
    assert table.n.sum() == counts["counted"] == 271
    assert counts["assigned before"] == 32
    estimate, lower, upper = ratio(table)
    assert truth["hazard_ratios"]["call"] == 1.0
    assert lower < 1.0 < upper
    assert 0.5 < estimate < 1.6


def test_a_call_that_halves_the_hazard_is_found() -> None:
    """Of all causes and months, so nearer to 1 than the true ratio of the voluntary hazard."""
    drawn = simulate(Settings(customers=30_000, seed=5, call_hazard_ratio=0.3))
    names = ("customers", "subscriptions", "interventions")
    frames = {name: drawn.tables[name] for name in names}
    with open_frames(
        frames, as_of=dt.date(2025, 12, 31), observed_from=dt.date(2022, 1, 1)
    ) as data:
        estimate, lower, upper = ratio(data.experiment_table())
    assert upper < 0.95
    assert 0.3 < estimate < 0.9
    assert lower > 0.3


# For a warehouse


@pytest.mark.parametrize("dialect", sql.DIALECTS)
def test_the_experiment_is_one_query_in_every_dialect(dialect: str) -> None:
    with open_data(SAMPLE) as data:
        text = data.reduction_sql("experiment_table", ["plan"], dialect)
    (tree,) = parse(text, dialect=dialect)
    assert isinstance(tree, exp.Select)
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert {table.name for table in tree.find_all(exp.Table) if not table.db} <= {*defined, ""}
    assert "@" not in text
    assert "$" not in text


def test_the_printed_query_gives_the_same_counts() -> None:
    with open_data(SAMPLE) as data:
        text, table = data.reduction_sql("experiment_table", ["plan"]), data.experiment_table()
    rows = duckdb.connect().execute(text).df()
    for name in ("entered", "churned", "censored"):
        for arm in ("holdout", "treat"):
            total = table.select(arm=arm).counts(name).sum()
            assert rows.loc[rows["arm"] == arm, name].sum() == total


def test_a_printed_query_takes_one_rule_and_refuses_what_the_table_does() -> None:
    customers, assigned = trial(3)
    other = [row | {"assignment_rule": "those who called"} for row in assigned]
    named = [row | {"arm": "x", "my_arm": "y"} for row in customers]
    with opened(named, [*assigned, *other]) as data:
        text = data.reduction_sql("experiment_table", rule=RULE)
        assert RULE in text
        with pytest.raises(DataError, match="'arm' has a meaning of its own here"):
            data.reduction_sql("experiment_table", ["arm"])
        table = data.experiment_table(["my_arm"], rule=RULE)
        assert table.group_columns == ("arm", "my_arm")
    snapshot = [{"customer_id": "c1", "tenure": 3, "churned": 0}]
    with opened(snapshot, assigned) as data, pytest.raises(DataError, match="needs start_date"):
        data.reduction_sql("experiment_table")
