"""The exporter and the preprocessor by which nbconvert writes our pages.

`cxresearch report` uses the exporter, and so does `jupyter nbconvert --to cxresearch`. The
template names the preprocessor, so that `jupyter nbconvert --to html --template cxresearch`
gives the same page without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from nbconvert import TemplateExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from cxresearch._language import ENGLISH, LANGUAGES, speaking
from cxresearch.reports.notebooks import title_of
from cxresearch.reports.page import PAGE, WANTED, Wanted, compose
from cxresearch.reports.translation import translate_prose

__all__ = ["TEMPLATES", "PageExporter", "PagePreprocessor"]

TEMPLATES = Path(__file__).parents[1] / "prefix" / "share" / "jupyter" / "nbconvert" / "templates"


class PagePreprocessor(Preprocessor):  # type: ignore[misc]
    """Makes the parts of the page that the template puts in their places."""

    enabled = True

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Add the parts to the resources, as the template's `cxresearch_page`."""
        if WANTED in resources:
            resources[PAGE] = compose(nb, resources[WANTED])
            return nb, resources
        with speaking(_language(nb)):
            translate_prose(nb)
            title = title_of(nb.cells) or resources.get("metadata", {}).get("name", "")
            resources[PAGE] = compose(nb, Wanted(title))
        return nb, resources


class PageExporter(TemplateExporter):  # type: ignore[misc]
    """Writes an executed notebook as one self-contained page."""

    export_from_notebook = "CX research report"
    output_mimetype: ClassVar[str] = "text/html"

    def __init__(self, **options: object) -> None:
        here = {"template_name": "cxresearch", "extra_template_basedirs": [str(TEMPLATES)]}
        super().__init__(**here | options)

    def _file_extension_default(self) -> str:
        return ".html"


def _language(notebook: NotebookNode) -> str:
    """Return the language that an executed notebook speaks, by the parameter it was run with."""
    given = notebook.metadata.get("papermill", {}).get("parameters", {}).get("lang", ENGLISH)
    return given if given in LANGUAGES else ENGLISH
