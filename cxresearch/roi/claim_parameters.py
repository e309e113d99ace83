"""What somebody enters for the report on the claim, checked together before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cxresearch.errors import problems_of
from cxresearch.roi.constant import retention_problems
from cxresearch.roi.economics import Economics
from cxresearch.roi.readings import lifts

TERMS = (
    "annual_discount_rate", "first_margin", "annual_margin", "acquisition_cost", "retention_cost",
    "fixed_cost_share",
)  # fmt: skip
ONE_RATE = ("", "constant")


def claim_problems(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the parameters of the claim's report taken together.

    What is to come from data is not looked at: no data are opened.
    """
    terms = {name: values[name] for name in TERMS}
    wrong = problems_of(lambda: Economics(**terms, horizon=values["horizon"] or None))
    return [*wrong, *_rate_problems(values)]


def _rate_problems(values: Mapping[str, Any]) -> Iterator[str]:
    rate = values["base_retention"]
    if not rate:
        return
    yield from retention_problems(np.asarray(rate), lifts(values["lift"]))
    if values["model"] not in ONE_RATE:
        yield (
            f"model is {values['model']!r} with a base_retention of {rate!r}, must be 'constant' "
            "or left out: leave out base_retention to have a model fitted to data."
        )
