"""The same work as a Django service with django-fsm-2 would do it; runs in an environment of its own.

`python tests/bench/peer_django.py setup|client SOCKET DATABASE FIRST COUNT`. Per transition, in one transaction: lock
the request, the state field's transition with its conditions (a role's grant, the papers), state, version, deadline and
chain on the request, a history row with its hash, opinion, party, message and key.
"""

import datetime
import hashlib
import json
import sys
import time

import django
from django.conf import settings
from django.db import models, transaction

what, socket, database, first, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": database, "USER": "app", "HOST": socket,
                           "CONN_MAX_AGE": None}},
    INSTALLED_APPS=[], USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)  # fmt: skip
django.setup()

from django_fsm import FSMField, transition  # noqa: E402 - it needs the settings

STEPS = ("submit", "approve_destination", "approve_origin", "approve_bureau", "confirm_arrival")
ROLES = {"submit": "registrar", "confirm_arrival": "registrar"}
PAPERS = 4


class Grant(models.Model):
    role = models.TextField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"


def granted(request):
    return Grant.objects.filter(role=request.acting, revoked_at=None).exists()


def complete(request):
    return request.document_set.count() >= PAPERS


class Request(models.Model):
    state = FSMField(default="draft")
    version = models.IntegerField(default=1)
    due_at = models.DateTimeField(null=True)
    chain = models.BinaryField(default=b"")

    class Meta:
        app_label = "bench"

    @transition(field=state, source="draft", target="awaiting_destination_principal", conditions=[granted])
    def submit(self):
        pass

    @transition(field=state, source="awaiting_destination_principal", target="awaiting_origin_school",
                conditions=[granted, complete])  # fmt: skip
    def approve_destination(self):
        pass

    @transition(field=state, source="awaiting_origin_school", target="awaiting_shared_bureau",
                conditions=[granted, complete])  # fmt: skip
    def approve_origin(self):
        pass

    @transition(field=state, source="awaiting_shared_bureau", target="awaiting_arrival", conditions=[granted, complete])
    def approve_bureau(self):
        pass

    @transition(field=state, source="awaiting_arrival", target="completed", conditions=[granted, complete])
    def confirm_arrival(self):
        pass


class Document(models.Model):
    request = models.ForeignKey(Request, on_delete=models.CASCADE)
    kind = models.TextField()

    class Meta:
        app_label = "bench"


class History(models.Model):
    request = models.ForeignKey(Request, on_delete=models.CASCADE)
    seq = models.IntegerField()
    event = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    at = models.DateTimeField()
    payload = models.TextField()
    hash = models.BinaryField()
    comment = models.TextField()

    class Meta:
        app_label = "bench"
        unique_together = (("request", "seq"),)


class Party(models.Model):
    request = models.ForeignKey(Request, on_delete=models.CASCADE)
    organization = models.TextField()
    due_at = models.DateTimeField(null=True)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)

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


TABLES = (Grant, Request, Document, History, Party, Outbox, Key)


def fire(request_id, event):
    now = datetime.datetime.now(datetime.UTC)
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=request_id)
        request.acting, before = ROLES.get(event, "principal"), request.state
        getattr(request, event)()
        request.version += 1
        request.due_at = now + datetime.timedelta(days=10)
        payload = json.dumps({"o": str(request.id), "s": request.version, "e": event, "f": before, "t": request.state})
        request.chain = hashlib.sha256(bytes(request.chain) + payload.encode()).digest()
        request.save(update_fields=["state", "version", "due_at", "chain"])
        History.objects.create(
            request=request, seq=request.version, event=event, from_state=before, to_state=request.state, at=now,
            payload=payload, hash=request.chain, comment="同意",
        )  # fmt: skip
        Party.objects.filter(request=request, to_at=None).update(to_at=now)
        Party.objects.create(request=request, organization=request.state, due_at=request.due_at, from_at=now)
        Outbox.objects.create(request=request, seq=request.version, body=payload, created_at=now)
        Key.objects.create(key=f"{request_id}-{event}", request=request)


def setup():
    from django.db import connection

    with connection.schema_editor() as editor:
        for table in TABLES:
            editor.create_model(table)
    Grant.objects.bulk_create([Grant(role=role) for role in ("registrar", "principal")])
    Request.objects.bulk_create([Request(id=n) for n in range(1, count + 1)], batch_size=1000)
    papers = [Document(request_id=n, kind=f"paper{k}") for n in range(1, count + 1) for k in range(PAPERS)]
    Document.objects.bulk_create(papers, batch_size=1000)


def work():
    for request_id in range(first, first + count):
        for event in STEPS:
            fire(request_id, event)
            yield None


def answer(work):
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, done = float(line.split()[1]), 0
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            if next(work, True):
                break
            done += 1
        print(done, time.perf_counter() - started, flush=True)


if what == "setup":
    setup()
else:
    answer(work())
