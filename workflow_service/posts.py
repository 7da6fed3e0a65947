"""Posts (岗位): which an organization may have, which two nobody holds at once, and who assigns accounts.

CD-05 keeps the network administrator (网络管理员) and the status administrator (学籍管理员) apart: the first assigns
accounts as the education section asks, keeps the system running and touches neither students nor requests; the second
decides and assigns nothing. BJ-07 names the posts of a school. Every refusal names the article.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from states.definition import Citation
from states.verdict import Cure, No, Reason
from workflow_service.actors import SUPERVISORS, Actor
from workflow_service.errors import Blocked, Forbidden, NotFound
from workflow_service.models import Account, Organization, RoleGrant

_BUREAU: Final = ("registrar", "viewer", "network", "auditor")
POSTS: Final[dict[str, tuple[str, ...]]] = {
    "bureau": _BUREAU,
    "holder": _BUREAU,
    "school": ("registrar", "principal", "class_teacher", "teacher", "doctor", "viewer", "network"),
    "system": ("admin", "security", "auditor"),
    "outside": (),
}
"""The posts of each kind of organization: of bureaus CD-05, of schools BJ-07 (系统管理员 is `network`)."""
APART: Final = frozenset({"registrar", "principal"})
"""Posts that decide about students: whoever holds one is no network administrator of the same organization."""

CD_05: Final = Citation(
    "CD-05", "《成都市中小学学生电子学籍管理办法（试行）》第五条（各地比照）", "inferred", "chengdu-k12"
)
BJ_07: Final = Citation(
    "BJ-07", "《北京市中小学生电子学籍管理办法（征求意见稿）》第七条（各地比照）", "inferred", "beijing-k12"
)


def _refusal(cite: Citation, zh: str, en: str, cure: tuple[str, str]) -> Blocked:
    no = No(zh, en, (Cure("choose", "applicant", *cure),))
    return Blocked(f"{zh}（{cite.rule}） / {en} ({cite.rule})", (Reason(cite, no),))


def check_post(connection: Connection, account_id: int, role: str) -> None:
    """Whether this account may be given a post. Raises NotFound, Blocked (CD-05, BJ-07).

    The posts are those of the person, not of one account: two accounts do not make two people.
    """
    found = connection.execute(
        select(Account.person_id, Account.organization_id, Organization.kind, Organization.name)
        .join(Organization, Organization.id == Account.organization_id).where(Account.id == account_id)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound(f"no account {account_id}")
    posts = POSTS.get(found.kind, ())
    if role not in posts:
        raise _refusal(
            CD_05 if found.kind in ("bureau", "holder") else BJ_07, f"{found.name}不设这一岗位",
            f"{found.name} has no such post",
            (f"可设的岗位：{'、'.join(posts)}", f"Possible: {', '.join(posts)}."),
        )  # fmt: skip
    held = set(connection.execute(
        select(RoleGrant.role).join(Account, Account.id == RoleGrant.account_id)
        .where(Account.person_id == found.person_id, RoleGrant.organization_id == found.organization_id,
               RoleGrant.revoked_at.is_(None))
    ).scalars())  # fmt: skip
    if (role == "network" and held & APART) or (role in APART and "network" in held):
        raise _refusal(
            CD_05, "网络管理员与学籍管理员分设，不得由一人兼任",
            "The network administrator and the status administrator are two people",
            ("请由另一人担任", "Give the post to somebody else."),
        )  # fmt: skip


def check_unasked(connection: Connection, organization_id: int) -> None:
    """Whether an account or post there may come from the command line alone: where no bureau can assign it yet.

    A bureau at or above it that has both administrators assigns by them, one asking and one assigning; before that the
    first of them have to come from somewhere. Raises Blocked (CD-05).
    """
    path = connection.execute(select(Organization.path).where(Organization.id == organization_id)).scalar_one()
    above = [path[: end + 1] for end, character in enumerate(path) if character == "/"]
    held = connection.execute(
        select(Organization.name, RoleGrant.role)
        .join(RoleGrant, RoleGrant.organization_id == Organization.id)
        .join(Account, Account.id == RoleGrant.account_id)
        .where(Organization.path.in_(above), Organization.kind.in_(SUPERVISORS), Account.active,
               RoleGrant.revoked_at.is_(None), RoleGrant.role.in_(("registrar", "network")))
    ).all()  # fmt: skip
    registrars, networks = ({row.name for row in held if row.role == role} for role in ("registrar", "network"))
    if both := sorted(registrars & networks):
        name = both[0]
        raise _refusal(
            CD_05, f"帐号和岗位由{name}的网络管理员按学籍管理员的要求分配",
            f"Accounts and posts are assigned by the network administrator of {name}, as its registrar asks",
            ("加 --by 和 --asked-by，两人各凭密码", "Add --by and --asked-by; both prove themselves by password."),
        )  # fmt: skip


def may_assign(connection: Connection, network: Actor, asked_by: Actor, organization_id: int) -> None:
    """Whether the network administrator may assign an account there, as this status administrator asks (CD-05).

    Raises Forbidden for whoever is no network administrator of a bureau above, Blocked where nobody of the education
    section of the same bureau asked for it.
    """
    path = connection.execute(select(Organization.path).where(Organization.id == organization_id)).scalar()
    if "network" not in network.roles or not network.supervises or path is None or not path.startswith(network.path):
        raise Forbidden("帐号由本区教育局网络管理员分配 / accounts are assigned by the bureau's network administrator")
    asks = connection.execute(
        select(Account.id).join(RoleGrant, RoleGrant.account_id == Account.id)
        .where(Account.id == asked_by.account_id, Account.active, Account.organization_id == network.organization_id,
               Account.person_id != network.person_id, RoleGrant.role == "registrar", RoleGrant.revoked_at.is_(None))
    ).first()  # fmt: skip
    if asks is None:
        raise _refusal(
            CD_05, "帐号须按本局教育科（学籍管理员）的要求分配",
            "Accounts are assigned as the education section of the same bureau asks",
            ("写明提出要求的学籍管理员", "Name the registrar who asks for it."),
        )  # fmt: skip


__all__ = ["APART", "POSTS", "check_post", "check_unasked", "may_assign"]
