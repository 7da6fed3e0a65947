"""The roll before the promotion (升级名单): who stays stands first, with the reason; the rest is filed as a batch."""

from __future__ import annotations

from collections import Counter

from flask import Response, request

from api.endpoint import service
from api.pages.duplicates import check_reader
from api.pages.frame import ident, page, pages
from api.pages.session import actor
from workflow_service.promotion import promotion_roll
from workflow_service.views.organizations import find_organization


@pages.get("/promotion")
def promotion() -> Response:
    """The roll of the asker's own school, or of `?school=` in a bureau's scope."""
    check_reader()
    chosen = request.args.get("school")
    school = find_organization(service(), actor(), ident(chosen) if chosen else actor().organization_id)
    roll = promotion_roll(service(), actor(), school.id)
    staying = [row for row in roll if not row.moves]
    moving = Counter((row.grade, row.school_class) for row in roll if row.moves)
    recorded = Counter((row.grade, row.school_class) for row in roll if row.moves and row.recorded)
    return page("promotion.html", area="list_batches", school=school, staying=staying, moving=moving,
                recorded=recorded, whole=len(roll), own=school.id == actor().organization_id)  # fmt: skip
