"""Goal 14: why-not for a list of 200 requests, with their facts built, by the functions that every page uses."""

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time

from states.decide import explain
from states.facts import Facts
from states.plan import Plan
from tests.bench import world
from tests.bench.goal import Goal, Note, Parts, Size
from tests.bench.sides import dispose
from tests.bench.transitions import drafts, paths
from tests.states.definitions import all_plans, at, good_facts, named
from workflow_service.facts import build_facts, gather

ROWS = 200
ROUNDS = 25
PAPERS = frozenset({"household_register_head_page", "household_register_student_page", "property_certificate"})
FACTS = {"guardian_register_in_catchment": False, "student_register": "with_guardian", "handed_over_on": "2026-08-01"}


def middle(work: Callable[[], object]) -> float:
    """The middle round of doing it, in ms of CPU."""
    gc.collect()
    spent = []
    for _ in range(ROUNDS):
        started = process_time()
        work()
        spent.append((process_time() - started) * 1000)
    return sorted(spent)[len(spent) // 2]


def rows(plan: Plan) -> list[Facts]:
    """A list under any pack: three in ten are mine to decide, one in ten is a draft, the rest are somebody else's."""
    found = []
    for number in range(ROWS):
        state = ("draft", "returned", *plan.states)[number % (len(plan.states) + 2)]
        step = plan.step(state)
        mine = number % 10 < 3 or step is None
        units = frozenset(step.holders if step else {plan.route.starter}) if mine else frozenset({"none"})
        found.append(good_facts(
            now=at("2026-09-01", number % 24), state=state, returned_from=plan.states[0], units=units,
            roles=frozenset({step.role if step else "registrar"}), starter=plan.route.starter,
            ground=("moved_house", "business", "return_to_registered_home", "other")[number % 4],
            documents=PAPERS if number % 3 else frozenset(), **{f"data.{name}": value for name, value in FACTS.items()},
        ))  # fmt: skip
    return found


def walked(made: world.World, work: list[world.Work]) -> list[int]:
    """As many requests as there are rows, led to every step of their way in turn, as a school has them in its list."""
    found = []
    for number in range(ROWS):
        path = work[(0, 3)[number % 2]]  # both of one school
        request_id = path.requests[number // 2]
        for event, who, comment in path.steps[: number // 2 % (len(path.steps) + 1)]:
            world.step(made.service, {who: made.actor(who)}, request_id, event, who, comment)
        found.append(request_id)
    return found


def _explained(plan: Plan, facts: list[Facts]) -> None:
    for one in facts:
        explain(plan, one)


def explaining(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """CPU of the facts and the answers of 200 requests that were gathered, and of the answers alone."""
    data = drafts(place, folder, size, note)
    world.copy(place, "explained", "drafts")
    made = world.open_on(place, "explained", data)
    work = paths(folder)
    asker = made.actor(work[0].steps[0][1])
    requests = walked(made, work)
    micros, calendar = made.service.clocks.legal(), made.service.calendars.current()
    gathered = [gather(made.service, request_id, asker)[:2] for request_id in requests]

    def facts() -> list[tuple[Plan, Facts]]:
        return [(plan, build_facts(row, asker, micros, calendar)) for row, plan in gathered]

    built = facts()
    whole = middle(lambda: [explain(plan, one) for plan, one in facts()])
    deciding = middle(lambda: [explain(plan, one) for plan, one in built])
    dispose(made)
    events = [verdict for plan, one in built for verdict in explain(plan, one)]
    note(f"of {ROWS} requests: {len(events)} events, {sum(verdict.allowed for verdict in events)} allowed, "
         f"{sum(len(verdict.blocked_by) for verdict in events)} reasons why not")  # fmt: skip
    spent = {}
    for plan in all_plans():
        some = rows(plan)
        spent[named(plan)] = middle(partial(_explained, plan, some))
    slowest = max(spent, key=lambda name: spent[name])
    note(f"deciding {ROWS} rows that lack much, under the slowest pack, {slowest}: {spent[slowest]:.2f} ms")
    return [
        Goal("14", f"ms of CPU for the facts and the why-not of {ROWS} requests", whole, 4, at_most=True),
        Goal("14b", "ms of them are deciding", deciding, 2, at_most=True),
    ]


PARTS: Parts = {(14,): explaining}
