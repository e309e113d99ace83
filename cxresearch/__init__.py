"""Answers to what leadership asks about customers, with an interval on every number.

`open_data` and `check` read a company's tables through a recipe, and `Data` reduces them to counts:
by tenure, by cause, by survey design, by score, by invitation, by revenue, by purchases. From
counts the rooms estimate: `scores` (levels, changes, silence, revenue kept), `retention` and
`projection` (how long customers stay, and what is not seen yet), `causes` (why they leave),
`hazards` and `adjust` (do scores and staying go together), `value` and `purchases` (what customers
bring, with a contract and without). `plots` draws results; `say`, `show` and `tabulate` put them
in a report.

Everything is imported on first use, so that `import cxresearch` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cxresearch._language import use_language as use_language
    from cxresearch._min_cell import use_min_cell as use_min_cell
    from cxresearch.adjust.bias_ladder import bias_ladder as bias_ladder
    from cxresearch.adjust.bias_ladder import survey_tables as survey_tables
    from cxresearch.adjust.comparability import comparability as comparability
    from cxresearch.adjust.immortal_time import immortal_time_share as immortal_time_share
    from cxresearch.adjust.sensitivity import e_value as e_value
    from cxresearch.adjust.sensitivity import e_values as e_values
    from cxresearch.adjust.sensitivity import negative_control as negative_control
    from cxresearch.bad_experiences import Experience as Experience
    from cxresearch.brief.brief import brief_answers as brief_answers
    from cxresearch.brief.brief import brief_changes as brief_changes
    from cxresearch.brief.brief import brief_claims as brief_claims
    from cxresearch.brief.brief import brief_open as brief_open
    from cxresearch.brief.run import brief_problems as brief_problems
    from cxresearch.brief.run import read_run as read_run
    from cxresearch.cause_table import CauseTable as CauseTable
    from cxresearch.causes.cause_hazards import cause_hazard_ratios as cause_hazard_ratios
    from cxresearch.causes.cause_hazards import cause_rates as cause_rates
    from cxresearch.causes.controllable import controllable_shares as controllable_shares
    from cxresearch.causes.cumulative_incidence import cumulative_incidence as cumulative_incidence
    from cxresearch.causes.cumulative_incidence import reconciliation as reconciliation
    from cxresearch.checking import check as check
    from cxresearch.claims.evidence import claim_verdicts as claim_verdicts
    from cxresearch.claims.register import claims_register as claims_register
    from cxresearch.claims.settings import ClaimSettings as ClaimSettings
    from cxresearch.definitions import define as define
    from cxresearch.designs import Design as Design
    from cxresearch.errors import CxError as CxError
    from cxresearch.errors import DataError as DataError
    from cxresearch.exclusions import answer_waterfall as answer_waterfall
    from cxresearch.exclusions import customer_waterfall as customer_waterfall
    from cxresearch.exclusions import order_waterfall as order_waterfall
    from cxresearch.findings import Finding as Finding
    from cxresearch.findings import say as say
    from cxresearch.hazards.churn_risk import churn_risk as churn_risk
    from cxresearch.hazards.experience_churn import experience_churn as experience_churn
    from cxresearch.hazards.proportionality import proportionality_check as proportionality_check
    from cxresearch.hazards.ratios import Wording as Wording
    from cxresearch.hazards.ratios import hazard_ratios as hazard_ratios
    from cxresearch.invitation_table import InvitationTable as InvitationTable
    from cxresearch.logrank import logrank_test as logrank_test
    from cxresearch.plots import ForestRow as ForestRow
    from cxresearch.plots import plot_alive_map as plot_alive_map
    from cxresearch.plots import plot_answers as plot_answers
    from cxresearch.plots import plot_balance as plot_balance
    from cxresearch.plots import plot_bias_ladder as plot_bias_ladder
    from cxresearch.plots import plot_break_even as plot_break_even
    from cxresearch.plots import plot_calibration as plot_calibration
    from cxresearch.plots import plot_causes as plot_causes
    from cxresearch.plots import plot_churn_risk as plot_churn_risk
    from cxresearch.plots import plot_claim_directions as plot_claim_directions
    from cxresearch.plots import plot_claim_map as plot_claim_map
    from cxresearch.plots import plot_claims as plot_claims
    from cxresearch.plots import plot_contradictions as plot_contradictions
    from cxresearch.plots import plot_contribution as plot_contribution
    from cxresearch.plots import plot_control_chart as plot_control_chart
    from cxresearch.plots import plot_defection_curve as plot_defection_curve
    from cxresearch.plots import plot_forest as plot_forest
    from cxresearch.plots import plot_holdout as plot_holdout
    from cxresearch.plots import plot_incidence as plot_incidence
    from cxresearch.plots import plot_league as plot_league
    from cxresearch.plots import plot_lifetime_value as plot_lifetime_value
    from cxresearch.plots import plot_nonresponse as plot_nonresponse
    from cxresearch.plots import plot_npv as plot_npv
    from cxresearch.plots import plot_operating_leverage as plot_operating_leverage
    from cxresearch.plots import plot_overlap as plot_overlap
    from cxresearch.plots import plot_payments as plot_payments
    from cxresearch.plots import plot_profit_path as plot_profit_path
    from cxresearch.plots import plot_projection as plot_projection
    from cxresearch.plots import plot_purchase_frequencies as plot_purchase_frequencies
    from cxresearch.plots import plot_purchase_holdout as plot_purchase_holdout
    from cxresearch.plots import plot_rates as plot_rates
    from cxresearch.plots import plot_responders as plot_responders
    from cxresearch.plots import plot_response_rates as plot_response_rates
    from cxresearch.plots import plot_retention as plot_retention
    from cxresearch.plots import plot_retention_rates as plot_retention_rates
    from cxresearch.plots import plot_revenue_bridge as plot_revenue_bridge
    from cxresearch.plots import plot_scores as plot_scores
    from cxresearch.plots import plot_shop_value as plot_shop_value
    from cxresearch.plots import plot_tornado as plot_tornado
    from cxresearch.plots import plot_uplifts as plot_uplifts
    from cxresearch.plots import plot_value_by_horizon as plot_value_by_horizon
    from cxresearch.plots import plot_value_differences as plot_value_differences
    from cxresearch.plots import plot_value_sensitivity as plot_value_sensitivity
    from cxresearch.plots import plot_value_waterfall as plot_value_waterfall
    from cxresearch.plots import plot_waterfall as plot_waterfall
    from cxresearch.present import describe as describe
    from cxresearch.present import provenance as provenance
    from cxresearch.present import require_usable as require_usable
    from cxresearch.present import show as show
    from cxresearch.present import tabulate as tabulate
    from cxresearch.present import unless_missing as unless_missing
    from cxresearch.present import unlocked as unlocked
    from cxresearch.projection._holdout import holdout as holdout
    from cxresearch.projection._likelihood_ratio import (
        equal_parameters_test as equal_parameters_test,
    )
    from cxresearch.projection._likelihood_ratio import nested_model_tests as nested_model_tests
    from cxresearch.projection.fitted import projections as projections
    from cxresearch.projection.residual_lifetime import residual_lifetimes as residual_lifetimes
    from cxresearch.purchase_table import PurchaseTable as PurchaseTable
    from cxresearch.purchases.alive import alive_maps as alive_maps
    from cxresearch.purchases.alive import customers_alive as customers_alive
    from cxresearch.purchases.frequencies import purchase_frequencies as purchase_frequencies
    from cxresearch.purchases.holdout import purchase_holdout as purchase_holdout
    from cxresearch.purchases.models import purchase_models as purchase_models
    from cxresearch.purchases.shop_value import shop_values as shop_values
    from cxresearch.purchases.spend import spend_models as spend_models
    from cxresearch.rates import period_rates as period_rates
    from cxresearch.rates import tenure_rates as tenure_rates
    from cxresearch.restricted_mean import restricted_mean_difference as restricted_mean_difference
    from cxresearch.restricted_mean import restricted_means as restricted_means
    from cxresearch.retention import first_safe_tenure as first_safe_tenure
    from cxresearch.retention import retention_curves as retention_curves
    from cxresearch.revenue_bridge import RevenueBridge as RevenueBridge
    from cxresearch.roi.claim_parameters import claim_problems as claim_problems
    from cxresearch.roi.economics import Economics as Economics
    from cxresearch.roi.effect import effect_from_findings as effect_from_findings
    from cxresearch.roi.effect import effect_of_experiment as effect_of_experiment
    from cxresearch.roi.effect import entered_effect as entered_effect
    from cxresearch.roi.entered import programme_problems as programme_problems
    from cxresearch.roi.history import profit_history as profit_history
    from cxresearch.roi.leverage import operating_leverage as operating_leverage
    from cxresearch.roi.own_curve import own_curve as own_curve
    from cxresearch.roi.plan import programme_plan as programme_plan
    from cxresearch.roi.profit_claim import profit_claim as profit_claim
    from cxresearch.roi.profit_uplifts import profit_uplifts as profit_uplifts
    from cxresearch.roi.programme import Programme as Programme
    from cxresearch.roi.readings import Lift as Lift
    from cxresearch.roi.readings import lifts as lifts
    from cxresearch.roi.risk import programme_risk as programme_risk
    from cxresearch.roi.uncertain import Uncertain as Uncertain
    from cxresearch.score_table import ScoreTable as ScoreTable
    from cxresearch.scores.answers_needed import responses_needed as responses_needed
    from cxresearch.scores.control_chart import score_control_chart as score_control_chart
    from cxresearch.scores.earned_growth import earned_growth as earned_growth
    from cxresearch.scores.league import score_league as score_league
    from cxresearch.scores.levels import score_levels as score_levels
    from cxresearch.scores.levels import score_waterfall as score_waterfall
    from cxresearch.scores.levels import weighted_score as weighted_score
    from cxresearch.scores.nonresponse import nps_nonresponse as nps_nonresponse
    from cxresearch.scores.responder_retention import compare_responders as compare_responders
    from cxresearch.scores.response_rates import invitation_waterfall as invitation_waterfall
    from cxresearch.scores.response_rates import response_rates as response_rates
    from cxresearch.scores.revenue_retention import revenue_retention as revenue_retention
    from cxresearch.scores.score_change import score_changes as score_changes
    from cxresearch.scores.score_change import wave_pairs as wave_pairs
    from cxresearch.scores.shares import shares as shares
    from cxresearch.share_table import ShareTable as ShareTable
    from cxresearch.simulate import write_sample as write_sample
    from cxresearch.sliders.what_if import what_if as what_if
    from cxresearch.snapshot import snapshot_warning as snapshot_warning
    from cxresearch.source import Data as Data
    from cxresearch.source import open_data as open_data
    from cxresearch.source import open_frames as open_frames
    from cxresearch.tables import LifeTable as LifeTable
    from cxresearch.tables import PeriodTable as PeriodTable
    from cxresearch.unit_costs import UnitCosts as UnitCosts
    from cxresearch.value.difference import value_differences as value_differences
    from cxresearch.value.lifetime import lifetime_values as lifetime_values
    from cxresearch.value.prices import prices as prices
    from cxresearch.value.residual_value import residual_values as residual_values
    from cxresearch.value.sensitivity import value_sensitivity as value_sensitivity
    from cxresearch.value.terms import Terms as Terms
    from cxresearch.value.terms import constant_value as constant_value
    from cxresearch.value_table import ValueTable as ValueTable

__version__ = "0.1.0"

_HOME: Final = {
    "CauseTable": "cause_table",
    "ClaimSettings": "claims.settings",
    "CxError": "errors",
    "Data": "source",
    "DataError": "errors",
    "Design": "designs",
    "Economics": "roi.economics",
    "Experience": "bad_experiences",
    "Finding": "findings",
    "ForestRow": "plots",
    "InvitationTable": "invitation_table",
    "LifeTable": "tables",
    "Lift": "roi.readings",
    "PeriodTable": "tables",
    "Programme": "roi.programme",
    "PurchaseTable": "purchase_table",
    "RevenueBridge": "revenue_bridge",
    "ScoreTable": "score_table",
    "ShareTable": "share_table",
    "Terms": "value.terms",
    "Uncertain": "roi.uncertain",
    "UnitCosts": "unit_costs",
    "ValueTable": "value_table",
    "Wording": "hazards.ratios",
    "alive_maps": "purchases.alive",
    "answer_waterfall": "exclusions",
    "bias_ladder": "adjust.bias_ladder",
    "brief_answers": "brief.brief",
    "brief_changes": "brief.brief",
    "brief_claims": "brief.brief",
    "brief_open": "brief.brief",
    "brief_problems": "brief.run",
    "cause_hazard_ratios": "causes.cause_hazards",
    "cause_rates": "causes.cause_hazards",
    "check": "checking",
    "churn_risk": "hazards.churn_risk",
    "claim_problems": "roi.claim_parameters",
    "claim_verdicts": "claims.evidence",
    "claims_register": "claims.register",
    "comparability": "adjust.comparability",
    "compare_responders": "scores.responder_retention",
    "constant_value": "value.terms",
    "controllable_shares": "causes.controllable",
    "cumulative_incidence": "causes.cumulative_incidence",
    "customer_waterfall": "exclusions",
    "customers_alive": "purchases.alive",
    "define": "definitions",
    "describe": "present",
    "e_value": "adjust.sensitivity",
    "e_values": "adjust.sensitivity",
    "earned_growth": "scores.earned_growth",
    "effect_from_findings": "roi.effect",
    "effect_of_experiment": "roi.effect",
    "entered_effect": "roi.effect",
    "equal_parameters_test": "projection._likelihood_ratio",
    "experience_churn": "hazards.experience_churn",
    "first_safe_tenure": "retention",
    "hazard_ratios": "hazards.ratios",
    "holdout": "projection._holdout",
    "immortal_time_share": "adjust.immortal_time",
    "invitation_waterfall": "scores.response_rates",
    "lifetime_values": "value.lifetime",
    "lifts": "roi.readings",
    "logrank_test": "logrank",
    "negative_control": "adjust.sensitivity",
    "nested_model_tests": "projection._likelihood_ratio",
    "nps_nonresponse": "scores.nonresponse",
    "open_data": "source",
    "open_frames": "source",
    "operating_leverage": "roi.leverage",
    "order_waterfall": "exclusions",
    "own_curve": "roi.own_curve",
    "period_rates": "rates",
    "plot_alive_map": "plots",
    "plot_answers": "plots",
    "plot_balance": "plots",
    "plot_bias_ladder": "plots",
    "plot_break_even": "plots",
    "plot_calibration": "plots",
    "plot_causes": "plots",
    "plot_churn_risk": "plots",
    "plot_claim_directions": "plots",
    "plot_claim_map": "plots",
    "plot_claims": "plots",
    "plot_contradictions": "plots",
    "plot_contribution": "plots",
    "plot_control_chart": "plots",
    "plot_defection_curve": "plots",
    "plot_forest": "plots",
    "plot_holdout": "plots",
    "plot_incidence": "plots",
    "plot_league": "plots",
    "plot_lifetime_value": "plots",
    "plot_nonresponse": "plots",
    "plot_npv": "plots",
    "plot_operating_leverage": "plots",
    "plot_overlap": "plots",
    "plot_payments": "plots",
    "plot_profit_path": "plots",
    "plot_projection": "plots",
    "plot_purchase_frequencies": "plots",
    "plot_purchase_holdout": "plots",
    "plot_rates": "plots",
    "plot_responders": "plots",
    "plot_response_rates": "plots",
    "plot_retention": "plots",
    "plot_retention_rates": "plots",
    "plot_revenue_bridge": "plots",
    "plot_scores": "plots",
    "plot_shop_value": "plots",
    "plot_tornado": "plots",
    "plot_uplifts": "plots",
    "plot_value_by_horizon": "plots",
    "plot_value_differences": "plots",
    "plot_value_sensitivity": "plots",
    "plot_value_waterfall": "plots",
    "plot_waterfall": "plots",
    "prices": "value.prices",
    "profit_claim": "roi.profit_claim",
    "profit_history": "roi.history",
    "profit_uplifts": "roi.profit_uplifts",
    "programme_plan": "roi.plan",
    "programme_problems": "roi.entered",
    "programme_risk": "roi.risk",
    "projections": "projection.fitted",
    "proportionality_check": "hazards.proportionality",
    "provenance": "present",
    "purchase_frequencies": "purchases.frequencies",
    "purchase_holdout": "purchases.holdout",
    "purchase_models": "purchases.models",
    "read_run": "brief.run",
    "reconciliation": "causes.cumulative_incidence",
    "require_usable": "present",
    "residual_lifetimes": "projection.residual_lifetime",
    "residual_values": "value.residual_value",
    "response_rates": "scores.response_rates",
    "responses_needed": "scores.answers_needed",
    "restricted_mean_difference": "restricted_mean",
    "restricted_means": "restricted_mean",
    "retention_curves": "retention",
    "revenue_retention": "scores.revenue_retention",
    "say": "findings",
    "score_changes": "scores.score_change",
    "score_control_chart": "scores.control_chart",
    "score_league": "scores.league",
    "score_levels": "scores.levels",
    "score_waterfall": "scores.levels",
    "shares": "scores.shares",
    "shop_values": "purchases.shop_value",
    "show": "present",
    "snapshot_warning": "snapshot",
    "spend_models": "purchases.spend",
    "survey_tables": "adjust.bias_ladder",
    "tabulate": "present",
    "tenure_rates": "rates",
    "unless_missing": "present",
    "unlocked": "present",
    "use_language": "_language",
    "use_min_cell": "_min_cell",
    "value_differences": "value.difference",
    "value_sensitivity": "value.sensitivity",
    "wave_pairs": "scores.score_change",
    "weighted_score": "scores.levels",
    "what_if": "sliders.what_if",
    "write_sample": "simulate",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'cxresearch' has no attribute {name!r}")
    value = getattr(import_module(f"cxresearch.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
