"""Every rule with its answer and what it saw; until when something that is supplied still helps."""

from states.calendar import run_clock
from states.decide import reasons_against
from states.plan import compile_plan
from states.trace import helps_until, trace
from tests.states.definitions import CALENDAR, DEFINITION, ROUTES, at, good_facts, plan_of, shipped
from tests.states.shelf import shipped_shelf, with_cases

PLAN = plan_of()


def test_the_trace_says_no_where_deciding_does_and_nowhere_else() -> None:
    for file in with_cases():
        for case in shipped_shelf().rows(file):
            asked = shipped_shelf().judged(case, file)
            cell = asked.plan.cell(asked.facts.state, asked.event)
            refused = [(reason.cite, reason.no) for reason in reasons_against(cell, asked.facts)]
            traced = [(each.cite, each.no) for each in trace(cell, asked.facts) if each.answer == "no"]
            not_yet = {each.cite for each in trace(cell, asked.facts) if each.answer == "not_yet"}
            assert traced == [one for one in refused if one[0] not in not_yet], case


def test_what_a_rule_saw_is_what_it_read() -> None:
    facts = good_facts(ground="business", **{"data.business_since": "2026-06-01"})
    cell = PLAN.by_event["draft", "submit"]
    traced = {each.cite.rule: each for each in trace(cell, facts)}
    assert traced["C-16"].answer == "no"
    assert set(traced["C-16"].saw) == {"ground", "data.business_since", "now"}
    assert traced["C-17"].answer == "not_applicable"
    assert traced["C-17"].saw == {"ground": "business"}
    assert traced["C-14"].saw == {"holds_place": False, "stage": "primary", "class_size": 50}
    full = {each.cite.rule: each for each in trace(cell, good_facts(class_size=55, special_education=True))}
    assert full["C-14"].answer == "waived"
    missing = {each.cite.rule: each for each in trace(cell, good_facts(**{"data.handed_over_on": None}))}
    assert (missing["C-17"].answer, missing["C-17"].saw["data.handed_over_on"]) == ("pending", None)
    reject = {each.cite.rule: each.answer for each in trace(PLAN.by_event["awaiting_origin_school", "reject"], facts)}
    assert reject["C-3"] == "not_yet"


def test_a_draft_has_until_its_window_closes_or_the_next_one_does_and_a_step_until_its_clock_ends() -> None:
    assert helps_until(PLAN, good_facts()) == at("2026-09-21", 0)
    assert helps_until(PLAN, good_facts(ends_at=at("2026-09-10", 0))) == at("2026-09-10", 0)
    assert helps_until(PLAN, good_facts(now=at("2026-10-01"))) == at("2027-02-26", 0)
    national = shipped()["national-k12"]
    plan = compile_plan(national, national, national.routes[0], national.routes[0].steps)
    assert helps_until(plan, good_facts()) is None
    clock = run_clock(CALENDAR, at("2026-09-01").date(), 10)
    assert helps_until(PLAN, good_facts(state=ROUTES[0].steps[0], clock=clock)) == at("2026-09-16", 0)
    assert helps_until(PLAN, good_facts(state="returned", clock=clock, ends_at=at("2026-09-14", 0))) == at(
        "2026-09-14", 0
    )
    assert DEFINITION.windows
