"""SpiffWorkflow: the process in BPMN, its instance a JSON document that is restored and kept again at each step.

The document is locked and stored with psycopg, beside the rows that the service writes too: one statement each, in one
transaction. Serializer and script-free user tasks are what its documentation begins with.
"""

import datetime
import io

import psycopg
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

from tests.bench.peers.steps import DAYS, EVENTS, PAPERS, PLACES, ROLES, TARGETS, UNITS, linked

_FLOW = "".join(
    f'<bpmn:sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>'
    for n, (a, b) in enumerate(zip(("start", *EVENTS), (*EVENTS, "end"), strict=True))
)
_TASKS = "".join(f'<bpmn:manualTask id="{event}" name="{event}"/>' for event in EVENTS)
BPMN = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="bench">
<bpmn:process id="transfer" isExecutable="true"><bpmn:startEvent id="start"/>{_TASKS}<bpmn:endEvent id="end"/>{_FLOW}
</bpmn:process></bpmn:definitions>"""
SERIALIZER = BpmnWorkflowSerializer()

READ = """
SELECT r.student_id, r.school_class_id, r.state, r.version, r.chain, c.stage_id, c.attending + c.held AS taken,
    EXISTS (SELECT 1 FROM bench_grant WHERE role = %(role)s AND revoked_at IS NULL) AS granted,
    (SELECT array_agg(kind) FROM bench_document WHERE request_id = r.id) AS papers,
    EXISTS (SELECT 1 FROM bench_history WHERE request_id = r.id AND person = %(event)s) AS acted,
    EXISTS (SELECT 1 FROM bench_request o WHERE o.student_id = r.student_id AND o.open AND o.id <> r.id) AS other,
    p.document
FROM bench_request r JOIN bench_schoolclass c ON c.id = r.school_class_id JOIN bench_process p ON p.request_id = r.id
WHERE r.id = %(id)s FOR UPDATE OF r, p"""


class Connections:
    """The client's one connection."""

    now: psycopg.Connection


def connect(socket, database):
    Connections.now = psycopg.connect(host=socket, dbname=database, user="app", prepare_threshold=0)


def prepare(count):
    from tests.bench.peers import django_fsm

    django_fsm.prepare(count)
    parser = BpmnParser()
    parser.add_bpmn_io(io.BytesIO(BPMN.encode()))
    workflow = BpmnWorkflow(parser.get_spec("transfer"))
    workflow.do_engine_steps()
    with Connections.now as connection:
        connection.execute("CREATE TABLE bench_process (request_id bigint PRIMARY KEY, document text NOT NULL)")
        connection.execute(
            "INSERT INTO bench_process SELECT id, %s FROM bench_request", [SERIALIZER.serialize_json(workflow)]
        )


def fire(request_id, event):
    connection = Connections.now
    with connection.transaction():
        one = connection.execute(
            READ, {"id": request_id, "role": ROLES.get(event, "principal"), "event": event}
        ).fetchone()  # fmt: skip
        student, place, before, version, chain, stage, taken, granted, papers, acted, other, document = one
        allowed = granted and not other and (taken < PLACES if event == "submit" else not acted and {*papers} >= PAPERS)
        if not allowed:
            raise PermissionError(event)
        workflow = SERIALIZER.deserialize_json(document)
        task = workflow.get_next_task(state=TaskState.READY, manual=True)
        assert task.task_spec.bpmn_id == event
        task.run()
        workflow.do_engine_steps()
        write(connection, request_id, event, before, version + 1, chain, SERIALIZER.serialize_json(workflow))
        if event == "submit":
            start(connection, request_id, place, stage)
        if event == "confirm_arrival":
            move(connection, request_id, student, place, stage)


def write(connection, request_id, event, before, version, chain, document):
    now = datetime.datetime.now(datetime.UTC)
    after, due = TARGETS[event], now + datetime.timedelta(days=DAYS)
    payload, link = linked(chain, o=request_id, s=version, e=event, f=before, t=after)
    run = connection.execute
    run("UPDATE bench_process SET document = %s WHERE request_id = %s", [document, request_id])
    run("UPDATE bench_request SET state = %s, open = %s, version = %s, due_at = %s, chain = %s WHERE id = %s",
        [after, after != "completed", version, due, link, request_id])  # fmt: skip
    [history] = run(
        "INSERT INTO bench_history (request_id, seq, event, from_state, to_state, at, person, payload, hash)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        [request_id, version, event, before, after, now, event, payload, link],
    ).fetchone()
    if event.startswith("approve"):
        run("INSERT INTO bench_comment (history_id, comment) VALUES (%s, %s)", [history, "同意"])
    run("UPDATE bench_party SET to_at = %s WHERE request_id = %s AND duty = 'hold' AND to_at IS NULL",
        [now, request_id])  # fmt: skip
    if after != "completed":
        run("INSERT INTO bench_party (request_id, organization, duty, due_at, from_at) VALUES (%s, %s, 'hold', %s, %s)",
            [request_id, after, due, now])  # fmt: skip
    run("INSERT INTO bench_outbox (request_id, seq, body, created_at) VALUES (%s, %s, %s, %s)",
        [request_id, version, payload, now])  # fmt: skip
    run("INSERT INTO bench_key (key, request_id) VALUES (%s, %s)", [f"{request_id}-{event}", request_id])


def start(connection, request_id, place, stage):
    now, run = datetime.datetime.now(datetime.UTC), connection.execute
    run("INSERT INTO bench_party (request_id, organization, duty, from_at) SELECT %s, unnest(%s::text[]), 'party', %s",
        [request_id, list(UNITS), now])  # fmt: skip
    run("UPDATE bench_schoolclass SET held = held + 1 WHERE id = %s", [place])
    run("UPDATE bench_schoolstage SET held = held + 1 WHERE id = %s", [stage])
    run("INSERT INTO bench_placehold (request_id, school_class_id, held_at) VALUES (%s, %s, %s)",
        [request_id, place, now])  # fmt: skip


def move(connection, request_id, student, place, stage):
    now, run = datetime.datetime.now(datetime.UTC), connection.execute
    enrolment, here, here_stage, version, chain, status = run(
        "SELECT e.id, e.school_class_id, c.stage_id, s.version, s.chain, s.status FROM bench_enrolment e"
        " JOIN bench_schoolclass c ON c.id = e.school_class_id JOIN bench_student s ON s.id = e.student_id"
        " WHERE e.student_id = %s AND e.ended_at IS NULL FOR UPDATE OF e, s", [student]).fetchone()  # fmt: skip
    run("UPDATE bench_schoolclass SET held = held - 1, attending = attending + 1 WHERE id = %s", [place])
    run("UPDATE bench_schoolstage SET held = held - 1, attending = attending + 1 WHERE id = %s", [stage])
    run("UPDATE bench_schoolclass SET attending = attending - 1 WHERE id = %s", [here])
    run("UPDATE bench_schoolstage SET attending = attending - 1 WHERE id = %s", [here_stage])
    run("UPDATE bench_placehold SET released_at = %s WHERE request_id = %s", [now, request_id])
    run("UPDATE bench_enrolment SET ended_at = %s WHERE id = %s", [now, enrolment])
    run("INSERT INTO bench_enrolment (student_id, school_class_id) VALUES (%s, %s)", [student, place])
    payload, link = linked(chain, o=student, s=version + 1, e="transferred")
    run("UPDATE bench_student SET version = %s, chain = %s WHERE id = %s", [version + 1, link, student])
    run("INSERT INTO bench_history (request_id, student_id, seq, event, from_state, to_state, at, person, payload,"
        " hash) VALUES (%s, %s, %s, 'transferred', %s, %s, %s, '', %s, %s)",
        [request_id, student, version + 1, status, status, now, payload, link])  # fmt: skip
