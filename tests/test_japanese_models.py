"""Projections, hazards, adjustments and reasons for churn in Japanese: sentences and figures."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from test_cause_hazards import table_of as rates_table
from test_controllable import share, table_of
from test_hazards import life_table, people
from test_plot_causes import found
from test_plot_ladder import CORRECTED, NAIVE
from test_projection import paper

from cxresearch._draw import alt_text, figure_of
from cxresearch._language import speaking
from cxresearch.adjust._rung import Rung
from cxresearch.adjust.bias_ladder import BiasLadder, bias_ladder
from cxresearch.adjust.immortal_time import ImmortalTimeShare
from cxresearch.adjust.sensitivity import NegativeControl, e_value
from cxresearch.causes.cause_hazards import cause_rates
from cxresearch.hazards import _risk_words as risk_words
from cxresearch.hazards.proportionality import proportionality_check
from cxresearch.hazards.ratios import hazard_ratios
from cxresearch.plots._projection_words import projections_frame, rates_frame
from cxresearch.plots.causes import plot_causes, plot_incidence
from cxresearch.plots.hazards import ForestRow, plot_forest
from cxresearch.plots.holdout import plot_holdout
from cxresearch.plots.ladder import plot_bias_ladder
from cxresearch.plots.projection import plot_projection, plot_retention_rates
from cxresearch.projection._holdout import holdout
from cxresearch.projection._likelihood_ratio import equal_parameters_test, nested_model_tests
from cxresearch.projection.fitted import Projections, projections
from cxresearch.projection.residual_lifetime import residual_lifetimes

BEST = Rung(
    "doubly_robust", ("promoter", "detractor"), 12, hazard_ratio=(0.62, 0.44, 0.87),
    retained=(0.89, 0.83), difference=(0.06, 0.01, 0.11), n=1637, events=327,
    covariates=("plan", "tenure_band"),
)  # fmt: skip
WRONG = replace(NAIVE, n=1954, events=703)
RIGHT = replace(CORRECTED, n=1900, events=690, retained=(0.88, 0.86), start=3)
# models, letters and what a company named itself
NAMES = re.compile(r"sBG|BdW|high_end|regular|segment|theta|alpha|beta|plan|\b[abcpy]\b|→|←")
JAPANESE_AND_SPACE = re.compile("[ぁ-ヶ一-龠、。] +[ぁ-ヶ一-龠]")


@pytest.fixture(autouse=True)
def _in_japanese() -> Iterator[None]:
    with speaking("ja"):
        yield
    plt.close("all")


@pytest.fixture(scope="module")
def projected() -> Projections:
    return projections(paper())


def check_japanese(text: str) -> None:
    assert not re.search("[A-Za-z]{2,}", NAMES.sub("", text)), text
    assert not JAPANESE_AND_SPACE.search(text), text
    assert "。。" not in text
    assert "  " not in text


def sentences(ladder: BiasLadder) -> list[str]:
    return [finding.sentence for finding in ladder.findings()]


def test_the_answer_of_the_ladder_stands_before_how_it_was_counted() -> None:
    how = "数え方：各回のスコア、二重頑健推定、調整項目：プラン、継続期間帯。"
    assert sentences(BiasLadder((BEST,), 12)) == [
        "推奨者の解約の率は批判者の0.6（0.4～0.9）倍である"
        f"（95%信頼区間、回答1,637件、うち327件の後に解約）。{how}"
        "これは12か月間の累積ハザードの比である。",
        "回答を数え始めてから12か月後に残っているのは推奨者100人のうち89人、批判者100人のうち83人であり、"
        f"差は6（1～11）人（95%信頼区間）である。{how}",
    ]


def test_a_naive_count_is_called_wrong_beside_what_corrects_it() -> None:
    naive, _, unclear, _ = sentences(BiasLadder((WRONG, RIGHT), 12))
    assert naive == (
        "一度でも推奨者、登録時から：推奨者の解約の率はその他の0.26（0.22～0.31）倍に見える"
        "（95%信頼区間、顧客1,954人、解約703件）。この数え方は誤りである：回答した顧客が解約しえなかった"
        "回答前の期間まで、回答のものとして数えている。同じグループを回答以降について数えると"
        "0.9（0.7～1.2）倍である。"
    )
    assert unclear == (
        "解約に明確な差は認められない（一度でも推奨者、回答以降）：推奨者の解約の率は"
        "その他の0.9（0.7～1.2）倍である（95%信頼区間、観察区間1,900件、解約690件）。"
    )


def test_a_rung_that_the_data_cannot_support_says_why() -> None:
    ladder = bias_ladder({"first_score_from_answer": life_table(people(60), ["score_group"])})
    said = sentences(ladder)
    assert said[0].startswith("ハザード比は示さない（最初のスコア、回答以降）：")
    assert said[1].startswith("残る顧客数の差は示さない（最初のスコア、回答以降）：")
    for each in said:
        check_japanese(each)


def test_the_table_of_the_ladder_names_its_columns() -> None:
    html = BiasLadder((WRONG, RIGHT), 12)._repr_html_()
    headings = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)<", html)
    assert headings[:4] == [
        "数え方", "ハザード比", "100人あたり12か月で多く残る人数", "数えた対象",
    ]  # fmt: skip
    assert "一度でも推奨者、登録時から（誤り）" in html


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((-0.2, -0.4, -0.1), "不死時間の分は含まれない"),
        ((0.1, -0.1, 0.3), "どれだけが不死時間かは明確でない：その割合は10%（-10～30%）である"),
        ((0.82, 0.71, 0.94), "82%（71～94%）は誰も解約しえなかった回答前の期間である"),
        ((1.1, 0.9, 1.3), "明確な差は認められない"),
        ((1.3, 1.1, 1.5), "差は逆向きになる"),
    ],
)
def test_immortal_time(values: tuple[float, float, float], expected: str) -> None:
    said = ImmortalTimeShare(*values, None, 10, 0.95, None).sentence()
    assert expected in said
    check_japanese(said)


def test_what_could_still_be_wrong() -> None:
    assert "スコアとも解約ともそれぞれ2.1以上のリスク比で関連" in e_value(BEST).sentence()
    check_japanese(NegativeControl("voluntary", "involuntary", (BEST, RIGHT)).sentence())
    control = NegativeControl("解約希望", "未払い", (BEST, RIGHT))
    assert (
        "記録された理由が「未払い」の解約に明確な差は認められない（一度でも推奨者、回答以降）"
        in control.sentence()
    )
    for said in (e_value(BEST).sentence(), control.sentence()):
        check_japanese(said)


def test_projected_shares_say_by_which_models_and_how_far_beyond(projected: Projections) -> None:
    group = projected[0]
    assert group.at(24).sentence == (
        "BdWだけの予測では、顧客（セグメント：high_end）100人のうち30人が24年後も残っている"
        "（95%信頼区間 27～33、データの終わりから12年先への外挿）。"
    )
    assert group.at(5, "geometric").sentence == (
        "幾何モデル（別のモデルより当てはまりがはるかに悪い）では、顧客（セグメント：high_end）"
        "100人のうち64人が5年後も残っている（95%信頼区間 62～67）。"
    )
    assert group.at(500).sentence == "500年後は不明：予測の範囲は0から24年までである。"


def test_fits_and_their_tests(projected: Projections) -> None:
    rough, good, _ = (finding.sentence for finding in projected[0].fit_tests())
    assert rough == (
        "幾何モデルは偶然を超えて顧客（セグメント：high_end）の件数から外れている"
        "（1年ごとのカイ二乗検定、p < 0.0001）：その数値は目安として読むこと。"
    )
    assert "との間に明確な隔たりは認められない（1年ごとのカイ二乗検定、p = 0.17）" in good
    for finding in projected.parameters():
        check_japanese(finding.sentence)


def test_a_test_is_said_in_the_language_that_is_asked_for(projected: Projections) -> None:
    with speaking("en"):
        nested, equal = nested_model_tests(projected), equal_parameters_test(projected)
        assert nested[3].sentence().startswith("No clear change with tenure")
    assert nested[3].sentence() == (
        "顧客（セグメント：regular）一人ひとりの解約のしやすさに、継続期間にともなう明確な変化は"
        "認められない：BdW対sBG（尤度比検定、p = 0.29）。"
    )
    check_japanese(nested.sentence())
    check_japanese(equal.sentence())


def test_periods_held_out() -> None:
    held = holdout(paper(), holdout_periods=8)
    assert held[0].sentence() == (
        "12年時点で明確な誤差は認められない：最初の4年だけに当てはめた全モデルの平均は、"
        "顧客（セグメント：high_end）について観測値との差が-3ポイント（-8～3）である（95%信頼区間）。"
        "検証用に残した期間の1年ごとの平均では、観測割合から4.8%外れている。"
    )
    assert "12年時点の観測値より19ポイント（17～22）低い（95%信頼区間）" in held[1].sentence()


def test_time_that_is_left_keeps_its_unit_for_machines(projected: Projections) -> None:
    left = residual_lifetimes(projected, [0], annual_discount_rate=0.1, horizon=10)[0]
    assert left.sentence() == (
        "開始時点で、顧客（セグメント：high_end）には今後10年のうちに平均してあと4.1年（4.0～4.3）の"
        "期間が残る（95%信頼区間、年率10%で割引、有力な全モデルを合わせた予測による）。"
        "そのうち0%はデータの範囲の外にある。"
    )
    assert left.findings()[0].unit == "years"


def test_groups_with_too_few_are_counted() -> None:
    assert projections(paper(), min_events=10**6).sentence() == (
        "2グループは予測しない：最初の12年に解約した顧客が1,000,000未満であるか、"
        "どのモデルにも期間が足りない。"
    )


def test_hazard_ratios_with_and_without_a_clear_difference() -> None:
    table = life_table(people(plus=0.6, promoter=0.6))
    passive, promoter = (
        finding.sentence
        for finding in hazard_ratios(table, reference="detractor", adjust_for=["plan"]).findings()
    )
    assert passive == (
        "継続期間の同じ1か月で比べると（プランも同じ）、中立者と批判者の解約の頻度に"
        "明確な差は認められない：0.9倍（95%信頼区間 0.8～1.1）。"
    )
    assert promoter == (
        "継続期間の同じ1か月で比べると（プランも同じ）、推奨者は批判者の0.60倍の頻度で解約した"
        "（95%信頼区間 0.52～0.68）。"
    )
    refused = hazard_ratios(table, "plan", reference="other").sentence()
    assert refused == "プラン別のハザード比は報告しない：比較するその他の顧客がいない。"
    check_japanese(
        proportionality_check(table, reference="detractor")._repr_html_().split("<table")[0][3:-4]
    )


def test_risk_groups() -> None:
    who = risk_words.placed_words("customers", risk_words.place_words(0, 9))
    said = risk_words.group_words((0.04, 0.03, 0.06), 0.041, who, "6か月", 0.95)
    assert said == (
        "リスク群1（全9群、予測リスク最低）の顧客100人のうち4人が6か月以内に解約した"
        "（95%信頼区間 3～6）。予測は4人である。"
    )
    assert risk_words.ratio_words((1.0, 0.8, 1.2), 0.95) == (
        "解約した人数と予測された人数に明確な差は認められない：1.0（95%信頼区間 0.8～1.2）倍である。"
    )
    unclear = risk_words.concordance_words((0.52, 0.47, 0.57), 0.95)
    assert unclear.startswith("硬貨投げとの明確な差は認められない：")
    slopes = [(math.nan,) * 3, (0.5, -0.2, 1.2), (1, 0.8, 1.2), (0.5, 0.3, 0.7), (2, 1.5, 2.5)]
    for values in slopes:
        check_japanese(risk_words.slope_words(values, 0.95))


def test_reasons_for_churn() -> None:
    assert share(table_of()).sentence() == (
        "最初の24か月に解約した顧客で理由の記録がある100人のうち、ここで対応可能と数える解約は"
        "66人である（記録された理由：自発的、95%信頼区間 57～72）。解約者全体の10%には理由の"
        "記録がない：その全員を対応可能でないと数えるか、対応可能と数えるかで59～70%となり、"
        "区間は両方を含む。"
    )
    rates = cause_rates(rates_table())
    assert (
        rates[0]
        .sentence()
        .startswith(
            "顧客（プラン：a）の解約（記録された理由：非自発的）は1,000人月あたり5件である"
            "（95%信頼区間 4～5）。"
        )
    )
    assert rates.findings()[0].unit == "per 1,000 customer-months"


def drawn(projected: Projections) -> Iterator[Axes]:
    yield plot_projection(projected)
    yield plot_projection(projected[0])
    yield plot_retention_rates(projected[0])
    yield plot_holdout(holdout(paper(), holdout_periods=8))
    ladder = BiasLadder((WRONG, RIGHT, RIGHT.refused("推奨者がいない")), 12)
    yield plot_bias_ladder(ladder)
    yield plot_bias_ladder(ladder, measure="retained_difference")
    yield plot_forest(
        [ForestRow("推奨者", 0.7, 0.5, 0.9), ForestRow("全員", None, None, None, True)]
    )
    (result,) = found(causes=("voluntary", "involuntary", "migration", "company"))
    yield plot_causes(result)
    yield plot_incidence(result)


def test_figures_have_no_english_and_carry_their_numbers(projected: Projections) -> None:
    for ax in drawn(projected):
        figure_of(ax).canvas.draw()  # a letter without a glyph is a warning, and so an error
        check_japanese(alt_text(ax))
        titles = [ax.get_title("left"), ax.get_xlabel(), *(t.get_text() for t in ax.texts)]
        for text in [*titles, *(label.get_text() for label in ax.get_yticklabels())]:
            check_japanese(text.replace("\n", ""))
        bundle = vars(figure_of(ax))["_repr_mimebundle_"]()[1]
        numbers = bundle["image/png"]["numbers"]
        assert numbers.count("<tr>") > 1
        check_japanese(re.sub("<[^>]+>", "", numbers))


def test_the_numbers_of_a_figure_are_those_of_its_result(projected: Projections) -> None:
    group = projected[0]
    frame = projections_frame([group])
    last = frame[(frame["model"] == "全モデル") & (frame["tenure"] == "24年")]
    assert last["retained"].item() == group["combined"].retained[24]
    assert last["retained_ci_upper"].item() == group["combined"].retained_ci_upper[24]
    seen = frame[(frame["model"] == "観測値") & (frame["tenure"] == "5年")]
    assert seen["retained"].item() == group.observed.retained[5]
    assert len(frame) <= 70
    rates = rates_frame([group])
    assert (rates["model"] == "観測値").sum() == len(group.observed_rates())
