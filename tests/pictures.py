"""The pictures of the README and the gallery of sample reports, made anew from the sample.

`python -m tests.pictures` writes `reports/*.png`; `python -m tests.pictures gallery` writes the
pages of `reports/gallery/`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from cxresearch.reports.runner import run_reports

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "reports"
GALLERY = REPORTS / "gallery"
SAMPLE = "data/sample"
# Name of a picture: the notebook and the cell whose figure it is.
FIGURES = {
    "example": ("02_retention_curves", "groups-figure"),
    "bias_ladder": ("04_promoters_and_retention", "ladder-figure"),
    "promoter_value": ("05_promoter_value", "why-figure"),
    "profit_claim": ("06_retention_profit_claim", "map"),
}
# Name of a picture: the report, its language, and width and height of the window.
SCREENS = {
    "desktop": ("02_retention_curves", "en", (1280, 900)),
    "phone": ("06_retention_profit_claim", "en", (390, 844)),
    "japanese": ("04_promoters_and_retention", "ja", (390, 844)),
}
IN_GALLERY = {
    "en": (
        "02_retention_curves",
        "04_promoters_and_retention",
        "06_retention_profit_claim",
        "07_programme_roi",
        "14_executive_brief",
    ),
    "ja": ("02_retention_curves", "06_retention_profit_claim", "14_executive_brief"),
}
COLORS = 64


def main(arguments: list[str]) -> None:
    """Make what is asked for."""
    if arguments == ["gallery"]:
        make_gallery()
    elif not arguments:
        make_pictures(REPORTS)
    else:
        sys.exit(__doc__)


def make_pictures(folder: Path) -> None:
    """Write the figures and the screenshots of the README into a folder."""
    with tempfile.TemporaryDirectory() as temporary:
        built = {lang: Path(temporary) / lang for lang in ("en", "ja")}
        build(
            built["en"],
            sorted({n for n, _ in FIGURES.values()} | {n for n, *_ in SCREENS.values()}),
        )
        build(built["ja"], [n for n, lang, _ in SCREENS.values() if lang == "ja"], "ja")
        for name, (notebook, cell) in FIGURES.items():
            keep(figure(built["en"] / f"{notebook}.ipynb", cell), folder / f"{name}.png")
        with chromium() as browser:
            for name, (notebook, lang, size) in SCREENS.items():
                shot = screenshot(browser, built[lang] / f"{notebook}.html", size)
                keep(shot, folder / f"{name}.png")


def make_gallery() -> None:
    """Build the reports of the gallery, and keep their pages and indices."""
    with tempfile.TemporaryDirectory() as temporary:
        for lang, wanted in IN_GALLERY.items():
            built, kept = Path(temporary) / lang, GALLERY / lang
            build(built, [], lang)
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            for name in wanted:
                shutil.copy(built / f"{name}.html", kept)


def build(out: Path, notebooks: list[str], lang: str = "en") -> None:
    """Build reports on the sample, all of them where none is named."""
    results = run_reports(notebooks, data=SAMPLE, out=out, lang=lang, jobs=2)
    failed = [result.name for result in results if result.status == "failed"]
    if failed:
        sys.exit(f"these reports failed: {', '.join(failed)}")


def figure(notebook: Path, cell: str) -> bytes:
    """Return the picture that a cell of an executed notebook shows."""
    cells = {each["id"]: each for each in json.loads(notebook.read_text("utf-8"))["cells"]}
    outputs: list[dict[str, Any]] = cells[cell]["outputs"]
    (encoded,) = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    return b64decode(encoded)


def keep(picture: bytes, path: Path) -> None:
    """Write a picture with few colours, which is all that it has."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)


def screenshot(browser: Browser, page: Path, size: tuple[int, int]) -> bytes:
    """Return what a reader sees first."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=2, color_scheme="light"
    )
    tab = context.new_page()
    tab.goto(page.resolve().as_uri())
    picture = tab.screenshot()
    context.close()
    return picture


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open the machine's chromium, which is given a Japanese font for the time."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
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
    package = find_spec("matplotlib_fontja")  # its import would change settings
    assert package is not None
    assert package.origin is not None
    fonts = Path(package.origin).parent / "fonts"
    settings = folder / "fonts.conf"
    settings.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f'<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{fonts}</dir>'
        f"<cachedir>{folder / 'cache'}</cachedir></fontconfig>",
        "utf-8",
    )
    return {"FONTCONFIG_FILE": str(settings)}


if __name__ == "__main__":
    main(sys.argv[1:])
