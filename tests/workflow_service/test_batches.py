"""Batches: a parent with a child request per student, a verdict per row, nothing decided for anybody."""

import pytest

from tests.workflow_service.test_kinds import sound
from tests.workflow_service.world import World
from workflow_service.batches import Row, add_to_batch, batch_children, counts_of, create_batch, fire_batch, students_of
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Forbidden, Invalid, NotFound
from workflow_service.views.batches import batch_view


def test_a_class_goes_on_together_and_one_who_cannot_is_named_with_his_reason(world: World) -> None:
    world.go(2026, 8, 5)
    pupils = [world.student("201", 3, name=f"同学{number}") for number in "一二三"]
    leaver = world.student("201", 7, name="毕业生")  # of grade 6 until the tenth of August
    stranger = world.student("202", 3, name="外校生")
    actor = world.actor("school201")
    rows = [Row(pupil.id) for pupil in (*pupils, leaver, stranger)]
    worked = create_batch(world.service, actor, NewRequest(kind="promotion"), rows)
    assert [verdict.done for verdict in worked.verdicts] == [True, True, True, True, False]
    assert "2001" in worked.verdicts[-1].detail
    batch = worked.batch_id

    sent = fire_batch(world.service, actor, batch, "submit")
    assert sum(verdict.done for verdict in sent.verdicts) == 3
    [refused] = [verdict for verdict in sent.verdicts if not verdict.done]
    assert (refused.student_id, [reason.cite.rule for reason in refused.reasons]) == (leaver.id, ["SYS-44"])

    agreed = fire_batch(world.service, world.actor("school201.principal"), batch, "approve")
    assert [verdict.done for verdict in agreed.verdicts] == [True] * 3
    assert counts_of(world.service, batch) == {"completed": 3, "draft": 1}
    assert [entry.section for entry in world.entries(pupils[0].id)] == ["promotion"]
    children, following = batch_children(world.service, batch, 0, 2)
    assert (len(children), following) == (2, children[-1].id)
    assert fire_batch(world.service, world.actor("school201.principal"), batch, "approve").verdicts == ()
    sound(world)


def test_a_promotion_keeps_who_was_left_out_and_why_when_it_began(world: World) -> None:
    world.go(2026, 8, 5)
    pupil, away, leaver = (
        world.student("201", 3, name="甲"), world.student("201", 3, name="乙", status="suspended"),
        world.student("201", 7, name="丙"),
    )  # fmt: skip
    actor = world.actor("school201")
    batch = create_batch(world.service, actor, NewRequest(kind="promotion"), [Row(pupil.id)]).batch_id
    kept = {str(away.id): ("乙", "suspended"), str(leaver.id): ("丙", "graduating")}
    world.complete(world.start("school201", "resumption", away, ground="recovered"))
    late = world.student("201", 4, name="丁")
    assert [verdict.done for verdict in add_to_batch(world.service, actor, batch, [Row(late.id)]).verdicts] == [True]
    shown = batch_view(world.service, world.actor("county2"), batch)["staying"]
    assert {row["student"]["id"]: (row["student"]["name"], row["reason"]) for row in shown} == kept
    assert {row["label"] for row in shown} == {"学籍状态为休学", "毕业年级，办理毕业"}


def test_who_files_a_batch_and_who_sees_it(world: World) -> None:
    world.go(2026, 8, 5)
    pupil = world.student("201", 3)
    shared = NewRequest(kind="promotion")
    with pytest.raises(Forbidden):
        create_batch(world.service, world.actor("school201.principal"), shared, [Row(pupil.id)])
    with pytest.raises(Invalid):
        create_batch(world.service, world.actor("school201"), NewRequest(kind="suspension"), [Row(pupil.id)])
    with pytest.raises(Invalid):
        create_batch(world.service, world.actor("school201"), shared, [])
    batch = create_batch(world.service, world.actor("school201"), shared, [Row(pupil.id)]).batch_id
    for username in ("school202", "county1", "admin"):
        with pytest.raises(NotFound):
            fire_batch(world.service, world.actor(username), batch, "approve")
    with pytest.raises(Forbidden):
        add_to_batch(world.service, world.actor("county2"), batch, [Row(pupil.id)])


def test_all_who_attend_are_taken_a_page_at_a_time(world: World) -> None:
    pupils = [world.student("201", 3 + number % 2) for number in range(5)]
    first, following = students_of(world.service, world.actor("school201"), limit=3)
    rest, end = students_of(world.service, world.actor("school201"), after=following or 0, limit=3)
    assert ([*first, *rest], end) == (sorted(pupil.id for pupil in pupils), None)
    one_class = world.enrolment(pupils[0].id).class_id
    assert len(students_of(world.service, world.actor("school201"), class_id=one_class)[0]) == 3
