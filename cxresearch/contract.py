"""The tables and columns a company can bring, and what each of them means.

This is the single source of the data dictionary: `data/README.md` is checked against it,
recipes are validated against it, and every rule in `cxresearch.rules` names its columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cxresearch._language import mark

Kind = Literal["id", "text", "date", "month", "number", "count", "flag", "score"]

KIND_WORDS: Final[Mapping[Kind, str]] = {
    "id": mark("id (text; leading zeros are kept)"),
    "text": mark("text"),
    "date": mark("date (YYYY-MM-DD, or the recipe's format)"),
    "month": mark("month (YYYY-MM or a date in it)"),
    "number": mark("number"),
    "count": mark("whole number, 0 or more"),
    "flag": mark("yes or no"),
    "score": mark("number on the scale that the recipe states"),
}


@dataclass(frozen=True)
class Column:
    """One column of the contract.

    Attributes
    ----------
    required
        The table cannot be used without it.
    nullable
        Empty cells mean something (a missing `end_date` is a customer who is still active).
    refers_to
        The table whose key this column must be found in.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    nullable: bool = False
    refers_to: str | None = None


@dataclass(frozen=True)
class Table:
    """One table of the contract: what a row is, its key and its columns.

    Any further column of a `grouped` table is an attribute to group by.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    grouped: bool = False

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def column(self, name: str) -> Column | None:
        """Return the column called `name`, or None when the contract has no such column."""
        return next((column for column in self.columns if column.name == name), None)


def _customer(required: bool = True) -> Column:
    return Column("customer_id", "id", mark("the customer"), required, refers_to="customers")


_CANCEL_TYPE = Column(
    "cancel_type", "text", "who ended it: voluntary, involuntary, company or migration"
)
_CURRENCY = Column("currency", "text", "ISO code; one currency in the whole extract")

_TABLES: Final = (
    Table(
        "customers",
        "one customer (any further column is an attribute to group by)",
        (
            Column("customer_id", "id", mark("the customer"), required=True),
            Column("start_date", "date", "first day as a customer"),
            Column(
                "end_date",
                "date",
                "first day no longer a customer; empty: still one",
                nullable=True,
            ),
            Column("tenure", "count", "months as a customer, where dates are not to be had"),
            Column("churned", "flag", "has left; goes with tenure"),
            _CANCEL_TYPE,
            Column(
                "acquisition_source",
                "text",
                "earned (a referral, word of mouth) or bought; empty: not known",
            ),
            Column(
                "referred_by",
                "id",
                "the customer who referred this one; empty: nobody, or not known",
                nullable=True,
                refers_to="customers",
            ),
            Column(
                "monthly_revenue",
                "number",
                "net revenue per month, where there is no revenue table; for all or none",
            ),
            Column(
                "monthly_margin",
                "number",
                "contribution per month, where there is no revenue table; for all or none",
            ),
        ),
        key=("customer_id",),
        grouped=True,
    ),
    Table(
        "subscriptions",
        "one spell of a subscription, from start_date until the day before end_date",
        (
            _customer(),
            Column("subscription_id", "id", mark("the subscription"), required=True),
            Column("start_date", "date", mark("first day of the spell"), required=True),
            Column(
                "end_date", "date", "first day after the spell; empty: still running", True, True
            ),
            Column("plan", "text", "tariff or product"),
            Column("mrr", "number", "recurring revenue per month"),
            _CANCEL_TYPE,
            Column("end_reason", "text", "the reason that was recorded"),
            Column("notice_date", "date", "day on which notice was given", nullable=True),
        ),
    ),
    Table(
        "revenue",
        "one customer in one month",
        (
            _customer(),
            Column("month", "month", mark("the month"), required=True),
            Column("revenue", "number", mark("net revenue of the month"), required=True),
            Column(
                "contribution_margin",
                "number",
                "revenue less variable cost, but not less the cost of serving this customer",
            ),
            _CURRENCY,
        ),
        key=("customer_id", "month"),
    ),
    Table(
        "transactions",
        "one order, or one line of an order, of a customer without a contract",
        (
            Column(
                "customer_id",
                "id",
                mark("the customer; empty: nobody knows who bought"),
                required=True,
                nullable=True,
                refers_to="customers",
            ),
            Column("order_id", "id", mark("the order"), required=True),
            Column("order_date", "date", mark("day of the order"), required=True),
            Column(
                "net_revenue",
                "number",
                mark("revenue after discounts; below 0: something was returned"),
                required=True,
            ),
            Column("gross_margin", "number", "revenue less cost of goods"),
            _CURRENCY,
        ),
    ),
    Table(
        "retention",
        "what is left of one cohort at one time, as in a paper or on a slide (any further column "
        "is a group)",
        (
            Column("tenure", "count", mark("periods since the cohort began"), required=True),
            Column("survivors", "number", mark("customers still there, or percent"), required=True),
            Column("cohort", "text", "the cohort, where a group has several"),
            Column("cohort_size", "number", "customers of a cohort whose survivors are percent"),
        ),
        grouped=True,
    ),
    Table(
        "survey_invitations",
        "one invitation to answer, whether or not an answer came",
        (
            Column("invitation_id", "id", mark("the invitation"), required=True),
            _customer(),
            Column("invited_at", "date", mark("day of the invitation"), required=True),
            Column("survey_id", "id", "the survey or wave"),
            Column("channel", "text", "e-mail, SMS, in-app, telephone"),
            Column("trigger", "text", "relationship or transactional"),
            Column("bounced", "flag", "could not be delivered"),
        ),
        key=("invitation_id",),
    ),
    Table(
        "survey_responses",
        "one answer to one question",
        (
            Column("response_id", "id", mark("the answer"), required=True),
            _customer(),
            Column("responded_at", "date", mark("day of the answer"), required=True),
            Column("metric", "text", mark("nps, csat or ces"), required=True),
            Column("score", "score", mark("the answer"), required=True),
            Column(
                "invitation_id",
                "id",
                "the invitation",
                refers_to="survey_invitations",
                nullable=True,
            ),
            Column("survey_id", "id", "the survey or wave"),
            Column("comment", "text", "free text; never shown in a report"),
        ),
        key=("response_id", "metric"),
    ),
    Table(
        "touchpoints",
        "one contact or event: a ticket, a call, a step of a journey",
        (
            _customer(),
            Column("event_at", "date", mark("day of the event"), required=True),
            Column("event_type", "text", mark("ticket, call, visit, order, …"), required=True),
            Column("ticket_id", "id", "the ticket"),
            Column("stage", "text", "stage of the journey"),
            Column("channel", "text", "where it took place"),
            Column("first_reply_minutes", "number", "minutes until the first reply"),
            Column("resolved_at", "date", "day of the solution; empty: open", nullable=True),
            Column("reopened", "flag", "came back after it was solved"),
            Column("severity", "text", "as the desk records it"),
        ),
    ),
    Table(
        "interventions",
        "one customer assigned to be contacted, or held out",
        (
            _customer(),
            Column("assigned_at", "date", mark("day of the assignment"), required=True),
            Column("arm", "text", mark("treat or holdout"), required=True),
            Column("assignment_rule", "text", mark("how the arm was chosen"), required=True),
            Column("contacted_at", "date", "day of the contact; empty: none", nullable=True),
            Column("outcome", "text", "what came of it"),
            Column("cost", "number", "cost of the contact"),
        ),
    ),
    Table(
        "costs",
        "one cost of one month",
        (
            Column("month", "month", mark("the month"), required=True),
            Column("cost_type", "text", mark("serve, acquire, programme or fixed"), required=True),
            Column("amount", "number", mark("the amount"), required=True),
            Column("driver", "text", "what it rises with: per_ticket, per_customer or fixed"),
            Column(
                "customer_id",
                "id",
                "the customer it was spent on; empty: nobody in particular",
                refers_to="customers",
            ),
            _CURRENCY,
        ),
    ),
)

TABLES: Final[Mapping[str, Table]] = {table.name: table for table in _TABLES}

# The date by which a row counts as seen; nothing in it may lie after the extract's last day.
SEEN_AT: Final[Mapping[str, str]] = {
    "customers": "start_date",
    "subscriptions": "start_date",
    "revenue": "month",
    "transactions": "order_date",
    "survey_invitations": "invited_at",
    "survey_responses": "responded_at",
    "touchpoints": "event_at",
    "interventions": "assigned_at",
    "costs": "month",
}


def dictionary() -> str:
    """Return the contract as the Markdown that stands in `data/README.md`."""
    return "\n\n".join(_table_markdown(table) for table in _TABLES)


def _table_markdown(table: Table) -> str:
    rows = "\n".join(
        f"| `{c.name}`{' ★' if c.required else ''} | {KIND_WORDS[c.kind]} | {c.meaning} |"
        for c in table
    )
    head = f"### {table.name}\n\nA row is {table.row}."
    return f"{head}\n\n| column | kind | meaning |\n|---|---|---|\n{rows}"
