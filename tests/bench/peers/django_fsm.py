"""The same work as a Django service with django-fsm-2 would do it; runs in an environment of its own.

`python -m tests.bench.peers.django_fsm setup|client SOCKET DATABASE FIRST COUNT`. Per transition, in one
transaction: lock the request, read what the rules look at, the state field's transition with its conditions, then the
rows that the service writes too: state, version, deadline and chain, history with its hash, opinion, parties, message,
key, and where the request starts or ends, places, enrolments and the student. Written as Django's own documentation
would have it.
"""

import datetime
import hashlib
import json
import sys

import django
from django.conf import settings
from django.db import models, transaction
from django.db.models import F

what, socket, database, first, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": database, "USER": "app", "HOST": socket,
                           "CONN_MAX_AGE": None}},
    INSTALLED_APPS=[], USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)  # fmt: skip
django.setup()

from django_fsm import FSMField, transition  # noqa: E402 - it needs the settings

from tests.bench.turns import answer  # noqa: E402

STEPS = ("submit", "approve_destination", "approve_origin", "approve_bureau", "confirm_arrival")
ROLES = {"submit": "registrar", "confirm_arrival": "registrar"}
PAPERS = {"form", "application", "register_head", "register_student"}
UNITS = ("destination", "origin", "destination_bureau", "origin_bureau", "shared_bureau")


class Grant(models.Model):
    role = models.TextField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"


class School(models.Model):
    code = models.TextField()
    town = models.BooleanField(default=False)

    class Meta:
        app_label = "bench"


class SchoolStage(models.Model):
    school = models.ForeignKey(School, on_delete=models.CASCADE)
    attending = models.IntegerField(default=0)
    held = models.IntegerField(default=0)

    class Meta:
        app_label = "bench"


class SchoolClass(models.Model):
    school = models.ForeignKey(School, on_delete=models.CASCADE)
    stage = models.ForeignKey(SchoolStage, on_delete=models.CASCADE)
    attending = models.IntegerField(default=0)
    held = models.IntegerField(default=0)

    class Meta:
        app_label = "bench"


class Student(models.Model):
    name = models.TextField()
    status = models.TextField(default="attending")
    version = models.IntegerField(default=1)
    chain = models.BinaryField(default=b"")

    class Meta:
        app_label = "bench"


class Enrolment(models.Model):
    student = models.ForeignKey(Student, on_delete=models.CASCADE)
    school_class = models.ForeignKey(SchoolClass, on_delete=models.CASCADE)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"


def granted(request):
    return Grant.objects.filter(role=request.acting, revoked_at=None).exists()


def complete(request):
    return set(request.document_set.values_list("kind", flat=True)) >= PAPERS


def by_another(request):
    return not request.history_set.filter(person=request.person).exists()


def alone(request):
    return not Request.objects.filter(student=request.student, open=True).exclude(pk=request.pk).exists()


def place_left(request):
    return request.school_class.attending + request.school_class.held < 1_000_000


def reviewed(request):
    return granted(request) and complete(request) and by_another(request) and alone(request)


class Request(models.Model):
    student = models.ForeignKey(Student, on_delete=models.CASCADE)
    school_class = models.ForeignKey(SchoolClass, on_delete=models.CASCADE)
    state = FSMField(default="draft")
    open = models.BooleanField(default=False)
    version = models.IntegerField(default=1)
    due_at = models.DateTimeField(null=True)
    chain = models.BinaryField(default=b"")

    class Meta:
        app_label = "bench"
        indexes = (models.Index(fields=["due_at"], condition=models.Q(open=True), name="due"),)

    @transition(field=state, source="draft", target="awaiting_destination_principal",
                conditions=[granted, alone, place_left])  # fmt: skip
    def submit(self):
        self.open = True

    @transition(field=state, source="awaiting_destination_principal", target="awaiting_origin_school",
                conditions=[reviewed])  # fmt: skip
    def approve_destination(self):
        pass

    @transition(field=state, source="awaiting_origin_school", target="awaiting_shared_bureau", conditions=[reviewed])
    def approve_origin(self):
        pass

    @transition(field=state, source="awaiting_shared_bureau", target="awaiting_arrival", conditions=[reviewed])
    def approve_bureau(self):
        pass

    @transition(field=state, source="awaiting_arrival", target="completed", conditions=[reviewed])
    def confirm_arrival(self):
        self.open = False


class Document(models.Model):
    request = models.ForeignKey(Request, on_delete=models.CASCADE)
    kind = models.TextField()

    class Meta:
        app_label = "bench"


class History(models.Model):
    request = models.ForeignKey(Request, on_delete=models.CASCADE)
    student = models.ForeignKey(Student, on_delete=models.CASCADE, null=True)
    seq = models.IntegerField()
    event = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    at = models.DateTimeField()
    person = models.TextField()
    payload = models.TextField()
    hash = models.BinaryField()

    class Meta:
        app_label = "bench"


class Comment(models.Model):
    history = models.ForeignKey(History, on_delete=models.CASCADE)
    comment = models.TextField()

    class Meta:
        app_label = "bench"


class Party(models.Model):
    request = models.ForeignKey(Request, on_delete=models.CASCADE)
    organization = models.TextField()
    duty = models.TextField()
    due_at = models.DateTimeField(null=True)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"
        indexes = (models.Index(fields=["organization", "due_at"], name="turn"),)


class PlaceHold(models.Model):
    request = models.OneToOneField(Request, on_delete=models.CASCADE)
    school_class = models.ForeignKey(SchoolClass, on_delete=models.CASCADE)
    held_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"


class Outbox(models.Model):
    request = models.ForeignKey(Request, on_delete=models.CASCADE)
    seq = models.IntegerField()
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "bench"


class Key(models.Model):
    key = models.TextField(unique=True)
    request = models.ForeignKey(Request, on_delete=models.CASCADE)

    class Meta:
        app_label = "bench"


TABLES = (Grant, School, SchoolStage, SchoolClass, Student, Enrolment, Request, Document, History, Comment, Party,
          PlaceHold, Outbox, Key)  # fmt: skip


def linked(chain, **payload):
    text = json.dumps(payload)
    return text, hashlib.sha256(bytes(chain) + text.encode()).digest()


def fire(request_id, event):
    now = datetime.datetime.now(datetime.UTC)
    with transaction.atomic():
        request = (
            Request.objects.select_for_update(of=("self",)).select_related("student", "school_class__stage")
            .get(pk=request_id)
        )  # fmt: skip
        request.acting, request.person, before = ROLES.get(event, "principal"), event, request.state
        getattr(request, event)()
        request.version += 1
        request.due_at = now + datetime.timedelta(days=10)
        payload, request.chain = linked(
            request.chain, o=request.id, s=request.version, e=event, f=before, t=request.state
        )
        request.save(update_fields=["state", "open", "version", "due_at", "chain"])
        history = History.objects.create(
            request=request, seq=request.version, event=event, from_state=before, to_state=request.state, at=now,
            person=event, payload=payload, hash=request.chain,
        )  # fmt: skip
        if event.startswith("approve"):
            Comment.objects.create(history=history, comment="同意")
        request.party_set.filter(duty="hold", to_at=None).update(to_at=now)
        if request.open:
            Party.objects.create(request=request, organization=request.state, duty="hold", due_at=request.due_at,
                                 from_at=now)  # fmt: skip
        if event == "submit":
            start(request, now)
        if event == "confirm_arrival":
            move(request, now)
        Outbox.objects.create(request=request, seq=request.version, body=payload, created_at=now)
        Key.objects.create(key=f"{request_id}-{event}", request=request)


def start(request, now):
    Party.objects.bulk_create([Party(request=request, organization=unit, duty="party", from_at=now) for unit in UNITS])
    SchoolClass.objects.filter(pk=request.school_class_id).update(held=F("held") + 1)
    SchoolStage.objects.filter(pk=request.school_class.stage_id).update(held=F("held") + 1)
    PlaceHold.objects.create(request=request, school_class=request.school_class, held_at=now)


def move(request, now):
    student, there = request.student, request.school_class
    enrolment = Enrolment.objects.select_for_update(of=("self",)).select_related("school_class").get(
        student=student, ended_at=None)  # fmt: skip
    here = enrolment.school_class
    SchoolClass.objects.filter(pk=there.pk).update(held=F("held") - 1, attending=F("attending") + 1)
    SchoolStage.objects.filter(pk=there.stage_id).update(held=F("held") - 1, attending=F("attending") + 1)
    SchoolClass.objects.filter(pk=here.pk).update(attending=F("attending") - 1)
    SchoolStage.objects.filter(pk=here.stage_id).update(attending=F("attending") - 1)
    PlaceHold.objects.filter(request=request).update(released_at=now)
    enrolment.ended_at = now
    enrolment.save(update_fields=["ended_at"])
    Enrolment.objects.create(student=student, school_class=there)
    student.version += 1
    payload, student.chain = linked(student.chain, o=student.id, s=student.version, e="transferred")
    student.save(update_fields=["version", "chain"])
    History.objects.create(request=request, student=student, seq=student.version, event="transferred",
                           from_state=student.status, to_state=student.status, at=now, person="", payload=payload,
                           hash=student.chain)  # fmt: skip


def setup():
    from django.db import connection

    with connection.schema_editor() as editor:
        for table in TABLES:
            editor.create_model(table)
    Grant.objects.bulk_create([Grant(role=role) for role in ("registrar", "principal")])
    # As many schools as clients, so that they meet at the same rows as seldom as the service's clients do.
    for code in range(1, 9):
        school = School.objects.create(id=code, code=str(code))
        stage = SchoolStage.objects.create(id=code, school=school, attending=count)
        SchoolClass.objects.create(id=code, school=school, stage=stage, attending=count)
    numbers = range(1, count + 1)
    Student.objects.bulk_create([Student(id=n, name=f"学生{n}") for n in numbers], batch_size=1000)
    Enrolment.objects.bulk_create([Enrolment(student_id=n, school_class_id=5 + n * 4 // (count + 1)) for n in numbers],
                                  batch_size=1000)  # fmt: skip
    Request.objects.bulk_create(
        [Request(id=n, student_id=n, school_class_id=1 + n * 4 // (count + 1)) for n in numbers], batch_size=1000
    )
    papers = [Document(request_id=n, kind=kind) for n in numbers for kind in sorted(PAPERS)]
    Document.objects.bulk_create(papers, batch_size=1000)


def work():
    for request_id in range(first, first + count):
        for event in STEPS:
            fire(request_id, event)
            yield None


if what == "setup":
    setup()
else:
    answer(work())
