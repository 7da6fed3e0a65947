"""transitions with SQLAlchemy's ORM: one machine, to which the loaded request is added as a model.

Per transition one session: lock the request, the machine's trigger with its conditions, rows as objects, one commit.
"""

from __future__ import annotations

import datetime

from sqlalchemy import ForeignKey, create_engine, exists, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload, sessionmaker
from transitions import Machine

from tests.bench.peers.steps import DAYS, EVENTS, PAPERS, PLACES, ROLES, STATES, TARGETS, UNITS, linked

Instant = datetime.datetime


class Base(DeclarativeBase):
    id: Mapped[int] = mapped_column(primary_key=True)


class Grant(Base):
    __tablename__ = "bench_grant"
    role: Mapped[str]
    revoked_at: Mapped[Instant | None]


class SchoolStage(Base):
    __tablename__ = "bench_schoolstage"
    attending: Mapped[int]
    held: Mapped[int]


class SchoolClass(Base):
    __tablename__ = "bench_schoolclass"
    stage_id: Mapped[int] = mapped_column(ForeignKey("bench_schoolstage.id"))
    attending: Mapped[int]
    held: Mapped[int]


class Student(Base):
    __tablename__ = "bench_student"
    status: Mapped[str]
    version: Mapped[int]
    chain: Mapped[bytes]


class Enrolment(Base):
    __tablename__ = "bench_enrolment"
    student_id: Mapped[int] = mapped_column(ForeignKey("bench_student.id"))
    school_class_id: Mapped[int] = mapped_column(ForeignKey("bench_schoolclass.id"))
    ended_at: Mapped[Instant | None]
    school_class: Mapped[SchoolClass] = relationship()


class Document(Base):
    __tablename__ = "bench_document"
    request_id: Mapped[int] = mapped_column(ForeignKey("bench_request.id"))
    kind: Mapped[str]


class History(Base):
    __tablename__ = "bench_history"
    request_id: Mapped[int] = mapped_column(ForeignKey("bench_request.id"))
    student_id: Mapped[int | None]
    seq: Mapped[int]
    event: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    at: Mapped[Instant]
    person: Mapped[str]
    payload: Mapped[str]
    hash: Mapped[bytes]
    comments: Mapped[list[Comment]] = relationship()


class Comment(Base):
    __tablename__ = "bench_comment"
    history_id: Mapped[int] = mapped_column(ForeignKey("bench_history.id"))
    comment: Mapped[str]


class Party(Base):
    __tablename__ = "bench_party"
    request_id: Mapped[int] = mapped_column(ForeignKey("bench_request.id"))
    organization: Mapped[str]
    duty: Mapped[str]
    due_at: Mapped[Instant | None]
    from_at: Mapped[Instant]
    to_at: Mapped[Instant | None]


class PlaceHold(Base):
    __tablename__ = "bench_placehold"
    request_id: Mapped[int] = mapped_column(ForeignKey("bench_request.id"))
    school_class_id: Mapped[int]
    held_at: Mapped[Instant]
    released_at: Mapped[Instant | None]


class Outbox(Base):
    __tablename__ = "bench_outbox"
    request_id: Mapped[int] = mapped_column(ForeignKey("bench_request.id"))
    seq: Mapped[int]
    body: Mapped[str]
    created_at: Mapped[Instant]


class Key(Base):
    __tablename__ = "bench_key"
    key: Mapped[str]
    request_id: Mapped[int] = mapped_column(ForeignKey("bench_request.id"))


class Request(Base):
    __tablename__ = "bench_request"
    student_id: Mapped[int] = mapped_column(ForeignKey("bench_student.id"))
    school_class_id: Mapped[int] = mapped_column(ForeignKey("bench_schoolclass.id"))
    state: Mapped[str]
    open: Mapped[bool]
    version: Mapped[int]
    due_at: Mapped[Instant | None]
    chain: Mapped[bytes]
    student: Mapped[Student] = relationship(lazy="joined", innerjoin=True)
    school_class: Mapped[SchoolClass] = relationship(lazy="joined", innerjoin=True)
    documents: Mapped[list[Document]] = relationship()

    def granted(self, session: Session, role: str, person: str) -> bool:
        return session.scalar(select(exists().where(Grant.role == role, Grant.revoked_at.is_(None))))

    def alone(self, session: Session, role: str, person: str) -> bool:
        other = exists().where(Request.student_id == self.student_id, Request.open, Request.id != self.id)
        return not session.scalar(select(other))

    def place_left(self, session: Session, role: str, person: str) -> bool:
        return self.school_class.attending + self.school_class.held < PLACES

    def complete(self, session: Session, role: str, person: str) -> bool:
        return {paper.kind for paper in self.documents} >= PAPERS

    def by_another(self, session: Session, role: str, person: str) -> bool:
        return not session.scalar(select(exists().where(History.request_id == self.id, History.person == person)))


REVIEWED = ["granted", "complete", "by_another", "alone"]
MACHINE = Machine(
    model=None, states=list(STATES), initial="draft", auto_transitions=False,
    transitions=[
        {"trigger": event, "source": source, "dest": TARGETS[event],
         "conditions": ["granted", "alone", "place_left"] if event == "submit" else REVIEWED}
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
        done = request.trigger(event, session=session, role=ROLES.get(event, "principal"), person=event)
        MACHINE.remove_model(request)
        if not done:
            raise PermissionError(event)
        request.open = request.state != "completed"
        request.version += 1
        request.due_at = now + datetime.timedelta(days=DAYS)
        payload, request.chain = linked(
            request.chain, o=request.id, s=request.version, e=event, f=before, t=request.state
        )
        history = History(request_id=request.id, seq=request.version, event=event, from_state=before,
                          to_state=request.state, at=now, person=event, payload=payload,
                          hash=request.chain)  # fmt: skip
        if event.startswith("approve"):
            history.comments.append(Comment(comment="同意"))
        session.add(history)
        session.execute(
            update(Party)
            .where(Party.request_id == request.id, Party.duty == "hold", Party.to_at.is_(None))
            .values(to_at=now)
            .execution_options(synchronize_session=False)
        )
        if request.open:
            session.add(Party(request_id=request.id, organization=request.state, duty="hold", due_at=request.due_at,
                              from_at=now))  # fmt: skip
        if event == "submit":
            start(session, request, now)
        if event == "confirm_arrival":
            move(session, request, now)
        session.add(Outbox(request_id=request.id, seq=request.version, body=payload, created_at=now))
        session.add(Key(key=f"{request.id}-{event}", request_id=request.id))


def start(session, request, now):
    session.add_all(Party(request_id=request.id, organization=unit, duty="party", from_at=now) for unit in UNITS)
    _count(session, request.school_class, held=1)
    session.add(PlaceHold(request_id=request.id, school_class_id=request.school_class_id, held_at=now))


def move(session, request, now):
    student, there = request.student, request.school_class
    enrolment = session.scalars(
        select(Enrolment).where(Enrolment.student_id == student.id, Enrolment.ended_at.is_(None)).with_for_update()
    ).one()
    _count(session, there, held=-1, attending=1)
    _count(session, enrolment.school_class, attending=-1)
    hold = session.scalars(select(PlaceHold).where(PlaceHold.request_id == request.id)).one()
    hold.released_at = now
    enrolment.ended_at = now
    session.add(Enrolment(student_id=student.id, school_class_id=there.id))
    student.version += 1
    payload, student.chain = linked(student.chain, o=student.id, s=student.version, e="transferred")
    session.add(History(request_id=request.id, student_id=student.id, seq=student.version, event="transferred",
                        from_state=student.status, to_state=student.status, at=now, person="", payload=payload,
                        hash=student.chain))  # fmt: skip


def _count(session, place, **changes):
    """Add to a class's counts and to its stage's; the database adds, so that no count is lost."""
    for table, id_ in ((SchoolClass, place.id), (SchoolStage, place.stage_id)):
        values = {name: getattr(table, name) + change for name, change in changes.items()}
        session.execute(
            update(table).where(table.id == id_).values(values).execution_options(synchronize_session=False)
        )
