"""SpiffWorkflow: the process in BPMN, its instance a JSON document that is restored and kept again at each step.

The document is locked and stored with psycopg, beside the other rows: one statement each, in one transaction.
Serializer and script-free user tasks are what its documentation begins with.
"""

import datetime
import io
import json

import psycopg
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

from tests.bench.peers.steps import DAYS, EVENTS, PAPERS, ROLES, TARGETS

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
SELECT r.student_id, r.school_class_id, r.state, r.version,
    EXISTS (SELECT 1 FROM bench_grant WHERE role = %(role)s AND revoked_at IS NULL) AS granted,
    EXISTS (SELECT 1 FROM bench_window WHERE opens <= now() AND closes > now()) AS open,
    (SELECT array_agg(kind) FROM bench_document WHERE request_id = r.id) AS papers, p.document
FROM bench_request r JOIN bench_process p ON p.request_id = r.id
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
        student, place, before, version, granted, window_open, papers, document = one
        if not (granted and {*papers} >= PAPERS and (window_open or event != "submit")):
            raise PermissionError(event)
        workflow = SERIALIZER.deserialize_json(document)
        task = workflow.get_next_task(state=TaskState.READY, manual=True)
        assert task.task_spec.bpmn_id == event
        task.run()
        workflow.do_engine_steps()
        write(connection, request_id, event, before, version + 1, SERIALIZER.serialize_json(workflow))
        if event == "confirm_arrival":
            move(connection, student, place)


def write(connection, request_id, event, before, version, document):
    now = datetime.datetime.now(datetime.UTC)
    after, due, run = TARGETS[event], now + datetime.timedelta(days=DAYS), connection.execute
    payload = json.dumps({"request": request_id, "event": event, "from": before, "to": after})
    run("UPDATE bench_process SET document = %s WHERE request_id = %s", [document, request_id])
    run("UPDATE bench_request SET state = %s, open = %s, version = %s WHERE id = %s",
        [after, after != "completed", version, request_id])  # fmt: skip
    run("INSERT INTO bench_deadline (request_id, due_at) VALUES (%s, %s)"
        " ON CONFLICT (request_id) DO UPDATE SET due_at = EXCLUDED.due_at", [request_id, due])  # fmt: skip
    run("INSERT INTO bench_history (request_id, seq, event, from_state, to_state, at, person, payload, hash)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '')",
        [request_id, version, event, before, after, now, event, payload])  # fmt: skip
    run("INSERT INTO bench_outbox (request_id, seq, body, created_at) VALUES (%s, %s, %s, %s)",
        [request_id, version, payload, now])  # fmt: skip


def move(connection, student, place):
    run = connection.execute
    run("UPDATE bench_enrolment SET ended_at = %s WHERE student_id = %s AND ended_at IS NULL",
        [datetime.datetime.now(datetime.UTC), student])  # fmt: skip
    run("INSERT INTO bench_enrolment (student_id, school_class_id) VALUES (%s, %s)", [student, place])
    run("UPDATE bench_student SET version = version + 1 WHERE id = %s", [student])
