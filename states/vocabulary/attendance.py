"""Words of being in school and away from it (在校与离校): suspension, dropout, leaving, going abroad, guests."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

FACTS: Final[dict[str, FactKind]] = {
    "effective_on": FactKind("date", "生效日期", "Effective from"),
    "until": FactKind("date", "期满日期", "Until"),
    "advised_months": FactKind("number", "医院建议休养月数", "Months of rest that the hospital advises", most=60),
    "class_name": FactKind("text", "班级名称", "Name of the class", most=40),
    "absent_since": FactKind("date", "未到校起始日期", "Absent since", past=True),
    "family_contacted": FactKind("bool", "已联系家长", "The family was contacted"),
    "dropout_cause": FactKind(
        "choice",
        "流失原因",
        "Cause of the dropout",
        (
            ("poverty", "家庭经济困难", "poverty"),
            ("illness", "疾病或残疾", "illness or disability"),
            ("unwilling", "厌学", "unwilling to learn"),
            ("work", "外出务工", "gone to work"),
            ("moved_away", "随家庭迁移", "moved away with the family"),
            ("family", "家庭变故", "a change in the family"),
            ("unknown", "去向不明", "whereabouts unknown"),
            ("other", "其他", "other"),
        ),
    ),
    "township_told_on": FactKind(
        "date", "书面报告乡镇政府（街道办）日期", "Township government told in writing on", past=True
    ),
    "migrant_child": FactKind("bool", "随迁子女", "Child of a migrant family"),
    "home_county": FactKind("text", "户籍所在县（接收档案）", "Home county, which takes the archive", most=80),
    "country": FactKind("text", "前往国家（地区）", "Country or region", most=80),
    "last_seen_on": FactKind("date", "最后见到学生的日期", "Last seen on", past=True),
    "died_on": FactKind("date", "死亡日期", "Died on", past=True),
    "sanctioned_on": FactKind("date", "处分决定日期", "Sanction decided on", past=True),
}
GROUNDS: Final[dict[str, tuple[str, str]]] = {
    "illness": ("因病", "Illness"),
    "recovered": ("病愈", "Recovered"),
    "still_ill": ("病未痊愈", "Still ill"),
    "retained_record": ("恢复学籍", "Restoring a retained record"),
    "back_from_elsewhere": ("启用学籍", "Reactivating the record"),
    "left_otherwise": ("其他离校", "Away for another reason"),
    "enlistment": ("应征入伍", "Enlisted in the army"),
    "own_wish": ("自愿退学", "At the family's own wish"),
    "overdue_absence": ("逾期未归", "Absent beyond the leave"),
    "retention_ended": ("保留学籍期满未返校", "Retention ended without a return"),
    "admission_given_up": ("放弃入学资格", "The admission was given up"),
    "found": ("失踪学生返回", "The missing pupil was found"),
    "state_sent": ("公派留学", "Sent abroad by the state"),
    "crime": ("触犯刑法", "A criminal offence"),
    "grave_breach": ("严重违反校规", "A grave breach of the school's rules"),
    "guest_returned": ("借读结束", "The guest has returned"),
}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {
    "suspension_form": ("休学申请表（一式两份）", "suspension form, in duplicate"),
    "grade_two_hospital_record": ("二级甲等以上医院诊断和病历", "records of a hospital of grade 2A or above"),
    "overseas_study_document": ("境外就读证明", "proof of study abroad"),
    "learning_record": ("学习经历证明", "learning record"),
    "police_report_receipt": ("公安机关报案回执", "receipt of a report to the police"),
    "sanction_decision": ("处分决定书", "decision on the sanction"),
    "withdrawal_application": ("退学申请", "application for leaving"),
    "grade_assessment": ("学业评估表", "assessment of the pupil's learning"),
    "skip_application": ("跳级申请表（盖章）", "application for skipping a grade, stamped"),
    "repeat_application": ("留级申请表（盖章）", "application for repeating a grade, stamped"),
    "guest_application": ("借读申请表", "application for attending as a guest"),
    "retention_application": ("保留学籍申请", "application for retaining the record"),
}
