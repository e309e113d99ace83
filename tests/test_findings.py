import json
import math
import pickle
import sys
from types import SimpleNamespace

import pytest
from frames import finding

from cxresearch.errors import CxError
from cxresearch.findings import MIME, not_reported, say, to_html


def test_to_dict_is_json_with_exactly_the_agreed_keys():
    text = json.dumps(finding().to_dict(), allow_nan=False)
    keys = "id group value ci_lower ci_upper confidence_level n unit grade as_of sentence"
    assert list(json.loads(text)) == keys.split()


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, None])
def test_numbers_that_are_not_finite_become_none(odd):
    found = finding(value=odd, ci_lower=odd, ci_upper=odd).to_dict()
    assert (found["value"], found["ci_lower"], found["ci_upper"]) == (None, None, None)


def test_all_problems_are_named_at_once():
    with pytest.raises(CxError) as error:
        finding(id="Retained %", grade="E", confidence_level=95, group={"tenure": 12}, value=2.0)
    assert len(error.value.problems) == 5
    assert "group has 'tenure': 12, must be text to text: write str(12)" in str(error.value)


def test_a_finding_owns_its_group_and_can_be_pickled():
    group = {"plan": "a"}
    one = finding(group=group)
    group["plan"] = "b"
    assert one.group == {"plan": "a"}
    assert pickle.loads(pickle.dumps(one)) == one


def test_say_prints_outside_a_notebook(capsys):
    say(finding(), [finding(sentence="Second."), finding(sentence="Third.")])
    assert capsys.readouterr().out == "Of 100 customers, 84 stay.\nSecond.\nThird.\n"
    say()
    say([])
    assert capsys.readouterr().out == ""


def test_say_takes_results_and_strips_control_characters(capsys):
    result = SimpleNamespace(findings=lambda: (finding(sentence="a\x1b[31mred"),))
    say(result)
    assert capsys.readouterr().out == "a\ufffd[31mred\n"


def test_say_attaches_the_findings_in_a_notebook(monkeypatch):
    display = pytest.importorskip("IPython.display")
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", object)
    published = []
    monkeypatch.setattr(display, "publish_display_data", lambda *, data: published.append(data))
    say(finding(), finding(sentence="<b>bold</b>"))
    (bundle,) = published
    assert bundle["text/plain"] == "Of 100 customers, 84 stay.\n<b>bold</b>"
    assert bundle[MIME][0] == finding().to_dict()
    assert len(bundle[MIME]) == 2
    assert "&lt;b&gt;bold&lt;/b&gt;" in bundle["text/html"]
    json.dumps(bundle)


def test_a_thin_period_is_said_without_a_number():
    found = not_reported({"period": "2025-Q2"}, 30, "customers", "2025-12-31")
    assert found.sentence == (
        "Customers with period 2025-Q2 are not reported: fewer than 30 customers."
    )
    assert (found.value, found.n, found.as_of) == (None, None, "2025-12-31")


def test_html_escapes_and_names_the_grade():
    html = to_html([finding(sentence="<script>alert(1)</script>", grade="D")])
    assert "<script>" not in html
    assert '<p class="cx-finding">' in html
    assert (
        '<span class="cx-grade" title="assumption, or somebody else&#x27;s claim">D</span>' in html
    )


@pytest.mark.parametrize("wrong", ["a sentence", 0.84, None, {"a": 1}])
def test_say_refuses_what_has_no_findings(wrong):
    with pytest.raises(CxError, match=r"has no findings, must be a Finding"):
        say(wrong)
