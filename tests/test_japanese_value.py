"""Value, shops and claims in Japanese: whole sentences, as a reader finds them on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import valued
from matplotlib import pyplot as plt
from shops import Habits, shop
from valued import PRICES, TERMS

from cxresearch._language import speaking
from cxresearch.claims.judged import Judged
from cxresearch.claims.measured import Evidence
from cxresearch.claims.register import claims_register
from cxresearch.claims.verdict import ClaimVerdict
from cxresearch.claims.verdicts import ClaimVerdicts
from cxresearch.plots import alt_text
from cxresearch.plots.claims import plot_claim_directions, plot_claims, plot_contradictions
from cxresearch.plots.purchases import (
    plot_alive_map,
    plot_purchase_frequencies,
    plot_shop_value,
)
from cxresearch.plots.value import plot_contribution, plot_lifetime_value, plot_value_by_horizon
from cxresearch.plots.value_difference import (
    plot_value_differences,
    plot_value_sensitivity,
    plot_value_waterfall,
)
from cxresearch.purchases.alive import alive_maps, customers_alive
from cxresearch.purchases.frequencies import purchase_frequencies
from cxresearch.purchases.models import purchase_models
from cxresearch.purchases.shop_value import shop_values
from cxresearch.purchases.spend import spend_models
from cxresearch.value.difference import value_differences
from cxresearch.value.lifetime import lifetime_values
from cxresearch.value.prices import Prices
from cxresearch.value.residual_value import residual_values
from cxresearch.value.sensitivity import value_sensitivity
from cxresearch.value.terms import Terms

# what stays as it is in any language: names of models, columns, currencies, firms
LATIN = re.compile(
    r"(?:M?BG|Pareto)/NBD|Gamma-Gamma|sBG|BdW|plan|basic|premium|S\d-\d+[a-z]?|\b[A-D]\b|NPS|csat|nps"
)


@pytest.fixture(autouse=True)
def _japanese() -> Iterator[None]:
    with speaking("ja"):
        yield
    plt.close("all")


def english_in(text: str) -> list[str]:
    """Return the words that a reader of Japanese would stumble over."""
    return re.findall(r"[A-Za-z]{2,}", LATIN.sub("", text))


def told(*said: str) -> None:
    """Hold that each is a whole sentence in which no English is left."""
    for text in said:
        assert text.endswith("。"), text
        assert english_in(text) == [], text
        assert "  " not in text, text
        assert "。 " not in text, text


def test_differences_in_value_are_said_whole() -> None:
    found = value_differences(valued.draw(valued.World(), 2000, 1), PRICES, TERMS)
    said = [finding.sentence for finding in found.findings()]
    assert said[:4] == [
        "そのままの比較では、回答からの24か月の1人あたりの価値は、推奨者が批判者を€210（180～230）上回り、"
        "€620（610～640）対€410（400～430）である（95%信頼区間；回答数774、781；"
        "入力された仮定：問い合わせ1件の費用）。",
        "そのままの比較では、回答からの24か月の1人あたりの価値は、推奨者が批判者の1.50倍（1.43～1.58、"
        "95%信頼区間）である。",
        "そのままの比較では、回答からの24か月の推奨者と批判者の価値の差のうち€70（50～90）は、"
        "推奨者の継続がより長いことにあたる（95%信頼区間）。",
        "そのままの比較では、回答からの24か月の推奨者と批判者の価値の差のうち€110（90～130）は、"
        "推奨者の支出がより多いことにあたる（95%信頼区間）。",
    ]
    assert said[-1] == (
        "価値の差のうち、調査前の履歴が同じ比較で残るのは46%（38～54%）である（95%信頼区間）。"
    )
    told(*said, found.sentence())
    assert english_in(re.sub(r"<[^>]*>", " ", found._repr_html_())) == []


def test_values_are_said_with_what_lies_beyond_the_data() -> None:
    answers = valued.draw(valued.World(), 2000, 1)
    values = lifetime_values(answers.pooled("score_group"), PRICES, Terms(0.1, 48, "end_of_period"))
    assert [finding.sentence for finding in values[2].findings()] == [
        "回答（推奨者）は、回答からの48か月にそれぞれ平均€1,010（970～1,050）をもたらす（95%信頼区間）。"
        "年10%で割り引き、最初の請求は1か月後。入力された値を含む：問い合わせ1件の費用。",
        "回答（推奨者）の48か月の価値のうち、11.4%（11.0～11.9%）はデータの範囲を超える"
        "（95%信頼区間）。データは回答から40か月まである。",
        "回答（推奨者）の生涯全体の価値のうち、42%（35～59%）は最初の48か月より後に生じる："
        "€700（500～1,500）、すべて予測（95%信頼区間）。",
    ]
    few = lifetime_values(answers.pooled("score_group"), PRICES, TERMS, min_group=10**6)
    told(values.sentence(), few.sentence(), residual_values(answers, PRICES, TERMS).sentence())


def test_prices_say_what_is_assumed_and_what_is_left_out() -> None:
    prices = Prices(margin_share=0.4, entered=("margin_share",), lacking=("referral_value",))
    assert prices.sentence() == (
        "入力された仮定：貢献利益率（売上高に対する割合）（40.0%）。"
        "データからわからないため除外：顧客が紹介した新規顧客の価値。"
    )
    assert prices.sentence("en").startswith("Entered, so an assumption: contribution margin, share")


def test_a_horizon_of_one_month_is_one_month() -> None:
    terms = Terms(0.1, 1, "now")
    assert terms.from_answer == "回答からの1か月"
    with speaking("en"):
        assert terms.from_answer == "the month from the answer on"


def test_customers_of_a_shop_are_counted_and_valued() -> None:
    table = shop(800, np.random.default_rng(1), habits=Habits(returned=0.05), later_days=0).table()
    models = purchase_models(table, models=["bg_nbd", "mbg_nbd"])
    spend = spend_models(table)
    values = shop_values(models, spend, margin_share=0.4, annual_discount_rate=0.1)
    alive = [finding.sentence for finding in customers_alive(models).findings()]
    assert alive[:2] == [
        "顧客（批判者）100人のうち51人が2024年12月30日の時点でまだ活動している（BG/NBDモデルによる、"
        "95%信頼区間 47～55）。離れても知らせはないため、購入の頻度と最後の購入からの時間から"
        "読み取ったものである。",
        "顧客（批判者）は、2024年12月30日の後52週間に1人平均0.9（0.7～1.1）回購入すると予測される"
        "（BG/NBDモデルによる、95%信頼区間）。",
    ]
    assert values[0].sentence() == (
        "顧客（批判者）の価値は、2024年12月30日の後52週間に1人平均€10（9～13）と予測される"
        "（BG/NBDモデルによる、95%信頼区間）。これは支出の40%にあたる貢献利益（入力された仮定）から、"
        "戻ってくる4.3%を差し引き、年10%で割り引いた額である。"
    )
    told(*alive, values.sentence(), purchase_frequencies(models).sentence())
    told(alive_maps(models).sentence(), *(one.independence().sentence for one in spend))
    for draw, drawn in (
        (plot_shop_value, values),
        (plot_alive_map, alive_maps(models)),
        (plot_purchase_frequencies, purchase_frequencies(models)),
    ):
        assert english_in(alt_text(draw(drawn))) == []


def test_figures_of_value_speak_japanese() -> None:
    answers = valued.draw(valued.World(), 2000, 1)
    found = value_differences(answers, PRICES, TERMS)
    values = lifetime_values(answers.pooled("score_group"), PRICES, Terms(0.1, 60, "now"))
    moved = value_sensitivity(valued.draw(valued.World(), 1000, 1, ()), PRICES, TERMS)
    drawn: list[Any] = [
        plot_value_differences(found),
        plot_value_waterfall(found["as_they_are"]),
        plot_value_sensitivity(moved),
        plot_lifetime_value(values),
        plot_contribution(values),
        plot_value_by_horizon(values),
    ]
    for ax in drawn:
        shown = [*ax.texts, *ax.get_yticklabels(), ax.xaxis.label, ax.title]
        lines = [text.get_text() for text in shown]
        assert [word for line in [*lines, alt_text(ax)] for word in english_in(line)] == []
    colors = {patch.get_facecolor() for patch in drawn[3].patches}
    assert len(colors) >= 3, "groups keep their colours in any language"


SHARE, MORE, SAID = (claims_register()[name] for name in ("S2-6", "S0-11c", "S0-1"))


def _judged(claim: Any, reading: str, ends: tuple[float, float, float], unit: str) -> Judged:
    return Judged(claim, Evidence(claim.id, reading, *ends, 90, unit, "C", "数えたもの。"))


VERDICTS = ClaimVerdicts(
    (
        ClaimVerdict(
            SHARE,
            (
                _judged(SHARE, "by_value", (0.05, 0.04, 0.06), "share"),
                _judged(SHARE, "by_order", (0.25, 0.22, 0.28), "share"),
            ),
        ),
        ClaimVerdict(MORE, (_judged(MORE, "as_they_are", (40.0, 20.0, 60.0), "EUR"),)),
        ClaimVerdict(SAID, (_judged(SAID, "left_within_12", (0.19, 0.16, 0.21), "share"),)),
        ClaimVerdict(claims_register()["S0-5"], unlock="自社の顧客によるこの質問への回答"),
    ),
    "A firm",
)


def test_verdicts_are_said_whole() -> None:
    said = [verdict.sentence() for verdict in VERDICTS]
    assert said == [
        "S2-6はここでは特定の読み方でのみ成立する：オンラインで買われたものの平均20～30%は返品される。"
        "成立する読み方：全注文のうち返品または取り消しの割合。"
        "反証される読み方：販売額のうち返品または取り消しされた割合。",
        "S0-11cはここでは特定の読み方でのみ成立する：満足した顧客は残る。成立する読み方："
        "推奨者と批判者の差、12か月後も残っている割合（そのままの比較）。検証できなかった読み方："
        "推奨者と批判者の差、12か月後も残っている割合（調査前の履歴が同じ比較）。",
        "S0-1はここでは特定の読み方でのみ成立する：悪い体験が1回あると顧客の17%が離れうる。"
        "成立する読み方：1回目の悪い体験から12か月以内に解約した割合（行動であり、主張は人が口にする"
        "ことについてのものである）。検証できなかった読み方：1回目の悪い体験から3か月以内に解約した割合；"
        "1回目の悪い体験から12か月以内に解約した割合のうち、体験のない顧客を超える分。",
        "S0-5はここでは検証できない：顧客の71%は自分に合わせた対応を期待する。"
        "必要なもの：自社の顧客によるこの質問への回答。",
    ]
    assert VERDICTS.sentence() == (
        "台帳の主張4件のうち3件をこのデータで検証できる：支持0件、反証0件、"
        "特定の読み方でのみ成立3件、明確な答えなし0件。"
    )
    told(
        *said, *(f.sentence for f in VERDICTS.answer()), *(f.sentence for f in VERDICTS.findings())
    )


def test_what_is_at_most_something_is_not_said_as_what_is_claimed_at_most() -> None:
    bound = Evidence(
        "S2-5", "upper_bound", 0.16, 0.14, 0.19, 9, "share", "C", "x", upper_bound=True
    )
    assert bound.measured_words == "最大16%（14～19%）"
    assert claims_register()["S2-5"].number_words == "67%以上"
    assert claims_register()["S1-2"].number_words == "1以下"
    assert SHARE.number_words == "20～30%"


def test_figures_of_claims_speak_japanese() -> None:
    drawn = [
        plot_claims(VERDICTS),
        plot_claim_directions(VERDICTS),
        plot_contradictions(claims_register()),
    ]
    names = {"PwC", "Emplifi", "Harris", "McKinsey"}
    for ax in drawn:
        lines = [text.get_text() for text in (*ax.texts, *ax.get_yticklabels())]
        found = {word for line in [*lines, alt_text(ax)] for word in english_in(line)}
        assert found <= names
    assert "支持" in alt_text(drawn[1])


def test_every_text_of_the_register_that_readers_see_is_translated() -> None:
    for claim in claims_register():
        short = [claim.short_words(reading) for reading in claim.readings]
        for text in [claim.said, *short, *map(claim.reading_words, claim.readings)]:
            assert english_in(text) == [], claim.id
    assert "記憶。" in claims_register()._repr_html_()
