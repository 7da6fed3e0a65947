"""What an event leads to (办理后果), the clock in words, a trail that reads: all made from the request's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup, escape

from api.pages.effects import effects, ending, held_back, in_past
from api.pages.labels import HISTORY, label
from api.pages.language import day, days_in_words, pick, t, zh
from states.decide import WAITS
from states.plan import APPROVING

Request = Mapping[str, Any]

OPINIONS = {
    "principal": (("情况属实，同意。", "The facts are right; agreed."),
    ("材料齐全，同意。", "The papers are complete; agreed.")),
    "registrar": (("经核，材料齐全，符合规定，同意。", "Checked: papers complete, rules met; agreed."),
                  ("信息核对无误。", "The data have been checked.")),
    "return": (("扫描件不清晰，请重新上传。", "The scan cannot be read; please upload it again."),
               ("所填内容与材料不一致，请核对。", "What is filled in differs from the papers; please check."),
               ("已电话告知监护人。", "The guardian was told by telephone.")),
    "reject": (("已电话告知监护人。", "The guardian was told by telephone."),),
}  # fmt: skip
"""Opinions that are written every day (常用意见), for one click."""


def consequence(view: Request, event: str) -> str:
    """What happens when this event is sent."""
    if event in ("approve", "file", "submit", "confirm_arrival"):
        return _forward(view, event)
    sentences = {
        "return": t("期限停止计算，由{s}补正后重新提交，回到本环节。",
                    "The clock stops; {s} completes it and resubmits; it comes back to this step.",
                    s=_name(view["applicant"])),
        "reject": t("{e}；监护人可以申诉。", "{e}; the guardian may object.", e=ending(view)),
        "recall": t("{e}；可另行申请。", "{e}; another request can be made.", e=ending(view)),
        "resubmit": t("回到原环节，期限按剩余天数继续计算。", "Back to the step it came from; the clock goes on."),
        "remind": t("向当前办理单位发出催办并记入流转记录。", "The unit is reminded; the trail shows it."),
        "note": t("只记入流转记录，不改变状态。", "Only written into the trail; the state stays."),
    }  # fmt: skip
    return sentences.get(event, "")


def _forward(view: Request, event: str) -> str:
    route = [step for step in view["steps"] if step["status"] != "skipped"]
    here = next((i for i, step in enumerate(route) if step["status"] == "current"), -1)
    several = route[here]["organizations"] if here >= 0 and event != "submit" else []
    if len(several) > 1 and len(route[here]["approved"]) + 1 < len(several):
        return t("还须另一单位核准后才进入下一环节。", "The other unit must confirm too before it goes on.")
    if here + 1 >= len(route):
        if view["waits_until"]:
            waits = t("等到 {d} 自动办结；此前可以撤回。",
                      "Until {d} it waits and can be recalled; then it is completed.",
                      d=day(view["waits_until"]))  # fmt: skip
            return Markup(" ").join([*effects(view), waits])
        return Markup(" ").join([*effects(view), t("本件办结。", "The request is completed.")])
    after = route[here + 1]
    units = escape(t("、", ", ")).join(_name(unit) for unit in after["organizations"])
    text = t("进入“{step}”，由{units}在 {n} 个工作日内办理。", "Goes on to “{step}”: {units}, within {n} working days.",
             step=pick(after, "label"), units=units, n=after["working_days"])  # fmt: skip
    return Markup(" ").join([text, held_back(view)]) if event == "submit" and held_back(view) else text


def _name(organization: Mapping[str, Any]) -> Markup:
    return zh(organization["name"])


def clock_in_words(clock: Mapping[str, Any] | None) -> str:
    """10 个工作日：2026-09-18 收到，2026-09-20 起算，扣除 09-25 至 09-27，截止 2026-10-09 24:00。"""
    if not clock:
        return ""
    if clock["rule"] == WAITS.rule:
        return t("已审核通过，{due} 24:00 起自动生效；此前可以撤回。",
                 "Decided; it takes effect by itself from 24:00 of {due} on, and can be recalled before.",
                 due=clock["due"])  # fmt: skip
    skipped = days_in_words(list(clock["skipped"]))
    return t(
        "{n} 个工作日：{received} 收到（当日不计），{starts} 起算{skip}，截止 {due} 24:00。",
        "{n} working days: received {received} (not counted), counted from {starts}{skip}, due {due} 24:00.",
        n=clock["working_days"], received=clock["received"], starts=clock["starts"], due=clock["due"],
        skip=t("，扣除 {d}", ", without {d}", d=skipped) if skipped else "",
    )  # fmt: skip


def pauses_in_words(clock: Mapping[str, Any] | None) -> str:
    """The days on which the clock stood still."""
    pauses = [_span(a, b) for a, b in (clock or {}).get("paused", ())]
    return t("补正期间不计：{p}", "Not counted while returned: {p}", p=t("、", ", ").join(pauses)) if pauses else ""


def _span(first: str, last: str | None) -> str:
    return t("{a} 至 {b}", "{a} to {b}", a=first, b=last) if last else t("{a} 至今", "since {a}", a=first)


def returned_because(view: Request) -> Mapping[str, Any] | None:
    """The return that a returned request waits with: who wrote what."""
    if view["state"] != "returned":
        return None
    return next((row for row in reversed(view["history"]) if row["event"] == "return"), None)


def ended_because(view: Request) -> Mapping[str, Any] | None:
    """The event that ended a request: who, when, with which reason and words."""
    if not view["final"]:
        return None
    return next((row for row in reversed(view["history"]) if row["to"] == view["state"]), None)


def ended_then(view: Request) -> str:
    """What an end means for the family, and what can still be done."""
    if view["state"] == "completed":
        return in_past(view)
    if view["state"] == "rejected":
        return t("{e}；监护人有异议的可以申诉。", "{e}; the guardian may object.", e=ending(view))
    return t("{e}；仍需办理的，可以重新申请。", "{e}; a new request can be made.", e=ending(view))


def missing_lines(view: Request) -> list[str]:
    """All that is missing, in this language, each with what may stand for it: what a return lists at once."""
    lines = []
    for row in view["documents"]:
        if row["required"] and not row["present"]:
            ways = [
                t("＋", " + ").join(str(pick(row["kinds"][kind], "label")) for kind in bundle)
                for bundle in row["any_of"]
            ]
            lines.append(t(" 或 ", " or ").join(ways))
    brings = set(view["facts"]["brings"])
    facts = [reason for event in view["events"] for reason in event["blocked_by"]
             if reason["pending"] and not _is_brought(reason, brings)]  # fmt: skip
    for reason in [*view["pending_facts"], *facts]:
        text = str(pick(reason))
        if text not in lines and not _is_paper(reason):
            lines.append(text)
    return lines


def facts_pending(reasons: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What is missing and no paper: the papers are listed with their alternatives beside it."""
    return [reason for reason in reasons if not _is_paper(reason)]


def _is_paper(reason: Mapping[str, Any]) -> bool:
    """Whether the reason is a missing paper, which the list of papers says already."""
    return str(reason["message"]).startswith("缺少材料")


def sendable(view: Request) -> list[Mapping[str, Any]]:
    """The events that the page has a button for: those that are allowed, and those that want only what comes along.

    A step's holder gives some facts with the deciding event itself; that they are not there yet is no reason to hide
    the form in which they are given.
    """
    brings = set(view["facts"]["brings"])
    return [event for event in view["events"] if event["allowed"] or _wants_only(event, brings)]


def _wants_only(event: Mapping[str, Any], brings: set[str]) -> bool:
    return event["event"] in APPROVING and all(_is_brought(reason, brings) for reason in event["blocked_by"])


def _is_brought(reason: Mapping[str, Any], brings: set[str]) -> bool:
    ways = (set(cure["facts"]) for cure in reason["cures"])
    return bool(reason["pending"]) and any(way and way <= brings for way in ways)


def event_groups(view: Request) -> list[dict[str, Any]]:
    """The events that are not allowed, those with the same reasons together: a reason is read once."""
    buttons, brings = [event["event"] for event in sendable(view)], set(view["facts"]["brings"])
    groups: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for event in view["events"]:
        if event["event"] not in buttons:
            # What the holder gives with the event is asked beside its button once all else is there.
            reasons = [reason for reason in event["blocked_by"] if not _is_brought(reason, brings)]
            mark = tuple((reason["rule"], reason["message"]) for reason in reasons)
            group = {"events": [], "blocked_by": reasons, "others": _of_others(event)}
            groups.setdefault(mark, group)["events"].append(event)
    return sorted(groups.values(), key=lambda group: bool(group["others"]))


def _of_others(event: Mapping[str, Any]) -> bool:
    """Whether nothing but the post stands in the way: another's business, which need not fill this one's page."""
    return all(cure["do"] == "tell" for reason in event["blocked_by"] for cure in reason["cures"] or ({"do": ""},))


def trail(view: Request) -> list[dict[str, Any]]:
    """The history for reading: newest first, uploads of one person in a row as one line."""
    lines: list[dict[str, Any]] = []
    for row in view["history"]:
        last = lines[-1] if lines else None
        if (
            last
            and row["event"] in ("add_document", "remove_document")
            and (last["event"], last["by"]) == (row["event"], row["by"])
        ):
            last["count"] += 1
            last["at"] = row["at"]
            continue
        lines.append({**row, "count": 1, "look": _look(row)})
    return lines[::-1]


def _look(row: Mapping[str, Any]) -> str:
    if row["event"] in ("approve", "file", "confirm_arrival", "submit", "resubmit"):
        return "good"
    if row["event"] in ("reject", "expire", "recall"):
        return "bad"
    return "back" if row["event"] in ("return", "escalate", "remind") else ""


def _draft_stored(view: Request) -> str:
    """That the draft is kept, and the next thing to do about it: what is wrong, else the papers, else to submit."""
    if not any(event["event"] == "submit" for event in sendable(view)):
        return t("草稿已保存，但现在还不能提交，原因见“办理”。",
                 "The draft is stored, but cannot be submitted yet: the reasons stand under “Decide”.")  # fmt: skip
    if any(row["required"] and not row["present"] for row in view["documents"]):
        return t("草稿已保存。请上传材料后提交。", "The draft is stored. Upload the papers, then submit.")
    return t("草稿已保存。请核对后提交。", "The draft is stored. Check it, then submit.")


def done_text(view: Request, event: str) -> str:
    """What is said after an event was sent."""
    texts = {
        "create": _draft_stored(view),
        "amend": t("已保存修改。", "The correction is stored."),
        "add_document": t("材料已上传。", "The paper is uploaded."),
        "remove_document": t("材料已移除。", "The paper is removed."),
    }
    if event == "confirm_arrival" and view["kind"] == "transfer":
        return t("已确认接收，学籍已转入本校。", "Arrival confirmed: the enrolment has moved here.")
    if event in texts:
        return texts[event]
    if event not in HISTORY:
        return ""
    return t("已办理：{e}。当前：{s}", "Done: {e}. Now: {s}", e=label(HISTORY, event), s=pick(view, "state_label"))
