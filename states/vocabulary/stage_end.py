"""Words of promotion and the end of a stage (升级、毕业、学历)."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

FACTS: Final[dict[str, FactKind]] = {
    # Graduation and certificates.
    "late_entry": FactKind("bool", "逾期补办（须主管教育局审核）", "Entered late, which the bureau decides"),
    "all_courses_passed": FactKind("bool", "课程全部合格", "All courses passed"),
    "credential_type": FactKind(
        "choice",
        "办学类型",
        "Type of higher education",
        (
            ("regular", "普通高等教育", "regular"),
            ("adult", "成人高等教育", "adult"),
            ("self_study", "高等教育自学考试", "self-study"),
            ("online", "网络教育", "online"),
        ),
    ),
    "credential_level": FactKind(
        "choice",
        "培养层次",
        "Level",
        (
            ("doctorate", "博士研究生", "doctorate"),
            ("master", "硕士研究生", "master"),
            ("second_bachelor", "第二学士学位", "second bachelor's degree"),
            ("bachelor", "本科", "bachelor"),
            ("junior_college", "专科", "junior college"),
        ),
    ),
    "major": FactKind("text", "专业", "Major", most=80),
    "study_length": FactKind("text", "学制", "Length of schooling", most=20),
    "study_form": FactKind(
        "choice",
        "学习形式",
        "Form of study",
        (
            ("full_time", "全日制", "full time"),
            ("part_time", "非全日制", "part time"),
            ("evening", "业余", "in spare time"),
            ("correspondence", "函授", "by correspondence"),
            ("online", "网络", "online"),
        ),
    ),
    "certificate_on": FactKind("date", "证书日期", "Date on the certificate"),
    "president": FactKind("text", "校（院）长姓名", "The president's name", most=60),
    "face_match_failed": FactKind(
        "bool", "毕业照片与录取照片比对未通过", "Graduation and admission photos do not match"
    ),
    "error_by": FactKind(
        "choice",
        "差错来源",
        "Whose error it is",
        (
            ("school", "学校工作失误", "the school's own mistake"),
            ("student", "学生本人填报有误", "the student's mistake"),
            ("later_change", "注册后发生的变更", "a change that came later"),
        ),
    ),
    # Registration in higher education.
    "conditions_met": FactKind("bool", "已缴费并符合注册条件", "Fees paid and conditions for registering met"),
    "recheck_procedure": FactKind("bool", "复查：录取手续合规", "Re-check: the admission was lawful"),
    "recheck_qualification": FactKind("bool", "复查：入学资格真实", "Re-check: the qualification is true"),
    "recheck_identity": FactKind("bool", "复查：本人与证件、档案一致", "Re-check: person and documents agree"),
    "recheck_health": FactKind("bool", "复查：身心健康符合要求", "Re-check: health is as required"),
    "recheck_special": FactKind(
        "bool",
        "复查：艺术、体育等特殊类型水平合格（不涉及的填是）",
        "Re-check: special level is good, or none is asked",
    ),
    "application_received_on": FactKind(
        "date", "学校收到学生申请日期", "The school received the student's application on", past=True
    ),
    # Changes and transfers in higher education.
    "changed_on": FactKind("date", "公安机关变更日期", "Changed by the police on", past=True),
    "name_and_number": FactKind("bool", "姓名与身份证号同时变更", "Both name and identity number change"),
    "service_ends_on": FactKind("date", "服役结束日期", "Service ends on"),
    "score_reaches_target": FactKind(
        "bool",
        "高考成绩达到拟转入专业同一生源地相应年份录取线",
        "The score reaches the target's of the same origin and year",
    ),
    "to_higher_level": FactKind("bool", "由低学历层次转为高学历层次", "From a lower level to a higher one"),
    "contracted_employment": FactKind("bool", "定向就业招生录取", "Admitted on contracted employment"),
    "standard_higher": FactKind(
        "bool", "研究生拟转入学校、专业录取标准高于所在学校、专业", "The target's standard for postgraduates is higher"
    ),
    "special_admission": FactKind("bool", "特殊招生形式录取", "Admitted by a special form"),
    "cross_discipline": FactKind("bool", "跨学科门类", "Across disciplines"),
    "notice_from": FactKind("date", "公示开始日期", "Public notice from"),
}
GROUNDS: Final[dict[str, tuple[str, str]]] = {
    "special_difficulty": ("特殊困难", "A special difficulty"),
}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {
    "results_sheet": ("成绩单", "results sheet"),
    "public_notice": ("公示材料", "public notice"),
    "meeting_decision": ("校长办公会（专题会议）决定", "decision of the president's meeting"),
    "school_consent": ("学校同意转学的证明", "the school's consent to the transfer"),
    "correction_proof": ("勘误证明材料", "proof of the error"),
    "certificate_copy": ("学历证书复印件", "copy of the certificate"),
}
