"""What "5 % more retention" can mean: the three readings are different claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxresearch import _format as words
from cxresearch._language import mark, tr, trn
from cxresearch.errors import DataError
from cxresearch.uncertainty import Floats

Reading = Literal["points", "relative", "fewer_churners"]
READINGS: Final[tuple[Reading, ...]] = get_args(Reading)
SAID: Final[dict[Reading, str]] = {
    "points": mark("points"),
    "relative": mark("relative"),
    "fewer_churners": mark("fewer churners"),
}
ROUNDING: Final = 1e-12  # 0.95 + 0.05 is not above 1


@dataclass(frozen=True, kw_only=True)
class Lift:
    """More retention, in exactly one of three readings; there is no default.

    Parameters
    ----------
    points
        Added to a retention rate: 0.05 turns 85 % into 90 %.
    relative
        Share of a retention rate that is added to it: 0.05 turns 85 % into 89.25 %.
    fewer_churners
        Share of those who leave who stay instead: 0.05 turns 85 % into 85.75 %.

    Raises
    ------
    DataError
        When not exactly one is given, or it is not a share.
    """

    points: float | None = None
    relative: float | None = None
    fewer_churners: float | None = None

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise DataError(problems)

    @property
    def reading(self) -> Reading:
        """Which of the three it is."""
        return next(name for name in READINGS if getattr(self, name) is not None)

    @property
    def size(self) -> float:
        """How much, as a share."""
        return float(getattr(self, self.reading))

    @property
    def words(self) -> str:
        """The lift in words: `5 percentage points more retention`."""
        much = f"{100 * self.size:.4g}"
        if self.reading == "points":
            return trn(
                "{much} percentage point more retention",
                "{much} percentage points more retention",
                float(much),
                much=much,
            )
        if self.reading == "relative":
            times = f"{1 + self.size:.6g}"
            return tr("{much} % more retention (each rate times {times})", much=much, times=times)
        return tr("{much} % fewer customers who leave", much=much)

    @property
    def heading(self) -> str:
        """The lift in words, to stand above a part of a figure."""
        if self.reading != "relative":
            return words.sentence_start(self.words)
        return tr(
            "{much} % more retention (rates times {times})",
            much=f"{100 * self.size:.4g}",
            times=f"{1 + self.size:.6g}",
        )

    def apply(self, retention: ArrayLike) -> Floats:
        """Return retention rates with the lift, at most 1, in the shape they came in."""
        return np.asarray(np.minimum(self._lifted(retention), 1.0))

    def capped(self, retention: ArrayLike) -> NDArray[np.bool_]:
        """Return where the lift would pass 1."""
        return np.asarray(self._lifted(retention) > 1 + ROUNDING)

    @property
    def highest(self) -> float:
        """The highest retention rate that does not pass 1 with the lift."""
        if self.reading == "points":
            return 1 - self.size
        return 1 / (1 + self.size) if self.reading == "relative" else 1.0

    def _lifted(self, retention: ArrayLike) -> Floats:
        rate = np.asarray(retention, dtype=np.float64)
        if self.reading == "points":
            return rate + self.size
        return (
            rate * (1 + self.size) if self.reading == "relative" else rate + self.size * (1 - rate)
        )


def lifts(size: float = 0.05) -> tuple[Lift, Lift, Lift]:
    """Return one lift of this size in each reading."""
    return Lift(points=size), Lift(relative=size), Lift(fewer_churners=size)


def _problems(lift: Lift) -> Iterator[str]:
    given = {name: getattr(lift, name) for name in READINGS if getattr(lift, name) is not None}
    if len(given) != 1:
        named = ", ".join(given) or "none"
        yield (
            f"a lift is given as {named}, must be exactly one of {', '.join(READINGS)}: "
            "say which is meant, since they are different claims."
        )
    for name, size in given.items():
        if not 0 < size < 1:
            yield f"{name} is {size!r}, must be a share between 0 and 1: write 0.05 for 5 %."
