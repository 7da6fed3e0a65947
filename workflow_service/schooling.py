"""A school's own length of schooling (学制, BJ-08): which grades each stage has, 3 in a kindergarten, 6+3 or 5+4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Stage(NamedTuple):
    """A stage (学段) at one school: its first and last grade, as `states.vocabulary.GRADES` counts them."""

    name: str
    first_grade: int
    last_grade: int


def stages_of(schooling: Mapping[str, int]) -> list[Stage]:
    """The stages of a school in order. Junior secondary always ends with grade 9, so 4 years begin in grade 6; a
    kindergarten ends with the year before primary school. Vocational and higher stages count their own years.
    """
    found = []
    for name, years in schooling.items():
        first = {"kindergarten": -years, "junior": 10 - years, "senior": 10}.get(name, 1)
        found.append(Stage(name, first, first + years - 1))
    return sorted(found, key=lambda stage: stage.first_grade)


def stage_of(schooling: Mapping[str, int], grade: int) -> Stage | None:
    """The stage to which a grade belongs at this school; None where the school does not have that grade."""
    return next((stage for stage in stages_of(schooling) if stage.first_grade <= grade <= stage.last_grade), None)
