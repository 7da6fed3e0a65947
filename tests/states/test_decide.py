"""What an event amounts to: holders, clocks, shared totals, returns, places; and what explaining leaves out."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from states.calendar import Clock, run_clock
from states.decide import Change, Refusal, decide, explain, pending_at_submit, reasons_open, time_over
from states.facts import Facts
from states.plan import Plan, compile_plan
from tests.states.definitions import CALENDAR, DEFINITION, ROUTES, at, good_facts, plan_of, shipped

ONE, TWO = plan_of(number=0), plan_of(number=1)


def asker(plan: Plan, state: str, event: str) -> dict[str, object]:
    """Whoever holds this event."""
    cell = plan.by_event[state, event]
    return {"state": state, "units": frozenset({min(cell.units)}), "roles": frozenset({cell.role})}


def changed(plan: Plan, event: str, facts: Facts) -> Change:
    answer = decide(plan, facts, event)
    assert isinstance(answer, Change), answer
    return answer


def clock(received: str, days: int) -> Clock:
    return run_clock(CALENDAR, date.fromisoformat(received), days)


def test_submit_holds_the_place_and_starts_the_clock_of_the_first_step() -> None:
    change = changed(ONE, "submit", good_facts(**asker(ONE, "draft", "submit")))
    assert (change.target, change.place, change.moved, change.final) == (
        "awaiting_destination_principal",
        "hold",
        True,
        False,
    )
    assert change.holders == (("destination_school", "principal"),)
    assert change.clock is not None
    assert (change.clock.received, change.clock.starts, change.clock.due) == (
        date(2026, 9, 1), date(2026, 9, 2), date(2026, 9, 15))  # fmt: skip
    assert change.limit is not None
    assert change.due_at == at("2026-09-16", 0)
    assert not change.expires


def test_the_shared_total_shortens_a_later_step_and_cites_its_own_rule() -> None:
    facts = good_facts(**asker(ONE, "awaiting_destination_principal", "approve"), now=at("2026-09-11"),
                       clock=clock("2026-09-01", 10))  # fmt: skip
    change = changed(ONE, "approve", facts)
    assert change.shared_used == 7  # 2 to 10 September, the day of the event not counted
    assert change.clock is not None
    assert (change.clock.working_days, change.limit and change.limit.rule) == (5, "D-1")  # its own; 5 are left of 12
    late = changed(ONE, "approve", facts.patched({"now": at("2026-09-14"), "shared_used": 1}))
    assert late.clock is not None
    assert (late.clock.working_days, late.limit and late.limit.rule) == (3, "S-1")
    spent = changed(ONE, "approve", facts.patched({"shared_used": 30}))
    assert spent.clock is not None
    assert spent.clock.working_days == 1  # a step that begins late still has a day


def test_a_shared_total_holds_only_where_it_fits() -> None:
    shared = replace(DEFINITION.shared_limits[0], when={"same_bureau": (False,)})
    plan = compile_plan(replace(DEFINITION, shared_limits=(shared,)), DEFINITION, ROUTES[0], ROUTES[0].steps)
    facts = good_facts(**asker(plan, "awaiting_destination_principal", "approve"), now=at("2026-09-14"),
                       clock=clock("2026-09-01", 10))  # fmt: skip
    assert changed(plan, "approve", facts).shared_used == 0


def test_a_return_stops_the_clock_and_the_resubmission_goes_on_with_what_was_left() -> None:
    facts = good_facts(
        **asker(ONE, "awaiting_origin_school", "return"), now=at("2026-09-04"), clock=clock("2026-09-01", 5)
    )
    back = changed(ONE, "return", facts)
    assert (back.target, back.returned_from, back.days_left) == ("returned", "awaiting_origin_school", 3)
    assert back.holders == (("destination_school", "registrar"),)
    assert back.expires
    assert back.place == ""
    again = changed(ONE, "resubmit", good_facts(
        **asker(ONE, "returned", "resubmit"), now=at("2026-09-10"), returned_from=back.returned_from,
        days_left=back.days_left, shared_used=back.shared_used, clock=back.clock,
    ))  # fmt: skip
    assert again.target == "awaiting_origin_school"
    assert again.clock is not None
    assert (again.clock.working_days, again.clock.due, again.days_left) == (3, date(2026, 9, 15), None)
    assert again.shared_used == back.shared_used  # the days of the applicant are nobody's of the total


def test_a_step_returned_late_is_due_on_the_day_of_the_resubmission() -> None:
    facts = good_facts(
        **asker(ONE, "awaiting_origin_school", "return"), now=at("2026-09-20"), clock=clock("2026-09-01", 5)
    )
    assert changed(ONE, "return", facts).days_left == 0
    again = changed(ONE, "resubmit", good_facts(
        **asker(ONE, "returned", "resubmit"), returned_from="awaiting_origin_school", days_left=0, now=at("2026-09-22")
    ))  # fmt: skip
    assert again.due_at == at("2026-09-23", 0)


def test_a_request_that_was_never_returned_cannot_be_resubmitted() -> None:
    for origin in (None, "awaiting_arrival", "draft"):
        answer = decide(ONE, good_facts(**asker(ONE, "returned", "resubmit"), returned_from=origin), "resubmit")
        assert answer == Refusal(None, ())


def test_a_step_of_two_units_moves_on_when_both_have_approved() -> None:
    state = "awaiting_province_bureaus"
    facts = good_facts(state=state, units=frozenset({"origin_province"}), roles=frozenset({"registrar"}))
    first = changed(TWO, "approve", facts)
    assert (first.moved, first.target, first.approvals) == (False, state, ("origin_province",))
    assert first.holders == (("destination_province", "registrar"),)
    again = decide(TWO, facts.patched({"approvals": frozenset(first.approvals)}), "approve")
    assert isinstance(again, Refusal)
    assert [reason.cite.rule for reason in again.reasons] == ["C-1"]
    other = facts.patched({"approvals": frozenset(first.approvals), "units": frozenset({"destination_province"})})
    second = changed(TWO, "approve", other)
    assert (second.moved, second.target, second.approvals) == (True, "awaiting_arrival", ())


def test_one_organization_that_plays_both_parts_approves_once() -> None:
    both = frozenset({"origin_province", "destination_province"})
    facts = good_facts(state="awaiting_province_bureaus", units=both, roles=frozenset({"registrar"}))
    assert changed(TWO, "approve", facts).target == "awaiting_arrival"


def test_one_of_two_units_is_enough_to_return_or_refuse() -> None:
    facts = good_facts(state="awaiting_province_bureaus", units=frozenset({"origin_province"}),
                       roles=frozenset({"registrar"}), reason="data_wrong")  # fmt: skip
    assert changed(TWO, "return", facts).target == "returned"
    assert changed(TWO, "reject", facts).target == "rejected"


def test_the_place_moves_on_arrival_and_is_released_on_every_other_end() -> None:
    arrival = good_facts(**asker(ONE, "awaiting_arrival", "confirm_arrival"), holds_place=True)
    done = changed(ONE, "confirm_arrival", arrival)
    assert (done.final, done.place, done.clock, done.due_at, done.holders) == (True, "move", None, None, ())
    assert (
        changed(ONE, "recall", good_facts(**asker(ONE, "awaiting_arrival", "recall"), holds_place=True)).place
        == "release"
    )
    assert changed(ONE, "expire", good_facts(state="returned", system=True, holds_place=True)).place == "release"
    assert changed(ONE, "recall", good_facts(**asker(ONE, "draft", "recall"))).place == ""


def test_silence_of_an_official_ends_nothing_but_a_rule_may() -> None:
    facts = good_facts(state="awaiting_origin_school", system=True)
    assert decide(ONE, facts, "expire") == Refusal(ONE.by_event["awaiting_origin_school", "expire"], ())
    assert changed(ONE, "expire", facts.patched({"reason": "SYS-46"})).target == "expired"


@pytest.mark.parametrize("end", ["ends_at", "wiped_at"])
def test_nothing_is_moved_after_its_end_and_a_remark_is_still_written(end: str) -> None:
    plan = plan_of(shipped()["national-k12"])
    now = at("2027-07-15", 0)
    for state in ("draft", "returned", "awaiting_arrival", "awaiting_origin_school"):
        waits = {"ends_at": state != "awaiting_origin_school", "wiped_at": state != "draft"}[end]
        in_time = good_facts(state=state, now=now - timedelta(microseconds=1), **{end: now})
        assert time_over(plan, in_time) == ()
        late = in_time.patched({"now": now})
        assert len(time_over(plan, late)) == waits
        for verdict in explain(plan, late):
            cell = plan.by_event[state, verdict.event]
            over = [reason.cite.rule for reason in verdict.blocked_by if "2027-07-14 24:00" in reason.no.message]
            rule = {"draft": "WS-02", "returned": "WS-01", "awaiting_arrival": "WS-03"}.get(state)
            assert over == ([] if not waits or cell.target is None else [rule if end == "ends_at" else "SYS-46"])


def test_the_system_approves_nothing_and_people_send_no_events_of_the_system() -> None:
    answer = decide(ONE, good_facts(state="awaiting_origin_school", system=True), "approve")
    assert isinstance(answer, Refusal)
    assert answer.reasons
    assert (
        changed(ONE, "remind", good_facts(state="awaiting_origin_school", system=True)).target
        == "awaiting_origin_school"
    )
    person = good_facts(state="returned", units=frozenset({"destination_school"}), roles=frozenset({"registrar"}))
    assert decide(ONE, person, "expire") == Refusal(None, ())
    assert all(verdict.event not in ("expire", "escalate", "recompute_clock") for verdict in explain(ONE, person))


def test_a_new_calendar_gives_the_running_clock_another_end() -> None:
    facts = good_facts(state="awaiting_origin_school", system=True, clock=clock("2026-09-01", 5))
    closed = replace(CALENDAR, days={date(2026, 9, 3): False})
    change = changed(ONE, "recompute_clock", facts.patched({"calendar": closed}))
    assert change.due_at == at("2026-09-10", 0)
    assert not change.moved


def test_an_event_that_does_not_fit_the_state_has_no_cell() -> None:
    assert decide(ONE, good_facts(state="draft"), "approve") == Refusal(None, ())
    assert decide(ONE, good_facts(state="completed"), "note") == Refusal(None, ())
    assert explain(ONE, good_facts(state="completed")) == []


def test_all_reasons_come_at_once() -> None:
    facts = good_facts(**asker(ONE, "draft", "submit"), now=at("2026-07-20"), problem=True, open_request="7", grade=5,
                       status="suspended", class_size=55, ground="none")  # fmt: skip
    answer = decide(ONE, facts, "submit")
    assert isinstance(answer, Refusal)
    assert [r.cite.rule for r in answer.reasons] == ["C-5", "C-6", "C-9", "C-10", "C-11", "C-12", "C-14", "C-15"]


def test_nothing_of_the_record_is_told_to_a_stranger() -> None:
    facts = good_facts(**asker(ONE, "draft", "submit"), matches=False, problem=True, open_request="7", grade=5,
                       status="suspended", current_grade=6)  # fmt: skip
    answer = decide(ONE, facts, "submit")
    assert isinstance(answer, Refusal)
    assert [reason.cite.rule for reason in answer.reasons] == ["C-8"]


def test_what_is_missing_passes_the_intake_is_listed_and_blocks_the_first_approval() -> None:
    facts = good_facts(**asker(ONE, "draft", "submit"), documents=frozenset(), **{"data.handed_over_on": None})
    assert changed(ONE, "submit", facts).moved
    listed = pending_at_submit(ONE, facts)
    assert [reason.cite.rule for reason in listed] == ["C-17", "C-99"]
    approving = facts.patched(asker(ONE, "awaiting_destination_principal", "approve"))
    answer = decide(ONE, approving, "approve")
    assert isinstance(answer, Refusal)
    assert list(answer.reasons) == listed


def test_the_origins_papers_are_asked_from_its_own_step_on() -> None:
    facts = good_facts(documents=frozenset({"property_certificate"}))
    first = facts.patched(asker(ONE, "awaiting_destination_principal", "approve"))
    assert isinstance(decide(ONE, first, "approve"), Change)
    own = decide(ONE, facts.patched(asker(ONE, "awaiting_origin_school", "approve")), "approve")
    assert isinstance(own, Refusal)
    assert "转学证" in own.reasons[0].no.message


def test_an_exception_waives_its_check() -> None:
    full = good_facts(**asker(ONE, "draft", "submit"), class_size=55)
    assert isinstance(decide(ONE, full, "submit"), Refusal)
    assert isinstance(decide(ONE, full.patched({"special_education": True}), "submit"), Change)


def test_a_refusal_needs_its_reason_when_sent_and_its_button_does_not() -> None:
    facts = good_facts(**asker(ONE, "awaiting_origin_school", "reject"))
    button = next(verdict for verdict in explain(ONE, facts) if verdict.event == "reject")
    assert button.allowed
    assert isinstance(decide(ONE, facts, "reject"), Refusal)
    wrong = next(v for v in explain(ONE, facts.patched({"reason": "fees"})) if v.event == "reject")
    assert not wrong.allowed


def test_every_reason_that_is_offered_is_taken_and_no_other() -> None:
    national = plan_of(shipped()["national-k12"], 2)
    state, codes = "awaiting_province_bureaus", [reason.code for reason in national.definition.reasons]
    offered = {}
    for unit in ("destination_province", "origin_province"):
        facts = good_facts(state=state, units=frozenset({unit}), roles=frozenset({"registrar"}))
        offered[unit] = reasons_open(national.by_event[state, "reject"], facts)
        taken = [c for c in codes if isinstance(decide(national, facts.patched({"reason": c}), "reject"), Change)]
        assert list(offered[unit]) == taken
    assert set(offered["destination_province"]) - set(offered["origin_province"]) >= {"no_place", "ground_not_met"}
    assert "data_wrong" in offered["origin_province"]
    catchment, state = plan_of(shipped()["catchment-k12"]), "awaiting_destination_principal"
    own = good_facts(**asker(catchment, state, "reject"), **{"data.guardian_register_in_catchment": True})
    assert "no_place" not in reasons_open(catchment.by_event[state, "reject"], own)


@pytest.mark.parametrize("plan", [ONE, TWO])
def test_explain_and_decide_never_differ(plan: Plan) -> None:
    for state, row in plan.cells.items():
        for cell in row:
            facts = good_facts(state=state, units=cell.units, roles=frozenset({cell.role}), reason="data_wrong",
                               returned_from=plan.states[0])  # fmt: skip
            for verdict in explain(plan, facts):
                answer = decide(plan, facts, verdict.event)
                assert isinstance(answer, Change) is verdict.allowed
                if isinstance(answer, Refusal):
                    assert answer.reasons == verdict.blocked_by
