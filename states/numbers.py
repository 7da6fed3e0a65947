"""The numbers of the register (编号): student numbers, class codes, pupil codes, certificate numbers, as one table.

学籍号 (NUM-12) and 学生编码 (SY-04) are two identifiers with two rules: the first is one for life, the second stays as
it was given when a student changes school. No clock and no random source is asked here: whoever calls hands them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, Literal, cast

from states.identity import CHECK_FAULT, SHAPE, SHAPE_FAULT, Fault, birth_faults, check_digit, normalise, unreadable
from states.number_format import Format, Labels, Part

NumberKind = Literal["G", "L", "J"]

NUMBER_KINDS: Final[Mapping[NumberKind, tuple[str, str]]] = MappingProxyType({
    "G": ("正式学籍号", "formal"),
    "L": ("临时学籍号", "temporary"),
    "J": ("无可用身份证号的学籍号", "without a usable identity number"),
})  # fmt: skip
"""What the first letter says. L and J have every right of G (NUM-03, NUM-04): nothing asks for it but an upgrade."""


def student_number_faults(value: object, today: date) -> tuple[Fault, ...]:
    """All that is wrong with a student number (NUM-01 … 04) as it came from a form or a cell; () when it is good.

    Only a G-number is held to the check digit: L ends in four random digits, and J is given where
    no usable identity number exists.
    """
    fault = unreadable(value, 19, "学籍号", "A student number")
    if fault is not None:
        return (fault,)
    number = normalise(str(value))
    if number[0] not in NUMBER_KINDS:
        return (_LETTER_FAULT,)
    if SHAPE.fullmatch(number[1:]) is None:
        return (SHAPE_FAULT,)
    faults = list(birth_faults(number[1:], today, None))
    if number[0] == "G" and number[18] != check_digit(number[1:18]):
        faults.append(CHECK_FAULT)
    return tuple(faults)


def number_kind(number: str) -> NumberKind | None:
    """G, L or J; None for a text that is no student number at first sight. `number` is normalised."""
    return cast(NumberKind, number[0]) if len(number) == 19 and number[0] in NUMBER_KINDS else None


def student_number_format(kind: NumberKind) -> Format:
    """The row of the table for a letter."""
    return FORMATS[f"student_number_{kind.lower()}"]


def formal_number(identity_number: str) -> str:
    """G and the identity number (NUM-02). Raises BadNumber where that is no good number of 18 digits."""
    number = normalise(identity_number)
    return student_number_format("G").build(
        region=number[:6], birth=number[6:14], sequence=number[14:17], check=number[17:]
    )


def temporary_number(region: str, birth: date, tail: int) -> str:
    """L, the school's region, the birth date and four random digits 0 … 9999, which the caller draws (NUM-03)."""
    return student_number_format("L").build(region=region, birth=birth, random=tail)


def unidentified_number(region: str, birth: date, sequence: int) -> str:
    """J and 18 characters of the same build, sequence 0 … 999 (NUM-04), for who has no usable identity number."""
    return student_number_format("J").build(region=region, birth=birth, sequence=sequence)


def class_code(
    school: str, year: int, sequence: int, variant: str = "class_code", widths: Mapping[str, int] = MappingProxyType({})
) -> str:
    """班级编码 (SY-03): the school's code, the year in which its first grade was entered, a number within the year.

    `variant` "class_code_grade_first" puts the grade first and takes it for `year`. `widths` of this installation
    override the table's; the school's code must have its width, for a code that is filled up names another school.
    """
    first = "grade" if variant == "class_code_grade_first" else "year"
    values: dict[str, str | int | date] = {"school": school, first: year, "sequence": sequence}
    return FORMATS[variant].resized(**widths).build(**values)


def pupil_code(class_code_: str, sequence: int, width: int = 3) -> str:
    """学生编码 (SY-04): class code and a number within the class; transfer, 借读 and promotion leave it as it is."""
    values: dict[str, str | int | date] = {"class": class_code_, "sequence": sequence}
    return FORMATS["pupil_code"].resized(**{"class": len(class_code_), "sequence": width}).build(**values)


_LETTER_FAULT = Fault(
    "student_number_letter", "学籍号应以 G、L 或 J 开头。", "A student number starts with G, L or J (NUM-01)."
)


def _resident(before: str) -> str:
    return check_digit(before[1:18])


def _kind(letter: NumberKind) -> Part:
    return Part("kind", "类型", "kind", 1, "letters_digits", {letter: NUMBER_KINDS[letter]})


_REGION = Part("region", "行政区划", "region", 6)
_BIRTH = Part("birth", "出生日期", "birth date", 8, "date")
_SEQUENCE3 = Part("sequence", "顺序号", "sequence", 3)
_YEAR4 = Part("year", "年份", "year", 4)
_CREDENTIAL_TYPES: Final[Labels] = {
    "1": ("普通", "regular"), "5": ("成人", "adult"), "6": ("自考", "self-study"), "7": ("网络", "online"),
}  # fmt: skip
_CREDENTIAL_LEVELS: Final[Labels] = {
    "01": ("博士", "doctorate"), "02": ("硕士", "master"), "04": ("第二学士学位", "second bachelor's degree"),
    "05": ("本科", "bachelor"), "06": ("专科", "junior college"),
}  # fmt: skip
_STAGE = Part("stage", "学段", "stage", 1)
_COUNTY2 = Part("county", "县（区）", "county", 2)
_SCHOOL2 = Part("school", "学校", "school", 2)
_SEQUENCE4 = Part("sequence", "顺序号", "sequence", 4)
_YEAR2 = Part("year", "入学年份后两位", "entry year, last two digits", 2)
_CHECK1 = Part("check", "校验码", "check digit", 1, "digits_x")
_UNSEEN_CHECK = "只见位数，校验码的算法未见，故不校验"
_WEAK = "仅有转述（FOUND-C），未见原文"

_TABLE: Final = (
    Format("student_number_g", "正式学籍号", "formal student number", "NUM-02", (
        _kind("G"), _REGION, _BIRTH, _SEQUENCE3, Part("check", "校验码", "check digit", 1, "digits_x", check=_resident),
    )),
    Format("student_number_l", "临时学籍号", "temporary student number", "NUM-03", (
        _kind("L"), _REGION, _BIRTH, Part("random", "随机号", "random digits", 4),
    )),
    Format("student_number_j", "无可用身份证号的学籍号", "student number without identity number", "NUM-04", (
        _kind("J"), _REGION, _BIRTH, _SEQUENCE3,
        Part("check", "校验码", "check digit", 1, "digits_x", check=_resident, held=False),
    ), "inferred", "“同样规则”的18位：末位按校验码写；外来号码的末位不作要求"),
    Format("class_code", "班级编码", "class code", "SY-03", (
        Part("school", "学校代码", "school code", 10, "letters_digits"),
        Part("year", "一年级入学年份", "year of entry into grade 1", 4), _SEQUENCE3,
    ), "unseen", "学校代码的位数在文本中缺失，暂取学校标识码的10位，可设置"),
    Format("class_code_grade_first", "班级编码（年级在前）", "class code, grade first", "SY-03", (
        Part("grade", "年级", "grade", 3), Part("school", "学校代码", "school code", 6, "letters_digits"), _SEQUENCE3,
    ), "unseen", "沈阳于洪的同一范本：" + _WEAK),
    Format("pupil_code", "学生编码", "pupil code", "SY-04", (
        Part("class", "班级编码", "class code", 17, "letters_digits"), _SEQUENCE3,
    )),
    Format("auxiliary_fujian_primary", "学籍辅号（福建小学）", "auxiliary number, Fujian primary", "NUM-09", (
        _STAGE, _YEAR2, _COUNTY2, Part("township", "乡镇", "township", 2), _SCHOOL2, _SEQUENCE4,
    ), "unseen", _WEAK),
    Format("auxiliary_fujian_secondary", "学籍辅号（福建中学）", "auxiliary number, Fujian secondary", "NUM-09", (
        _STAGE, _YEAR2, _COUNTY2, _SCHOOL2, _SEQUENCE4,
    ), "unseen", _WEAK),
    Format("auxiliary_beijing_cmis", "北京 CMIS 学号", "Beijing CMIS number", "NUM-10", (
        Part("province", "省（市）", "province", 2), Part("district", "区县", "district", 2),
        Part("school_type", "学校类别", "school type", 1), Part("school", "学校", "school", 3),
        Part("pupil_type", "学生类别", "pupil type", 1),
        Part("year", "毕业年份后两位", "graduation year, last two digits", 2),
        Part("class", "班级", "class", 2), Part("seat", "座号", "seat", 2), _CHECK1,
    ), "unseen", f"{_WEAK}；{_UNSEEN_CHECK}"),
    Format("certificate_higher", "高等教育学历证书编号", "higher education certificate number", "HE14-16", (
        Part("school", "学校代码", "school code", 5), Part("type", "办学类型", "type", 1, domain=_CREDENTIAL_TYPES),
        _YEAR4, Part("level", "培养层次", "level", 2, domain=_CREDENTIAL_LEVELS),
        Part("serial", "流水号", "serial number", 6),
    )),
    Format("certificate_school", "中小学证书编号", "school certificate number", "WS-75", (
        Part("school", "学校代码", "school code", 10, "letters_digits"), _YEAR4, _STAGE,
        Part("serial", "流水号", "serial number", 5),
    ), "decided", "条文没有规定中小学证书的编号：学校代码、年份、学段（1 小学、2 初中、3 高中）、流水号"),
    Format("certificate_self_study", "自学考试毕业证书编号", "self-study certificate number", "HE14-17", (
        Part("type", "类型", "type", 1), Part("level", "层次", "level", 1), Part("province", "省", "province", 2),
        Part("city", "市", "city", 2), _COUNTY2, Part("year", "年份后两位", "year, last two digits", 2),
        Part("half", "上下半年", "half of the year", 1), Part("seat", "座位号", "seat", 5), _CHECK1,
    ), "unseen", f"{_WEAK}；{_UNSEEN_CHECK}"),
    Format("certificate_vocational_hunan", "中职毕业证书电子注册号（湖南）", "vocational certificate number, Hunan",
           "V10-16", (Part("school", "学校代码", "school code", 6),
                      Part("year", "毕业年份后两位", "graduation year, last two digits", 2),
                      Part("serial", "流水号", "serial number", 4))),
)  # fmt: skip

FORMATS: Final[Mapping[str, Format]] = MappingProxyType({row.id: row for row in _TABLE})
"""Every kind of number by its id. A row is data: another province's number is another row, no other function."""
