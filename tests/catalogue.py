"""The messages that readers see, and the catalogues that translate them.

`python -m tests.catalogue` writes every catalogue anew: each message in the file of its room,
new ones without a translation, those that nobody says any more left out.
`python -m tests.catalogue missing [PATH …]` prints as JSON what has no translation yet.
`python -m tests.catalogue add NAME` reads JSON, English to translation, from standard input
into `locale/ja/NAME.po`, to be sorted into rooms by the first command.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from cxresearch._language import ENGLISH, LANGUAGES, LOCALE
from cxresearch.reports.translation import blocks

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "cxresearch"
KEYWORDS = {"tr": 1, "trn": 2, "mark": 1}
OTHERS = tuple(lang for lang in LANGUAGES if lang != ENGLISH)
QUESTIONS = {"unlocked": 2, "unless_missing": 0}  # in notebooks: place of the question's name
SAID_BY_TOML: dict[str, tuple[str, ...]] = {  # file in the package: keys whose texts are shown
    "claims/claims.toml": (
        "claim", "population", "words", "short", "beyond", "provenance", "misquotation",
        "topic", "said", "who",
    ),
}  # fmt: skip
CLAIM = re.compile(r"S\d-\d+[a-z]?")  # one that is pointed to by its number


@dataclass(frozen=True)
class Said:
    """A message as it stands in the source: its forms (one, or two with a plural) and its room."""

    forms: tuple[str, ...]
    room: str
    where: str


def messages() -> dict[str, Said]:
    """Return every message by its English, from code, notebooks and tables of texts."""
    found: dict[str, Said] = {}
    for said in (*_in_code(), *_in_notebooks(), *_in_toml()):
        earlier = found.setdefault(said.forms[0], said)
        if len(said.forms) > len(earlier.forms):
            found[said.forms[0]] = said
    return found


def catalogue(lang: str) -> dict[str, Message]:
    """Return what is translated, by its English, whichever room holds it."""
    found: dict[str, Message] = {}
    for path in sorted((LOCALE / lang).glob("*.po")):
        with path.open("rb") as file:
            found |= {_key(each): each for each in read_po(file, locale=lang) if each.id}
    return found


def update(lang: str) -> None:
    """Write the catalogues of a language anew."""
    known = catalogue(lang)
    rooms: dict[str, Catalog] = {}
    for key, said in sorted(messages().items(), key=lambda item: (item[1].room, item[1].where)):
        room = rooms.setdefault(said.room, Catalog(locale=lang, header_comment="", fuzzy=False))
        translated = known[key].string if key in known else ""
        if len(said.forms) > 1 and isinstance(translated, str):
            translated = (translated,) * room.num_plurals
        elif len(said.forms) == 1 and not isinstance(translated, str):
            translated = translated[0]
        room.add(said.forms if len(said.forms) > 1 else key, translated)
    _write(lang, rooms)


def add(lang: str, name: str, translations: dict[str, str]) -> None:
    """Add translations to a file of their own."""
    path = LOCALE / lang / f"{name}.po"
    whole = Catalog(locale=lang, header_comment="", fuzzy=False)
    if path.exists():
        with path.open("rb") as file:
            whole = read_po(file, locale=lang)
    said = messages()
    for english, translated in translations.items():
        forms = said[english].forms if english in said else (english,)
        whole.delete(english)
        if len(forms) > 1:
            whole.add(forms, (translated,) * whole.num_plurals)
        else:
            whole.add(english, translated)
    _write(lang, {name: whole}, keep=True)


def _write(lang: str, rooms: dict[str, Catalog], *, keep: bool = False) -> None:
    folder = LOCALE / lang
    folder.mkdir(parents=True, exist_ok=True)
    for path in () if keep else folder.glob("*.po"):
        if path.stem not in rooms:
            path.unlink()
    for name, whole in rooms.items():
        with (folder / f"{name}.po").open("wb") as file:
            write_po(file, whole, width=100, omit_header=False, sort_output=False, no_location=True)
        _without_dates(folder / f"{name}.po")


def _without_dates(path: Path) -> None:
    # who wrote it with what and when is in the history, and would differ from run to run
    kept = ('"Content', '"MIME', '"Language', '"Plural')
    lines = path.read_text("utf-8").lstrip("\n").splitlines(keepends=True)
    head = next(i for i, line in enumerate(lines) if not line.strip())
    new = [x for x in lines[:head] if not x.startswith('"') or x.startswith(kept)]
    path.write_text("".join(new + lines[head:]), "utf-8")


def _key(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, list | tuple) else message.id)


def _in_code() -> Iterator[Said]:
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        room = place.parts[0].removesuffix(".py").strip("_") if len(place.parts) > 1 else "package"
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id in KEYWORDS and path.stem != "_language":
                yield Said(_forms(node, path), room, f"{place}:{node.lineno:04}")


def _forms(call: ast.Call, path: Path) -> tuple[str, ...]:
    assert isinstance(call.func, ast.Name)
    given = call.args[: KEYWORDS[call.func.id]]
    texts = [each.value for each in given if isinstance(each, ast.Constant)]
    forms = tuple(text for text in texts if isinstance(text, str))
    if len(forms) < KEYWORDS[call.func.id]:
        raise ValueError(f"{path}:{call.lineno}: a message must be typed where it is named")
    return forms


def _in_notebooks() -> Iterator[Said]:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text("utf-8"))
        adds = notebook["metadata"].get("cxresearch", {}).get("adds", {})
        for text in adds.values():
            yield Said((text,), path.stem, f"{path.name}:adds")
        for i, cell in enumerate(notebook["cells"]):
            source = "".join(cell["source"])
            said = blocks(source) if cell["cell_type"] == "markdown" else _named_in(source)
            for k, text in enumerate(said):
                yield Said((text,), path.stem, f"{path.name}:{i:03}:{k:02}")


def _named_in(source: str) -> Iterator[str]:
    """Yield what a code cell calls the questions that data may not answer, and what it assumes."""
    for node in ast.walk(ast.parse(source)):
        named: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = node.args[QUESTIONS.get(node.func.attr, len(node.args)) :]
        if isinstance(node, ast.Dict):
            keys = [each.value if isinstance(each, ast.Constant) else None for each in node.keys]
            named = [v for k, v in zip(keys, node.values, strict=True) if k == "assumed"]
        yield from (
            text.value
            for text in named
            if isinstance(text, ast.Constant) and isinstance(text.value, str)
        )


def _in_toml() -> Iterator[Said]:
    for name, keys in SAID_BY_TOML.items():
        tables = tomllib.loads((PACKAGE / name).read_text("utf-8"))
        for i, text in enumerate(_texts(tables, keys)):
            yield Said((text,), Path(name).stem, f"{name}:{i:04}")


def _texts(value: object, keys: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in keys and isinstance(inner, str):
                yield from [] if CLAIM.fullmatch(inner) else [inner]
            else:
                yield from _texts(inner, keys)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, keys)


def missing(lang: str, paths: list[str]) -> dict[str, str]:
    """Return what has no translation, of the whole or of what lies below some paths."""
    known = {key for key, message in catalogue(lang).items() if message.string}
    wanted = [path.removeprefix("cxresearch/").removeprefix("notebooks/") for path in paths]
    return {
        key: ""
        for key, said in messages().items()
        if key not in known and (not wanted or said.where.startswith(tuple(wanted)))
    }


def main(arguments: list[str]) -> None:
    """Run one of the commands above."""
    match arguments:
        case []:
            for lang in OTHERS:
                update(lang)
        case ["missing", *paths]:
            print(json.dumps(missing(OTHERS[0], paths), ensure_ascii=False, indent=0))
        case ["add", name]:
            add(OTHERS[0], name, json.load(sys.stdin))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
