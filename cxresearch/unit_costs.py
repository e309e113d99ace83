"""What one ticket, one customer for a month and one new customer cost, from the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cxresearch._html import Table


@dataclass(frozen=True, eq=False)
class UnitCosts(Table):
    """Costs of the ledger over what they were spent on; None where the data do not say.

    Attributes
    ----------
    per_ticket, per_customer_month
        Cost of service that is booked to no customer, by its driver: per ticket opened, and per
        customer and month.
    per_new_customer
        Cost of acquisition over all new customers, however they were won.
    first_month, last_month
        Whole months that the ledger covers, as YYYY-MM; empty where there is none.
    currency
        Of the amounts.
    """

    per_ticket: float | None = None
    per_customer_month: float | None = None
    per_new_customer: float | None = None
    first_month: str = ""
    last_month: str = ""
    currency: str | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cost."""
        names = ("per_ticket", "per_customer_month", "per_new_customer")
        rows = [(name, getattr(self, name)) for name in names]
        return pd.DataFrame(rows, columns=["cost", "amount"])
