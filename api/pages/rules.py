"""Windows and rules (办理窗口、政策规则): what is open when, every rule with article and basis."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, request

from api.endpoint import service
from api.pages.frame import page, pages
from api.pages.workbench import windows_with_countdown
from states.lunar import CalendarGap
from states.rule_words import TABLE_NAMES
from states.windows import windows_in
from workflow_service.errors import NotFound
from workflow_service.views.consolidated import chapter, chapters_of
from workflow_service.views.policies import policies_view


@pages.get("/windows")
def windows() -> Response:
    """Every window in scope, this year and the next."""
    rows = windows_with_countdown()
    return page("windows.html", area="windows", windows=[{**row, "year": _year(row["policy"])} for row in rows])


def _year(pack: str) -> list[dict[str, Any]]:
    """The windows of a pack in this year and the next, with their place on a bar of the year."""
    now = service().clocks.now()
    definition = service().packs.definition(service().packs.in_force(pack, "transfer", now.date()))
    calendar = service().calendar()
    spans = []
    for year in (now.year, now.year + 1):
        for rule in definition.windows:
            try:
                found = windows_in(rule, calendar, year)
            except CalendarGap as gap:
                spans.append({"id": rule.id, "year": year, "gap": str(gap)})
                continue
            spans += [{"id": rule.id, "year": year, "number": number, "opens": w.opens.isoformat(),
                       "closes": w.closes.isoformat(), "source": w.source,
                       "first": _day_of_year(w.opens.date(), year), "days": (w.closes - w.opens).days,
                       "past": w.closes <= now, "open": w.opens <= now < w.closes}
                      for number, w in enumerate(found, start=1)]  # fmt: skip
    return spans


def _day_of_year(day: date, year: int) -> int:
    return (day - date(year, 1, 1)).days


@pages.get("/policies")
def policies() -> Response:
    """Every rule pack that is stored, with the kinds of request that it rules."""
    packs: dict[str, dict[str, Any]] = {}
    for row in policies_view(service()):
        pack = packs.setdefault(row["id"], {"id": row["id"], "title": row["id"], "title_en": row["id"], "kinds": []})
        pack["kinds"] += [row["kind"]] if row["kind"] not in pack["kinds"] else []
        if row["kind"] == "transfer" or pack["title"] == row["id"]:
            pack |= {"title": row["title"].partition("（")[0], "title_en": row["title_en"].partition(",")[0]}
    return page("policies.html", area="policies", rows=list(packs.values()))


@pages.get("/policies/<policy_id>")
def policy(policy_id: str) -> Response:
    """The consolidated text of a pack: a chapter for each kind, each article with its numbers, doubts and cases."""
    given, version = request.args.get("kind"), request.args.get("version", "")
    kept = int(version) if version.isascii() and version.isdecimal() and len(version) < 7 else None
    chapters = chapters_of(service(), policy_id, given, kept)
    kinds = {one["kind"]: one for one in chapters}
    wanted = given or ("transfer" if "transfer" in kinds else chapters[0]["kind"])
    if wanted not in kinds:
        raise NotFound
    text = chapter(service(), kinds[wanted]["id"])
    return page("policy.html", area="policies", pack=policy_id, chapters=chapters, here=kinds[wanted], text=text,
                tables=TABLE_NAMES)  # fmt: skip
