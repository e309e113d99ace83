"""Answers to what leadership asks about customers, with an interval on every number.

One line per room: `open_data` and `check` read a company's tables through a recipe;
`Data.life_table` and `Data.period_table` reduce them to counts; `retention_curves`,
`restricted_means`, `logrank_test` and `period_rates` estimate from counts; `plot_retention` and
`plot_rates` draw results; `say` and `tabulate` show findings in a report.

Everything is imported on first use, so that `import cxresearch` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxresearch.checking import check
    from cxresearch.errors import CxError, DataError
    from cxresearch.exclusions import answer_waterfall, customer_waterfall
    from cxresearch.findings import Finding, say
    from cxresearch.logrank import logrank_test
    from cxresearch.plots import plot_rates, plot_retention, plot_waterfall
    from cxresearch.present import describe, provenance, require_usable, tabulate, unlocked
    from cxresearch.rates import period_rates, tenure_rates
    from cxresearch.restricted_mean import restricted_mean_difference, restricted_means
    from cxresearch.retention import first_safe_tenure, retention_curves
    from cxresearch.simulate import write_sample
    from cxresearch.snapshot import snapshot_warning
    from cxresearch.source import Data, open_data, open_frames
    from cxresearch.tables import LifeTable, PeriodTable

__version__ = "0.1.0"

_HOME = {
    "CxError": "errors",
    "Data": "source",
    "DataError": "errors",
    "Finding": "findings",
    "LifeTable": "tables",
    "PeriodTable": "tables",
    "answer_waterfall": "exclusions",
    "check": "checking",
    "customer_waterfall": "exclusions",
    "describe": "present",
    "first_safe_tenure": "retention",
    "logrank_test": "logrank",
    "open_data": "source",
    "open_frames": "source",
    "period_rates": "rates",
    "plot_rates": "plots",
    "plot_retention": "plots",
    "plot_waterfall": "plots",
    "provenance": "present",
    "require_usable": "present",
    "restricted_mean_difference": "restricted_mean",
    "restricted_means": "restricted_mean",
    "retention_curves": "retention",
    "say": "findings",
    "snapshot_warning": "snapshot",
    "tabulate": "present",
    "tenure_rates": "rates",
    "unlocked": "present",
    "write_sample": "simulate",
}
__all__ = [
    "CxError",
    "Data",
    "DataError",
    "Finding",
    "LifeTable",
    "PeriodTable",
    "answer_waterfall",
    "check",
    "customer_waterfall",
    "describe",
    "first_safe_tenure",
    "logrank_test",
    "open_data",
    "open_frames",
    "period_rates",
    "plot_rates",
    "plot_retention",
    "plot_waterfall",
    "provenance",
    "require_usable",
    "restricted_mean_difference",
    "restricted_means",
    "retention_curves",
    "say",
    "snapshot_warning",
    "tabulate",
    "tenure_rates",
    "unlocked",
    "write_sample",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'cxresearch' has no attribute {name!r}")
    value = getattr(import_module(f"cxresearch.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
