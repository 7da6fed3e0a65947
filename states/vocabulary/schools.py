"""Words of schools (学校事项): quota, founding, merging, closing, and of vocational and higher education."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

_STAGES: Final = (
    ("kindergarten", "幼儿园", "kindergarten"),
    ("primary", "小学", "primary"),
    ("junior", "初中", "junior secondary"),
    ("senior", "高中", "senior secondary"),
    ("vocational", "中职", "vocational"),
)
FACTS: Final[dict[str, FactKind]] = {
    # 学籍总量 (BJ-03).
    "for_stage": FactKind("choice", "学段", "Stage", _STAGES),
    "plans_total": FactKind(
        "number", "该学段各届招生计划合计", "Intake plans of the cohorts now in the stage", most=100_000
    ),
    "quota": FactKind("number", "调整后的学籍总量", "The total asked for", most=100_000),
    # 学校关键信息 (BJ-05) and what founding a school needs beside them.
    "school_code": FactKind("text", "学校代码", "The school's code", most=20),
    "school_name": FactKind("text", "学校名称", "The school's name", most=100),
    "school_type": FactKind("text", "学校类型", "Type of school", most=60),
    "school_nature": FactKind("text", "学校属性", "Nature of the school", most=60),
    "run_by": FactKind(
        "choice",
        "学校办别",
        "Run by",
        (
            ("government", "教育部门", "the education authority"),
            ("other_department", "其他部门", "another department"),
            ("enterprise", "企业", "an enterprise"),
            ("private", "民办", "private founders"),
        ),
    ),
    "campuses": FactKind("text", "校区信息", "Campuses", most=500),
    "town_school": FactKind("bool", "城区学校", "A school of the town"),
    **{
        f"years_{stage}": FactKind("number", f"{zh}学制（年）", f"Years of the {en} stage", most=9)
        for stage, zh, en in _STAGES
    },
    "supervised_by": FactKind(
        "choice",
        "非义务教育阶段的学籍主管部门",
        "Who supervises the stages after compulsory education",
        (
            ("bureau", "申请的主管单位", "the applying unit"),
            ("city", "市级教育局", "the city's bureau"),
            ("province", "省级教育厅", "the province"),
        ),
    ),
    "successor_code": FactKind("text", "接收学校代码", "Code of the school that takes over", most=20),
    "archive_unit": FactKind("text", "指定的档案接收单位", "Unit named to keep the archives", most=100),
    # 中等职业教育 (V10, V14, V21, HN22).
    "full_time": FactKind("bool", "全日制", "Full-time"),
    "compulsory_finished": FactKind("bool", "已完成义务教育", "Has finished compulsory education"),
    "other_record": FactKind(
        "bool", "另有普通高中、技工学校或高校学籍", "Has a record at a senior, technical or higher school"
    ),
    "minor": FactKind("bool", "未成年", "A minor"),
    "at_own_wish": FactKind("bool", "本人及监护人自愿", "At the wish of student and guardian"),
    "return_was_due_on": FactKind("date", "休学期满日期", "The leave ended on"),
    "suspended_since": FactKind("date", "连续休学起始日期", "On leave without a break since", past=True),
    "truant_hours": FactKind("number", "本学期旷课学时", "Class hours of truancy in this semester", most=2000),
    "leaves_school_on": FactKind("date", "学生离校日期", "Students leave the school on"),
    "aid_entered": FactKind("bool", "资助信息已录入", "Aid data are entered"),
    "credits_complete": FactKind("bool", "学分已修满", "All credits are earned"),
    "unnatural_death": FactKind("bool", "非正常死亡", "An unnatural death"),
}
GROUNDS: Final[dict[str, tuple[str, str]]] = {
    "quota_by_plan": ("按招生计划核定", "Set by the intake plans"),
    "founding": ("新建学校", "A school is founded"),
    "school_data": ("学校关键信息变更", "The school's key data change"),
    "merging": ("合并", "The school is merged into another"),
    "closing": ("撤销", "The school is closed"),
    "kindergarten_admission": ("入园", "Admission to a kindergarten"),
    "special_talent": ("有专长或特殊兴趣", "A special talent or interest"),
    "major_closed": ("休学期满后原专业已停办", "The programme is no more"),
    "not_returned": ("休学期满两周不归", "Not back two weeks after the leave"),
    "long_leave": ("连续休学两年仍不能复学", "Two years on leave and unable to return"),
    "truancy": ("一学期旷课满九十学时", "Ninety class hours of truancy in a semester"),
    "long_absence": ("连续两周未到校", "Absent two weeks in a row"),
}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {
    "intake_plan": ("招生计划文件", "intake plan"),
    "school_founding_document": ("学校设立批准文件", "document on the founding of a school"),
    "school_change_document": ("学校变更批准文件", "document on the change of a school"),
    "guardian_agreement": ("学生及监护人签字的申请", "application signed by student and guardian"),
    "reason_proof": ("转学理由的有效证明", "valid proof of the reason"),
    "credit_record": ("学分证明", "record of credits"),
}
