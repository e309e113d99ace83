"""What changed between two runs: a change is only one when its interval says so.

The interval of a difference comes from the two intervals by the method of variance estimates
recovery (Zou & Donner 2008, Statistics in Medicine 27, 1693–1702, eq. 5): from each value to the
end of its interval that lies on the difference's side. It takes the two for independent. Two
extracts of one company share most of their customers and so err in the same direction; the
interval is then wider than it need be, and a change that it calls clear is one all the more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cxresearch import _format as words
from cxresearch._language import speaking, tr
from cxresearch.findings import Finding


@dataclass(frozen=True)
class Change:
    """A question's answer now and before; `change` is NaN where the two cannot be subtracted."""

    now: Finding
    before: Finding
    change: float
    change_ci_lower: float
    change_ci_upper: float

    @property
    def clear(self) -> bool:
        """Whether the interval of the change leaves out zero."""
        return self.change_ci_lower > 0 or self.change_ci_upper < 0

    def sentence(self, lang: str | None = None) -> str:
        """Return what changed in words, or that it is not clear whether anything did."""
        with speaking(lang):
            return self._said()

    @property
    def _estimated(self) -> bool:
        """Whether one of the two has an end of an interval at all, so that it may err."""
        ends = (*_ends(self.now)[1:], *_ends(self.before)[1:])
        return any(math.isfinite(end) for end in ends)

    def _said(self) -> str:
        if not _comparable(self.now, self.before):
            return tr("Not comparable: the two runs answer it in different ways.")
        if _numbers(self.now) == _numbers(self.before):
            return tr("The same data, the same answer.")
        if math.isnan(self.change):
            return self._said_without_size()
        size = _size(self, self.now.unit)
        level = words.level_words(self.now.confidence_level)
        if not self.clear:
            return tr("No clear change: {size}, {level} interval.", size=size, level=level)
        if self.change > 0:
            return tr("Higher by {size}, {level} interval.", size=size, level=level)
        return tr("Lower by {size}, {level} interval.", size=size, level=level)

    def _said_without_size(self) -> str:
        if self._estimated:
            return tr("Not clear whether it changed: an interval has no end.")
        return tr("As before.") if self.now.value == self.before.value else tr("Not as before.")


def change_between(now: Finding, before: Finding) -> Change:
    """Return the change between two findings that answer the same question.

    Its interval is at the level of the two, and is NaN where one of them has none or they are of
    different kinds.
    """
    if not _comparable(now, before):
        return Change(now, before, math.nan, math.nan, math.nan)
    (value, low, high), (value_0, low_0, high_0) = _ends(now), _ends(before)
    change = value - value_0
    lower = change - math.hypot(value - low, high_0 - value_0)
    upper = change + math.hypot(high - value, value_0 - low_0)
    known = math.isfinite(lower) and math.isfinite(upper)
    return Change(now, before, change if known else math.nan, lower, upper)


def _comparable(now: Finding, before: Finding) -> bool:
    same_kind = (now.id, now.unit, now.confidence_level) == (
        before.id,
        before.unit,
        before.confidence_level,
    )
    return same_kind and _labels(now) == _labels(before)


def _labels(finding: Finding) -> dict[str, str]:
    """Return the labels without those of calendar time, in which the two runs differ by nature."""
    calendar = ("wave", "period")
    return {name: label for name, label in finding.group.items() if name not in calendar}


def _numbers(finding: Finding) -> dict[str, object]:
    """Return all but the words, which may be of another language."""
    return {name: each for name, each in finding.to_dict().items() if name != "sentence"}


def _ends(finding: Finding) -> tuple[float, float, float]:
    given = (finding.value, finding.ci_lower, finding.ci_upper)
    value, low, high = (math.nan if each is None else each for each in given)
    return value, low, high


def _size(change: Change, unit: str) -> str:
    values = (change.change, change.change_ci_lower, change.change_ci_upper)
    if change.clear and change.change < 0:
        values = (-change.change, -change.change_ci_upper, -change.change_ci_lower)
    if unit == "share":
        hundred = tuple(100 * value for value in values)
        said = words.number_interval(*hundred)
        return tr("{number} percentage points", number=said)
    if unit.isupper() or unit == words.AMOUNT:
        return words.money(*values, unit if unit.isupper() else None)
    return words.number_interval(*values)
