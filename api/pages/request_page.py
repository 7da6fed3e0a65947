"""One request (业务办理页): where it stands, its papers beside the decision, every event with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any
from urllib.parse import quote

from flask import Response, current_app, g, redirect, request, send_file, url_for

from api.documents import SUFFIXES
from api.documents import _name as name_of_file
from api.endpoint import service
from api.errors import Problem, problem_of
from api.pages import outlook
from api.pages.forms import facts_given, form_key, once, whole_given
from api.pages.frame import Message, bad, ident, page, pages
from api.pages.labels import FACTS, STATES, label
from api.pages.language import moment, t
from api.pages.packs import document_limit, megabytes
from api.pages.papers import printable
from api.pages.session import actor, new_key
from api.pages.starting import facts_known, wrong_fields
from states.asked import Asked
from states.plan import APPROVING
from workflow_service.boxes import Wanted, list_requests
from workflow_service.documents.content import Unacceptable
from workflow_service.documents.store import StoreFull
from workflow_service.errors import NotFound, ServiceError
from workflow_service.facts import gather
from workflow_service.request_documents import add_document, open_document, remove_document
from workflow_service.transitions import fire
from workflow_service.views.requests import request_view
from workflow_service.views.students import find_student

FACT_OF = {"confirm_arrival": "arrived_on", "note": "attends_since"}
"""The fact that may come along with an event whatever the pack says, as a day."""


@pages.get("/requests/<request_id>")
def show_request(request_id: str) -> Response:
    """The request as it is now; `?done=` says what was just sent and leads to the next one."""
    view = request_view(service(), ident(request_id), actor())
    return _page(view, messages=_done(view))


@pages.post("/requests/<request_id>/events")
def send_event(request_id: str) -> Response:
    """Send one event; a refusal shows the request as it is now, with what was typed."""
    event, number = request.form.get("event", ""), ident(request_id)
    comment = _comment(event)
    if event == "return" and not comment:
        view = request_view(service(), number, actor())
        text = t("退回补正须写明缺什么、补什么。", "A return must say what is missing.")
        return _page(view, messages=[Message("bad", text)], typed=request.form, status=422)
    if missing := _not_brought(number, event):
        view = request_view(service(), number, actor())
        text = t("请填写：{f}", "Fill in: {f}", f=t("、", ", ").join(label(FACTS, name) for name in missing))
        return _page(view, messages=[Message("bad", text)], typed=request.form, status=422)
    key = form_key()
    try:
        once(key, lambda: fire(
            service(), number, event, actor(), version=whole_given("version") or 0, comment=comment or None,
            reason=request.form.get("reason") or None, data=_data(number, event), key=key,
            received=g.received).request_id)  # fmt: skip
    except ServiceError as error:
        return _refused(number, problem_of(error))
    return _back(number, done=event)


@pages.post("/requests/<request_id>/documents")
def upload(request_id: str) -> Response:
    """Store the files of one kind; each is judged by its content, and what was accepted stays."""
    number, kind = ident(request_id), request.form.get("kind", "")
    files = [file for file in request.files.getlist("file") if file.filename]
    try:
        if not files:
            raise Unacceptable(422, "no_file", "没有选择文件", "no file was chosen")
        for index, file in enumerate(files):
            key, name = form_key(f":{index}"), name_of_file(file)
            once(key, lambda file=file, key=key, name=name: add_document(  # type: ignore[misc]
                service(), number, actor(), kind, file.stream, name, key))  # fmt: skip
    except (ServiceError, Unacceptable, StoreFull) as error:
        return _refused(number, problem_of(error))
    return _back(number, done="add_document", anchor="documents")


@pages.post("/requests/<request_id>/documents/<document_id>/remove")
def remove(request_id: str, document_id: str) -> Response:
    """Take a paper out of a draft or a returned request."""
    number = ident(request_id)
    try:
        remove_document(service(), number, ident(document_id), actor())
    except ServiceError as error:
        return _refused(number, problem_of(error))
    return _back(number, done="remove_document", anchor="documents")


@pages.get("/documents/<document_id>")
def show_document(document_id: str) -> Response:
    """The file itself; pictures may be looked at beside the form, everything else is an attachment."""
    row, stream = open_document(service(), ident(document_id), actor())
    with stream:
        # Read whole (a paper is small): whoever turns to the next one in the middle leaves no open file behind.
        content = BytesIO(stream.read())
    answer = send_file(content, mimetype=row.media_type, etag=row.sha256, max_age=0)
    name = row.name.rsplit(".", 1)[0] + SUFFIXES.get(row.media_type, ".bin")
    shown = "inline" if row.media_type in ("image/jpeg", "image/png") else "attachment"
    answer.headers["Content-Disposition"] = f"{shown}; filename*=UTF-8''{quote(name, safe='')}"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(
    view: dict[str, Any], *, messages: list[Message], typed: Mapping[str, str] | None = None, status: int = 200,
    wrong: Mapping[str, Mapping[str, Any]] | None = None,
) -> Response:  # fmt: skip
    files = [file for row in view["documents"] for file in row["files"]]
    limit = document_limit(view["policy"]["id"], view["kind"])
    allowed = outlook.sendable(view)
    answer = page(
        "request.html", area="list_requests", messages=messages, view=view, typed=typed or {}, status=status,
        key=new_key(),
        allowed={event["event"]: event for event in allowed}, groups=outlook.event_groups(view),
        consequences={event["event"]: outlook.consequence(view, event["event"]) for event in allowed},
        clock=outlook.clock_in_words(view["clock"]), pauses=outlook.pauses_in_words(view["clock"]),
        missing=outlook.missing_lines(view), trail=outlook.trail(view), opinions=_opinions(),
        values=typed or {}, wrong=wrong or {}, ground_open=_ground_open(view),
        fact_of={event: fact for event, fact in FACT_OF.items() if view["two_schools"] or event != "note"},
        brings=[Asked(name, needed={}) for name in view["facts"]["brings"] if name not in _with_allowed(allowed)],
        opens_student=_opens_student(view), facts=facts_known(), class_options=(), empty_means={},
        **_chosen(files), today=service().clocks.now().date(), limit=limit, limit_mb=megabytes(limit),
        most=current_app.config["MAX_CONTENT_LENGTH"], ended=outlook.ended_because(view),
        ended_then=outlook.ended_then(view) if view["final"] else "",
        printable=printable(view), because=outlook.returned_because(view),
    )  # fmt: skip
    answer.headers["ETag"] = f'"{view["version"]}"'
    return answer


def _ground_open(view: Mapping[str, Any]) -> bool:
    """Whether a ground is still to be chosen: until then nobody can say which papers are needed."""
    if view["ground"] or view["state"] not in ("draft", "returned"):
        return False
    _row, plan, _facts = gather(service(), int(view["id"]), actor())
    return bool(plan.definition.grounds)


def _with_allowed(allowed: Iterable[Mapping[str, Any]]) -> set[str]:
    """The facts for which the form has a field already, because they come with an event whatever the pack says."""
    return {FACT_OF[event["event"]] for event in allowed if event["event"] in APPROVING and event["event"] in FACT_OF}


def _opens_student(view: Mapping[str, Any]) -> bool:
    """Whether the student's page is in the asker's scope: the other side of a transfer sees the request only."""
    if view["student"] is None:
        return False
    try:
        find_student(service(), actor(), int(view["student"]["id"]))
    except NotFound:
        return False
    return True


def _chosen(files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The picture that is looked at, with the ones before and after it; a PDF is an attachment and never shown."""
    pictures = [file for file in files if file["media_type"] != "application/pdf"]
    at = next((n for n, file in enumerate(pictures) if file["id"] == request.args.get("paper", "")), None)
    if at is None:
        return {"chosen": None}
    return {"chosen": pictures[at], "place": at + 1, "pictures": len(pictures),
            "before": pictures[at - 1] if at else None,
            "after": pictures[at + 1] if at + 1 < len(pictures) else None}  # fmt: skip


def _opinions() -> dict[str, list[str]]:
    """What is written every day, by where it stands in the form."""
    role = "principal" if "principal" in actor().roles else "registrar"
    places = {"approve": role, "return": "return", "reject": "reject"}
    return {event: [t(*pair) for pair in outlook.OPINIONS[place]] for event, place in places.items()}


def _comment(event: str) -> str:
    """The opinion as it is stored: a return names first everything that was ticked as missing."""
    text = request.form.get("comment", "").strip()[:2000]
    lines = (
        [line.strip()[:300] for line in request.form.getlist("missing") if line.strip()] if event == "return" else []
    )
    listed = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
    head = t("请补正：", "Please complete: ")
    return "\n".join(part for part in (f"{head}\n{listed}" if listed else "", text) if part)[:2000]


def _brings(number: int, event: str) -> list[str]:
    """The facts that the holder of the step gives with an event that moves on."""
    if event not in APPROVING:
        return []
    row, plan, _facts = gather(service(), number, actor())
    step = plan.step(row["state"])
    return [name for name in step.brings if name != FACT_OF.get(event)] if step else []


def _not_brought(number: int, event: str) -> list[str]:
    """Those of them that were left empty."""
    brings = _brings(number, event)
    return [name for name in brings if name not in facts_given(brings)]


def _data(number: int, event: str) -> dict[str, Any]:
    names = [FACT_OF[event]] if event in FACT_OF else []
    return facts_given([*names, *_brings(number, event)])


def _refused(number: int, problem: Problem) -> Response:
    """The request as it is now, with what was typed and why it was not done."""
    view = request_view(service(), number, actor())
    message = _moved_on(problem, view) if problem.status == 412 else bad(problem)
    return _page(view, messages=[message], typed=request.form, status=problem.status, wrong=wrong_fields(problem))


def _moved_on(problem: Problem, view: Mapping[str, Any]) -> Message:
    """The difference between what was on the screen and what is: a decision is never laid over another."""
    current, seen = problem.members["current"], request.form.get("seen", "")
    names = STATES
    text = t("您打开后，此件已有变化，您的操作没有执行。", "It has moved on since you opened it; nothing was done.")
    by = current["decided_by"]
    detail = t(
        "您看到的是“{a}”（第 {v} 版）；现在是“{b}”（第 {w} 版），由{o}{n}于 {at} 办理。"
        "请核对后再决定，您写的意见已保留。",
        "You saw “{a}” (version {v}); now it is “{b}” (version {w}), by {n}, {o}, at {at}. Look again; what you"
        " wrote is kept.",
        a=label(names, seen), v=request.form.get("version", ""), b=label(names, current["state"]), w=current["version"],
        o=by["organization"] or "", n=by["name"], at=moment(current["at"]),
    )  # fmt: skip
    return Message("bad", text, detail)


def _done(view: Mapping[str, Any]) -> list[Message]:
    event = request.args.get("done", "")
    text = outlook.done_text(view, event)
    if not text:
        return []
    following = _next_todo(view["id"]) if event in ("approve", "return", "reject", "file", "confirm_arrival") else None
    return [Message("ok", text, link=following)]


def _next_todo(this: str) -> tuple[str, str] | None:
    """The next request that waits for the asker, so that a queue is worked off without going back to the list."""
    rows, _ = list_requests(service(), actor(), Wanted(box="todo"), 2)
    after = next((row for row in rows if str(row.id) != this), None)
    if after is None:
        return url_for("pages.list_requests", box="todo"), t(
            "待办已全部办完，返回列表", "Nothing left to do; back to the list"
        )
    return url_for("pages.show_request", request_id=after.id), t(
        "下一件：{n}", "Next: {n}", n=after.student_name or after.destination_name
    )


def _back(number: int, *, done: str, anchor: str = "message") -> Response:
    answer: Response = redirect(url_for("pages.show_request", request_id=number, done=done, _anchor=anchor), 303)  # type: ignore[assignment]
    return answer
