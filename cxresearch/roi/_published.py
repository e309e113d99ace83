"""What was published on retention and profit, and how far each number could be checked.

The old papers are not freely read. Each number carries its standing: seen in the source itself,
seen where somebody else quotes it, or recalled and not seen. The profits of the card customer are
quoted elsewhere as 60 to win, then 30, 42, 44, 50 and 56 a year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cxresearch._language import mark

Standing = Literal["source", "quotation", "similar", "recalled"]
STANDINGS: Final[dict[Standing, str]] = {
    "source": mark("read in the source"),
    "quotation": mark("read where others quote it"),
    "similar": mark("recalled; nearly the same read where others quote it"),
    "recalled": mark("recalled, not seen"),
}

ZERO_DEFECTIONS: Final = "Reichheld & Sasser 1990, Harvard Business Review 68(5), 105–111"
LOYALTY_EFFECT: Final = "Reichheld 1996, The Loyalty Effect, p. 36"
COST_CUTTING: Final = "Reichheld 2001, Prescription for Cutting Costs, Bain & Company"


@dataclass(frozen=True)
class Industry:
    """One bar of a published chart: profit per customer with 5 points fewer who leave.

    Parameters
    ----------
    name
        The industry.
    uplift
        What is printed, a share: 0.75 for 75 % more.
    year
        Of publication.
    standing
        Of `uplift`.
    profits
        Printed profit of a customer in year 0, 1, 2, … in US dollars; year 0 is what it took to
        win the customer. None where no profits are published.
    profits_standing
        Of `profits`.
    """

    name: str
    uplift: float
    year: int
    standing: Standing = "recalled"
    profits: tuple[float, ...] | None = None
    profits_standing: Standing = "recalled"

    @property
    def source(self) -> str:
        """Where it is printed."""
        return ZERO_DEFECTIONS if self.year == 1990 else LOYALTY_EFFECT


@dataclass(frozen=True)
class Firm:
    """One firm of Gupta, Lehmann & Stuart: how much its value moves with 1 % more retention."""

    name: str
    retention: float
    elasticity: float
    standing: Standing = "recalled"


@dataclass(frozen=True)
class Quote:
    """One sentence that made the claim famous, in our words."""

    year: int
    source: str
    claim: str
    uplift: float
    meant: str
    standing: Standing


CREDIT_CARD: Final = Industry(
    mark("credit card"), 0.75, 1990, "quotation", (-51, 30, 42, 44, 49, 55), "similar"
)
DEFECTIONS: Final = (0.20, 0.10, 0.05)
PRINTED_VALUES: Final = (134.0, 300.0, 525.0)
VALUES_STANDING: Final[Standing] = "recalled"

NINE: Final = (
    Industry(mark("auto service"), 0.30, 1990, "quotation", (0, 25, 35, 70, 88, 88)),
    Industry(mark("branch deposits"), 0.85, 1990, "quotation"),
    CREDIT_CARD,
    Industry(mark("credit insurance"), 0.25, 1990),
    Industry(mark("insurance brokerage"), 0.50, 1990, "quotation"),
    Industry(mark("industrial distribution"), 0.45, 1990, "recalled", (0, 45, 99, 121, 144, 168)),
    Industry(mark("industrial laundry"), 0.45, 1990, "recalled", (0, 144, 166, 192, 222, 256)),
    Industry(mark("office-building management"), 0.40, 1990),
    Industry(mark("software"), 0.35, 1990, "quotation"),
)
LATER: Final = (
    Industry(mark("advertising agency"), 0.95, 1996, "quotation"),
    Industry(mark("life insurance"), 0.90, 1996),
    Industry(mark("branch deposits"), 0.85, 1996),
    Industry(mark("publishing"), 0.85, 1996),
    Industry(mark("auto and home insurance"), 0.84, 1996),
    Industry(mark("auto service"), 0.81, 1996),
    Industry(mark("credit card"), 0.75, 1996),
    Industry(mark("industrial brokerage"), 0.50, 1996),
    Industry(mark("industrial distribution"), 0.45, 1996),
    Industry(mark("industrial laundry"), 0.45, 1996),
    Industry(mark("office-building management"), 0.40, 1996),
    Industry(mark("software"), 0.35, 1996, "quotation"),
)
FIRMS: Final = (
    Firm("Amazon", 0.70, 2.45),
    Firm("Ameritrade", 0.95, 6.75),
    Firm("Capital One", 0.85, 5.12),
    Firm("eBay", 0.80, 3.42),
    Firm("E*Trade", 0.95, 6.67),
)
FIRMS_DISCOUNT_RATE: Final = 0.12

QUOTES: Final = (
    Quote(
        1990,
        ZERO_DEFECTIONS,
        mark("keeping 5 % more customers: almost 100 % more profit"),
        1.00,
        mark("5 percentage points of all customers; value per customer, not the profit of a firm"),
        "quotation",
    ),
    Quote(
        1990,
        ZERO_DEFECTIONS,
        mark("a card company halves a loss of 10 % a year: 125 % more profit"),
        1.25,
        mark("from 10 % to 5 % a year, half of those who left"),
        "quotation",
    ),
    Quote(
        1996,
        LOYALTY_EFFECT,
        mark("5 points more retention: up to 95 % more value per customer"),
        0.95,
        mark("5 percentage points; value per customer"),
        "quotation",
    ),
    Quote(
        2001,
        COST_CUTTING,
        mark("in financial services, 5 % more retention: more than 25 % more profit"),
        0.25,
        mark("not said; later quotations leave out the financial services"),
        "source",
    ),
)
