"""A request as it is shown (业务申请): the contract's JSON, for the one who asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection

from states.calendar import due_group, remaining_working_days
from states.decide import day_ahead, explain, pending_at_submit, reasons_open, time_over
from states.definition import FINALS, Definition, Step
from states.facts import Facts
from states.kinds import KINDS
from states.plan import LABELS, STATE_LABELS, Plan
from states.trace import dated
from states.windows import judge, window_json
from workflow_service.actors import Actor
from workflow_service.facts import Row, gathered, read_row
from workflow_service.models.columns import from_micros, iso, loads
from workflow_service.request_documents import may_upload
from workflow_service.sealed import shown
from workflow_service.service import Service
from workflow_service.sql.gather import SHOWN
from workflow_service.views.documents import document_view, requirement_views
from workflow_service.views.reads import Beside, Hold, Linked, beside, beside_in, trail_of
from workflow_service.views.reasons import reason_view

OTHER_EVENTS = {
    "create": ("新建草稿", "Draft started"),
    "amend": ("修改", "Corrected"),
    "add_document": ("上传材料", "Document added"),
    "remove_document": ("移除材料", "Document removed"),
    "imported": ("导入", "Imported"),
    "numbered": ("编发学籍号", "Student number given"),
    "coded": ("编发学生编码", "Pupil code given"),
    "declare_outage": ("停机登记", "Outage declared"),
    "duplicate_suspected": ("疑似重复", "Possible duplicate"),
    "duplicate_settled": ("查重处理完毕", "Duplicate settled"),
    "merged": ("并入另一份学籍", "Merged into another record"),
    "absorbed": ("并入了另一份学籍", "Another record merged into it"),
    "merge_undone": ("撤销合并", "Merge undone"),
}
"""Labels of events that are of no machine."""


def request_view(service: Service, request_id: int, actor: Actor) -> dict[str, Any]:
    """One request as the asker may see it. Raises NotFound."""
    row, more = read_row(service, request_id, actor, SHOWN)
    fixed = row["state"] != "draft"  # Who takes part in a draft is worked out anew.
    return view_of(service, *gathered(service, row, actor), actor, beside_in(more) if fixed else None)


def view_of(
    service: Service, row: Row, plan: Plan, facts: Facts, actor: Actor, shown_with: Beside | None = None
) -> dict[str, Any]:
    """The same from facts that were gathered already; `shown_with` is read where it is not given."""
    if shown_with is None:
        shown_with = beside(service, row["id"], (*(unit[0] for unit in row["units"].values()), row["applicant_id"]))
    more, names, holds, trail, files = shown_with
    history = trail_views(plan, trail)
    documents = [document_view(file) for file in files]
    holders = _holders(row, holds, names)
    mine = str(actor.organization_id)
    coming_in = row["state"] in ("draft", "returned")
    return {
        "id": str(row["id"]), "number": more.number, "kind": row["kind"], "title": plan.definition.title,
        "title_en": plan.definition.title_en, "state": row["state"], **_labelled(plan, row["state"]),
        "final": bool(row["final"]), "version": row["version"],
        "policy": _policy(plan.definition), "origin_policy": _policy(plan.origin),
        "route": list(row["route"]), "route_rule": {"rule": plan.route.cite.rule, "article": plan.route.cite.article,
                                                    "basis": plan.route.cite.basis},
        "skipped": [state for state in plan.route.steps if state not in row["route"]],
        "steps": _steps(plan, row, names, history), "approvals": list(row["approvals"]),
        "student": None if row["student_id"] is None else {"id": str(row["student_id"]), "name": row["student_name"]},
        "subject_name": row["student_name"] or names[row["destination_school_id"]]["name"],
        "two_schools": KINDS[row["kind"]].sides == "two", "batch": None if row["batch_id"] is None
        else str(row["batch_id"]), "facts": _facts_of(plan, facts),
        "origin_school": names[row["origin_school_id"]], "destination_school": names[row["destination_school_id"]],
        "applicant": names[row["applicant_id"]], "starter": row["starter"], "units": {
            unit: names[id_] for unit, (id_, _path) in row["units"].items()},
        "grade": row["grade"] or None, "class": row["class_name"], "ground": row["ground"],
        "data": shown(service, row["data"]),
        **_ground(plan.definition, row["ground"]),
        "holder": next((h for h in holders if h["organization"]["id"] == mine), holders[0] if holders else None),
        "holders": holders, "state_since": iso(row["state_since"]), "due_at": iso(row["due_at"]),
        "waits_until": ahead.isoformat() if (ahead := day_ahead(plan, facts)) else None,
        "clock": row["clock"], **due_words(facts, row["due_at"]), "escalated": bool(more.escalated),
        "provisional": bool(more.provisional), "returned_from": row["returned_from"],
        "window": _window(plan, facts, more.intake), "created_at": iso(more.created_at),
        "submitted_at": iso(more.submitted_at), "completed_at": iso(more.completed_at),
        "documents": requirement_views(plan, facts, documents),
        "may_upload": may_upload(plan, facts) and not time_over(plan, facts),
        "pending_facts": [reason_view(reason) for reason in dated(plan, facts, pending_at_submit(plan, facts))]
        if coming_in else [],
        "events": event_views(plan, facts), "history": history,
    }  # fmt: skip


def event_views(plan: Plan, facts: Facts) -> list[dict[str, Any]]:
    """Every event of the current state: allowed, or every reason why not and what would clear it."""
    codes = {reason.code: reason for reason in plan.definition.reasons}
    shown = []
    for verdict in explain(plan, facts):
        cell = plan.by_event[facts.state, verdict.event]
        reasons = [codes[code] for code in reasons_open(cell, facts)]
        shown.append(
            {
                "event": verdict.event,
                "label": verdict.label,
                "label_en": verdict.label_en,
                "allowed": verdict.allowed,
                "blocked_by": [reason_view(reason) for reason in dated(plan, facts, verdict.blocked_by)],
                "reasons": [{"code": r.code, "label": r.label, "label_en": r.label_en} for r in reasons],
            }
        )
    return shown


def history_views(connection: Connection, plan: Plan | None, object_id: int) -> list[dict[str, Any]]:
    """The trail of an object, oldest first, with opinions and coded reasons."""
    return trail_views(plan, trail_of(connection, object_id))


def trail_views(plan: Plan | None, trail: Iterable[Linked]) -> list[dict[str, Any]]:
    """The same from rows that were read already."""
    reasons = {r.code: (r.label, r.label_en) for r in plan.definition.reasons} if plan else {}
    articles = {check.cite.rule: check.cite.article for check in plan.definition.checks} if plan else {}
    shown = []
    for row in trail:
        label, label_en = _event_label(plan, row.from_state, row.event)
        details = row.details or {}
        reason: Any = details.get("reason")
        zh, en = reasons.get(reason, (reason, reason))
        shown.append(
            {
                "seq": row.seq, "at": iso(row.at), "recorded_at": iso(row.recorded_at), "event": row.event,
                "label": label, "label_en": label_en, "from": row.from_state, "to": row.to_state,
                "by": row.by or "系统", "by_en": row.by or "the system", "organization": row.organization,
                "organization_id": None if row.organization_id is None else str(row.organization_id),
                "comment": row.comment, "reason": reason, "reason_label": zh, "reason_label_en": en,
                "marks": [{"rule": rule, "article": articles.get(rule, "")} for rule in details.get("marks", ())],
            }
        )  # fmt: skip
    return shown


def state_labels(definition: Definition | None, state: str) -> tuple[str, str]:
    """What people call a state, Chinese and English."""
    step = definition.steps.get(state) if definition else None
    if step is not None:
        return step.label, step.label_en
    return STATE_LABELS.get(state, (state, state))


def due_words(facts: Facts, due_at: int | None) -> dict[str, Any]:
    """`due_group` (overdue, today, soon, later) and the working days that remain, None where nothing is due."""
    if due_at is None:
        return {"due_group": None, "remaining_working_days": None}
    due = last_day(due_at)
    remaining = remaining_working_days(facts.calendar, facts.today, due)
    return {"due_group": due_group(facts.calendar, facts.today, due), "remaining_working_days": remaining}


def last_day(due_at: int) -> date:
    """The day until whose 24:00 something is due; `due_at` is the first instant that is too late."""
    return from_micros(due_at - 1).date()


def _labelled(plan: Plan, state: str) -> dict[str, str]:
    label, label_en = state_labels(plan.definition, state)
    return {"state_label": label, "state_label_en": label_en}


def _policy(definition: Definition) -> dict[str, Any]:
    return {"id": definition.pack, "version": definition.version, "sha256": definition.sha256}


def _facts_of(plan: Plan, facts: Facts) -> dict[str, Any]:
    """The facts that this kind takes (`takes`), and those that the step's holder gives with its event (`brings`)."""
    step = plan.step(facts.state)
    return {"takes": list(plan.definition.facts), "brings": list(step.brings) if step else []}


def _holders(row: Row, holds: Iterable[Hold], names: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Whose turn it is. A draft has no hold: it is its school's registrar's."""
    if row["state"] == "draft":
        return [{"organization": names[row["applicant_id"]], "role": "registrar"}]
    return [{"organization": names[hold.organization_id], "role": hold.role} for hold in holds]


def _window(plan: Plan, facts: Facts, intake: str | None) -> dict[str, Any] | None:
    """The window as judged at submit; before that the one that is open now, else when the next one opens."""
    if intake is not None or facts.state != "draft":
        judged: dict[str, Any] | None = loads(intake) if intake else None
        return judged
    found = judge(plan.definition.windows, facts.calendar, facts.now, plan.definition.freezes, facts.scope)
    window = found.open or found.next
    return None if window is None else {**window_json(window), "open": found.open is not None}


def _ground(definition: Definition, ground: str | None) -> dict[str, str | None]:
    found = next((g for g in definition.grounds if g.name == ground), None)
    return {
        "ground_label": found.label if found else ground,
        "ground_label_en": found.label_en if found else ground,
    }


def _event_label(plan: Plan | None, state: str | None, event: str) -> tuple[str, str]:
    cell = plan.by_event.get((state or "", event)) if plan else None
    if cell is not None:
        return cell.label, cell.label_en
    return LABELS.get(event) or OTHER_EVENTS.get(event, (event, event))


def _steps(
    plan: Plan, row: Row, names: dict[int, dict[str, Any]], history: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The route as people follow it: who decided each step, who holds it now, what is still to come or left out."""
    decided = {event["from"]: event for event in history if event["from"] != event["to"]}
    current = row["returned_from"] if row["state"] == "returned" else row["state"]
    shown, reached = [], row["state"] == "draft"
    for state in plan.route.steps:
        step = plan.definition.steps[state]
        if state not in row["route"]:
            status = "skipped"
        elif state == current and row["state"] not in FINALS:
            status, reached = "current", True
        else:
            status = "to_come" if reached or state not in decided else "done"
        shown.append(_step(step, row, names, status, decided.get(state) if status in ("done", "current") else None))
    return shown


def _step(
    step: Step, row: Row, names: dict[int, dict[str, Any]], status: str, decision: dict[str, Any] | None
) -> dict[str, Any]:
    units = [unit for unit in step.holders if unit in row["units"]]
    return {
        "state": step.state, "label": step.label, "label_en": step.label_en, "status": status, "role": step.role,
        "units": units, "organizations": [names[row["units"][unit][0]] for unit in units],
        "working_days": step.working_days, "rule": step.limit.rule, "article": step.limit.article,
        "approved": [unit for unit in units if status == "current" and unit in row["approvals"]], "decision": decision,
    }  # fmt: skip
