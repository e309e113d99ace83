"""The audit finds what must not be forwarded, and says so without repeating it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cxresearch.cli import app
from cxresearch.errors import CxError
from cxresearch.reports.audit import audit

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SECRET = "postgresql://reader:hunter2secret@warehouse/crm"


def page(body: str, policy: str = POLICY, head: str = "<title>Kept</title>") -> str:
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return f'<!doctype html><html lang="en"><head>{meta}{head}</head><body>{body}</body></html>'


def found(folder: Path, name: str, text: str, **options: object) -> list[tuple[str, str]]:
    (folder / name).write_text(text, "utf-8")
    return [(o.rule, o.what) for o in audit(folder / name, **options).offences]  # type: ignore[arg-type]


def rules(folder: Path, name: str, text: str) -> set[str]:
    return {rule for rule, _ in found(folder, name, text)}


def table(head: str, *counts: int | str) -> str:
    rows = "".join(f"<tr><th>a</th><td>{n}</td></tr>" for n in counts)
    return f"<table><tr><th>plan</th><th>{head}</th></tr>{rows}</table>"


def finding(n: int | None, group: Mapping[str, str] | None = None) -> dict[str, object]:
    return {"notebook": "02", "id": "retained", "group": group or {}, "n": n, "sentence": "said"}


def test_a_clean_page_passes(tmp_path: Path) -> None:
    links = '<a href="#part">below</a><a href="./index.html">all</a><img src="data:image/png;base64,aa">'
    body = f"<p>84 % (83 to 85 %) of 2,000.</p>{links}{table('customers', 10, 2000, 0)}"
    assert found(tmp_path, "a.html", page(body)) == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("<script>alert(1)</script>", "runs"),
        ('<p onclick="x()">a</p>', "runs"),
        ('<a href=" javascript:x()">a</a>', "runs"),
        ('<iframe srcdoc="a"></iframe>', "runs"),
        ('<form><input name="a"></form>', "runs"),
        ('<meta http-equiv="refresh" content="0;url=x">', "runs"),
        ('<img src="https://tracker.example/a.png">', "network"),
        ('<img srcset="//tracker.example/a.png 2x" src="data:image/png;base64,aa">', "network"),
        ('<a href="https://example.org/">a</a>', "network"),
        ('<svg><image xlink:href="http://a/b"/></svg>', "network"),
        ("<style>a{background:url(http://a/b)}</style>", "network"),
        ('<p style="background:url( //a/b )">a</p>', "network"),
        ("<style>@import 'a.css'</style>", "network"),
        ("<p>write to eve.adams@example.co.jp</p>", "e-mail address"),
        ('<img alt="eve@example.org" src="data:image/png;base64,aa">', "e-mail address"),
        ("<!-- eve@example.org -->", "e-mail address"),
        (f"<p>{SECRET}</p>", "credential"),
        ("<p>abc\u202efdp.exe</p>", "direction"),
        (table("customers", 9), "small count"),
        (table("At risk", 2000, 1), "small count"),
        (table("顧客", 3), "small count"),
        (table("at start", 3), "small count"),
        (table("passives", "3.0"), "small count"),
        (table("顧客", "3人"), "small count"),
        ("<table><tr><th>at risk</th><td>2,000</td><td>3</td></tr></table>", "small count"),
        (f"<table><tr><th colspan=2>by plan</th></tr>{table('churned', 3)[7:]}", "small count"),
        ("<table><tr><th colspan=2>a<th>lost<tr><td>a<td>b<td>3</table>", "small count"),
        ("<p>NPS 40 from 7 answers.</p>", "small count"),
        ("<p>Of <b>3</b> customers, 2 left.</p>", "small count"),
        ("<p>顧客3人のうち2人が残った。</p>", "small count"),
        ("<p>eve<b>@</b>example.org</p>", "e-mail address"),
        ("<p>eve\u200b@example.org</p>", "e-mail address"),
        ('<p data-who="eve@example.org">a</p>', "e-mail address"),
        ('<a href="#eve%40example.org">a</a>', "e-mail address"),
        ("<![CDATA[ eve@example.org ]]>", "e-mail address"),
        ('<script type="application/json">["eve\\u0040example.org"]</script>', "e-mail address"),
        (f'<p data-a="{SECRET}">a</p>', "credential"),
        ("<p>postgresql://a:<b>hunter2secret</b>@warehouse/crm</p>", "credential"),
        ("<p>password = hunter2secret</p>", "credential"),
        ("<p>-----BEGIN RSA PRIVATE KEY-----</p>", "credential"),
        (r'<p style="background:u\72l(//a/b)">a</p>', "network"),
        (r"<style>@\69mport 'a.css'</style>", "network"),
        ("<style>a{background:image-set('//a/b' 1x)}</style>", "network"),
        ("<style>a{background:url(//a/b)}", "network"),
        ('<svg><rect fill="url(//a/b#c)"/></svg>', "network"),
        ('<a href="#a" ping="//a/b">a</a>', "network"),
        ('<svg><set attributeName="onclick" to="x()"/></svg>', "runs"),
        ("<script>alert(1)", "runs"),
        ('<section class="cx-failure">no</section>', "failed report"),
    ],
)
def test_what_must_not_be_forwarded_is_found(tmp_path: Path, body: str, rule: str) -> None:
    assert rule in rules(tmp_path, "a.html", page(body))


@pytest.mark.parametrize(
    "policy",
    ["", "default-src 'self'", f"{POLICY}; script-src 'unsafe-inline'", f"{POLICY}; connect-src *"],
)
def test_a_lax_policy_is_an_offence(tmp_path: Path, policy: str) -> None:
    assert rules(tmp_path, "a.html", page("<p>a</p>", policy)) == {"policy"}


def test_a_script_is_allowed_by_its_hash_only(tmp_path: Path) -> None:
    script = "document.title='1'"
    digest = b64encode(sha256(script.encode()).digest()).decode()
    allowed = f"{POLICY}; script-src 'sha256-{digest}'"
    data = '<script type="application/json">{"a": 1}</script>'
    assert found(tmp_path, "a.html", page(f"<script>{script}</script>{data}", allowed)) == []
    assert rules(tmp_path, "a.html", page(f"<script>{script};</script>", allowed)) == {"runs"}


def test_data_for_a_script_are_read_as_words(tmp_path: Path) -> None:
    data = '<script type="application/json">{"who": "eve@example.org"}</script>'
    assert rules(tmp_path, "a.html", page(data)) == {"e-mail address"}


def test_findings_on_few_customers_are_found(tmp_path: Path) -> None:
    rows = [finding(9), finding(None), finding(10)]
    assert found(tmp_path, "a.json", json.dumps(rows)) == [
        ("small count", "the finding retained rests on 9: raise min_group")
    ]
    assert found(tmp_path, "a.json", json.dumps(rows), min_cell=9) == []


@pytest.mark.parametrize(("together", "gives_away"), [(1000, False), (991, True), (990, False)])
def test_a_group_that_the_total_gives_away_is_found(
    tmp_path: Path, together: int, gives_away: bool
) -> None:
    groups = [finding(together - 400, {"plan": "a"}), finding(400, {"plan": "b"})]
    rows = [finding(1000), *groups]
    assert bool(found(tmp_path, "a.json", json.dumps(rows))) == gives_away


def test_an_executed_notebook_is_read_too(tmp_path: Path) -> None:
    def notebook(**data: str) -> str:
        output = {"output_type": "display_data", "data": data, "metadata": {}}
        cells = [{"cell_type": "code", "source": "x", "outputs": [output]}]
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

    assert found(tmp_path, "a.ipynb", notebook(**{"text/plain": "84 %"})) == []
    assert found(tmp_path, "a.ipynb", notebook(**{"image/png": "eve@example.org"})) == []
    assert rules(tmp_path, "a.ipynb", notebook(**{"text/plain": "eve@example.org"})) == {
        "e-mail address"
    }
    assert rules(tmp_path, "a.ipynb", notebook(**{"text/html": table("customers", 4)})) == {
        "small count"
    }


def test_customers_are_looked_for_where_the_data_are_known(tmp_path: Path) -> None:
    sample = "data/sample"
    assert found(tmp_path, "a.html", page("<p>C000001, C000002.</p>")) == []
    assert found(tmp_path, "a.html", page("<p>C000001, (C000002).</p>"), data=sample) == [
        ("customer id", "2 different ones")
    ]
    assert found(tmp_path, "a.html", page("<p>C000001x 2025 12</p>"), data=sample) == []
    # a survey is nobody: reports name it where answers are shown by survey
    assert found(tmp_path, "a.html", page("<p>plan, ticket, nps-2023-03</p>"), data=sample) == []


@pytest.mark.parametrize(
    "body",
    [
        "C0000<b>01</b>",
        "C000\u00ad001",
        "顧客C000001は",
        "customer_C000001",
        '<i id="c000001">a</i>',
        "<!-- C000001 -->",
        "<style>/* C000001 */</style>",
    ],
)
def test_a_customer_is_found_however_the_id_is_wrapped(tmp_path: Path, body: str) -> None:
    assert found(tmp_path, "a.html", page(f"<p>{body}</p>"), data="data/sample")


def test_what_only_looks_like_few_people_passes(tmp_path: Path) -> None:
    said = "<p>Of 100 customers, 3 left; 3 waves. 顧客1人あたり3か月、顧客100人のうち3人。</p>"
    groups = "<table><tr><th>detractors</th><td>1</td></tr></table>"
    own = '<svg><rect fill="url(#a)"/></svg><style>a{fill:url(#a)}</style>'
    assert found(tmp_path, "a.html", page(said + groups + own)) == []


@pytest.mark.parametrize("text", ["[1]", "{}", '{"a": "eve@example.org"}', '{"cells": [1, null]}'])
def test_json_of_any_shape_is_read(tmp_path: Path, text: str) -> None:
    for name in ("a.json", "a.ipynb"):
        assert ("e-mail address" in rules(tmp_path, name, text)) == ("@" in text)


def test_no_offence_repeats_what_it_found(tmp_path: Path) -> None:
    body = f"<p>eve@example.org {SECRET} C000001</p>"
    (tmp_path / "a.html").write_text(page(body))
    text = audit(tmp_path, data="data/sample").to_text()
    assert not any(word in text for word in ("eve@", "hunter2", "C000001"))


def test_a_folder_is_audited_whole_and_the_command_says_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page("<p>a</p>"))
    run = CliRunner().invoke(app, ["audit", str(tmp_path)])
    assert (run.exit_code, run.stdout.split(" (")[0]) == (0, "passed")
    (tmp_path / "b.html").write_text(page("<p>eve@example.org</p>"))
    run = CliRunner().invoke(app, ["audit", str(tmp_path), "--json"])
    assert run.exit_code == 1
    told = json.loads(run.stdout)
    assert (told["passed"], told["files"]) == (False, ["a.html", "b.html"])
    assert [offence["file"] for offence in told["offences"]] == ["b.html"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none", None, "does not exist: name a report"),
        ("a.html", b"\xff\xfe", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CxError, match=said):
        audit(tmp_path / name)
    run = CliRunner().invoke(app, ["audit", str(tmp_path / name)])
    assert run.exit_code == 2


def test_folders_within_a_folder_are_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "north" / "old").mkdir(parents=True)
    (tmp_path / "a.html").write_text(page("<p>84 %</p>"), "utf-8")
    (tmp_path / "north" / "old" / "a.html").write_text(page("<script>x()</script>"), "utf-8")
    found = audit(tmp_path)
    assert found.files == ("a.html", "north/old/a.html")
    assert {offence.file for offence in found.offences} == {"north/old/a.html"}


def test_an_empty_folder_is_no_clean_one(tmp_path: Path) -> None:
    with pytest.raises(CxError, match="holds no reports"):
        audit(tmp_path)
    with pytest.raises(CxError, match="min_cell is 0"):
        audit(tmp_path, min_cell=0)


def test_a_damaged_file_is_an_offence(tmp_path: Path) -> None:
    assert rules(tmp_path, "a.json", "[{") == {"damaged"}
