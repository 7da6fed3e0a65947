"""Records that may be one person (查重): found in blocks, queued, settled by proof, change or merge."""

from workflow_service.duplicates.deciding import Decision, check_speaker, decide
from workflow_service.duplicates.finding import Found, duplicates_of, like, noticed
from workflow_service.duplicates.merging import check_may_undo, remaining, undo
from workflow_service.duplicates.rechecking import recheck

__all__ = [
    "Decision",
    "Found",
    "check_may_undo",
    "check_speaker",
    "decide",
    "duplicates_of",
    "like",
    "noticed",
    "recheck",
    "remaining",
    "undo",
]
