"""Sentences of grade C describe; they never claim a cause or look beyond the data."""

import re

import numpy as np
import pandas as pd
import pytest

from cxresearch.logrank import logrank_test
from cxresearch.plots import alt_text, plot_retention
from cxresearch.rates import period_rates, tenure_rates
from cxresearch.restricted_mean import restricted_mean_difference, restricted_means
from cxresearch.retention import retention_curves
from cxresearch.tables import LifeTable, PeriodTable

CAUSAL = re.compile(
    r"\b(because|due to|caus\w*|effects?|affect\w*|impacts?|leads? to|led to|drives?|driven|"
    r"increas\w*|reduc\w*|improv\w*|boost\w*|prevent\w*|thanks to|results? in|makes?|will)\b",
    re.IGNORECASE,
)


def sentences():
    rng = np.random.default_rng(1)
    group = rng.choice(["detractor", "passive", "promoter"], 900)
    exits = rng.geometric(np.where(group == "promoter", 0.02, 0.05))
    table = LifeTable.from_durations(np.minimum(exits, 30), exits <= 30, group={"nps_group": group})
    frame = pd.DataFrame({"period": ["2024", "2025"], "at_start": [90, 80], "lost": [9, 30]})
    periods = PeriodTable.from_counts(frame.assign(joined=0), period="year")
    curves = retention_curves(table)
    means = restricted_means(curves, 24)
    results = [
        curves,
        retention_curves(table, start=6, min_group=10**6),
        means,
        restricted_mean_difference(means[0], means[2]),
        restricted_mean_difference(means[0], means[1]),
        logrank_test(curves),
        tenure_rates(curves),
        period_rates(periods),
        period_rates(periods)[0].change(),
    ]
    said = [finding.sentence for result in results for finding in result.findings()]
    said += [result.sentence() for result in results[:-1]]
    return [*said, alt_text(plot_retention(curves))]


@pytest.fixture(scope="module")
def said():
    return sentences()


def test_no_sentence_claims_a_cause_or_a_future(said):
    assert len(said) > 50
    assert [s for s in said if CAUSAL.search(s)] == []


def test_every_sentence_is_whole(said):
    for sentence in said:
        assert sentence[0].isupper() or sentence.startswith("–"), sentence
        assert sentence.endswith("."), sentence
        assert "nan" not in sentence.lower().split(), sentence
        assert "  " not in sentence, sentence
        assert "None" not in sentence, sentence


def test_the_causal_pattern_finds_what_it_should():
    assert CAUSAL.search("Promoters stay longer because of the score.")
    assert CAUSAL.search("Calling them reduces churn.")
    assert not CAUSAL.search("Of 100 customers, 84 are still there.")
