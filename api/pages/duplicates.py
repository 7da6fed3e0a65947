"""Records that may be one person (查重): the queue, and two records side by side with what may be done about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, redirect, request, url_for

from api.endpoint import service
from api.errors import Problem, problem_of
from api.pages.forms import form_key, ident_given, once, whole_given
from api.pages.frame import Message, address, bad, ident, page, pages
from api.pages.language import t
from api.pages.session import actor, new_key
from states.duplicates import OUTCOME_LABELS, OUTCOMES
from workflow_service.boxes import BadCursor
from workflow_service.duplicates import Decision, decide, undo
from workflow_service.errors import Forbidden, NotFound, ServiceError, Stale
from workflow_service.ids import parse_id
from workflow_service.keys import Key
from workflow_service.views.duplicates import KIND_LABELS, WantedPairs, count_pairs, list_pairs, pair_view

ROWS = 50
STATES = ("open", "decided")
FOUND_BY = {
    "registered": ("登记时发现", "found at registration"), "changed": ("数据变更后发现", "found after a change"),
    "month_end": ("月末查重发现", "found by the month’s check"),
    "undone": ("撤销合并后重新处理", "open again after an undo"),
}  # fmt: skip


@pages.app_context_processor
def duplicates_menu() -> dict[str, Any]:
    """Whether the menu offers the queue and the quality of data: to registrars and bureaus."""
    asking = g.get("actor")
    works = asking is not None and asking.works_on_requests
    return {"keeps_records": works and ("registrar" in asking.roles or asking.supervises)}


@pages.get("/duplicates", endpoint="list_duplicates")
def queue() -> Response:
    """The pairs in scope, the strongest first."""
    check_reader()
    asked = {name: request.args.get(name, "") for name in ("state", "kind", "student")}
    state = asked["state"] if asked["state"] in STATES else "open"
    kind = asked["kind"] if asked["kind"] in KIND_LABELS else None
    student = parse_id(asked["student"])
    try:
        rows, after = list_pairs(service(), actor(), WantedPairs(state, kind, student), ROWS, request.args.get("after"))
    except BadCursor as error:
        raise NotFound from error
    kept = {"state": state, "kind": kind or "", "student": asked["student"] if student else ""}
    return page(
        "duplicates.html", area="list_duplicates", rows=rows, asked=kept, kinds=KIND_LABELS, found_by=FOUND_BY,
        counts={each: count_pairs(service(), actor(), WantedPairs(each, None, student)) for each in STATES},
        next_page=address("pages.list_duplicates", {**kept, "after": after}) if after else None,
        first_page=address("pages.list_duplicates", kept) if request.args.get("after") else None,
    )  # fmt: skip


@pages.get("/duplicates/<pair_id>")
def show_duplicate(pair_id: str) -> Response:
    """Two records side by side."""
    check_reader()
    done = request.args.get("done", "")
    return _page(ident(pair_id), _done(done) if done in (*OUTCOMES, "undone") else [])


@pages.post("/duplicates/<pair_id>/decision")
def decide_duplicate(pair_id: str) -> Response:
    """Take the word of the one who is signed in."""
    outcome = request.form.get("outcome", "")
    said = Decision(
        outcome, ident_given("student_id") if outcome != "proof" else None, request.form.get("comment", "")[:500],
        request.form.get("verified") == "on", request.form.get("guardian_agrees") == "on",
    )  # fmt: skip
    return _act(ident(pair_id), outcome, lambda id_, version, key: decide(service(), actor(), id_, said, version, key))


@pages.post("/duplicates/<pair_id>/undo")
def undo_merge(pair_id: str) -> Response:
    """Undo a merge."""
    why = request.form.get("comment", "")[:500]
    return _act(ident(pair_id), "undone", lambda id_, version, key: undo(service(), actor(), id_, why, version, key))


def check_reader() -> None:
    """Records are the business of posts that work on requests. Raises Forbidden for all others."""
    if not actor().works_on_requests:
        raise Forbidden("您的岗位不办理此项业务 / Your role does not do this.")


def _act(pair_id: int, done: str, effect: Callable[[int, int, Key | None], int]) -> Response:
    key = form_key()
    try:
        version = whole_given("version") or 0
        once(key, lambda: effect(pair_id, version, key))
    except (ServiceError, Problem) as error:
        problem = problem_of(error)
        moved = t("您打开后，这一对已有变化，您的操作没有执行。请按现状处理。",
                  "The pair has changed since you opened it; nothing was done. This is how it stands.")  # fmt: skip
        message = Message("bad", moved) if isinstance(error, Stale) else bad(problem)
        return _page(pair_id, [message], status=problem.status)
    answer: Response = redirect(url_for("pages.show_duplicate", pair_id=pair_id, done=done), 303)  # type: ignore[assignment]
    return answer


def _page(pair_id: int, messages: list[Message], status: int = 200) -> Response:
    pair = pair_view(service(), actor(), pair_id)
    first, second = pair["records"]
    answer = page(
        "duplicate.html", area="list_duplicates", pair=pair, messages=messages, status=status, found_by=FOUND_BY,
        keys={name: new_key() for name in (*OUTCOMES, "undo")}, typed=request.form, outcomes=OUTCOME_LABELS,
        differs={name for name in first if first[name] != second[name]},
    )  # fmt: skip
    answer.headers["ETag"] = f'"{pair["version"]}"'
    return answer


def _done(outcome: str) -> list[Message]:
    """What was just said; whether it is done already the page itself shows."""
    if outcome == "undone":
        return [Message("ok", t("合并已撤销，两份学籍恢复原状，请重新处理。",
                                "The merge is undone; both records stand again, and the pair is open."))]  # fmt: skip
    label, label_en = OUTCOME_LABELS[outcome]
    return [Message("ok", t("您的意见已记录：{o}。", "Your word is recorded: {o}.", o=t(label, label_en)))]
