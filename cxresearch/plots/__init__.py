"""Figures: results in, Axes out. Nothing is estimated here."""

from __future__ import annotations

from cxresearch._draw import GROUP_COLORS, alt_text, cx_style
from cxresearch.plots.curves import plot_rates, plot_retention, plot_waterfall

__all__ = ["GROUP_COLORS", "alt_text", "cx_style", "plot_rates", "plot_retention", "plot_waterfall"]
