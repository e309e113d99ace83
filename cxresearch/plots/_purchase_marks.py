"""What figures of a shop's customers share: marks of models, their key, axes for each group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import INK, QUIET, SMALL, WIDTH, narrow, new_axes
from cxresearch._language import term, tr
from cxresearch._looks import PALETTE
from cxresearch.errors import CxError
from cxresearch.projection._forecast import COMBINED, TOGETHER
from cxresearch.purchases._fitted import NAMES
from cxresearch.purchases.models import PurchaseModel

LOOKS = {
    "bg_nbd": ("s", PALETTE[1]),
    "mbg_nbd": ("^", PALETTE[2]),
    "pareto_nbd": ("D", PALETTE[3]),
    COMBINED: ("o", INK),
}
APART = 0.17  # rows between two models


class OfGroup(Protocol):
    """A result of one model for one group."""

    @property
    def of(self) -> PurchaseModel:
        """The model."""


T = TypeVar("T", bound=OfGroup)


def panels(results: Iterable[T], ax: Axes | None, height: float) -> list[tuple[Axes, list[T]]]:
    """Return axes for the results of each group, one below the other."""
    groups: dict[str, list[T]] = {}
    for row in results:
        groups.setdefault(whom(row.of), []).append(row)
    if not groups:
        raise CxError("there are results of 0 groups, must be of at least 1: take larger groups.")
    if ax is not None and len(groups) > 1:
        raise CxError(
            f"there are results of {len(groups)} groups for one ax, must be of 1: leave ax out."
        )
    if len(groups) == 1:
        return [(ax or new_axes(height), next(iter(groups.values())))]
    size = (WIDTH, height * len(groups))
    _, axes = plt.subplots(len(groups), 1, figsize=size, layout="constrained")
    return list(zip(axes, groups.values(), strict=True))


def title_of(rows: Sequence[OfGroup], title: str) -> str:
    """Return the title with the group that it is of, where there are groups."""
    of = rows[0].of
    if not of.group:
        return title
    return tr("{Whom}: {title}", Whom=words.sentence_start(whom(of)), title=title)


def model_words(model: str) -> str:
    """Return what a model is called, or all of them together."""
    return NAMES.get(model) or term(TOGETHER)


def draw_marks(ax: Axes, model: str, x: Any, y: Any) -> None:  # noqa: ANN401 - arrays
    """Draw marks of one model."""
    marker, color = LOOKS[model]
    ax.plot(
        x, y, linestyle="none", marker=marker, color=color, markersize=5, markeredgecolor="white",
        markeredgewidth=0.5, zorder=4,
    )  # fmt: skip


def draw_key(ax: Axes, models: Sequence[str], title: str, *, made: bool = False) -> None:
    """Name the marks; they lie on top of each other, so that no label could stand beside them."""
    handles = [_handle(ax, "o", INK, tr("made"))] if made else []
    handles += [_handle(ax, *LOOKS[model], model_words(model)) for model in models]
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2 if narrow(ax) else 4,
        frameon=False, fontsize=SMALL, labelcolor=QUIET, handletextpad=0.2, columnspacing=1.2,
        borderaxespad=0.2,
    )  # fmt: skip
    ax.set_title(title, loc="left", fontsize=10, color=QUIET, pad=36 if narrow(ax) else 22)


def _handle(ax: Axes, marker: str, color: str, label: str) -> Any:  # noqa: ANN401 - artist
    (line,) = ax.plot([], [], linestyle="none", marker=marker, color=color, label=label)
    return line


def whom(of: PurchaseModel) -> str:
    """Return `customers (promoters)`."""
    return term(of.population) + words.with_group(of.group)
