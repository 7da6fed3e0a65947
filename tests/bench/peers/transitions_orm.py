"""transitions with SQLAlchemy's ORM: one machine, to which the loaded request is added as a model.

Per transition one session: lock the request, the machine's trigger with its conditions, rows as objects, one commit.
"""

from __future__ import annotations

import datetime
import json

from sqlalchemy import ForeignKey, create_engine, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload, sessionmaker
from transitions import Machine

from tests.bench.peers.steps import DAYS, EVENTS, PAPERS, ROLES, STATES, TARGETS

Instant = datetime.datetime


class Plain(DeclarativeBase):
    pass


class Base(Plain):
    __abstract__ = True
    id: Mapped[int] = mapped_column(primary_key=True)


class Grant(Base):
    __tablename__ = "bench_grant"
    role: Mapped[str]
    revoked_at: Mapped[Instant | None]


class Student(Base):
    __tablename__ = "bench_student"
    status: Mapped[str]
    version: Mapped[int]


class Enrolment(Base):
    __tablename__ = "bench_enrolment"
    student_id: Mapped[int] = mapped_column(ForeignKey("bench_student.id"))
    school_class_id: Mapped[int]
    ended_at: Mapped[Instant | None]


class Document(Base):
    __tablename__ = "bench_document"
    request_id: Mapped[int] = mapped_column(ForeignKey("bench_request.id"))
    kind: Mapped[str]


class History(Base):
    __tablename__ = "bench_history"
    request_id: Mapped[int] = mapped_column(ForeignKey("bench_request.id"))
    seq: Mapped[int]
    event: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    at: Mapped[Instant]
    person: Mapped[str]
    payload: Mapped[str]
    hash: Mapped[bytes] = mapped_column(default=b"")


class Window(Base):
    __tablename__ = "bench_window"
    opens: Mapped[Instant]
    closes: Mapped[Instant]


class Deadline(Plain):
    __tablename__ = "bench_deadline"
    request_id: Mapped[int] = mapped_column(primary_key=True)
    due_at: Mapped[Instant]


class Outbox(Base):
    __tablename__ = "bench_outbox"
    request_id: Mapped[int] = mapped_column(ForeignKey("bench_request.id"))
    seq: Mapped[int]
    body: Mapped[str]
    created_at: Mapped[Instant]


class Request(Base):
    __tablename__ = "bench_request"
    student_id: Mapped[int] = mapped_column(ForeignKey("bench_student.id"))
    school_class_id: Mapped[int]
    state: Mapped[str]
    open: Mapped[bool]
    version: Mapped[int]
    documents: Mapped[list[Document]] = relationship()

    def granted(self, session: Session, role: str) -> bool:
        return session.scalar(select(exists().where(Grant.role == role, Grant.revoked_at.is_(None))))

    def complete(self, session: Session, role: str) -> bool:
        return {paper.kind for paper in self.documents} >= PAPERS

    def window_open(self, session: Session, role: str) -> bool:
        now = datetime.datetime.now(datetime.UTC)
        return session.scalar(select(exists().where(Window.opens <= now, Window.closes > now)))


REVIEWED = ["granted", "complete"]
MACHINE = Machine(
    model=None, states=list(STATES), initial="draft", auto_transitions=False,
    transitions=[
        {"trigger": event, "source": source, "dest": TARGETS[event],
         "conditions": [*REVIEWED, "window_open"] if event == "submit" else REVIEWED}
        for event, source in zip(EVENTS, STATES[:-1], strict=True)
    ],
)  # fmt: skip


def connect(socket, database):
    url = f"postgresql+psycopg://app@/{database}?host={socket}"
    Session_.configure(bind=create_engine(url, connect_args={"prepare_threshold": 0}))


Session_ = sessionmaker()


def prepare(count):
    from tests.bench.peers import django_fsm

    django_fsm.prepare(count)


LOCKED = select(Request).options(selectinload(Request.documents)).with_for_update(of=Request)


def fire(request_id, event):
    now = datetime.datetime.now(datetime.UTC)
    with Session_.begin() as session:
        request = session.scalars(LOCKED.where(Request.id == request_id)).one()
        before = request.state
        MACHINE.add_model(request, initial=before)
        done = request.trigger(event, session=session, role=ROLES.get(event, "principal"))
        MACHINE.remove_model(request)
        if not done:
            raise PermissionError(event)
        request.open = request.state != "completed"
        request.version += 1
        payload = json.dumps({"request": request.id, "event": event, "from": before, "to": request.state})
        session.execute(
            DUE.on_conflict_do_update(index_elements=["request_id"], set_={"due_at": DUE.excluded.due_at}),
            {"request_id": request.id, "due_at": now + datetime.timedelta(days=DAYS)},
        )
        session.add(History(request_id=request.id, seq=request.version, event=event, from_state=before,
                            to_state=request.state, at=now, person=event, payload=payload))  # fmt: skip
        if event == "confirm_arrival":
            move(session, request, now)
        session.add(Outbox(request_id=request.id, seq=request.version, body=payload, created_at=now))


DUE = insert(Deadline)


def move(session, request, now):
    """The student's enrolment ends, and one at the other school begins."""
    enrolment = session.scalars(
        select(Enrolment).where(Enrolment.student_id == request.student_id, Enrolment.ended_at.is_(None))
        .with_for_update()
    ).one()  # fmt: skip
    enrolment.ended_at = now
    session.add(Enrolment(student_id=request.student_id, school_class_id=request.school_class_id))
    session.get_one(Student, request.student_id).version += 1
