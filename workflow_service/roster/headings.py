"""The columns of the roster (名册栏目) and the code tables behind them, under the national form's Chinese headings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from states.identity import make_identity_number
from states.student_status import STATUSES
from states.vocabulary import PROGRAMMES

Codes = Mapping[str, str]

SEX: Final[Codes] = MappingProxyType({"1": "男", "2": "女"})
IDENTITY_TYPES: Final[Codes] = MappingProxyType({
    "1": "居民身份证", "6": "香港特区护照/身份证明", "7": "澳门特区护照/身份证明", "8": "台湾居民来往大陆通行证",
    "9": "境外永久居住证", "A": "护照", "Z": "其他",
})  # fmt: skip
"""身份证件类型 of the national form (section 4.7); Z may come without a number."""
ATTENDANCE: Final[Codes] = MappingProxyType({"1": "走读", "2": "住校"})
YES_NO: Final[Codes] = MappingProxyType({"0": "否", "1": "是"})
RELATIONS: Final[Codes] = MappingProxyType({
    "51": "父亲", "52": "母亲", "61": "祖父", "62": "祖母", "63": "外祖父", "64": "外祖母", "97": "其他监护人",
})  # fmt: skip
ON_ROLL: Final = (
    "attending", "suspended", "halted", "record_retained", "dropped_out", "abroad", "abroad_state_sent", "missing",
    "other",
)  # fmt: skip
"""Statuses that hang on a class. Whoever has graduated or left is no row of a roster."""
STATUS_CODES: Final[Codes] = MappingProxyType({status: STATUSES[status].label for status in ON_ROLL})
PROGRAMME_CODES: Final[Codes] = MappingProxyType({
    name: label.strip("“”") for name, (label, _) in PROGRAMMES.items() if name != "none"
})  # fmt: skip
"""学校类别、计划类别 of a vocational class, by which HN08-03 and HN08-04 divide who manages whom; empty is none."""
_CHINESE = "一二三四五六七八九"
GRADES: Final[Mapping[int, str]] = MappingProxyType({
    -3: "小班", -2: "中班", -1: "大班", **{n: f"{_CHINESE[n - 1]}年级" for n in range(1, 10)},
    10: "高一", 11: "高二", 12: "高三",
})  # fmt: skip
_GRADE_WORDS: Final = {
    **{label: grade for grade, label in GRADES.items()},
    **{str(n): n for n in range(1, 13)},
    "初一": 7, "初二": 8, "初三": 9, "十年级": 10, "十一年级": 11, "十二年级": 12,
    "高中一年级": 10, "高中二年级": 11, "高中三年级": 12, "初中一年级": 7, "初中二年级": 8, "初中三年级": 9,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: its key in code, its heading, and what the note on it says.

    `text`: the cell must be text, because a number would have lost digits. `stored` is False where this version
    checks a value but has no place for it yet; the import says so.
    """

    key: str
    title: str
    note: str
    example: str
    required: bool = True
    text: bool = False
    stored: bool = True
    codes: Codes | None = None
    width: int = 12
    also: tuple[str, ...] = field(default=())


_EXAMPLE: Final = make_identity_number("990101", "20190305", 1)
_ID_NOTE = "单元格须为文本格式：按数值填写会丢失后几位。"
HEADINGS: Final = (
    Heading("school_code", "学校标识码", "学校在本系统中的代码。", "101", text=True, also=("学校代码",)),
    Heading("school_name", "学校名称", "须与学校标识码一致。", "示例嫩水县城关第一小学", width=26),
    Heading("name", "姓名", "与户口簿一致；少数民族姓名中的点用“·”。", "买买提·阿不都热依木", width=18),
    Heading("former_name", "曾用名", "没有可不填。", "", required=False),
    Heading("sex", "性别", "男、女，或代码 1、2。", "男", codes=SEX, width=8),
    Heading("birth_date", "出生日期", "写作 20190305 或 2019-03-05。", "20190305", also=("出生年月日",)),
    Heading("identity_type", "身份证件类型", "名称或代码，见“代码表”。", "居民身份证", codes=IDENTITY_TYPES, width=14),
    Heading(
        "identity_number", "身份证件号", f"18 位。{_ID_NOTE}", _EXAMPLE, required=False, text=True, width=22,
        also=("身份证号", "身份证件号码"),
    ),
    Heading(
        "student_number", "学籍号", f"19 位，以 G、L 或 J 开头。{_ID_NOTE}", f"G{_EXAMPLE}", text=True, width=23,
        also=("全国学籍号",),
    ),
    Heading("grade", "年级", "小班 至 大班、一年级 至 九年级、高一 至 高三；中职、高校的第一年写一年级。", "一年级"),
    Heading("class_name", "班级", "1班、2班 …，或班号。", "1班", width=8, also=("班号",)),
    Heading("programme", "学校类别", "只有中职班级填写，同班各行一致；不分类别的不填。", "", required=False,
            codes=PROGRAMME_CODES, also=("计划类别",)),
    Heading("entered", "入学年月", "写作 202609。", "202609"),
    Heading("status", "学籍状态", "不填即为在读。", "在读", required=False, codes=STATUS_CODES, also=("学生当前状态",)),
    Heading("attendance", "就读方式", "走读、住校，或代码 1、2。", "走读", required=False, stored=False,
            codes=ATTENDANCE),
    Heading("special_education", "随班就读", "是、否；不填即为否。", "否", required=False, codes=YES_NO),
    Heading("guardian1_name", "监护人1姓名", "国家表要求填写两名监护人，至少一名。", "阿不都热依木·买买提", width=18,
            also=("监护人姓名", "成员1姓名")),
    Heading("guardian1_relation", "监护人1关系", "父亲、母亲 …，见“代码表”。", "父亲", codes=RELATIONS,
            also=("监护人关系", "成员1关系")),
    Heading("guardian1_phone", "监护人1电话", "11 位手机号或带区号的电话。", "13900000000", required=False, width=14,
            also=("监护人电话", "成员1联系电话")),
    Heading("guardian2_name", "监护人2姓名", "", "", required=False, width=14, also=("成员2姓名",)),
    Heading("guardian2_relation", "监护人2关系", "", "", required=False, codes=RELATIONS, also=("成员2关系",)),
    Heading("guardian2_phone", "监护人2电话", "", "", required=False, width=14, also=("成员2联系电话",)),
)  # fmt: skip
BY_KEY: Final = {heading.key: heading for heading in HEADINGS}
ERROR_TITLE: Final = "错误原因"
VERDICT_TITLE: Final = "处理结果"
"""The columns that an import adds to what it read; they are skipped when the workbook comes back."""
TOLD_TITLES: Final = (ERROR_TITLE, VERDICT_TITLE)

_BY_TITLE: Final = {title: heading for heading in HEADINGS for title in (heading.title, *heading.also)}
_IN_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_CLASS = re.compile(r"(?:\d{4}级)?[(（]?(\d{1,2})[)）]?班?")


WORKED_OUT: Final = ("学籍状态码",)
"""The columns that an export adds and a roster does not ask for: they follow from the others."""


def heading_of(cell: str) -> Heading | None:
    """The column that a heading cell means: stars, blanks and remarks in brackets are dropped."""
    plain = _IN_BRACKETS.sub("", unicodedata.normalize("NFKC", cell)).translate({ord(c): None for c in "* \n\r\t:"})
    return _BY_TITLE.get(plain)


def known_titles() -> list[str]:
    """Every heading that is understood, for suggestions."""
    return list(_BY_TITLE)


@lru_cache(1 << 12)
def _code_of(codes: tuple[tuple[str, str], ...], text: str) -> str | None:
    plain = unicodedata.normalize("NFKC", text).strip()
    for code, label in codes:
        if plain in (code, label) or plain.upper() == code or plain.lstrip("0") == code:
            return code
    return None


def code_of(codes: Codes, text: str) -> str | None:
    """The code for a label or a code as it was typed; a numeric code may have leading zeros."""
    return _code_of(tuple(codes.items()), text)


def relation_code(text: str) -> str:
    """A guardian's relation as it is stored (GB/T 4761), from a label or a code; what the table lacks as it was typed.

    A roster gives codes and a request words: stored as they come, a father would stand twice after the change of one.
    """
    return code_of(RELATIONS, text) or text


@lru_cache(1 << 12)
def grade_of_text(text: str) -> int | None:
    """The grade for 大班, 三年级, 3, 初一 or 高三."""
    return _GRADE_WORDS.get(unicodedata.normalize("NFKC", text).strip())


@lru_cache(1 << 12)
def class_sequence(text: str) -> int | None:
    """The number of a class for 1班, (1)班, 2024级1班 or 01."""
    found = _CLASS.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return int(found.group(1)) if found and int(found.group(1)) else None
