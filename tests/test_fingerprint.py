"""The fingerprint of data: the same however it is taken, and another one after any change."""

import shutil

import pytest
from runs import CDNOW, PAPER, SAAS, SAMPLE, TELCO

import cxresearch as cx
from cxresearch.errors import DataError
from cxresearch.fingerprint import data_fingerprint


@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize("data", [SAMPLE, TELCO, SAAS, PAPER, CDNOW], ids=lambda path: path.stem)
def test_it_is_the_one_of_the_opened_data(data):
    with cx.open_data(data) as opened:
        assert data_fingerprint(data) == opened.fingerprint


@pytest.fixture
def sample(tmp_path):
    return shutil.copytree(SAMPLE, tmp_path / "sample")


def test_where_the_data_lie_and_when_they_were_written_does_not_count(sample):
    (sample / "customers.parquet").touch()
    assert data_fingerprint(sample) == data_fingerprint(sample / "data.toml")
    assert data_fingerprint(sample) == data_fingerprint(SAMPLE)


def test_one_byte_counts_and_so_does_the_recipe(sample):
    found = {data_fingerprint(sample)}
    path = sample / "revenue.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    found.add(data_fingerprint(sample))
    recipe = sample / "data.toml"
    recipe.write_text("first_periods = [4]\n" + recipe.read_text("utf-8"), "utf-8")
    found.add(data_fingerprint(sample))
    assert len(found) == 3


def test_what_is_missing_is_said(sample):
    (sample / "revenue.parquet").unlink()
    with pytest.raises(DataError, match="revenue: there is no file"):
        data_fingerprint(sample)
