"""Words of admission and registration (入学注册、补录、跨系统转学)."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

FACTS: Final[dict[str, FactKind]] = {
    "reported_on": FactKind("date", "报到日期", "Reported on", past=True),
    "sino_foreign_programme": FactKind("bool", "中外合作办学项目学生", "In a Sino-foreign programme"),
    "own_admission": FactKind("bool", "学校自主招生录取", "Admitted by the school's own admission"),
    "omission_cause": FactKind("text", "漏录原因", "Why the pupil was omitted", most=200),
    "record_elsewhere": FactKind("bool", "他处已有学籍", "Has a record elsewhere"),
    "home_teaching": FactKind("bool", "送教上门", "Taught at home"),
    "attends_here": FactKind("bool", "实际在本校就读", "Really attends this school"),
    "outside_school": FactKind("text", "外地学校名称", "School outside", most=80),
    "outside_bureau": FactKind("text", "外地主管教育局", "Bureau in charge outside", most=80),
    "contact_letter_asked": FactKind("bool", "对方要求就学联系函", "The other side asks for a contact letter"),
    "other_side_received_on": FactKind("date", "对方建立学籍日期", "The other side has the record since", past=True),
}
GROUNDS: Final[dict[str, tuple[str, str]]] = {
    "catchment_admission": ("就近入学", "Admission in the catchment"),
    "unified_admission": ("统一招生录取", "Unified admission"),
    "school_admission": ("学校自主招生录取", "Admitted by the school itself"),
    "overseas_student": ("境外学生及其他持境外证件的学生", "Student with a document from abroad"),
    "reserved_admission": ("恢复入学资格", "Restoring a reserved admission"),
    "admission_reserved": ("保留入学资格", "The admission is reserved"),
    "cannot_report_in_time": ("因特殊情况不能按期注册", "Cannot be registered in time for a special reason"),
    "health": ("因身体状况需要延缓入学", "Health"),
    "omitted_for_special_reason": ("因特殊原因漏录", "Omitted for a special reason"),
    "without_record": ("已录取或在读而无学籍", "Admitted or in class without a record"),
    "severe_disability": ("重度残疾送教上门", "Severe disability, taught at home"),
    "placement_of_newcomers": ("新生分班", "Placement of newcomers"),
    "admitted_twice": ("同一学生被两校录取", "Admitted by two schools"),
    "after_graduation": ("毕业后跨省就学", "To another province after graduation"),
    "from_outside": ("外地学校转入", "From a school outside"),
    "to_outside": ("转往外地学校", "To a school outside"),
}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {
    "hmt_permit": ("港澳台居民有效证件", "valid document of Hong Kong, Macao or Taiwan"),
    "deferral_application": ("延期注册申请", "application for deferral"),
    "postponement_application": ("缓学书面申请", "written application for postponement"),
    "district_hospital_proof": ("区级以上医院证明", "proof of a hospital at district level or above"),
    "deferral_proof": ("不能按期注册的证明", "proof why registration is late"),
    "in_school_proof": ("在校就读证明（盖章）", "proof of attending, stamped"),
    "outside_reception_proof": ("对方接收学籍的证明", "proof that the other side has the record"),
}
