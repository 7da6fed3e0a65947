"""Who settles a pair of records that may be one person (查重处理), and what stands against a decision.

SYS-31: proof (佐证: both stay), change (变更: one is corrected, and looked at again), merge (合并: one remains).
SYS-33: one school decides alone, two schools agree, across counties every side proves and the bureaus verify.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from states.definition import Basis, Citation
from states.verdict import Cure, No, Reason

OUTCOMES: Final = ("proof", "change", "merge")
OUTCOME_LABELS: Final = {
    "proof": ("佐证保留", "Keep both, with proof"),
    "change": ("变更数据", "Correct one of them"),
    "merge": ("合并学籍", "Merge into one"),
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two records: its school and bureau by id, both places' paths; `staffed` is whether the school has an
    account that could answer.
    """

    student_id: int
    school_id: int
    school_path: str
    bureau_id: int
    bureau_path: str
    staffed: bool = True

    @property
    def county(self) -> str:
        """The path above the school."""
        return self.school_path.rstrip("/").rsplit("/", 1)[0] + "/"

    @property
    def province(self) -> str:
        """The first part of the path."""
        return self.school_path.strip("/").split("/")[0]


@dataclass(frozen=True, slots=True)
class Party:
    """A unit whose word is needed (须表态的单位), and the rule that says so."""

    organization_id: int
    bureau: bool
    cite: Citation


@dataclass(frozen=True, slots=True)
class Word:
    """What a unit said: the outcome, and for `change` who is corrected, for `merge` who remains."""

    organization_id: int
    outcome: str
    student_id: int | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A word before it is taken. `by_party` None: the speaker is none of the parties."""

    outcome: str
    student_id: int | None
    comment: str
    verified: bool
    guardian_agrees: bool
    open_requests: int
    merged_before: bool


def _cite(rule: str, article: str, basis: Basis) -> Citation:
    return Citation(rule, article, basis, "national-k12")


SAME_SCHOOL = _cite("SYS-33", "同校由学校处理", "read")
TWO_SCHOOLS = _cite("SYS-33", "两校均须同意", "read")
TWO_COUNTIES = _cite("SYS-33", "跨县市由各方举证、主管教育局核实", "read")
TWO_PROVINCES = _cite("SYS-34", "跨省由监护人选择", "read")
PROOF = _cite("SYS-31", "佐证、变更须有证明", "read")
NOBODY_THERE = _cite("DUP-01", "学校无在岗学籍管理员时由主管教育局代为表态", "decided")
DISAGREE = _cite("DUP-02", "各方意见不一致时由共同的上级教育局裁定", "decided")
OPEN_BUSINESS = _cite("DUP-03", "有在办业务的学籍不得并入他人", "decided")
WHO_UNDOES = _cite("DUP-04", "合并由原处理单位或其上级教育局撤销", "decided")
MERGED_ALREADY = _cite("DUP-05", "已并入他人的学籍不再处理", "decided")
SCHOOL_CLOSED = _cite("DUP-06", "撤销合并的学籍须回到仍在办学的学校或其接收学校（比照 N13-12）", "decided")
RULES: Final = (
    SAME_SCHOOL, TWO_SCHOOLS, TWO_COUNTIES, TWO_PROVINCES, PROOF, NOBODY_THERE, DISAGREE, OPEN_BUSINESS, WHO_UNDOES,
    MERGED_ALREADY, SCHOOL_CLOSED,
)  # fmt: skip


def parties(first: Side, second: Side) -> tuple[Party, ...]:
    """Whose word is needed, each unit once: the schools, and across counties their bureaus (SYS-33)."""
    if first.school_id == second.school_id:
        return (_school(first, SAME_SCHOOL),)
    apart = first.county != second.county
    cite = TWO_COUNTIES if apart else TWO_SCHOOLS
    found = {party.organization_id: party for party in (_school(first, cite), _school(second, cite))}
    if apart:
        for side in (first, second):
            found[side.bureau_id] = Party(side.bureau_id, bureau=True, cite=TWO_COUNTIES)
    return tuple(found.values())


def _school(side: Side, cite: Citation) -> Party:
    # A school where nobody has an account would keep the pair, and the child, waiting for ever.
    return Party(side.school_id, False, cite) if side.staffed else Party(side.bureau_id, True, NOBODY_THERE)


def settled(needed: Iterable[Party], words: Mapping[int, Word], judge: Word | None) -> Word | None:
    """What is decided: what every party says alike, or what the bureau of them all says once they differ (DUP-02)."""
    said = [words.get(party.organization_id) for party in needed]
    if disagree(words) and judge is not None:
        return judge
    first = said[0]
    if first is None or any(w is None or (w.outcome, w.student_id) != (first.outcome, first.student_id) for w in said):
        return None
    return first


def disagree(words: Mapping[int, Word]) -> bool:
    """Whether two units said different things."""
    return len({(word.outcome, word.student_id) for word in words.values()}) > 1


def above_both(first: Side, second: Side, path: str) -> bool:
    """Whether a bureau with this path stands above both schools."""
    return first.school_path.startswith(path) and second.school_path.startswith(path)


def objections(first: Side, second: Side, party: Party, said: Proposal) -> tuple[Reason, ...]:
    """Everything that stands against taking this word, () when nothing does."""
    return tuple(_objections(first, second, party, said))


def _objections(first: Side, second: Side, party: Party, said: Proposal) -> Iterator[Reason]:
    ask = Cure("supply", "applicant", "写明后再提交", "State it and submit again")
    if not said.comment.strip():
        yield Reason(PROOF, No("须写明证明材料和理由。", "Say what proves it, and why.", (ask,)))
    if party.bureau and first.county != second.county and not said.verified:
        yield Reason(TWO_COUNTIES, No("跨县市的，主管教育局须先与公安机关核实。",
                                      "Across counties the bureau verifies with the police first.",
                                      (ask,)))  # fmt: skip
    if first.province != second.province and not said.guardian_agrees:
        yield Reason(TWO_PROVINCES, No("跨省的由监护人选择保留哪一份学籍，须取得其书面意见。",
                                       "Across provinces the guardian chooses; his written choice is needed.",
                                       (ask,)))  # fmt: skip
    if said.outcome == "merge" and said.open_requests:
        settle = Cure("settle", "applicant", "先办结或撤回该学籍的在办业务", "Finish or recall its open requests first")
        yield Reason(OPEN_BUSINESS, No("要并入的学籍有在办业务。", "The record to be merged has open requests.",
                                       (settle,)))  # fmt: skip
    if said.merged_before:
        undo = Cure("settle", "applicant", "先撤销原来的合并", "Undo that merge first")
        yield Reason(MERGED_ALREADY, No("其中一份学籍已并入他人。", "One of the records is merged already.", (undo,)))


def nowhere_to_go(school: str, keeper: str | None) -> Reason:
    """Why a merge is not undone: the school to which the record would go back is closed, and none took it over.

    `keeper`: the unit that keeps its archive, None where nobody wrote it down.
    """
    zh = f"{school}已撤销且没有接收学校，学籍不能回到该校"
    en = f"{school} is closed, and no school took it over: the record cannot go back there."
    cure = Cure(
        "ask", "applicant",
        f"合并保持不变；学生继续就读的，由现就读学校补建学籍，原档案向{keeper or '主管教育局'}查询",
        "The merge stays; the school that the pupil attends now creates his record, "
        f"after the archive with {keeper or 'the bureau'}.",
    )  # fmt: skip
    return Reason(SCHOOL_CLOSED, No(zh, en, (cure,)))
