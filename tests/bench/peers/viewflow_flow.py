"""Viewflow: a flow of tasks that are run from code, each process locked while a task of it runs.

The flow says which step follows, and keeps a task for each; the request is the process's business object. Written as
Viewflow's documentation has it: `StartHandle`, `Handle`, `End`, and the lock that it recommends on PostgreSQL.
"""

from django.db import models
from viewflow import this
from viewflow.workflow import STATUS, flow, lock
from viewflow.workflow.models import Process, Task

from tests.bench.peers.django_rows import ON_REVIEW, ON_SUBMIT, locked, record
from tests.bench.peers.models import RequestFields, fill
from tests.bench.peers.steps import EVENTS, ROLES, TARGETS


class Request(RequestFields):
    state = models.CharField(max_length=50, default="draft")
    process = models.OneToOneField(Process, on_delete=models.CASCADE, null=True)


class TransferProcess(Process):
    class Meta:
        proxy = True
        app_label = "bench"


class TransferFlow(flow.Flow):
    """Transfer."""

    process_class = TransferProcess
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle().Next(this.submit)
    submit = flow.Handle(this.on_submit).Next(this.approve_destination)
    approve_destination = flow.Handle(this.on_review).Next(this.approve_origin)
    approve_origin = flow.Handle(this.on_review).Next(this.approve_bureau)
    approve_bureau = flow.Handle(this.on_review).Next(this.confirm_arrival)
    confirm_arrival = flow.Handle(this.on_review).Next(this.end)
    end = flow.End()

    def on_submit(self, activation):
        self.decide(activation, ON_SUBMIT)

    def on_review(self, activation):
        self.decide(activation, ON_REVIEW)

    def decide(self, activation, conditions):
        event = activation.flow_task.name
        request = locked(Request.objects).get(process=activation.process)
        request.acting, request.person = ROLES.get(event, "principal"), event
        if not all(condition(request) for condition in conditions):
            raise PermissionError(event)
        before, request.state = request.state, TARGETS[event]
        request.open = request.state != "completed"
        record(request, event, before, request.state)


def prepare(count):
    fill(Request, count)
    for request_id in range(1, count + 1):
        process = TransferFlow.start.run()
        Request.objects.filter(pk=request_id).update(process=process.pk)


TASKS = {event: getattr(TransferFlow, event) for event in EVENTS}


def fire(request_id, event):
    node = TASKS[event]
    task = Task.objects.select_related("process").get(
        process__request=request_id, flow_task=node, status=STATUS.NEW
    )  # fmt: skip
    node.run(task)
