"""Words of the record itself (学籍信息): key data, problem records, results, hardship, objections, archives."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

_SEXES: Final = (("1", "男", "male"), ("2", "女", "female"))
_IDENTITY_TYPES: Final = (
    ("1", "居民身份证", "resident identity card"),
    ("6", "香港特区护照、身份证明", "Hong Kong document"),
    ("7", "澳门特区护照、身份证明", "Macao document"),
    ("8", "台湾居民来往大陆通行证", "Taiwan permit"),
    ("9", "境外永久居住证", "permanent residence permit"),
    ("A", "护照", "passport"),
    ("Z", "其他", "other"),
)
PROBLEM_KINDS: Final = (
    ("identity_number_wrong", "身份证号错误", "wrong identity number"),
    ("identity_number_not_found", "公安库中查无此号", "number not in the police database"),
    ("identity_name_differs", "身份证号正确而姓名不符", "number right, name differs"),
    ("duplicate_with_identity_number", "有身份证号的重复学籍", "duplicate record with an identity number"),
    ("duplicate_without_identity_number", "无身份证号的重复学籍", "duplicate record without an identity number"),
    ("record_without_pupil", "有籍无人（空挂学籍）", "a record without a pupil"),
)
"""Kinds of problem records (SYS-30, SYS-37) that a school reports; the duplicate check marks its own."""

FACTS: Final[dict[str, FactKind]] = {
    # Key data (关键信息), SYS-20.
    "new_name": FactKind("sealed", "变更后姓名", "New name", most=100),
    "new_sex": FactKind("choice", "变更后性别", "New sex", _SEXES),
    "new_birth_date": FactKind("date", "变更后出生日期", "New birth date"),
    "new_identity_type": FactKind("choice", "变更后证件类型", "New kind of identity document", _IDENTITY_TYPES),
    "new_identity_number": FactKind("sealed", "变更后证件号", "New identity number", most=40, mask="number"),
    "duplicate_excluded": FactKind("bool", "查重疑似已核实排除", "Suspected doubles were looked into and excluded"),
    # Basic data that no rule protects (基础信息), SYS-21.
    "ethnicity": FactKind("text", "民族", "Ethnic group", most=20),
    "native_place": FactKind("text", "籍贯", "Native place", most=100),
    "political_status": FactKind("text", "政治面貌", "Political status", most=40),
    "home_address": FactKind("sealed", "家庭住址", "Home address", most=200),
    "home_phone": FactKind("sealed", "联系电话", "Phone", most=40, mask="phone"),
    "talents": FactKind("text", "特长与兴趣", "Talents and interests", most=200),
    "pupil_type": FactKind(
        "choice",
        "学生类别属性",
        "Type of pupil",
        (
            ("00", "普通学生", "ordinary"),
            ("10", "随班就读", "in an ordinary class with a disability"),
            ("11", "视力残疾", "visually impaired"),
            ("12", "听力残疾", "hearing impaired"),
            ("13", "智力残疾", "intellectually impaired"),
            ("19", "其他随班就读", "another disability"),
            ("20", "借读生", "guest"),
        ),
    ),
    "only_child": FactKind("bool", "是否独生子女", "Only child"),
    "left_behind": FactKind("bool", "是否留守儿童", "Left-behind child"),
    "boarding": FactKind("bool", "是否住校", "Boards at school"),
    "guardian_name": FactKind("sealed", "监护人姓名", "Guardian's name", most=100),
    "guardian_relation": FactKind("text", "与监护人关系", "Relation of the guardian", most=20),
    "guardian_phone": FactKind("sealed", "监护人电话", "Guardian's phone", most=40, mask="phone"),
    "guardian_birth_date": FactKind("date", "监护人出生日期", "Guardian's birth date"),
    "guardian_identity_number": FactKind(
        "sealed", "监护人证件号", "Guardian's identity number", most=40, mask="number"
    ),
    "guardian_education": FactKind("text", "监护人文化程度", "Guardian's education", most=40),
    "guardian_occupation": FactKind("text", "监护人职业", "Guardian's occupation", most=60),
    # Results, evaluation, awards, sanctions (成绩与评价), SCH-06.
    "entry_section": FactKind(
        "choice",
        "事项类别",
        "Kind of entry",
        (
            ("result", "成绩", "result"),
            ("evaluation", "综合素质评价", "evaluation"),
            ("award", "奖励", "award"),
            ("sanction", "处分", "sanction"),
        ),
    ),
    "entry_of": FactKind("text", "科目或名称", "Subject or name", most=100),
    "entry_term": FactKind("text", "学期", "Term", most=40),
    "entry_value": FactKind("text", "成绩或内容", "Mark or content", most=500),
    "entry_number": FactKind("text", "原事项编号", "Number of the entry to be corrected", most=30),
    # Problem records (问题学籍), SYS-30.
    "problem_kind": FactKind("choice", "问题类型", "Kind of problem", PROBLEM_KINDS),
    "pair": FactKind("text", "疑似重复编号", "Number of the suspected double", most=30),
    "police_verified": FactKind("bool", "已经公安核实", "Verified with the police"),
    # Hardship (贫困生).
    "hardship_level": FactKind(
        "choice",
        "困难等级",
        "Level of hardship",
        (
            ("general", "一般困难", "in hardship"),
            ("severe", "困难", "in severe hardship"),
            ("extreme", "特别困难", "in extreme hardship"),
        ),
    ),
    # Objections (申诉), HB-03.
    "objects_to": FactKind("text", "所涉事项或受理编号", "What or which request it is about", most=200),
    "objection": FactKind("text", "申诉内容", "The objection"),
    "objection_outcome": FactKind(
        "choice",
        "处理结果",
        "Outcome",
        (
            ("upheld", "申诉成立", "upheld"),
            ("partly_upheld", "部分成立", "upheld in part"),
            ("not_upheld", "申诉不成立", "not upheld"),
        ),
    ),
    "answer": FactKind("text", "答复内容", "The answer"),
    # Access to archives (档案查阅), ARC1-05.
    "reader": FactKind("text", "查阅人", "Who reads", most=100),
    "reader_is": FactKind(
        "choice",
        "查阅人身份",
        "The reader is",
        (
            ("student", "学生本人", "the student"),
            ("guardian", "监护人", "the guardian"),
            ("teacher", "教师", "a teacher"),
            ("manager", "管理人员", "an administrator"),
            ("outside", "外单位人员", "from outside"),
        ),
    ),
    "access_purpose": FactKind("text", "查阅目的", "Purpose", most=200),
    "copies_wanted": FactKind("bool", "需要复制", "Copies are wanted"),
    "copies_permitted": FactKind("bool", "准予复制", "Copies are permitted"),
    # Data that is given out (对外提供数据), N25-20 and N25-21.
    "recipient": FactKind("text", "数据接收单位", "Who receives the data", most=200),
    "release_purpose": FactKind("text", "用途", "Purpose", most=500),
    "approving_government": FactKind("text", "批准的政府", "The government that approved", most=100),
    "approval_number": FactKind("text", "批准文号", "Number of the approval", most=100),
    "release_sex": FactKind("bool", "含性别", "With the sex"),
    "release_birth_year": FactKind("bool", "含出生年份", "With the year of birth"),
    "release_stage": FactKind("bool", "含学段", "With the stage"),
    "release_grade": FactKind("bool", "含年级", "With the grade"),
    "release_status": FactKind("bool", "含学籍状态", "With the status"),
    # Destruction of archives (档案销毁), ARC1-06.
    "archive_kind": FactKind(
        "choice",
        "档案类别",
        "Kind of archive",
        (
            ("status_archive", "学籍档案", "status archives"),
            ("process_papers", "业务过程材料", "papers of requests"),
            ("copies", "重复件、复制件", "doubles and copies"),
        ),
    ),
    "archive_list": FactKind("text", "销毁清册", "List of what is destroyed"),
    "archive_closed_on": FactKind("date", "最后归档日期", "Last filed on", past=True),
    "destruction_witnesses": FactKind("text", "监销人", "Witnesses", most=100),
    # Reversal (撤销更正).
    "reverses": FactKind("text", "所撤销业务的受理编号", "Number of the request to be reversed", most=40),
    "why_wrong": FactKind("text", "错误情况说明", "What was wrong", most=500),
}
GROUNDS: Final[dict[str, tuple[str, str]]] = {
    "changed_by_police": ("公安机关已变更", "Changed by the police"),
    "entered_wrongly": ("录入错误", "Entered wrongly"),
    "identity_number_obtained": ("取得身份证号", "An identity number was obtained"),
    "by_school": ("学校维护", "Kept up by the school"),
    "by_guardian": ("监护人申请", "Asked by the guardian"),
    "by_pupil": ("学生填报", "Filled in by the pupil"),
    "new_entry": ("登记", "A new entry"),
    "correction": ("更正（变更）", "Correction"),
    "withdrawal": ("撤销原事项", "Withdrawal of an entry"),
    "problem_found": ("发现问题", "A problem was found"),
    "proof": ("佐证", "Proof: the record stands"),
    "removal": ("删除（注销重复学籍）", "Removal of the record"),
    "family_hardship": ("家庭经济困难", "Hardship of the family"),
    "no_longer_in_hardship": ("不再符合条件", "No longer in hardship"),
    "about_record": ("对学籍信息有异议", "Objection to what is recorded"),
    "about_decision": ("对办理结果有异议", "Objection to a decision"),
}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {
    "identity_copy_signed": ("监护人签字的身份证件复印件", "identity copies, signed by the guardian"),
    "in_school_certificate": ("在校就读证明（盖章）", "certificate of attending, stamped"),
    "other_school_proof": ("对方学校的佐证材料（盖章）", "proof by the other school, stamped"),
    "result_proof": ("成绩、评价或奖惩依据", "proof of the result, evaluation, award or sanction"),
    "hardship_application": ("家庭经济困难认定申请表", "application for hardship recognition"),
    "hardship_proof": ("家庭经济困难证明", "proof of hardship"),
    "objection_letter": ("申诉书", "letter of objection"),
    "reader_identity": ("查阅人身份证明", "proof of who the reader is"),
    "government_approval": ("县级以上人民政府批准文件", "approval of a government at county level or above"),
    "release_application": ("数据使用申请（范围与用途）", "application for data, with scope and purpose"),
    "consent_for_use": ("学生或家长同意书", "consent of students or parents to another use"),
    "destruction_list": ("档案销毁清册", "list of archives to be destroyed"),
    "appraisal_opinion": ("档案鉴定意见", "appraisal of the archives"),
    "ministry_decision": ("教育部处理意见", "the Ministry's decision"),
    "reversal_statement": ("撤销更正情况说明（盖章）", "statement on what was wrong, stamped"),
}
