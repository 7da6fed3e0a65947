"""The tables that all peers work on, as Django's models; to be imported once Django has its settings."""

import datetime

from django.core.management import call_command
from django.db import connection, models

from tests.bench.peers.steps import PAPERS


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


class Token(models.Model):
    """Who may call over HTTP."""

    hash = models.BinaryField(unique=True)
    role = models.TextField()
    person = models.TextField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

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


class RequestFields(models.Model):
    """A request without its state, which every library keeps in its own way."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE)
    school_class = models.ForeignKey(SchoolClass, on_delete=models.CASCADE)
    open = models.BooleanField(default=False)
    version = models.IntegerField(default=1)
    chain = models.BinaryField(default=b"")

    class Meta:
        abstract = True
        app_label = "bench"


class Deadline(models.Model):
    request = models.OneToOneField("Request", on_delete=models.CASCADE, primary_key=True)
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "bench"


class Window(models.Model):
    """When requests are taken in."""

    opens = models.DateTimeField()
    closes = models.DateTimeField()

    class Meta:
        app_label = "bench"


class Document(models.Model):
    request = models.ForeignKey("Request", on_delete=models.CASCADE)
    kind = models.TextField()

    class Meta:
        app_label = "bench"


class History(models.Model):
    request = models.ForeignKey("Request", on_delete=models.CASCADE)
    student = models.ForeignKey(Student, on_delete=models.CASCADE, null=True)
    seq = models.IntegerField()
    event = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    at = models.DateTimeField()
    person = models.TextField()
    payload = models.TextField(default="")
    hash = models.BinaryField(default=b"")

    class Meta:
        app_label = "bench"


class Comment(models.Model):
    history = models.ForeignKey(History, on_delete=models.CASCADE)
    comment = models.TextField()

    class Meta:
        app_label = "bench"


class Party(models.Model):
    request = models.ForeignKey("Request", on_delete=models.CASCADE)
    organization = models.TextField()
    duty = models.TextField()
    due_at = models.DateTimeField(null=True)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"
        indexes = (models.Index(fields=["organization", "due_at"], name="turn"),)


class PlaceHold(models.Model):
    request = models.OneToOneField("Request", on_delete=models.CASCADE)
    school_class = models.ForeignKey(SchoolClass, on_delete=models.CASCADE)
    held_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"


class Outbox(models.Model):
    request = models.ForeignKey("Request", on_delete=models.CASCADE)
    seq = models.IntegerField()
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "bench"


class Key(models.Model):
    key = models.TextField(unique=True)
    body_hash = models.BinaryField(null=True)
    answer = models.TextField(null=True)
    request = models.ForeignKey("Request", on_delete=models.CASCADE)

    class Meta:
        app_label = "bench"


def fill(request, count):
    """Make the tables of all models that were imported, and `count` drafts with their papers."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    Grant.objects.bulk_create([Grant(role=role) for role in ("registrar", "principal")])
    now = datetime.datetime.now(datetime.UTC)
    Window.objects.create(opens=now - datetime.timedelta(days=1), closes=now + datetime.timedelta(days=1))
    # As many schools as clients, so that they meet at the same rows as seldom as the service's clients do.
    for code in range(1, 9):
        school = School.objects.create(id=code, code=str(code))
        stage = SchoolStage.objects.create(id=code, school=school, attending=count)
        SchoolClass.objects.create(id=code, school=school, stage=stage, attending=count)
    numbers = range(1, count + 1)
    Student.objects.bulk_create([Student(id=n, name=f"学生{n}") for n in numbers], batch_size=1000)
    Enrolment.objects.bulk_create([Enrolment(student_id=n, school_class_id=5 + n * 4 // (count + 1)) for n in numbers],
                                  batch_size=1000)  # fmt: skip
    request.objects.bulk_create(
        [request(id=n, student_id=n, school_class_id=1 + n * 4 // (count + 1)) for n in numbers], batch_size=1000
    )
    papers = [Document(request_id=n, kind=kind) for n in numbers for kind in sorted(PAPERS)]
    Document.objects.bulk_create(papers, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
