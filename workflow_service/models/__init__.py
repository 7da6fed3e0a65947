"""The tables, one file per family; importing this package registers them all."""

from workflow_service.models.accounts import AccessLog, Account, RoleGrant, Token
from workflow_service.models.columns import Base
from workflow_service.models.counters import BOX_DELTA, BoxCount
from workflow_service.models.duplicates import (
    DuplicatePair,
    DuplicateSweep,
    DuplicateWord,
    IdentityFinding,
    LikenessBlock,
    StudentMerge,
)
from workflow_service.models.organizations import Organization, PlaceHold, SchoolClass, SchoolStage, Supervision
from workflow_service.models.policies import (
    Heartbeat,
    ImportBatch,
    LegalClock,
    Outage,
    PackVersion,
    PolicyProposal,
    Term,
    WindowDate,
    WindowNotice,
    WorkingDay,
)
from workflow_service.models.records import DataHistory, FollowUp, ReleasedData
from workflow_service.models.requests import (
    Batch,
    History,
    HistoryComment,
    Judgement,
    Notice,
    Outbox,
    Paper,
    RefusedJudgement,
    Request,
    RequestDocument,
    RequestKey,
    RequestParty,
)
from workflow_service.models.students import (
    Enrolment,
    Guardian,
    NumberHistory,
    NumberSweep,
    RegisterEntry,
    Student,
    StudentNumber,
)

APPEND_ONLY = ("history", "access_log", "pack_version", "judgement", "number_history", "duplicate_word",
               "data_history")  # fmt: skip
"""Tables of which the service's own role may neither change nor remove a row."""

__all__ = [
    "APPEND_ONLY",
    "BOX_DELTA",
    "AccessLog",
    "Account",
    "Base",
    "Batch",
    "BoxCount",
    "DataHistory",
    "DuplicatePair",
    "DuplicateSweep",
    "DuplicateWord",
    "Enrolment",
    "FollowUp",
    "Guardian",
    "Heartbeat",
    "History",
    "HistoryComment",
    "IdentityFinding",
    "ImportBatch",
    "Judgement",
    "LegalClock",
    "LikenessBlock",
    "Notice",
    "NumberHistory",
    "NumberSweep",
    "Organization",
    "Outage",
    "Outbox",
    "PackVersion",
    "Paper",
    "PlaceHold",
    "PolicyProposal",
    "RefusedJudgement",
    "RegisterEntry",
    "ReleasedData",
    "Request",
    "RequestDocument",
    "RequestKey",
    "RequestParty",
    "RoleGrant",
    "SchoolClass",
    "SchoolStage",
    "Student",
    "StudentMerge",
    "StudentNumber",
    "Supervision",
    "Term",
    "Token",
    "WindowDate",
    "WindowNotice",
    "WorkingDay",
]
