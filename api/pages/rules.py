"""Windows and rules (办理窗口、政策规则): what is open when, every rule with article and basis."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response

from api.endpoint import service
from api.pages.frame import page, pages
from api.pages.workbench import windows_with_countdown
from states.lunar import CalendarGap
from states.rules import CHECKS
from states.vocabulary import DOCUMENT_KINDS, GROUNDS
from states.windows import windows_in
from workflow_service.views.policies import policies_view, policy_view


@pages.get("/windows")
def windows() -> Response:
    """Every window in scope, this year and the next."""
    rows = windows_with_countdown()
    return page("windows.html", area="windows", windows=[{**row, "year": _year(row["policy"])} for row in rows])


def _year(pack: str) -> list[dict[str, Any]]:
    """The windows of a pack in this year and the next, with their place on a bar of the year."""
    now = service().clocks.now()
    definition = service().packs.definition(service().packs.in_force(pack, "transfer", now.date()))
    calendar = service().calendars.current()
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
    """Every rule pack that is stored."""
    return page("policies.html", area="policies", rows=policies_view(service()))


@pages.get("/policies/<policy_id>")
def policy(policy_id: str) -> Response:
    """One pack: grounds, papers, checks, steps, reasons, each with article and basis; unseen shown as such."""
    view = policy_view(service(), policy_id)
    return page("policy.html", area="policies", policy=view, documents=DOCUMENT_KINDS, grounds=GROUNDS,
                parameters=view["content"].get("parameter", {}), check_texts=_texts())  # fmt: skip


def _texts() -> dict[str, str]:
    """What each check asks, in the words of its own docstring: "中文 / English"."""
    return {
        name: (check.__doc__ or name).partition(" (")[0].rstrip(".").replace("`", "") for name, check in CHECKS.items()
    }
