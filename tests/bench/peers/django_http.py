"""Django with django-fsm-2 behind gunicorn: one endpoint with the duties of the service's.

A token that can be revoked is looked up by its hash; an idempotency key is kept with the body's hash and the answer,
which a repetition gets again; If-Match names the version. Answered is the request as it is now: its papers, its
history, and what may be done next. All rows are written that the service writes; no more middleware than Django needs.
`gunicorn 'tests.bench.peers.django_http:application("SOCKET", "DATABASE")'`.
"""

import datetime
import hashlib
import importlib
import json

from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tests.bench.peers.steps import EVENTS, ROLES
from tests.bench.peers.work import configure


def application(socket, database):
    """The WSGI application."""
    configure(socket, database, (), ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
              MIDDLEWARE=["django.middleware.security.SecurityMiddleware",
                          "django.middleware.common.CommonMiddleware"])  # fmt: skip
    importlib.import_module("tests.bench.peers.django_fsm")
    return get_wsgi_application()


def prepare(count):
    """Drafts, and a token for every role and person."""
    from tests.bench.peers import django_fsm
    from tests.bench.peers.models import Token

    django_fsm.prepare(count)
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=12)
    Token.objects.bulk_create(
        [Token(hash=hashlib.sha256(event.encode()).digest(), role=ROLES.get(event, "principal"), person=event,
               expires_at=until) for event in EVENTS]
    )  # fmt: skip


@csrf_exempt
@require_POST
def fire(http, request_id):
    from django_fsm import can_proceed

    from tests.bench.peers.django_fsm import Request
    from tests.bench.peers.django_rows import locked, record
    from tests.bench.peers.models import Key, Token

    now = datetime.datetime.now(datetime.UTC)
    scheme, _, plain = http.headers.get("Authorization", "").partition(" ")
    hashed = hashlib.sha256(plain.encode()).digest()
    token = Token.objects.filter(hash=hashed, revoked_at=None, expires_at__gt=now).first()
    if scheme != "Bearer" or token is None:
        return problem(401, "unauthorized")
    try:
        body = json.loads(http.body)
        event, comment = body["event"], body.get("comment")
    except (ValueError, TypeError, KeyError):
        return problem(400, "not-json")
    if event not in EVENTS or not (comment is None or isinstance(comment, str)):
        return problem(422, "invalid")
    sent, body_hash = http.headers.get("Idempotency-Key", ""), hashlib.sha256(http.body).digest()
    key = f"{token.person} {http.path} {sent}"
    if (known := Key.objects.filter(key=key).first()) is not None:
        return HttpResponse(known.answer, content_type="application/json") if bytes(known.body_hash) == body_hash else (
            problem(422, "key-reused"))  # fmt: skip
    if "If-Match" not in http.headers:
        return problem(428, "version-missing")
    with transaction.atomic():
        request = locked(Request.objects.filter(pk=request_id)).first()
        if request is None:
            return problem(404, "not-found")
        if http.headers["If-Match"] != f'"{request.version}"':
            return problem(412, "stale")
        request.acting, request.person, before = token.role, token.person, request.state
        trigger = getattr(request, event)
        if not can_proceed(trigger):
            return problem(409, "blocked")
        trigger()
        kept = record(request, event, before, request.state, key=key, body_hash=body_hash)
        kept.answer = json.dumps(shown(request), ensure_ascii=False)
        kept.save(update_fields=["answer"])
    response = HttpResponse(kept.answer, content_type="application/json")
    response["ETag"] = f'"{request.version}"'
    return response


def shown(request):
    """A request, with its papers, its history and its events."""
    return {
        "id": str(request.id), "state": request.state, "open": request.open, "version": request.version,
        "due_at": request.due_at.isoformat(), "student": {"id": str(request.student_id), "name": request.student.name},
        "school_class": {"id": str(request.school_class_id), "held": request.school_class.held},
        "documents": list(request.document_set.values("id", "kind")),
        "history": [
            {**row, "at": row["at"].isoformat()}
            for row in request.history_set.order_by("seq").values(
                "seq", "event", "from_state", "to_state", "at", "person", "comment__comment")
        ],
        "events": [one.name for one in request.get_available_state_transitions()],
    }  # fmt: skip


def problem(status, code):
    return JsonResponse({"code": code}, status=status, content_type="application/problem+json")


urlpatterns = [path("requests/<int:request_id>/events", fire)]
