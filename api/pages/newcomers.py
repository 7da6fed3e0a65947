"""Newcomers who are neither registered nor deferred (未注册新生): whom school and bureau urge, BJ-11."""

from __future__ import annotations

from flask import Response, request

from api.endpoint import service
from api.pages.frame import page, pages
from api.pages.session import actor
from workflow_service.boxes import BadCursor
from workflow_service.errors import NotFound
from workflow_service.views.newcomers import count_newcomers, list_newcomers

ROWS = 50


@pages.get("/newcomers", endpoint="list_newcomers")
def newcomers_page() -> Response:
    """Whoever is admitted to a school in scope and neither registered nor deferred."""
    after = request.args.get("after") or None
    try:
        rows, following = list_newcomers(service(), actor(), ROWS, after)
    except BadCursor as error:
        raise NotFound from error
    return page(
        "newcomers.html", area="list_students", rows=rows, count=count_newcomers(service(), actor()), after=following,
        paged=after is not None, many_schools=actor().kind != "school",
    )  # fmt: skip
