"""Every command and every snippet of the README and of the data dictionary runs as it stands."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from frames import lifetimes

from cxresearch.recipe_reader import build_recipe
from cxresearch.source import open_data

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DICTIONARY = (ROOT / "data" / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    return [line for block in blocks(text, "console") for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the data that the README speaks of."""
    place = tmp_path_factory.mktemp("readme")
    mine = place / "my-data"
    mine.mkdir()
    customers = lifetimes(400)
    for column in ("start_date", "end_date"):
        customers[column] = customers[column].dt.strftime("%d/%m/%Y")
    names = {
        "customer_id": "CustomerNo",
        "start_date": "Joined",
        "end_date": "Left",
        "plan": "Tariff",
    }
    customers.rename(columns=names).to_csv(mine / "customers.csv", index=False)
    (recipe,) = blocks(README, "toml")
    (mine / "data.toml").write_text(recipe, encoding="utf-8")
    return place


def test_the_recipe_reads_the_file_it_speaks_of(folder: Path) -> None:
    with open_data(folder / "my-data") as data:
        assert data.life_table(["plan"]).n.sum() > 300


@pytest.mark.parametrize("command", [c for c in commands(README) if "cxresearch" in c])
def test_a_command_runs(folder: Path, command: str) -> None:
    program, *words = shlex.split(command)
    assert program == ".venv/bin/cxresearch"
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cxresearch")), *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("command", [c for c in commands(README) if c.startswith("make")])
def test_make_knows_the_command(command: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *shlex.split(command)[1:]],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make (\w+)`", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_the_python_snippets_run(capsys: pytest.CaptureFixture[str]) -> None:
    said = (
        r"Of 100 customers with plan basic, \d+ are still there",
        r"No clear difference between passives and detractors .*Promoters left 0\.\d times as often",
        r"As they are, promoters are worth EUR \d+ .*With the same history before the survey",
        r"Of 100 customers \(detractors\), \d+ are still active on 2025-12-31",
        r"(?:True|False|Cannot be said) (?:here|only if) .*read as 5 percentage points more retention",
    )
    for snippet, words in zip(blocks(README, "python"), said, strict=True):
        exec(compile(snippet, "README.md", "exec"), {})
        assert re.match(words, capsys.readouterr().out)


def test_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README + DICTIONARY):
        assert (ROOT / target).exists(), target


def test_every_notebook_is_listed() -> None:
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"`{notebook.stem}`" in README


@pytest.mark.parametrize("snippet", blocks(DICTIONARY, "toml"))
def test_the_recipes_of_the_dictionary_are_recipes(snippet: str) -> None:
    content = tomllib.loads(snippet)
    content.setdefault("customers", {}).setdefault("path", "customers.csv")
    assert build_recipe(content, folder=ROOT).tables["customers"]


def test_the_dictionary_explains_every_key_of_a_recipe() -> None:
    from cxresearch import recipe_reader as recipe  # noqa: PLC0415

    for key in recipe._TOP | recipe._TABLE_KEYS | recipe._COLUMN_KEYS:
        assert re.search(rf"\b{key}\b", DICTIONARY), key
