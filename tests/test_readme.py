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
from pictures import FIGURES, SCREENS
from runs import forked

from cxresearch.recipe_reader import build_recipe
from cxresearch.source import open_data

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
JAPANESE = (ROOT / "README.ja.md").read_text(encoding="utf-8")
DICTIONARY = (ROOT / "data" / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    return [line for block in blocks(text, "console") for line in block.splitlines() if line]


def targets(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", prose(text))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that the README speaks of."""
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
    recipe, batch = blocks(README, "toml")
    (mine / "data.toml").write_text(recipe, encoding="utf-8")
    (place / "my-batch.toml").write_text(batch, encoding="utf-8")
    (place / "notebooks").symlink_to(ROOT / "notebooks")
    return place


def test_the_recipe_reads_the_file_it_speaks_of(folder: Path) -> None:
    with open_data(folder / "my-data") as data:
        assert data.life_table(["plan"]).n.sum() > 300


def test_the_commands_run_one_after_the_other(folder: Path) -> None:
    # as a reader gives them: some go on with what the ones before have made
    for command in (line for line in commands(README) if not line.startswith("make")):
        program, *words = shlex.split(command)
        assert Path(program).parent == Path(".venv/bin")
        with forked():
            done = subprocess.run(
                [str(Path(sys.executable).with_name(Path(program).name)), *words],
                cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stdout or "cxresearch" not in program, command
    made = {path.name for path in folder.rglob("*.html")}
    assert {"02_retention_curves.plan.html", "14_executive_brief.ja.html", "mine.html"} <= made
    assert 'lang="ja"' in (folder / "mine.html").read_text("utf-8")
    changed = (folder / "this-month" / "14_executive_brief.html").read_text("utf-8")
    assert "There is no earlier run to compare with." not in changed


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
        r"Of 100 customers \(detractors\), \d+ are still active on 2025-12-31",
        r"As they are, promoters are worth EUR \d+ .*With the same history before the survey",
        r"(?:True|False|Cannot be said) (?:here|only if) .*read as 5 percentage points more retention",
    )
    for snippet in blocks(README, "python"):
        exec(compile(snippet, "README.md", "exec"), {})
    for line, words in zip(capsys.readouterr().out.splitlines(), said, strict=True):
        assert re.match(words, line)


def test_links_and_pictures_are_there() -> None:
    for target in targets(README) + targets(DICTIONARY):
        assert (ROOT / target).exists(), target


def test_the_pictures_are_those_that_a_script_makes() -> None:
    shown = {Path(target).stem for target in targets(README) if target.endswith(".png")}
    assert shown == {*FIGURES, *SCREENS}
    kept = re.findall(r"^!reports/(\w+)\.png$", (ROOT / ".gitignore").read_text("utf-8"), re.M)
    assert shown == set(kept)


def test_the_japanese_twin_says_the_same() -> None:
    assert [targets(text)[0] for text in (README, JAPANESE)] == ["README.ja.md", "README.md"]
    assert targets(README)[1:] == targets(JAPANESE)[1:]
    fenced = r"^```.*?^```$"
    for part in (
        fenced,  # code, to the letter
        r"^#+(?= )|^- |^\|(?: `\w+` )?",  # headings by level, items and rows of tables in order
        r"^!(?=\[)",
    ):
        found = [re.findall(part, text, re.MULTILINE | re.DOTALL) for text in (README, JAPANESE)]
        assert found[0] == found[1]
        assert found[0]
    words = [sorted(re.findall(r"`([^`]+)`", prose(text))) for text in (README, JAPANESE)]
    assert words[0] == words[1]  # no option, file or command is left out


def test_the_japanese_twin_is_japanese() -> None:
    paragraphs = [part for part in prose(JAPANESE).split("\n\n") if re.search(r"\w", part)]
    said = [part for part in paragraphs if not re.search("[ぁ-ん]", part)]
    assert said == ["# cxresearch", "[English](README.md)"]
    assert all(re.search("[ぁ-ん]", alt) for alt in re.findall(r"!\[([^]]*)\]", JAPANESE))


def test_every_notebook_is_listed() -> None:
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"`{notebook.stem}`" in README, notebook.stem


@pytest.mark.parametrize("snippet", blocks(DICTIONARY, "toml"))
def test_the_recipes_of_the_dictionary_are_recipes(snippet: str) -> None:
    content = tomllib.loads(snippet)
    content.setdefault("customers", {}).setdefault("path", "customers.csv")
    assert build_recipe(content, folder=ROOT).tables["customers"]


def test_the_dictionary_explains_every_key_of_a_recipe() -> None:
    from cxresearch import recipe_reader as recipe  # noqa: PLC0415

    for key in recipe._TOP | recipe._TABLE_KEYS | recipe._COLUMN_KEYS:
        assert re.search(rf"\b{key}\b", DICTIONARY), key
