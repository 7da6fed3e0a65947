"""The facts of a decision survive being stored: what is read back is what was judged, and is judged alike."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from states.calendar import run_clock
from states.facts import Entry, Facts
from states.judged import GIVEN, facts_from, facts_text, unrecorded
from tests.states.definitions import CALENDAR, at, good_facts
from tests.states.shelf import shipped_shelf, with_cases


def values(facts: Facts) -> dict[str, Any]:
    return {f.name: getattr(facts, f.name) for f in fields(Facts)}


def test_everything_but_the_calendar_is_read_back_as_it_was() -> None:
    asked = good_facts(
        clock=run_clock(CALENDAR, date(2026, 9, 1), 10), ends_at=at("2026-10-01"), approvals=frozenset({"b", "a"}),
        route=("awaiting_origin_school", "awaiting_arrival"), birth_date=date(2017, 5, 1),
        entries=(Entry("suspension", date(2026, 3, 1), None),),
    )  # fmt: skip
    facts = replace(asked, data={"business_since": date(2025, 1, 1), "text": "中文"})
    text = facts_text(facts)
    assert values(facts_from(text, CALENDAR)) == values(facts)
    assert "calendar" not in json.loads(text)
    assert "中文" in text
    assert facts_text(facts_from(text, CALENDAR)) == text


def test_a_fact_that_came_later_has_its_default_and_is_named() -> None:
    stored = json.loads(facts_text(good_facts(town=True)))
    del stored["town"]
    stored["long_gone"] = 1
    text = json.dumps(stored)
    assert facts_from(text, CALENDAR).town is False
    assert unrecorded(text) == {"town"}
    assert unrecorded(facts_text(good_facts())) == frozenset()


def test_of_an_opinion_only_that_there_is_one_is_kept() -> None:
    assert facts_from(facts_text(good_facts(comment="本人意见")), CALENDAR).comment == GIVEN
    assert facts_from(facts_text(good_facts(comment="  ")), CALENDAR).comment is None


def test_what_could_not_be_read_back_is_not_written() -> None:
    with pytest.raises(TypeError, match="object"):
        facts_text(replace(good_facts(), data={"text": object()}))


@pytest.mark.parametrize("file", with_cases())
def test_the_facts_of_every_case_are_judged_alike_after_they_were_stored(file: str) -> None:
    for case in shipped_shelf().rows(file):
        asked = shipped_shelf().judged(case, file)
        again = facts_from(facts_text(asked.facts), asked.facts.calendar)
        assert values(again) == values(replace(asked.facts, comment=again.comment))
        assert replace(asked, facts=again).reasons == asked.reasons
