"""What is said of risk groups, and of how far their predictions can be trusted."""

from __future__ import annotations

import math

from cxresearch import _format as words
from cxresearch._language import term, tr, trn
from cxresearch._min_cell import least_events
from cxresearch.hazards._calibration import Triple


def place_words(k: int, groups: int) -> str:
    """Return `risk group 1 of 9 (lowest predicted risk)`."""
    place = {"k": k + 1, "groups": groups}
    if k == 0 and groups > 1:
        return tr("risk group {k} of {groups} (lowest predicted risk)", **place)
    if k == groups - 1 and groups > 1:
        return tr("risk group {k} of {groups} (highest predicted risk)", **place)
    return tr("risk group {k} of {groups}", **place)


def group_words(values: Triple, predicted: float, who: str, horizon: str, level: float) -> str:
    """Return of how many of a group left, in natural frequencies; `who` says where they are."""
    whole, left, spread = words.out_of(*values)
    return tr(
        "Of {whole} {who}, {left} left within {horizon} ({level} interval {spread}); predicted "
        "were {guess}.",
        whole=whole,
        who=who,
        left=left,
        horizon=horizon,
        level=words.level_words(level),
        spread=spread,
        guess=words.number(float(whole.replace(",", "")) * predicted),
    )


def placed_words(population: str, place: str) -> str:
    """Return `customers in risk group 1 of 9`."""
    return tr("{whom} in {place}", whom=term(population), place=place)


def few_words(events: float) -> str:
    """Return a warning where few left, else nothing."""
    least = least_events()
    if events >= least:
        return ""
    if not events:
        return tr(" None left: read the interval, not the figure.")
    return tr(
        " Fewer than {least} left while observed: read the interval, not the figure.",
        least=least,
    )


def ratio_words(values: Triple, level: float) -> str:
    """Return whether as many left as predicted."""
    value = _spread(values, level)
    if _holds(values, 1):
        return tr(
            "No clear difference between how many left and how many were predicted to: {value} "
            "times as many.",
            value=value,
        )
    return tr("Not calibrated: {value} times as many left as were predicted to.", value=value)


def agreement_words(within: int, groups: int) -> str:
    """Return in how many groups the prediction lies in the interval."""
    return trn(
        "In {within} of {groups} group the predicted share lies in the interval of the observed "
        "one.",
        "In {within} of {groups} groups the predicted share lies in the interval of the observed "
        "one.",
        groups,
        within=within,
        groups=groups,
    )


def slope_words(values: Triple, level: float) -> str:
    """Return whether risks differ as far as predicted."""
    if math.isnan(values[0]):
        return tr("The slope of observed on predicted risk is not known: all risks are the same.")
    value = _spread(values, level)
    if _holds(values, 0):
        return tr(
            "It is not clear that risks differ as predicted at all: slope {value}.", value=value
        )
    if _holds(values, 1):
        return tr(
            "No clear difference between how far risks were predicted to differ and how far they "
            "do: slope {value}.",
            value=value,
        )
    if values[0] < 1:
        return tr(
            "Risks were predicted to differ more than they do: slope {value}, not 1.", value=value
        )
    return tr(
        "Risks were predicted to differ less than they do: slope {value}, not 1.", value=value
    )


def concordance_words(values: Triple, level: float) -> str:
    """Return how often the one who left had the higher predicted risk."""
    said = {"share": words.percent_interval(*values), "level": words.level_words(level)}
    if _holds(values, 0.5):
        return tr(
            "No clear difference from a coin: in {share} of the pairs of a customer who left and "
            "one who stayed longer, the one who left had the higher predicted risk ({level} "
            "interval; a coin has 50 %).",
            **said,
        )
    return tr(
        "In {share} of the pairs of a customer who left and one who stayed longer, the one who "
        "left had the higher predicted risk ({level} interval; a coin has 50 %).",
        **said,
    )


def _spread(values: Triple, level: float) -> str:
    if not all(math.isfinite(end) for end in values):
        return words.number_interval(*values)
    unit = words.rounding_unit(*values[1:])
    value, low, high = (words.number(end, unit) for end in values)
    return value + tr(
        " ({level} interval {low} to {high})", level=words.level_words(level), low=low, high=high
    )


def _holds(values: Triple, what: float) -> bool:
    return bool(values[1] <= what <= values[2])
