"""Secrets: recognised in every form that people paste, and never repeated."""

import pytest

from cxresearch.errors import CxError
from cxresearch.reports.credentials import (
    check_credentials,
    looks_like_credential,
    named_like_credential,
)

KEY = "AKIA" + "IOSFODNN7EXAMPLE"  # the example of the vendor's own manual, in two parts
STRING, TOKEN = "a connection string with a password", "an access token"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("postgresql://user:secret@host/db", STRING),
        ("mysql+pymysql://root:p%40ss@[::1]:3306/x", STRING),
        ("redis://:hunter2@cache", STRING),
        ("see HTTPS://bob:pw@intranet/report", STRING),
        ("host=db user=me password=hunter2", "a password or a key"),
        ("Server=x;Uid=y;Pwd=hunter2;", "a password or a key"),
        ("jdbc:sqlserver://x;password='hunter2'", "a password or a key"),
        ("AccountKey=abcdef==;EndpointSuffix=core", "a password or a key"),
        ("aws_secret_access_key = wJalrXUtnFEMI", "a password or a key"),
        ("https://host/data?token=abc123", "a password or a key"),
        ("https://host/blob?sv=2&sig=abc%3D", "a password or a key"),
        ('{"password": "hunter2"}', "a password or a key"),
        (KEY, "an AWS key"),
        ("ghp_" + "a1" * 18, TOKEN),
        ("xoxb-" + "1234567890-abc", TOKEN),
        ("AIza" + "b" * 35, TOKEN),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", TOKEN),
        ("Authorization: Bearer " + "a1" * 10, "an authorisation header"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
    ],
)
def test_a_secret_is_recognised(text, kind):
    assert looks_like_credential(text) == kind
    assert looks_like_credential(f"before {text} after") == kind


@pytest.mark.parametrize(
    "text",
    [
        "", "data/sample", "plan,region", "design:doubly_robust", "2025-12-31", "0.05",
        "postgresql://host/db", "postgresql://user@host/db", "https://example.com:8080/x?y=1",
        "postgresql://user:$PASSWORD@host/db", "postgresql://user:${PASSWORD}@host/db",
        "postgresql://user:***@host/db", "password=<your password>", "password=$PASSWORD",
        "tokens are counted", "Basic plan", "basic customers",
        "lift:annual_margin:0.3", "iVBORw0KGgo" + KEY + "AAAA", "a secret of success",
        "24:00 at http://a and b@c.d",
    ],
)  # fmt: skip
def test_ordinary_text_is_none(text):
    assert looks_like_credential(text) is None


@pytest.mark.parametrize(
    "name", ["password", "db_password", "PGPASSWORD", "api_key", "apikey", "token", "auth_token",
             "client_secret", "aws_access_key_id", "connection_string", "dsn", "db_conn_str"]
)  # fmt: skip
def test_a_name_tells_what_it_is_for(name):
    assert named_like_credential(name)


@pytest.mark.parametrize(
    "name", ["data", "plan", "token_count", "tokens", "keys", "connection", "adsn", "tokenise"]
)
def test_ordinary_names_are_none(name):
    assert not named_like_credential(name)


def test_all_are_told_at_once_without_the_secret():
    given = {
        "data": "postgresql://me:hunter2@db/x",
        "plan": "basic",
        "warehouse_password": "hunter2",
        "unused_token": "",
        "report": [{"parameters": {"api_key": "hunter2", "seed": 1}}],
        "hosts": ["a", "b://c:hunter2@d"],
        "e://f:hunter2@g": "x",
    }
    with pytest.raises(CxError) as caught:
        check_credentials(given, "monthly.toml: ")
    said = caught.value.problems
    assert [problem.split(" looks like ")[0] for problem in said] == [
        "monthly.toml: data", "monthly.toml: warehouse_password", "monthly.toml: api_key",
        "monthly.toml: hosts", "monthly.toml: the name of a parameter",
    ]  # fmt: skip
    assert "hunter2" not in str(caught.value)
    assert all("environment" in problem and "recipe" in problem for problem in said)
    assert "by its name" in said[1]
    check_credentials({"plan": "basic", "password": "", "seed": 3})
