"""Headings of tables that are names of columns in `to_frame()`, for the translators.

A heading that no catalogue knows, such as a column of a company's own, is shown as it is.
"""

from __future__ import annotations

from cxresearch._language import mark

__all__ = ["HEADINGS"]

HEADINGS = (
    mark("at risk"),
    mark("censored"),
    mark("churned"),
    mark("customers"),
    mark("retained"),
    mark("tenure"),
    mark("question"),
    mark("grade"),
    mark("change"),
    mark("before"),
    mark("open"),
    mark("it would take"),
    mark("claims"),
    mark("which"),
)
