"""What both Django peers do beside the state: the rules' questions and the rows of a transition."""

import datetime
import json

from django.db.models import F

from tests.bench.peers.models import (
    Comment,
    Deadline,
    Enrolment,
    Grant,
    History,
    Key,
    Outbox,
    Party,
    PlaceHold,
    SchoolClass,
    SchoolStage,
    Window,
)
from tests.bench.peers.steps import ALL_ROWS, DAYS, PAPERS, PLACES, UNITS, linked


def granted(request):
    return Grant.objects.filter(role=request.acting, revoked_at=None).exists()


def complete(request):
    return set(request.document_set.values_list("kind", flat=True)) >= PAPERS


def window_open(request):
    now = datetime.datetime.now(datetime.UTC)
    return Window.objects.filter(opens__lte=now, closes__gt=now).exists()


def by_another(request):
    return not request.history_set.filter(person=request.person).exists()


def alone(request):
    return not type(request).objects.filter(student=request.student, open=True).exclude(pk=request.pk).exists()


def place_left(request):
    return request.school_class.attending + request.school_class.held < PLACES


ON_SUBMIT = [granted, complete, window_open] + ([alone, place_left] if ALL_ROWS else [])
ON_REVIEW = [granted, complete] + ([by_another, alone] if ALL_ROWS else [])


def locked(requests):
    """The requests of this query, each locked when it is read, with what the rows need of other tables."""
    return requests.select_for_update(of=("self",)).select_related("student", "school_class__stage") if ALL_ROWS else (
        requests.select_for_update())  # fmt: skip


def record(request, event, before, after, **key):
    """Version and deadline of a request whose state has changed, and every row that goes with it.

    With all rows it gives the row of the idempotency key, whose columns may be named.
    """
    now = datetime.datetime.now(datetime.UTC)
    request.version += 1
    request.due_at = now + datetime.timedelta(days=DAYS)
    payload, changed = json.dumps({"request": request.id, "event": event, "from": before, "to": after}), []
    if ALL_ROWS:
        payload, request.chain = linked(request.chain, o=request.id, s=request.version, e=event, f=before, t=after)
        changed = ["chain"]
    request.save(update_fields=["state", "open", "version", *changed])
    Deadline.objects.bulk_create([Deadline(request=request, due_at=request.due_at)], update_conflicts=True,
                                 unique_fields=["request"], update_fields=["due_at"])  # fmt: skip
    history = History.objects.create(
        request=request, seq=request.version, event=event, from_state=before, to_state=after, at=now,
        person=request.person, payload=payload, hash=request.chain,
    )  # fmt: skip
    kept = all_rows(request, history, after, now, **key) if ALL_ROWS else None
    if event == "confirm_arrival":
        move(request, now)
    Outbox.objects.create(request=request, seq=request.version, body=payload, created_at=now)
    return kept


def all_rows(request, history, after, now, **key):
    """What the service writes beside that: opinion, parties, places, key."""
    if history.event.startswith("approve"):
        Comment.objects.create(history=history, comment="同意")
    request.party_set.filter(duty="hold", to_at=None).update(to_at=now)
    if request.open:
        Party.objects.create(request=request, organization=after, duty="hold", due_at=request.due_at, from_at=now)
    if history.event == "submit":
        start(request, now)
    return Key.objects.create(**{"key": f"{request.id}-{history.event}", **key}, request=request)


def start(request, now):
    Party.objects.bulk_create([Party(request=request, organization=unit, duty="party", from_at=now) for unit in UNITS])
    SchoolClass.objects.filter(pk=request.school_class_id).update(held=F("held") + 1)
    SchoolStage.objects.filter(pk=request.school_class.stage_id).update(held=F("held") + 1)
    PlaceHold.objects.create(request=request, school_class=request.school_class, held_at=now)


def move(request, now):
    """The student's enrolment ends, and one at the other school begins."""
    student = request.student
    enrolment = Enrolment.objects.select_for_update(of=("self",)).select_related("school_class").get(
        student=student, ended_at=None)  # fmt: skip
    enrolment.ended_at = now
    enrolment.save(update_fields=["ended_at"])
    Enrolment.objects.create(student=student, school_class_id=request.school_class_id)
    student.version += 1
    if ALL_ROWS:
        count(request, enrolment.school_class, now)
        payload, student.chain = linked(student.chain, o=student.id, s=student.version, e="transferred")
        History.objects.create(request=request, student=student, seq=student.version, event="transferred",
                               from_state=student.status, to_state=student.status, at=now, person="",
                               payload=payload, hash=student.chain)  # fmt: skip
    student.save(update_fields=["version", "chain"])


def count(request, here, now):
    there = request.school_class
    SchoolClass.objects.filter(pk=there.pk).update(held=F("held") - 1, attending=F("attending") + 1)
    SchoolStage.objects.filter(pk=there.stage_id).update(held=F("held") - 1, attending=F("attending") + 1)
    SchoolClass.objects.filter(pk=here.pk).update(attending=F("attending") - 1)
    SchoolStage.objects.filter(pk=here.stage_id).update(attending=F("attending") - 1)
    PlaceHold.objects.filter(request=request).update(released_at=now)
