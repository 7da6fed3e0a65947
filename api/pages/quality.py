"""Data quality (数据质量): what the records in scope lack or contradict, each with its list."""

from __future__ import annotations

from flask import Response, request

from api.endpoint import service
from api.pages.duplicates import check_reader
from api.pages.frame import offers_here, page, pages
from api.pages.session import actor
from workflow_service.errors import NotFound
from workflow_service.ids import parse_id
from workflow_service.quality import BY_CODE, check_view, quality_counts, quality_list

ROWS = 50


@pages.get("/quality")
def quality() -> Response:
    """Every check with how many records it finds."""
    check_reader()
    return page("quality.html", area="quality", checks=quality_counts(service(), actor()))


@pages.get("/quality/<check>")
def quality_check(check: str) -> Response:
    """The records that one check finds."""
    check_reader()
    if check not in BY_CODE:
        raise NotFound
    found = BY_CODE[check]
    rows, after = quality_list(service(), actor(), found, ROWS, parse_id(request.args.get("after", "")) or 0)
    return page(
        "quality_check.html", area="quality", check=check_view(found), rows=rows, after=after,
        paged="after" in request.args, many_schools=actor().kind != "school", linked=found.where == "record",
        starts=found.clears in offers_here(actor()),
    )  # fmt: skip
