"""Figures: results in, Axes out. Nothing is estimated here."""

from __future__ import annotations

from cxresearch._draw import alt_text, cx_style
from cxresearch._looks import GROUP_COLORS
from cxresearch.plots.causes import plot_causes, plot_incidence
from cxresearch.plots.claim_map import plot_claim_map
from cxresearch.plots.claims import plot_claim_directions, plot_claims, plot_contradictions
from cxresearch.plots.curves import plot_retention, plot_waterfall
from cxresearch.plots.hazards import ForestRow, plot_forest
from cxresearch.plots.holdout import plot_holdout
from cxresearch.plots.ladder import plot_balance, plot_bias_ladder, plot_overlap
from cxresearch.plots.nonresponse import plot_nonresponse, plot_responders, plot_response_rates
from cxresearch.plots.profit_claim import plot_profit_path
from cxresearch.plots.profit_history import plot_defection_curve, plot_operating_leverage
from cxresearch.plots.profit_uplifts import plot_uplifts
from cxresearch.plots.programme import plot_break_even, plot_npv, plot_payments, plot_tornado
from cxresearch.plots.projection import plot_projection, plot_retention_rates
from cxresearch.plots.purchases import (
    plot_alive_map,
    plot_purchase_frequencies,
    plot_purchase_holdout,
    plot_shop_value,
)
from cxresearch.plots.rates import plot_rates
from cxresearch.plots.revenue import plot_revenue_bridge
from cxresearch.plots.risk import plot_calibration, plot_churn_risk
from cxresearch.plots.scores import plot_answers, plot_control_chart, plot_league, plot_scores
from cxresearch.plots.value import plot_contribution, plot_lifetime_value, plot_value_by_horizon
from cxresearch.plots.value_difference import (
    plot_value_differences,
    plot_value_sensitivity,
    plot_value_waterfall,
)

__all__ = [
    "GROUP_COLORS",
    "ForestRow",
    "alt_text",
    "cx_style",
    "plot_alive_map",
    "plot_answers",
    "plot_balance",
    "plot_bias_ladder",
    "plot_break_even",
    "plot_calibration",
    "plot_causes",
    "plot_churn_risk",
    "plot_claim_directions",
    "plot_claim_map",
    "plot_claims",
    "plot_contradictions",
    "plot_contribution",
    "plot_control_chart",
    "plot_defection_curve",
    "plot_forest",
    "plot_holdout",
    "plot_incidence",
    "plot_league",
    "plot_lifetime_value",
    "plot_nonresponse",
    "plot_npv",
    "plot_operating_leverage",
    "plot_overlap",
    "plot_payments",
    "plot_profit_path",
    "plot_projection",
    "plot_purchase_frequencies",
    "plot_purchase_holdout",
    "plot_rates",
    "plot_responders",
    "plot_response_rates",
    "plot_retention",
    "plot_retention_rates",
    "plot_revenue_bridge",
    "plot_scores",
    "plot_shop_value",
    "plot_tornado",
    "plot_uplifts",
    "plot_value_by_horizon",
    "plot_value_differences",
    "plot_value_sensitivity",
    "plot_value_waterfall",
    "plot_waterfall",
]
