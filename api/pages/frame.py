"""What every page shares (框架): who asks and in which language, the menu, messages, the headers of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, current_app, g, make_response, render_template, request, url_for

from api.endpoint import service
from api.errors import Problem
from api.pages import labels, language
from api.pages.language import half, lang, pick, t
from api.pages.outlook import facts_pending
from api.pages.packs import megabytes, pack_title
from api.pages.session import COOKIE, actor, drop_session, know_actor, require_actor, safe_next
from states.kinds import KINDS
from states.vocabulary import DATA_FACTS
from workflow_service.actors import Actor
from workflow_service.boxes import MANY, Wanted, count_requests
from workflow_service.errors import NotFound
from workflow_service.ids import parse_id
from workflow_service.offers import Offer, offers
from workflow_service.views.organizations import find_organization

pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing inline, nothing from outside: what a name or an opinion smuggles in has nothing to run with."""

FIELDS = {
    "student": ("学生", "Student"), "student.name": ("姓名", "Name"),
    "student.student_number": ("学籍号", "Student number"),
    "student_id": ("学生", "Student"), "destination_school_id": ("转入学校", "Destination school"),
    "grade": ("年级", "Grade"), "ground": ("事由", "Ground"), "file": ("文件", "File"), "kind": ("种类", "Kind"),
    "comment": ("意见", "Opinion"), "outcome": ("处理方式", "Outcome"), "reason": ("理由", "Reason"),
    "Idempotency-Key": ("表单", "Form"),
    "person.name": ("姓名", "Name"), "person.sex": ("性别", "Sex"), "person.birth_date": ("出生日期", "Born"),
    "person.identity_type": ("身份证件类型", "Identity document"),
    "person.identity_number": ("身份证件号", "Number of the document"),
    **{f"guardian{n}.{part}": (f"监护人{n}{zh}", f"Guardian {n}: {en}") for n in (1, 2)
       for part, zh, en in (("relation", "关系", "relation"), ("name", "姓名", "name"))},
}  # fmt: skip


@dataclass(frozen=True)
class Message:
    """Something the page says at its top. `look`: ok, warn, bad; `link` is (address, text)."""

    look: str
    text: str
    detail: str = ""
    reasons: Sequence[Mapping[str, Any]] = ()
    errors: Sequence[Mapping[str, Any]] = ()
    link: tuple[str, str] | None = None


@dataclass
class Me:
    """Who is signed in, as the frame shows it."""

    name: str
    organization: str
    roles: list[str]
    works: bool
    may_start: bool
    organization_id: str


def page(
    template: str, *, status: int = 200, messages: Sequence[Message] = (), area: str = "", **values: Any
) -> Response:
    """A page as an answer; `area` is the menu's entry that is marked."""
    return make_response(render_template(template, messages=messages, area=area, **values), status)


def bad(problem: Problem) -> Message:
    """A refusal as the page says it: what is wrong, every reason, what clears it."""
    title = half(problem.title)
    detail = half(problem.detail) if problem.detail and problem.detail != problem.title else ""
    members = problem.members
    if problem.status == 413:
        return Message("bad", detail or title, how_to_shrink())
    reasons, errors = members.get("blocked_by", ()), members.get("errors", ())
    said = bool(reasons) or any(str(error_text(error)).rstrip("。.") == str(detail).rstrip("。.") for error in errors)
    existing = members.get("existing")
    link = None if existing is None else (
        url_for("pages.show_request", request_id=existing["id"]),
        t("打开 {n}", "Open {n}", n=existing["number"]))  # fmt: skip
    return Message("bad", title, "" if said else detail, reasons, errors, link)


def how_to_shrink() -> str:
    """What somebody does about a file that is too large (文件过大怎么办)."""
    return t("照片请用“编辑—调整大小”缩小后再传；扫描件请用 200 dpi、灰度，或分页存为 JPG；多份文件请分次上传。",
             "Make a photograph smaller first (edit, resize); scan at 200 dpi in grey, or page by page as JPG; upload"
             " several files one after the other.")  # fmt: skip


def too_much() -> str:
    """A body that was refused before it was read: how much goes at a time."""
    most = megabytes(current_app.config["MAX_CONTENT_LENGTH"])
    return t("一次上传的文件合计不能超过 {n} MB；没有保存任何内容。",
             "The files of one upload may have {n} MB together; nothing was stored.", n=most)  # fmt: skip


def page_before() -> str | None:
    """The page of ours that a form was sent from, to go back to; None where that is not known."""
    sent_from = urlsplit(request.referrer or "")
    if request.method != "POST" or sent_from.netloc != urlsplit(request.host_url).netloc:
        return None
    return safe_next(sent_from.path + (f"?{sent_from.query}" if sent_from.query else ""))


def ident(text: str) -> int:
    """An id of the address. Raises NotFound for what is none."""
    found = parse_id(text)
    if found is None:
        raise NotFound
    return found


def address(endpoint: str, arguments: Mapping[str, str]) -> str:
    """The address of a page with its query, from values that are known only now."""
    return url_for(endpoint) + "?" + urlencode({name: value for name, value in arguments.items() if value})


def field_named(name: str) -> str:
    """A field of a body as people call it."""
    if name.startswith("data.") and name[5:] in DATA_FACTS:
        kind = DATA_FACTS[name[5:]]
        return t(kind.label, kind.label_en)
    return labels.label(FIELDS, name)


def error_text(error: Mapping[str, Any]) -> Any:
    """The message of one wrong field, in this language."""
    return pick(error) if error.get("message_en") else half(error.get("message"))


def offers_here(actor: Actor) -> dict[str, Offer]:
    """The kinds that the one who is signed in may start, asked once per page."""
    if "offers" not in g:
        g.offers = {offer.kind: offer for offer in offers(service(), actor)}
    found: dict[str, Offer] = g.offers
    return found


def start_of(kind: str, student: str) -> str | None:
    """The address at which a request of this kind about a student begins; None for whoever does not start it."""
    offer = offers_here(actor()).get(kind) if "registrar" in actor().roles and student else None
    if offer is None or (KINDS[kind].sides == "two" and "origin_school" not in offer.starters):
        return None
    return url_for("pages.new_request", kind=kind, student=student)


def me_of(actor: Actor) -> Me:
    """The frame's view of an actor."""
    registrar = "registrar" in actor.roles
    may_start = registrar and (actor.kind == "school" or (actor.supervises and bool(offers_here(actor))))
    roles = sorted(actor.roles)
    return Me(actor.name, g.organization_name, roles, actor.works_on_requests, may_start, str(actor.organization_id))


@pages.before_app_request
def settle() -> Response | None:
    """Language and, for pages, who asks; the API has its own way of asking."""
    if request.blueprint == pages.name:
        language.choose_language()
        return require_actor(service())
    if request.endpoint is None and not request.path.startswith("/api/"):
        # An address that is none: whoever is signed in sees that inside the usual frame.
        language.choose_language()
        know_actor(service())
    return None


@pages.after_request
def harden(answer: Response) -> Response:
    """Headers of every page; nothing of a page with names in it stays in a cache."""
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["X-Frame-Options"] = "DENY"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.endpoint != "pages.static":
        answer.headers.setdefault("Cache-Control", "no-store")
        answer.headers["Content-Language"] = "en" if lang() == "en" else "zh-CN"
    if request.args.get("lang") in ("zh", "en"):
        answer.set_cookie(language.COOKIE, lang(), max_age=365 * 86400, samesite="Lax", path="/", httponly=True)
    return answer


@pages.app_context_processor
def shared() -> dict[str, Any]:
    """What every template may use."""
    actor: Actor | None = g.get("actor")
    wanted = "zh" if lang() == "en" else "en"
    query = urlencode([(k, v) for k, v in request.args.items(multi=True) if k != "lang"] + [("lang", wanted)])
    here = request.path if request.method == "GET" else url_for("pages.workbench")
    return {
        **language.TEMPLATE_GLOBALS, **labels.TEMPLATE_GLOBALS, "me": None if actor is None else _me(actor),
        "csrf": g.get("csrf", ""), "other_language": f"{here}?{query}", "moved_day": moved_day(),
        "todo_count": todo_count(actor), "field_named": field_named, "facts_pending": facts_pending,
        "error_text": error_text, "pack_title": pack_title, "start_of": start_of,
    }  # fmt: skip


def _me(actor: Actor) -> Me:
    if "organization_name" not in g:
        g.organization_name = organization_name(actor)
    return me_of(actor)


def organization_name(actor: Actor) -> str:
    """The name of the actor's organization."""
    return str(find_organization(service(), actor, actor.organization_id).name)


def todo_count(actor: Actor | None) -> int:
    """How many requests wait for the one who is signed in, counted up to `MANY`; asked once per page."""
    if actor is None or not actor.works_on_requests:
        return 0
    if "todo_count" not in g:
        g.todo_count = count_requests(service(), actor, Wanted(box="todo"), MANY)
    return int(g.todo_count)


def moved_day() -> str | None:
    """Legal today, where TODAY has moved it by more than a minute."""
    clocks = service().clocks
    return clocks.now().date().isoformat() if abs(clocks.offset) > 60_000_000 else None


def show_problem(problem: Problem) -> Response:
    """An error that no page caught: to the sign-in page where nobody is signed in, else a page of its own."""
    if "lang" not in g:
        language.choose_language()
    signed_in = g.get("actor") is not None
    template = "problem.html" if signed_in else "problem_alone.html"
    details = [too_much(), how_to_shrink()] if problem.status == 413 else [half(problem.detail)]
    shown = render_template(template, problem=problem, details=details, back=page_before(), messages=(), area="")
    answer = make_response(shown, problem.status)
    answer.headers.update(problem.headers)
    if problem.status == 401 and request.cookies.get(COOKIE):
        drop_session(answer)
    return harden(answer)
