"""Batches (批次): one kind for many students of a school; decided together, answered one by one."""

from __future__ import annotations

from typing import Any

from flask import Response, g, redirect, request, url_for

from api.endpoint import service
from api.errors import Problem, problem_of
from api.pages.forms import facts_given, form_key, ident_given, once, whole_given
from api.pages.frame import Message, bad, ident, offers_here, page, pages
from api.pages.language import half, t
from api.pages.one_school_form import asks_grade, class_options, empty_means, starting, statuses_of
from api.pages.session import actor, new_key
from api.pages.starting import facts_known, organization_of, papers_by_ground, wrong_fields
from states.kinds import KINDS
from states.plan import LABELS
from workflow_service.batches import MOST, Row, Worked, create_batch, fire_batch, list_batches
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Invalid, NotFound, ServiceError
from workflow_service.ids import parse_id
from workflow_service.views.batches import batch_row_view, batch_view, children_view, worked_view
from workflow_service.views.candidates import candidates

ROWS = 100
EVENTS = ("submit", "approve", "file", "recall")
"""What is done for a whole batch by page; returns and refusals are for one case, with its own reason."""


@pages.get("/batches", endpoint="list_batches")
def all_batches() -> Response:
    """Batches in scope, newest first, and the kinds that may be filed together."""
    rows, after = list_batches(service(), actor(), parse_id(request.args.get("after", "")) or 0, ROWS)
    kinds = [kind for kind in _offered() if KINDS[kind].batch]
    return page(
        "batches.html", area="list_batches", rows=[batch_row_view(row) for row in rows], kinds=kinds,
        next_page=url_for("pages.list_batches", after=after) if after else None)  # fmt: skip


def _offered() -> list[str]:
    return list(offers_here(actor())) if actor().kind == "school" and "registrar" in actor().roles else []


@pages.get("/batches/new")
def new_batch() -> Response:
    """The students of a class with this kind's status; who does not take part is unticked."""
    return _form(request.args.to_dict())


@pages.post("/batches/new")
def make_batch() -> Response:
    """A draft for each ticked student, and the batch with a verdict per row."""
    kind, key = request.form.get("kind", ""), form_key()
    try:
        start = starting(_batch_kind(kind), {})
        students = [found for text in request.form.getlist("student") if (found := parse_id(text))]
        grade = whole_given("grade") if asks_grade(kind) else None
        if asks_grade(kind) and grade is None:
            raise Invalid([{"field": "grade", "message": "必填", "message_en": "required"}])
        shared = NewRequest(kind=kind, ground=request.form.get("ground") or None, grade=grade,
                            data=facts_given(start.facts.names))  # fmt: skip
        made: list[Worked] = []

        def create() -> int:
            made.append(create_batch(service(), actor(), shared, [Row(id_) for id_ in students], key))
            return made[0].batch_id

        batch = once(key, create)
    except ServiceError as error:
        return _form(request.form.to_dict(), problem_of(error))
    if made and not all(verdict.done for verdict in made[0].verdicts):
        return _shown(batch, made[0])
    answer: Response = redirect(url_for("pages.show_batch", batch_id=batch), 303)  # type: ignore[assignment]
    return answer


@pages.get("/batches/<batch_id>")
def show_batch(batch_id: str) -> Response:
    """A batch: how many stand where, and every child."""
    return _shown(ident(batch_id))


@pages.post("/batches/<batch_id>/events")
def send_batch_event(batch_id: str) -> Response:
    """Send one event to every child that waits for the actor; a verdict per row is shown at once."""
    event = request.form.get("event", "")
    if event not in EVENTS:
        raise NotFound
    worked = fire_batch(
        service(), actor(), ident(batch_id), event, comment=request.form.get("comment") or None,
        received=g.received)  # fmt: skip
    return _shown(ident(batch_id), worked)


def _batch_kind(kind: str) -> str:
    if kind not in KINDS or not KINDS[kind].batch:
        raise NotFound
    return kind


def _form(values: dict[str, Any], problem: Problem | None = None) -> Response:
    kind = _batch_kind(values.get("kind", ""))
    start = starting(kind, {})
    school = organization_of(actor().organization_id)
    fitting = statuses_of(kind, start.definition)
    wanted = ident_given("class_id") or parse_id(values.get("class_id", ""))
    rows = [
        row for row in candidates(service(), actor().organization_id, statuses=fitting, limit=2000)
        if wanted is None or row["class_id"] == str(wanted)
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["grade"] or 0, row["class"] or ""))  # as a class list is read; names stay in order
    status = problem.status if problem else 200
    return page(
        "batch_new.html", area="list_batches", kind=kind, start=start, definition=start.definition, values=values,
        rows=rows[:MOST], too_many=len(rows) > MOST, most=MOST, school=school, class_id=str(wanted or ""),
        form_facts=start.facts, papers=papers_by_ground(start.definition), facts=facts_known(), key=new_key(),
        grade_asked=asks_grade(kind), grades=sorted({c["grade"] for c in school["classes"]}),
        class_options=class_options(school, None), empty_means=empty_means(kind), wrong=wrong_fields(problem),
        messages=[bad(problem)] if problem else [], status=status)  # fmt: skip


def _shown(batch_id: int, worked: Worked | None = None) -> Response:
    shown = batch_view(service(), actor(), batch_id)
    children, after = children_view(service(), batch_id, parse_id(request.args.get("after", "")) or 0, ROWS)
    mine = shown["organization_id"] == str(actor().organization_id)
    open_ = sum(number for state, number in shown["states"].items() if state.startswith("awaiting"))
    offered = [
        *(["submit"] if mine and shown["states"].get("draft") and "registrar" in actor().roles else []),
        *(["approve", "file"] if open_ else []),
        *(["recall"] if mine and open_ and "registrar" in actor().roles else []),
    ]  # fmt: skip
    messages: list[Message] = []
    result = worked_view(service(), actor(), worked) if worked else None
    if result is not None:
        text = t("办理 {d} 件，未办 {r} 件。", "{d} done, {r} not done.", d=result["done"], r=result["refused"])
        more = t("还有 {n} 件，请再办一次。", "{n} remain: send it once more.", n=result["remaining"])
        messages.append(Message("bad" if result["refused"] else "good", text, more if result["remaining"] else ""))
    return page(
        "batch.html", area="list_batches", batch=shown, children=children, offered=offered, result=result,
        events=LABELS, half=half, messages=messages,
        next_page=url_for("pages.show_batch", batch_id=batch_id, after=after) if after else None)  # fmt: skip
