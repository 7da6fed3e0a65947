"""django-fsm-2: a state field of the model, transitions as its methods, conditions as functions.

Per transition, in one transaction: lock the request, read what the rules look at, the state field's transition with
its conditions, then the rows. Written as its own and Django's documentation have it.
"""

from django.db import transaction
from django_fsm import FSMField
from django_fsm import transition as fsm_transition

from tests.bench.peers.django_rows import ON_REVIEW, ON_SUBMIT, locked, record
from tests.bench.peers.models import RequestFields, fill
from tests.bench.peers.steps import ROLES


class Request(RequestFields):
    state = FSMField(default="draft")

    @fsm_transition(field=state, source="draft", target="awaiting_destination_principal",
                conditions=ON_SUBMIT)  # fmt: skip
    def submit(self):
        self.open = True

    @fsm_transition(field=state, source="awaiting_destination_principal", target="awaiting_origin_school",
                conditions=ON_REVIEW)  # fmt: skip
    def approve_destination(self):
        pass

    @fsm_transition(field=state, source="awaiting_origin_school", target="awaiting_shared_bureau", conditions=ON_REVIEW)
    def approve_origin(self):
        pass

    @fsm_transition(field=state, source="awaiting_shared_bureau", target="awaiting_arrival", conditions=ON_REVIEW)
    def approve_bureau(self):
        pass

    @fsm_transition(field=state, source="awaiting_arrival", target="completed", conditions=ON_REVIEW)
    def confirm_arrival(self):
        self.open = False


def prepare(count):
    fill(Request, count)


def fire(request_id, event):
    with transaction.atomic():
        request = locked(Request.objects).get(pk=request_id)
        request.acting, request.person, before = ROLES.get(event, "principal"), event, request.state
        getattr(request, event)()
        record(request, event, before, request.state)
