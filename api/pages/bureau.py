"""A bureau's own affairs (本局事务): its schools, its empty offices, the hours in which the service was down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, g, redirect, request

from api.endpoint import service
from api.errors import Problem, problem_of
from api.pages.forms import form_key, once, whole_given
from api.pages.frame import Message, address, bad, ident, page, pages
from api.pages.language import day_of, end_of, instant, moment, t, zh
from api.pages.packs import pack_title
from api.pages.session import actor, new_key
from states.calendar import SHANGHAI
from workflow_service.errors import ServiceError
from workflow_service.outages import declare_outage
from workflow_service.schools import check_registrar, is_bureau_registrar, mark_single_handed
from workflow_service.views.bureau import WantedSchools, count_schools, empty_offices, outages_view, schools_page
from workflow_service.views.organizations import find_organization
from workflow_service.views.windows import windows_view

ROWS = 50
OUTAGES = 20


@pages.app_context_processor
def menu() -> dict[str, Any]:
    """Whether the menu offers this page."""
    return {"keeps_bureau": g.get("actor") is not None and is_bureau_registrar(g.actor)}


@pages.get("/bureau")
def bureau() -> Response:
    """Schools with their offices, the offices that are empty, the outages, and the forms for what is decided here."""
    check_registrar(actor())
    return _page([*_done()])


@pages.post("/bureau/schools/<school_id>/single-handed")
def mark_school(school_id: str) -> Response:
    """Mark a school single-handed or an ordinary one again; what it means stands beside the button."""
    number, on = ident(school_id), request.form.get("single_handed") == "on"
    key = form_key()
    try:
        version = whole_given("version") or 0
        once(key, lambda: mark_single_handed(service(), actor(), number, on, version, key))
    except ServiceError as error:
        check_registrar(actor())
        problem = problem_of(error)
        message = _moved_on(problem.members["current"]) if problem.status == 412 else bad(problem)
        return _page([message], status=problem.status)
    return _back(done="single-handed" if on else "ordinary", school=school_id)


@pages.post("/bureau/outages")
def declare() -> Response:
    """Declare hours of outage; what is wrong is said beside what was typed."""
    check_registrar(actor())
    starts, ends = _instant("starts"), _instant("ends")
    key = form_key()
    try:
        if starts is None or ends is None:
            raise _incomplete(starts, ends)
        reason = request.form.get("reason", "")[:500]
        once(key, lambda: declare_outage(service(), actor(), starts, ends, reason, key))
    except (ServiceError, Problem) as error:
        problem = problem_of(error)
        return _page([Message("bad", t("没有登记，请改正后再登记。", "Not declared; mend it and declare again."))],
                     problem=problem, typed=request.form, status=problem.status)  # fmt: skip
    return _back(done="outage")


def _page(messages: list[Message], *, problem: Problem | None = None, typed: Mapping[str, str] | None = None,
          status: int = 200) -> Response:  # fmt: skip
    asked = {name: request.args.get(name, "").strip()[:60] for name in ("q", "only", "after")}
    wanted = WantedSchools(asked["q"], single_handed=asked["only"] == "single_handed")
    rows, after = schools_page(service(), actor(), wanted, ROWS, asked["after"])
    wrong = {error["field"]: error for error in problem.members.get("errors", ())} if problem else {}
    return page(
        "bureau.html", area="bureau", messages=messages, status=status, key=new_key(), asked=asked, schools=rows,
        query={name: value for name, value in asked.items() if value},
        next_page=address("pages.bureau", {**asked, "after": after}) if after else None,
        counts={"all": count_schools(service(), actor(), WantedSchools()),
                "single_handed": count_schools(service(), actor(), WantedSchools(single_handed=True))},
        offices=empty_offices(service(), actor()), outages=outages_view(service(), actor(), OUTAGES),
        windows=[row for row in windows_view(service(), actor()) if row["closes"]],
        itself=find_organization(service(), actor(), actor().organization_id),
        typed=typed or {}, wrong=wrong, span=_span, latest=f"{service().clocks.now():%Y-%m-%dT%H:%M}",
    )  # fmt: skip


def _instant(name: str) -> datetime | None:
    """A day and time of the form, in legal time; None for what is none."""
    try:
        found = datetime.fromisoformat(request.form.get(name, "").strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def _incomplete(starts: datetime | None, ends: datetime | None) -> Problem:
    """A refusal that names every field of the outage's form that is empty or no time."""
    missing = [(starts is None, "starts"), (ends is None, "ends"),
               (not request.form.get("reason", "").strip(), "reason")]  # fmt: skip
    errors = [{"field": field, "message": "必填", "message_en": "required"} for empty, field in missing if empty]
    return Problem(422, "invalid", members={"errors": errors})


def _moved_on(current: Mapping[str, Any]) -> Message:
    """What stands now, and by whom: nothing is laid over another one's decision."""
    by = current["decided_by"]
    text = t("您打开后，这所学校的登记已有变化，您的操作没有执行。",
             "The school's entry has changed since you opened the page; nothing was done.")  # fmt: skip
    now = t("一人学校", "single-handed") if current["single_handed"] else t("普通学校", "an ordinary school")
    detail = t("现在是{now}。", "It is {now} now.", now=now)
    if by:
        detail = t("现在是{now}，由{o}{n}于 {at} 登记。", "It is {now} now, entered by {n}, {o}, at {at}.",
                   now=now, o=zh(by["organization"]), n=zh(by["name"]), at=moment(current["at"]))  # fmt: skip
    return Message("bad", text, detail)


def _done() -> list[Message]:
    """What was just done, and what follows from it."""
    done, school = request.args.get("done", ""), request.args.get("school", "")
    if done == "outage":
        text = t("停机已登记，窗口期内的停机时间已顺延。", "Declared; windows close later by the hours they lost.")
        return [Message("ok", text, _closes())]
    if done not in ("single-handed", "ordinary"):
        return []
    name = zh(find_organization(service(), actor(), ident(school)).name)
    if done == "ordinary":
        text = t("{s} 已恢复为普通学校。", "{s} is an ordinary school again.", s=name)
        then = t("此后提交的申请由该校校长核办。", "What is submitted from now on is decided by its principal again.")
        return [Message("ok", text, then)]
    text = t("{s} 已登记为一人学校。", "{s} is single-handed now.", s=name)
    then = t("此后提交的申请不再经过该校校长，由主管教育局的决定代替，流程图上标明。",
             "What is submitted from now on passes by its principal; the bureau decides in that place, and every"
             " request shows it.")  # fmt: skip
    return [Message("ok", text, then)]


def _span(starts: str, ends: str) -> str:
    """From when to when; the day once where it is the same."""
    same_day = day_of(starts) == day_of(ends)
    return t("{a} 至 {b}", "{a} to {b}", a=moment(starts), b=f"{instant(ends):%H:%M}" if same_day else end_of(ends))


def _closes() -> str:
    """When the windows that are open close now."""
    shown = [t("{p} 现于 {at} 关闭", "{p} now closes {at}", p=pack_title(row["policy"]), at=end_of(row["closes"]))
             for row in windows_view(service(), actor()) if row["open"] and row["closes"]]  # fmt: skip
    return t("；", "; ").join(shown)


def _back(**done: str) -> Response:
    """To the same list with what was done."""
    kept = {name: request.args.get(name, "") for name in ("q", "only", "after")}
    answer: Response = redirect(address("pages.bureau", {**kept, **done}), 303)  # type: ignore[assignment]
    return answer
