"""All cures together: they fit, from a day that is named, or it is said that they never do."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from states.decide import Refusal, decide, reasons_against
from states.facts import Facts
from states.joint_cure import joint_cure
from states.plan import Plan, compile_plan
from states.vocabulary import UNITS
from tests.states.definitions import all_plans, at, good_facts, pair_plans, plan_of

PLAN = plan_of()
SCHOOL = {"units": frozenset({"destination_school"}), "roles": frozenset({"registrar"})}


def test_nothing_to_clear_needs_nothing() -> None:
    assert joint_cure(PLAN, good_facts(**SCHOOL), "submit").patch == {}


def test_a_year_in_business_that_is_full_outside_the_window_waits_for_the_window() -> None:
    facts = good_facts(**SCHOOL, now=at("2026-11-01"), ground="business", **{"data.business_since": "2026-06-01"})
    joint = joint_cure(PLAN, facts, "submit")
    assert not joint.dead_end
    assert joint.until == at("2027-08-20", 0)
    assert joint.patch["current_grade"] == joint.patch["grade"] == 4  # Aug 10 has promoted him.


def test_who_waits_into_the_graduating_grade_waits_for_nothing() -> None:
    joint = joint_cure(
        PLAN, good_facts(**SCHOOL, now=at("2027-02-26"), current_grade=5, grade=5, season="spring"), "submit"
    )
    assert joint.dead_end
    assert [reason.cite.rule for reason in joint.against] == ["C-13"]


def test_waiting_out_the_freeze_of_the_graduating_grade_ends_in_graduation() -> None:
    without = replace(PLAN.definition, checks=tuple(c for c in PLAN.definition.checks if c.id != "C-13"))
    plan = compile_plan(without, without, PLAN.route, PLAN.states)
    facts = good_facts(**SCHOOL, now=at("2026-07-02"), current_grade=6, grade=6)
    joint = joint_cure(plan, facts, "submit")
    assert joint.dead_end
    assert joint.patch["status"] == "graduated"


def test_everything_at_once_is_cleared_at_once() -> None:
    facts = good_facts(
        **SCHOOL,
        now=at("2026-07-20"),
        problem=True,
        open_request="7",
        grade=5,
        status="suspended",
        class_size=55,
        ground="none",
        starter="origin_school",
    )
    joint = joint_cure(PLAN, facts, "submit")
    assert not joint.dead_end
    assert joint.until == at("2026-08-20", 0)
    assert not isinstance(decide(PLAN, facts.patched(joint.patch), "submit"), Refusal)


def test_nothing_is_worked_out_from_a_record_that_does_not_match() -> None:
    facts = good_facts(**SCHOOL, now=at("2026-07-20"), matches=False, current_grade=6)
    joint = joint_cure(PLAN, facts, "submit")
    assert joint.until is None
    assert joint.patch["matches"] is True
    assert "current_grade" not in joint.patch


def test_papers_of_several_requirements_add_up() -> None:
    facts = good_facts(
        state="awaiting_origin_school",
        units=frozenset({"origin_school"}),
        roles=frozenset({"principal"}),
        documents=frozenset(),
    )
    joint = joint_cure(PLAN, facts, "approve")
    assert set(joint.patch["documents+"]) == {"property_certificate", "transfer_certificate"}
    assert not isinstance(decide(PLAN, facts.patched(joint.patch), "approve"), Refusal)


def wrong_facts() -> st.SearchStrategy[dict[str, object]]:
    """Every way in which a request can be wrong, several at once."""
    return st.fixed_dictionaries(
        {},
        optional={
            "now": st.sampled_from(
                [at("2026-07-01"), at("2026-07-20"), at("2026-09-01"), at("2026-11-24"), at("2027-02-20")]
            ),
            "problem": st.booleans(),
            "open_request": st.sampled_from([None, "7"]),
            "grade": st.sampled_from([None, 3, 4]),
            "current_grade": st.integers(1, 6),
            "status": st.sampled_from(["attending", "suspended", "deceased", "graduated"]),
            "class_size": st.sampled_from([None, 54, 55, 60]),
            "school_quota": st.sampled_from([None, 10]),
            "school_size": st.just(10),
            "town": st.booleans(),
            "offers_grade": st.booleans(),
            "own": st.booleans(),
            "documents": st.just(frozenset()),
            "starter": st.sampled_from([None, "origin_school", "destination_school"]),
            "ground": st.sampled_from(
                [
                    None,
                    "other",
                    "moved_house",
                    "business",
                    "return_to_registered_home",
                    "register_and_home_moved",
                    "rural_family_settled_in_town",
                ]
            ),
            "data.student_register": st.sampled_from([None, "independent", "attached"]),
            "data.business_since": st.sampled_from([None, "2026-06-01", "2020-01-01"]),
            "data.register_moved": st.sampled_from([None, "student_only", "family"]),
            "data.placed_by_bureau": st.booleans(),
            "season": st.sampled_from(["autumn", "spring"]),
        },
    )


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_every_cure_of_every_pack_clears_its_reason_and_all_together_clear_all(data: st.DataObject) -> None:
    plan: Plan = data.draw(st.sampled_from([*all_plans(), *pair_plans()]))
    cell = data.draw(st.sampled_from(sorted(plan.by_event.values(), key=lambda c: (c.state, c.event))))
    facts: Facts = good_facts(state=cell.state, returned_from=plan.states[0], **data.draw(wrong_facts()))
    if data.draw(st.booleans()):
        facts = facts.patched({"units": frozenset(UNITS), "roles": frozenset({cell.role})})
    for reason in reasons_against(cell, facts):
        for cure in reason.no.cures:
            left = reasons_against(cell, facts.patched(cure.set))
            assert (reason.cite, reason.no.message) not in [(r.cite, r.no.message) for r in left], (reason, cure)
    if not cell.system:
        joint = joint_cure(plan, facts, cell.event)
        if not joint.dead_end:
            assert reasons_against(cell, facts.patched(joint.patch)) == []
        else:
            assert joint.against
