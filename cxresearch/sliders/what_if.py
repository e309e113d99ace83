"""Ask what an answer would be with other values: sliders on the page, and in JupyterLab."""

from __future__ import annotations

from typing import Any

from cxresearch.errors import DataError
from cxresearch.findings import publish
from cxresearch.roi._risk import ProgrammeRisk
from cxresearch.roi.profit_claim import ProfitClaim
from cxresearch.sliders._answer import MIME
from cxresearch.sliders._claim import claim_spec
from cxresearch.sliders._programme import programme_spec
from cxresearch.sliders._shown import static_html, static_text
from cxresearch.sliders._widgets import in_front_end, view


def what_if(result: ProfitClaim | ProgrammeRisk) -> None:
    """Show sliders that move the values of an answer, and the answer that they give.

    On the page of a report they work without Python, by the same arithmetic; in JupyterLab they
    are widgets of the running kernel. Where neither is there, as in a page that nbconvert made, a
    table stands instead, with one value changed at a time.

    Parameters
    ----------
    result
        `profit_claim(...)`, or the risk of a plan.

    Notes
    -----
    What is shown has no interval: it is arithmetic on the values put in. An own curve is lifted by
    year, as `profit_claim` does; where it lifts the own rate of each customer, one rate for every
    year stands for all of them.

    Raises
    ------
    DataError
        When the result is of another kind.
    """
    spec = spec_of(result)
    more: dict[str, object] = {MIME: spec}
    if in_front_end():
        more |= view(spec)
    publish(static_html(spec), static_text(spec), more=more)


def spec_of(result: ProfitClaim | ProgrammeRisk) -> dict[str, Any]:
    """Return what the sliders are made from, as plain JSON values.

    Raises
    ------
    DataError
        When there are no sliders for such a result.
    """
    if isinstance(result, ProfitClaim):
        return claim_spec(result)
    if isinstance(result, ProgrammeRisk):
        return programme_spec(result)
    raise DataError(
        f"what_if got {type(result).__name__}, must be a profit claim or the risk of a plan: pass "
        "what profit_claim(...) or plan.risk(...) returned."
    )
