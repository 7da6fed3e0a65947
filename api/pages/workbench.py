"""The workbench (工作台) and the lists of requests: what must be done today comes first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response, g, request

from api.endpoint import service
from api.pages.frame import address, page, pages
from api.pages.labels import BOXES, STATES, label
from api.pages.language import instant, t
from api.pages.session import actor
from states.calendar import day_opens, remaining_working_days
from states.vocabulary import STEPS
from workflow_service.actors import Actor
from workflow_service.boxes import MANY, BadCursor, Wanted, count_requests, desk, list_requests
from workflow_service.errors import NotFound
from workflow_service.models.columns import to_micros
from workflow_service.views.notices import notices_view
from workflow_service.views.request_rows import request_rows
from workflow_service.views.roll_up import below_view
from workflow_service.views.windows import windows_view

SOON = 3
"""Working days that count as soon, as on the API's dashboard."""
SHOWN = 60
PLACES = 10
"""Offices below that are shown at once; the others are one click away."""
ROWS = 50
DUE = {
    "overdue": ("已逾期", "Overdue"),
    "today": ("今日前到期", "Due by today"),
    "soon": ("3 个工作日内", "Within 3 workdays"),
}
POSTS = {
    "teacher": ("学籍业务由本校学籍管理员和校长办理；您可以查看办理窗口和政策规则。",
                "Your school’s registrar and principal handle student status; you can read windows and rules."),
    "network": ("您管理本单位的网络和终端；账号由系统管理员开立。",
                "You look after the network and the machines; accounts are opened by the system administrator."),
    "admin": ("账号和岗位在服务器上用命令行办理：workflow-service user --help。",
              "Accounts and roles are kept on the server’s command line: workflow-service user --help."),
    "security": ("授权由两人核对：在服务器上用 workflow-service user list 查看账号和岗位。",
                 "Grants are looked over by a second person: workflow-service user list, on the server."),
    "auditor": ("留痕链在服务器上用命令行核对：workflow-service audit verify。业务页面只显示您单位范围内的业务。",
                "The trail is verified on the server: workflow-service audit verify. Pages show your scope."),
}  # fmt: skip
"""Where a post that decides nothing finds its work (岗位说明)."""


@dataclass(frozen=True)
class Tile:
    """A figure that is a link to exactly the list it counts; counting stops at `MANY`."""

    count: int
    text: str
    href: str
    look: str


@pages.get("/")
def workbench() -> Response:
    """What is due today, soon and later; what waits for others; windows, drafts and notices."""
    if not actor().works_on_requests:
        return page("workbench.html", area="workbench", tiles=(), groups=(), waiting=(), drafts=(), notices=(),
                    windows=windows_with_countdown(), works=False, today=service().clocks.now(), next_due=None,
                    more=False, decides=False, post=_post(), below=None)  # fmt: skip
    g.todo_count, held, following = desk(service(), actor(), SHOWN)
    todo, more = request_rows(service(), held), following is not None
    waiting, _ = _rows(Wanted(box="waiting"), 8)
    drafts, _ = _rows(Wanted(box="mine", state="draft"), 8)
    today = [row for row in todo if row["due_group"] in ("overdue", "today")]
    soon = [row for row in todo if row["due_group"] == "soon"]
    later = [row for row in todo if row["due_group"] not in ("overdue", "today", "soon")]
    dates = [row["due_at"] for row in soon + later + waiting if row["due_at"] and row["due_group"] != "overdue"]
    return page(
        "workbench.html", area="workbench", tiles=_tiles(), waiting=waiting, drafts=drafts, works=True,
        groups=(("today", t("今日必须办", "Must be done today"), today),
        ("soon", t("三个工作日内到期", "Due within three working days"), soon),
                ("later", t("其余待办", "The rest"), later)),
        notices=notices_view(service(), actor()), windows=windows_with_countdown(), today=service().clocks.now(),
        next_due=min(dates, default=None), more=more, decides=decides(actor()), post=_post(),
        many_schools=actor().kind != "school", below=below_view(service(), actor()), places=PLACES,
    )  # fmt: skip


@pages.get("/requests", endpoint="list_requests")
def requests_page() -> Response:
    """One box of requests with its filters; the address holds the filters, so that it can be sent to a colleague."""
    wanted = {name: request.args.get(name, "").strip() for name in ("box", "kind", "state", "due", "q")}
    if wanted["box"] not in (*BOXES, "", "all"):
        raise NotFound
    box = wanted["box"] or _boxes()[0]
    due = _due_before(wanted["due"])
    asked = Wanted(
        None if box == "all" else box, wanted["kind"] or None, wanted["state"] or None, due, wanted["q"] or None
    )
    try:
        rows, cursor = list_requests(service(), actor(), asked, ROWS, request.args.get("cursor"))
    except BadCursor as error:
        raise NotFound from error
    counts = {name: count_requests(service(), actor(), Wanted(box=name), MANY) for name in BOXES}
    g.todo_count = counts["todo"]
    whole = asked.box is not None and asked == Wanted(box=asked.box)
    total = counts[box] if whole else count_requests(service(), actor(), asked, MANY)
    return page(
        "requests.html", area="list_requests", rows=request_rows(service(), rows), wanted={**wanted, "box": box},
        counts=counts,
        total=total, next_page=_again(cursor=cursor) if cursor else None,
        first_page=_again(cursor="") if request.args.get("cursor") else None,
        due_chips=_chips(box),
        states={code: label(STATES, code) for code in (*STEPS, "returned", "draft", "completed", "rejected",
                                                                     "recalled", "expired")},
        boxes=_boxes(), decides=decides(actor()), filtered=any(wanted[name] for name in ("state", "due", "q", "kind")),
    )  # fmt: skip


def _boxes() -> tuple[str, ...]:
    """The boxes that somebody has: nothing waits for whoever only looks, and nothing was started by them."""
    return tuple(BOXES) if decides(actor()) else ("waiting", "done")


def _post() -> str:
    """What somebody does here who decides nothing; empty for everybody else."""
    return "" if decides(actor()) else " ".join(t(*POSTS[role]) for role in sorted(actor().roles) if role in POSTS)


def _rows(wanted: Wanted, limit: int) -> tuple[list[dict[str, Any]], bool]:
    rows, cursor = list_requests(service(), actor(), wanted, limit)
    return request_rows(service(), rows), cursor is not None


def _tiles() -> list[Tile]:
    def tile(zh: str, en: str, look: str, **wanted: str) -> Tile:
        asked = Wanted(wanted["box"], None, wanted.get("state"), _due_before(wanted.get("due", "")))
        count = g.todo_count if asked == Wanted(box="todo") else count_requests(service(), actor(), asked, MANY)
        return Tile(count, t(zh, en), address("pages.list_requests", wanted), look if count else "none")

    own = [
        tile("待我办", "To do", "blue", box="todo"),
        tile("已逾期", "Overdue", "red", box="todo", due="overdue"),
        tile("今日前到期", "Due by today", "red", box="todo", due="today"),
        tile("3 个工作日内", "Within 3 workdays", "orange", box="todo", due="soon"),
    ]
    returned = tile("退回待补正", "Returned to us", "orange", box="todo", state="returned")
    arrivals = tile("待接收学生", "Arrivals to confirm", "blue", box="todo", state="awaiting_arrival")
    if not decides(actor()):
        return [tile("在办业务", "In progress", "blue", box="waiting"),
                tile("已逾期", "Overdue", "red", box="waiting", due="overdue")]  # fmt: skip
    others = [
        tile("等待对方", "Waiting for others", "blue", box="waiting"),
        tile("对方已逾期", "Overdue elsewhere", "red", box="waiting", due="overdue"),
    ]
    return [*own, *([returned, arrivals] if starts(actor()) else []), *others]


def decides(who: Actor) -> bool:
    """Whether anything can wait for this person: a viewer and an auditor only look."""
    return bool(who.roles & {"registrar", "principal"})


def starts(who: Actor) -> bool:
    """Whether this person takes students in: what was returned, and who arrives, is the registrar's."""
    return who.kind == "school" and "registrar" in who.roles


def windows_with_countdown() -> list[dict[str, Any]]:
    """The windows with the days until they close or open, for the countdown."""
    now = service().clocks.now()
    shown = []
    for row in windows_view(service(), actor()):
        at = row["closes"] if row["open"] else row["next_opening"]
        left = instant(at) - now if at else None
        shown.append({**row, "days": left.days if left else None, "hours": left.seconds // 3600 if left else None})
    return shown


def _due_before(due: str) -> int | None:
    """Microseconds before which something is due, for the filters of lists and tiles alike."""
    now: datetime = service().clocks.now()
    if due == "overdue":
        return service().clocks.legal() + 1
    if due not in DUE:
        return None
    calendar = service().calendar()
    last = now.date()
    while due == "soon" and remaining_working_days(calendar, now.date(), last + timedelta(days=1)) <= SOON:
        last += timedelta(days=1)
    return to_micros(day_opens(last + timedelta(days=1))) + 1


def _chips(box: str) -> list[tuple[str, str, bool]]:
    current = request.args.get("due", "")
    chips = {"": ("不限期限", "Any deadline"), **DUE}
    return [(_again(box=box, due=code, cursor=""), t(*pair), current == code) for code, pair in chips.items()]


def _again(**more: str) -> str:
    """The address of this page with some arguments changed."""
    return address("pages.list_requests", {**request.args.to_dict(), **more})
