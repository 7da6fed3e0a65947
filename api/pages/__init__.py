"""Web pages (页面): rendered on the server, in Chinese and English; they call the same functions as the API."""

from __future__ import annotations

from flask import Flask

from api.pages import (
    admissions,
    batches,
    bureau,
    duplicates,
    newcomers,
    papers,
    promotion,
    quality,
    request_forms,
    request_page,
    rules,
    signing_in,
    students,
    workbench,
)
from api.pages.frame import pages, show_problem

__all__ = ["install"]

PARTS = (
    admissions, batches, bureau, duplicates, newcomers, papers, promotion, quality, request_forms, request_page, rules,
    signing_in, students, workbench,
)  # fmt: skip
"""The modules that hang their pages into the blueprint when they are imported."""


def install(app: Flask) -> None:
    """Hang the pages into the app; errors outside `/api` are then shown as pages too."""
    app.register_blueprint(pages)
    app.extensions["error_page"] = show_problem
