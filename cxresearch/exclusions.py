"""Who is counted and who is not: nothing is left out without a reason and a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr, trn
from cxresearch._reasons import reason_words
from cxresearch.designs import Design
from cxresearch.findings import Finding
from cxresearch.source import Data

COUNTED = (
    mark("{n} customers in the extract"),
    mark("{n} answers in the extract"),
    mark("{n} answers to the NPS question in the extract"),
    mark("{n} answers to the CSAT question in the extract"),
    mark("{n} answers to the CES question in the extract"),
    mark("{n} orders or lines of orders in the extract"),
    mark("{n} invitations in the extract"),
)
STEPS = (
    mark("customers in the extract"),
    mark("answers in the extract"),
    mark("answers to the NPS question in the extract"),
    mark("answers to the CSAT question in the extract"),
    mark("answers to the CES question in the extract"),
    mark("orders or lines of orders in the extract"),
    mark("invitations in the extract"),
    mark("customers used"),
    mark("answers used"),
    mark("orders used"),
    mark("invitations used"),
)


@dataclass(frozen=True, eq=False)
class Waterfall(Table):
    """From everything in the extract down to what is used, one step per reason.

    Attributes
    ----------
    what
        What is counted: "customers" or "answers".
    total, used
        In the extract, and left after every step.
    left_out
        Count per reason, largest first.
    where
        Which of them the total counts.
    note
        What else is to be known of them.
    """

    what: str
    total: int
    left_out: Mapping[str, int]
    as_of: str | None
    group: Mapping[str, str] = field(default_factory=dict)
    where: str = "in the extract"
    note: str = ""

    @property
    def used(self) -> int:
        """How many remain."""
        return self.total - sum(self.left_out.values())

    def to_frame(self) -> pd.DataFrame:
        """Return one row per step."""
        rows = [(term(f"{self.what} {self.where}"), self.total)]
        rows += [
            (tr("less: {reason}", reason=reason_words(reason)), -count)
            for reason, count in self.left_out.items()
        ]
        rows.append((term(f"{self.what} used"), self.used))
        return pd.DataFrame(rows, columns=["step", "count"])

    def sentence(self, lang: str | None = None) -> str:
        """Return the steps in words."""
        with speaking(lang):
            total = term(f"{{n}} {self.what} {self.where}").format(n=words.number(self.total))
            used = tr("Of {total}, {n} are used.", total=total, n=words.number(self.used))
            reasons = [
                tr("{n} {reason}", n=words.number(n), reason=reason_words(reason))
                for reason, n in self.left_out.items()
            ]
            out = tr("None are left out.")
            if reasons:
                out = tr("Left out: {reasons}.", reasons=words.and_list(reasons))
            return words.sentences([used, out, self.note])

    def findings(self) -> tuple[Finding, ...]:
        """Return how many are used, and how many are left out for each reason."""
        out = [self._finding("left_out", n, {"reason": r}) for r, n in self.left_out.items()]
        return (self._finding("used", self.used, {}), *out)

    def _finding(self, name: str, value: int, group: Mapping[str, str]) -> Finding:
        """Return a count; it is exact, so its interval is itself, and all share one sentence."""
        return Finding(
            f"{self.what}_{name}", value, value, value, self.total, self.what,
            self.sentence(), {**self.group, **group}, as_of=self.as_of,
        )  # fmt: skip


def customer_waterfall(data: Data, *, by_score: bool = False) -> Waterfall:
    """Return who is in the life table, and why the others are not.

    Parameters
    ----------
    by_score
        For curves by score, which start at each customer's first valid answer.
    """
    found = _waterfall("customers", data.waterfall(by_score=by_score), "used", data.as_of)
    return replace(found, group={"curves": "by score"}) if by_score else found


def answer_waterfall(data: Data, design: Design | None = None) -> Waterfall:
    """Return which NPS answers are valid, or count in a design, and why the others do not."""
    found = _waterfall("answers", data.answers(design), "valid", data.as_of)
    found = replace(found, group={"design": design.kind}) if design else found
    return replace(found, where="to the NPS question in the extract")


def order_waterfall(data: Data) -> Waterfall:
    """Return which orders are purchases, and why the others are not, with what they amount to."""
    counts = data.order_counts().set_index("outcome")
    amounts = counts["amount"].astype(float)
    free = int(counts["rows"].get("of value 0", 0))
    bought = float(amounts.get("bought", 0.0))
    rows = counts["rows"].rename({"bought": "used", "of value 0": "used"}).groupby(level=0).sum()
    frame = rows.rename("orders").rename_axis("outcome").reset_index()
    notes = [_free(free)] if free else []
    notes += [
        term(said).format(share=words.percent(abs(amounts[reason]) / bought))
        for reason, said in _AMOUNTS.items()
        if not math.isnan(amounts.get(reason, math.nan)) and bought > 0
    ]
    found = _waterfall("orders", frame, "used", data.as_of)
    note = words.sentences(notes)
    return replace(found, where="or lines of orders in the extract", note=note)


def _free(count: int) -> str:
    return trn(
        "{n} of those used is of value 0: that somebody came counts, and nothing is added to the "
        "spend.",
        "{n} of those used are of value 0: that somebody came counts, and nothing is added to the "
        "spend.",
        count,
        n=words.number(count),
    )


_AMOUNTS = {
    "returned": mark(
        "What was returned is no purchase and is taken off the spend: it is worth {share} of what "
        "is used."
    ),
    "no customer id": mark(
        "What nobody's orders brought is in no other figure: it is worth {share} of what is used."
    ),
}


def _waterfall(what: str, frame: pd.DataFrame, used: str, as_of: str | None) -> Waterfall:
    counts = dict(zip(frame["outcome"].map(str), frame[what].map(int), strict=True))
    total = sum(counts.values())
    left_out = {reason: n for reason, n in counts.items() if reason != used}
    ordered = dict(sorted(left_out.items(), key=lambda item: (-item[1], item[0])))
    return Waterfall(what, total, ordered, as_of)
