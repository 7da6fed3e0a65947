"""Facts as a school gives them (申报事实), checked against the vocabulary before they are stored or judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from states.definition import Definition
from states.rules.wording import named_all
from states.vocabulary import DATA_FACTS
from states.vocabulary.fact_kind import FactKind
from workflow_service.errors import Invalid
from workflow_service.sealed import seal

if TYPE_CHECKING:
    from workflow_service.service import Service


def allowed_with(
    service: Service, event: str, data: Mapping[str, Any], may: frozenset[str], today: date
) -> dict[str, Any]:
    """The facts that come with an event, as they are stored. Raises `Invalid` naming every one that may not.

    `may`: the facts that may come with it (`Plan.brings`). What has happened is no later than `today`: nobody has
    arrived tomorrow.
    """
    wrong = sorted(set(data) - may)
    if wrong:
        raise Invalid([{"field": f"data.{name}", "message": f"{event} 不能附带此事实 / does not come with {event}"}
                       for name in wrong])  # fmt: skip
    good = valid_data(service, data)
    early = [name for name, value in good.items() if DATA_FACTS[name].past and value > today.isoformat()]
    if early:
        message = f"不能晚于今天 {today} / may not be later than today, {today}"
        raise Invalid([{"field": f"data.{name}", "message": message} for name in early])
    return good


def check_own(definition: Definition, starter: str, data: Mapping[str, Any], answered: Mapping[str, Any]) -> None:
    """Whether an applicant gives only what is its own to say. Raises `Invalid` naming every other fact, and its step.

    `data`: the facts as they are to be stored; `answered`: those that the steps have given so far, which stay as they
    are. A school that answered its own objection, or found its own double verified, would decide for another unit.
    """
    wrong = []
    for name in sorted(name for name in {**data, **answered} if data.get(name) != answered.get(name)):
        steps = [step for step in definition.steps.values() if name in step.brings]
        if steps and not any(starter in step.holders and step.role == "registrar" for step in steps):
            step, (who, who_en) = steps[0], named_all(steps[0].holders, steps[0].role)
            message = f"由{who}在“{step.label}”环节填写，不能由申请单位填写 / {who_en} gives it in “{step.label_en}”"
            wrong.append({"field": f"data.{name}", "message": message})
    if wrong:
        raise Invalid(wrong)


def valid_data(service: Service, data: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as they are stored: days as ISO text, personal data sealed. Raises `Invalid` naming every wrong one."""
    errors, good = [], {}
    for name, value in data.items():
        kind = DATA_FACTS.get(name)
        if kind is None:
            errors.append({"field": f"data.{name}", "message": f"没有这一事实 / unknown fact {name}"})
        elif value is None or value == "":
            continue
        elif not _fits(kind, value):
            errors.append(
                {"field": f"data.{name}", "message": f"{kind.label}：值不对 / {kind.label_en}: not a {kind.type}"}
            )
        elif kind.type == "sealed":
            good[name] = seal(service, name, value)
        else:
            good[name] = value.isoformat() if isinstance(value, date) else value
    if errors:
        raise Invalid(errors)
    return good


def _fits(kind: FactKind, value: Any) -> bool:
    if kind.type == "bool":
        return isinstance(value, bool)
    if kind.type == "choice":
        return value in kind.values
    if kind.type == "date":
        return isinstance(value, date) or (isinstance(value, str) and _is_day(value))
    if kind.type == "number":
        return type(value) is int and 0 <= value <= kind.most
    return isinstance(value, str) and len(value) <= kind.most


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10
