"""The pictures of the README and the gallery of sample reports, made anew from the sample.

`python -m tests.pictures` writes `reports/*.png`; `python -m tests.pictures gallery` writes the
pages of `reports/gallery/`. Both are seen from the project, so that no page names another folder.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from playwright.sync_api import Browser, sync_playwright

from cxresearch._draw import japanese_font
from cxresearch.reports.entries import PAGE, ReportResult
from cxresearch.reports.page import shell
from cxresearch.reports.runner import run_reports
from tests.browser import find_chromium

REPORTS = Path("reports")
GALLERY = REPORTS / "gallery"
SAMPLES = REPORTS / "samples"  # where the reports are made: a brief links to those of its folder
IN_GALLERY = {
    "en": (
        "01_scorecard",
        "02_retention_curves",
        "04_promoters_and_retention",
        "06_retention_profit_claim",
        "07_programme_roi",
        "13_claims_register",
        "14_executive_brief",
    ),
    "ja": (
        "02_retention_curves",
        "07_programme_roi",
        "13_claims_register",
        "14_executive_brief",
    ),
}
NAMES = {"en": "English", "ja": "日本語"}
# Name of a picture: the notebook and the cell whose figure it is.
FIGURES = {
    "bias_ladder": ("04_promoters_and_retention", "ladder-figure"),
    "profit_claim": ("06_retention_profit_claim", "map"),
}
DESKTOP, PHONE = (1200, 780), (390, 800)
SHARPNESS = 2  # pixels of a picture for one of a window
GAP, EDGE, GREY = 40, 2, "#b8c0c6"
COLORS = 64
RUN = 'data-run=""'  # marks the one line that two runs of the same do not share


@dataclass(frozen=True)
class Screen:
    """What a window shows of a report, from the part with this id on."""

    report: str
    size: tuple[int, int] = PHONE
    part: str = ""


# Name of a picture: its windows, from left to right.
SCREENS = {
    "desktop": [Screen("en/02_retention_curves.html", DESKTOP)],
    "phones": [
        Screen("en/04_promoters_and_retention.html"),
        Screen("en/06_retention_profit_claim.html", part="what-if-head"),
        Screen("ja/02_retention_curves.ja.html"),
    ],
}


def main(arguments: list[str]) -> None:
    """Make what is asked for."""
    if arguments == ["gallery"]:
        make_gallery()
    elif not arguments:
        make_pictures()
    else:
        sys.exit(__doc__)


def make_pictures() -> None:
    """Write the figures and the screenshots of the README."""
    build("en", sorted({"02_retention_curves", *(notebook for notebook, _ in FIGURES.values())}))
    build("ja", ["02_retention_curves"])
    for name, (notebook, cell) in FIGURES.items():
        keep(figure(SAMPLES / "en" / f"{notebook}.ipynb", cell), REPORTS / f"{name}.png")
    with chromium() as browser:
        for name, screens in SCREENS.items():
            keep(beside([shot(browser, each) for each in screens]), REPORTS / f"{name}.png")


def make_gallery() -> None:
    """Build the reports of the gallery and write their pages, and one that lists them."""
    shutil.rmtree(SAMPLES, ignore_errors=True)  # a brief reads whatever is there
    built = {lang: build(lang, wanted) for lang, wanted in IN_GALLERY.items()}
    pages = {f"{each.name}.html": each.paths[PAGE] for made in built.values() for each in made}
    GALLERY.mkdir(exist_ok=True)
    for path in GALLERY.iterdir():
        if path.name not in pages:
            path.unlink()
    for name, path in pages.items():
        renew(GALLERY / name, path.read_text("utf-8"))
    renew(GALLERY / "index.html", index(built))


def build(lang: str, notebooks: Sequence[str]) -> list[ReportResult]:
    """Build reports on the sample."""
    results = run_reports(notebooks, data="data/sample", out=SAMPLES / lang, lang=lang, jobs=2)
    failed = [result.name for result in results if result.status == "failed"]
    if failed:
        sys.exit(f"these reports failed: {', '.join(failed)}")
    return results


def renew(path: Path, text: str) -> None:
    """Write a page, unless the one that is there differs in the time of its run only."""
    if not path.exists() or lasting(path.read_text("utf-8")) != lasting(text):
        path.write_text(text, "utf-8")


def lasting(page: str) -> list[str]:
    """Return the lines of a page that the next run of the same has too."""
    return [line for line in page.splitlines() if RUN not in line]


def index(built: dict[str, list[ReportResult]]) -> str:
    """Return a page with a link to each report and what it says."""
    said = "On simulated customers, rebuilt by make gallery. Each page works offline."
    parts = ["<h1>Sample reports</h1>", f"<p>{said}</p>"]
    for lang, results in built.items():
        items = "".join(map(item, results))
        parts.append(f'<section lang="{lang}"><h2>{NAMES[lang]}</h2><ul>{items}</ul></section>')
    return shell("Sample reports", "".join(parts), footer="<p>Made with cxresearch.</p>")


def item(result: ReportResult) -> str:
    """Return a report as a line of the list."""
    link = f'<a href="./{escape(result.name)}.html">{escape(result.title)}</a>'
    return f"<li><p>{link}</p><p>{escape(result.headline or '')}</p></li>"


def figure(notebook: Path, cell: str) -> Image.Image:
    """Return the picture that a cell of an executed notebook shows."""
    cells = {each["id"]: each for each in json.loads(notebook.read_text("utf-8"))["cells"]}
    outputs: list[dict[str, Any]] = cells[cell]["outputs"]
    (encoded,) = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    return Image.open(BytesIO(b64decode(encoded))).convert("RGB")


def keep(picture: Image.Image, path: Path) -> None:
    """Write a picture with few colours, which is all that it has."""
    picture.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)


def beside(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return pictures in a row, each with an edge, as a page's own is white."""
    framed = [ImageOps.expand(each, EDGE, GREY) for each in pictures]
    width = sum(each.width for each in framed) + GAP * (len(framed) - 1)
    row = Image.new("RGB", (width, max(each.height for each in framed)), "white")
    left = 0
    for each in framed:
        row.paste(each, (left, 0))
        left += each.width + GAP
    return row


def shot(browser: Browser, screen: Screen) -> Image.Image:
    """Return what a reader sees of a report."""
    width, height = screen.size
    page = (SAMPLES / screen.report).resolve().as_uri()
    with browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=SHARPNESS,
        color_scheme="light",
    ) as context:
        tab = context.new_page()
        tab.goto(f"{page}#{screen.part}" if screen.part else page)
        return Image.open(BytesIO(tab.screenshot())).convert("RGB")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open the machine's chromium, which is given a Japanese font for the time."""
    found = find_chromium()
    if found is None:
        sys.exit("chromium is not installed; on Debian and Ubuntu: apt install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        environment: dict[str, str | float | bool] = {**os.environ, **_fonts(Path(folder))}
        browser = playwright.chromium.launch(executable_path=found, env=environment)
        try:
            yield browser
        finally:
            browser.close()


def _fonts(folder: Path) -> dict[str, str]:
    settings = folder / "fonts.conf"
    settings.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f'<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{japanese_font().parent}</dir>'
        f"<cachedir>{folder / 'cache'}</cachedir></fontconfig>",
        "utf-8",
    )
    return {"FONTCONFIG_FILE": str(settings)}


if __name__ == "__main__":
    main(sys.argv[1:])
