"""Filling in names, putting pieces together, and saying it in other dialects."""

from __future__ import annotations

import re
from importlib import resources

import duckdb
import pytest
from frames import answers, lifetimes, recipe
from sqlglot import exp, parse

from cxresearch import sql
from cxresearch.designs import KINDS, Design, Kind
from cxresearch.errors import CxError
from cxresearch.pipeline import REDUCTIONS
from cxresearch.source import Data, open_data, open_frames

FILES = [
    p.name.removesuffix(".sql")
    for p in resources.files("cxresearch").joinpath("reductions").iterdir()
]
ODD = 'a "quoted" `name`; DROP TABLE customers'


@pytest.fixture(scope="module")
def data() -> Data:
    customers = lifetimes(200)
    customers[ODD] = customers["plan"]
    return open_frames({"customers": customers, "survey_responses": answers(customers)}, **recipe())


@pytest.mark.parametrize("dialect", sql.DIALECTS)
@pytest.mark.parametrize("name", FILES)
def test_every_file_can_be_said_in_every_dialect(name: str, dialect: str) -> None:
    text = sql.render(sql.load(name), dialect)
    assert len(parse(text, dialect=dialect)) == 1


@pytest.mark.parametrize("dialect", sql.DIALECTS)
@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("group_by", [[], ["plan"], ["plan", "region"], ["score_group"], [ODD]])
def test_every_reduction_is_one_query_in_every_dialect(
    data: Data, name: str, dialect: str, group_by: list[str]
) -> None:
    if name == "period_table" and "score_group" in group_by:
        pytest.skip("calendar periods are not counted by score")
    text = data.reduction_sql(name, group_by, dialect)
    (tree,) = parse(text, dialect=dialect)
    assert isinstance(tree, exp.Select)
    # Every relation is defined in the query itself, or is the company's own table.
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    read = {table.name for table in tree.find_all(exp.Table) if not table.db}
    assert read <= defined
    assert "@" not in text.replace(ODD, "")
    assert "$" not in text


@pytest.mark.parametrize("dialect", sql.DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_design_by_cause_is_one_query_in_every_dialect(
    data: Data, kind: Kind, dialect: str
) -> None:
    text = data.reduction_sql(
        "life_table", ["score_group", "plan"], dialect, design=Design(kind), causes=True
    )
    (tree,) = parse(text, dialect=dialect)
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert {table.name for table in tree.find_all(exp.Table) if not table.db} <= defined
    assert "@" not in text
    assert "$" not in text


@pytest.mark.parametrize("dialect", sql.DIALECTS)
@pytest.mark.parametrize(
    "name", ["score_table", "invitation_table", "responder_table", "revenue_bridge"]
)
def test_counts_of_surveys_and_money_are_one_query_in_every_dialect(
    name: str, dialect: str
) -> None:
    with open_data() as sample:
        text = sample.reduction_sql(name, ["plan"], dialect)
    (tree,) = parse(text, dialect=dialect)
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert {table.name for table in tree.find_all(exp.Table) if not table.db} <= {*defined, ""}
    assert "@" not in text
    assert "$" not in text


@pytest.mark.parametrize("dialect", sql.DIALECTS)
@pytest.mark.parametrize("name", ["value_life", "value_bills", "value_tickets"])
def test_the_parts_of_a_value_table_are_one_query_each_in_every_dialect(
    name: str, dialect: str
) -> None:
    with open_data() as sample:
        text = sample.reduction_sql(name, ["score_group", "tenure_band", "plan"], dialect)
    (tree,) = parse(text, dialect=dialect)
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert {table.name for table in tree.find_all(exp.Table) if not table.db} <= {*defined, ""}
    assert "@" not in text
    assert "$" not in text


def test_a_printed_part_of_a_value_table_gives_the_same_sums() -> None:
    with open_data() as sample:
        table = sample.value_table(["score_group"])
        bills = sample.reduction_sql("value_bills", ["score_group"], "duckdb")
        counts = duckdb.connect().execute(bills).df()
    assert counts["revenue"].sum() == pytest.approx(float(table.revenue.sum()))
    assert counts["margin"].sum() == pytest.approx(float(table.margin.sum()))


def test_a_reduction_that_lacks_its_table_says_which(data: Data) -> None:
    with pytest.raises(CxError) as error:
        data.reduction_sql("revenue_bridge", ["plna"])
    missing, unknown = error.value.problems
    assert missing == "revenue: there is no such table, which revenue_bridge takes. Bring one."
    assert "no column 'plna' to group by. Did you mean 'plan'?" in unknown


def test_spark_takes_no_construct_of_duckdb(data: Data) -> None:
    text = data.reduction_sql("life_table", ["plan"], "spark")
    assert "::" not in text
    assert "TRY_CAST" not in text
    assert re.search(r"`plan`", text)


def test_an_unsupported_construct_raises() -> None:
    # BigQuery cannot put nulls last in the window of an aggregate.
    tree = sql.parse_one("SELECT MAX(a) OVER (ORDER BY b) FROM t", dialect="duckdb")
    with pytest.raises(CxError, match="bigquery cannot express"):
        sql.render(tree, "bigquery")


def test_an_unknown_dialect_names_the_known_ones() -> None:
    with pytest.raises(CxError, match=r"dialect == 'oracle', must be one of: duckdb, spark"):
        sql.render(sql.load("life_table"), "oracle")


def test_an_unfilled_placeholder_raises() -> None:
    with pytest.raises(KeyError):
        sql.fill(sql.load("life_table"), tables={"spells": "spells"})


def test_the_printed_query_gives_the_same_counts_on_a_bare_engine(tmp_path) -> None:
    path = tmp_path / "it's.parquet"
    duckdb.from_df(lifetimes(300)).write_parquet(str(path))
    (tmp_path / "data.toml").write_text(
        'name = "x"\nas_of = 2025-06-30\n[customers]\npath = "it\'s.parquet"\n', encoding="utf-8"
    )
    with open_data(tmp_path) as data:
        text = data.reduction_sql("life_table", ["plan"], "duckdb")
        table = data.life_table(["plan"])
    counts = duckdb.connect().execute(text).df()
    assert counts["entered"].sum() == table.entered.sum() > 0
    by_plan = counts.groupby("plan")[["churned", "censored"]].sum()
    for index, (plan,) in enumerate(table.groups):
        assert by_plan.loc[plan, "churned"] == table.churned[index].sum()
        assert by_plan.loc[plan, "censored"] == table.censored[index].sum()
