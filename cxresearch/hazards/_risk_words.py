"""What is said of risk groups, and of how far their predictions can be trusted."""

from __future__ import annotations

import math

from cxresearch import _format as words
from cxresearch.hazards._calibration import Triple

FEW_EVENTS = 10  # fewer customers who left than this come with a warning


def place_words(k: int, groups: int) -> str:
    """Return `risk group 1 of 9 (lowest predicted risk)`."""
    names = {0: " (lowest predicted risk)", groups - 1: " (highest predicted risk)"}
    return f"risk group {k + 1} of {groups}{names.get(k, '') if groups > 1 else ''}"


def group_words(values: Triple, predicted: float, who: str, horizon: str, level: float) -> str:
    """Return of how many of a group left, in natural frequencies; `who` says where they are."""
    whole, left, spread = words.out_of(*values)
    guess = words.number(float(whole.replace(",", "")) * predicted)
    return (
        f"Of {whole} {who}, {left} left within {horizon} "
        f"({level_words(level)} {spread}); predicted were {guess}."
    )


def few_words(events: float) -> str:
    """Return a warning where few left, else nothing."""
    few = f" Only {words.number(events)} left while observed:" if events else " None left:"
    return f"{few} read the interval, not the figure." if events < FEW_EVENTS else ""


def ratio_words(values: Triple, level: float) -> str:
    """Return whether as many left as predicted."""
    value = _spread(values, level)
    if _holds(values, 1):
        return (
            "No clear difference between how many left and how many were predicted to: "
            f"{value} times as many."
        )
    return f"Not calibrated: {value} times as many left as were predicted to."


def agreement_words(within: int, groups: int) -> str:
    """Return in how many groups the prediction lies in the interval."""
    return (
        f"In {within} of {groups} {words.plural('group', groups)} the predicted share "
        "lies in the interval of the observed one."
    )


def slope_words(values: Triple, level: float) -> str:
    """Return whether risks differ as far as predicted."""
    if math.isnan(values[0]):
        return "The slope of observed on predicted risk is not known: all risks are the same."
    value = _spread(values, level)
    if _holds(values, 0):
        return f"It is not clear that risks differ as predicted at all: slope {value}."
    if _holds(values, 1):
        return (
            "No clear difference between how far risks were predicted to differ and how far "
            f"they do: slope {value}."
        )
    size = "more" if values[0] < 1 else "less"
    return f"Risks were predicted to differ {size} than they do: slope {value}, not 1."


def concordance_words(values: Triple, level: float) -> str:
    """Return how often the one who left had the higher predicted risk."""
    pairs = (
        f"in {words.percent_interval(*values)} of the pairs of a customer who left and one who "
        "stayed longer, the one who left had the higher predicted risk "
        f"({level_words(level)}; a coin has 50 %)"
    )
    unclear = _holds(values, 0.5)
    return f"No clear difference from a coin: {pairs}." if unclear else f"I{pairs[1:]}."


def level_words(level: float) -> str:
    """Return `95 % interval`."""
    return f"{words.level_words(level)} interval"


def _spread(values: Triple, level: float) -> str:
    return words.number_interval(*values).replace("(", f"({level_words(level)} ")


def _holds(values: Triple, what: float) -> bool:
    return bool(values[1] <= what <= values[2])
