"""Who was enrolled on a day, where and with which status: as known then and as known now."""

from datetime import date

from tests.workflow_service.world import TODAY, World
from workflow_service.models.columns import from_micros, to_micros
from workflow_service.newcomers import Person
from workflow_service.views.student_time import OnDay, student_history, students_on


def test_a_suspension_that_was_told_late_is_known_only_from_the_day_it_was_recorded(world: World) -> None:
    pupil = world.student("201", 3)
    world.go(2026, 9, 15)
    away = {"effective_on": "2026-09-01", "until": "2027-07-31"}
    suspension = world.complete(world.start("school201", "suspension", pupil, ground="illness", data=away))
    [then] = student_history(world.service, pupil.id, date(2026, 9, 7), date(2026, 9, 14))
    [now] = student_history(world.service, pupil.id, date(2026, 9, 7))
    assert (then["status"], then["school"]["code"], then["class"]) == ("attending", "201", "1班")
    assert (now["status"], now["from"], now["request_id"]) == ("suspended", "2026-09-01", str(suspension.id))
    [before] = student_history(world.service, pupil.id, date(2025, 9, 1))
    assert (before["status"], before["to"]) == ("attending", "2026-09-01")
    assert student_history(world.service, pupil.id, date(2023, 8, 31)) == []


def test_where_today_is_moved_what_was_known_is_asked_by_legal_days(world: World) -> None:
    """The demo's pupils are imported in the legal August, whatever month it really is."""
    world.go(2026, 12, 1)
    world.service.clocks.offset = to_micros(TODAY) - world.at
    pupil, day = world.student("201", 3), TODAY.date()
    person = Person("林一", "1", date(2020, 5, 1))
    draft = world.start("school401", "enrolment", person=person, grade=1, ground="catchment_admission")
    assert [row["status"] for row in student_history(world.service, pupil.id, day, known=day)] == ["attending"]
    [listed] = students_on(world.service, world.actor("county2"), OnDay(day, known=day), 9)[0]
    assert listed["id"] == str(pupil.id)
    assert [from_micros(entry.recorded_at).date() for entry in world.entries(world.request(draft).student_id)] == [day]
    assert students_on(world.service, world.actor("county2"), OnDay(day, known=date(2026, 8, 23)), 9)[0] == []


def test_a_change_of_class_shows_both_classes_on_their_days_in_the_school_s_list(world: World) -> None:
    pupil, other = world.student("201", 3), world.student("201", 3, "周明")
    world.school_class("201", 3, sequence=2)
    world.go(2026, 9, 10)
    moved = {"class_name": "2班", "effective_on": "2026-09-05"}
    world.complete(world.start("school201", "class_change", pupil, data=moved))
    actor, school = world.actor("school201"), world.organization("201").id

    def classes(day: date, known: date | None = None) -> dict[str, str]:
        rows, after = students_on(world.service, actor, OnDay(day, known, school_id=school), 50)
        assert after is None
        return {row["id"]: row["class"] for row in rows}

    assert classes(date(2026, 9, 4)) == {str(pupil.id): "1班", str(other.id): "1班"}
    assert classes(date(2026, 9, 5)) == {str(pupil.id): "2班", str(other.id): "1班"}
    assert classes(date(2026, 9, 5), known=date(2026, 9, 9))[str(pupil.id)] == "1班"
    assert classes(date(2023, 8, 31)) == {}
    assert students_on(world.service, world.actor("school202"), OnDay(date(2026, 9, 5)), 50) == ([], None)


def test_the_list_of_a_day_is_paged_and_gives_the_grade_and_status_of_that_day(world: World) -> None:
    pupils = [world.student("201", 3, name) for name in ("林一", "林二", "林三")]
    world.go(2026, 9, 15)
    world.complete(world.start("school201", "suspension", pupils[0], ground="illness", data={"until": "2027-07-31"}))
    actor = world.actor("county2")
    first, after = students_on(world.service, actor, OnDay(date(2026, 9, 20)), 2)
    assert after is not None
    rest, end = students_on(world.service, actor, OnDay(date(2026, 9, 20)), 2, after)
    assert end is None
    rows = {row["id"]: row for row in [*first, *rest]}
    assert [rows[str(pupil.id)]["status"] for pupil in pupils] == ["suspended", "attending", "attending"]
    [year_ago] = students_on(world.service, actor, OnDay(date(2025, 9, 20), grade=2, q="林一"), 9)[0]
    assert (year_ago["grade"], year_ago["status"]) == (2, "attending")
