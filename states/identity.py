"""Resident identity numbers (居民身份证号, GB 11643): read, judged, made, and lengthened from 15 digits.

An identity number is 6 digits of region, 8 of birth date, 3 of sequence (odd: male, even: female) and a
check digit (MOD 11-2). Until 1999 it had 15: no century in the birth date, and no check digit.

Regions are not judged: real cards carry codes that were abolished or changed since. Region 99xxxx was never
assigned, so numbers made up for a demo use it and can be nobody's.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from operator import mul
from typing import Final, Literal

Sex = Literal["male", "female"]

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
SHAPE: Final = re.compile(r"[0-9]{17}[0-9X]")
_OLD_SHAPE = re.compile(r"[0-9]{15}")
_FLOATED = re.compile(r"[0-9]+(\.[0-9]+)?E\+?[0-9]+|[0-9]+\.[0-9]+")
_EARLIEST_YEAR = 1900
_SEX_CHINESE: dict[Sex, str] = {"male": "男", "female": "女"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a number. The messages never repeat the number: they end up in logs."""

    code: str
    message_zh: str
    message_en: str


def identity_faults(
    value: object, today: date, *, birth: date | None = None, sex: Sex | None = None
) -> tuple[Fault, ...]:
    """All that is wrong with an identity number as it came from a form or a cell; () when it is good.

    `today` is the legal date; `birth` and `sex`, where the same row states them, must agree with the number.
    """
    fault = unreadable(value, 18, "身份证号", "An identity number")
    if fault is not None:
        return (fault,)
    number = normalise(str(value))
    if SHAPE.fullmatch(number) is None:
        return (SHAPE_FAULT,)
    faults = list(birth_faults(number, today, birth))
    if number[17] != check_digit(number[:17]):
        faults.append(CHECK_FAULT)
    if sex is not None and sex != sex_of(number):
        faults.append(
            Fault(
                "identity_number_sex",
                f"身份证号第十七位表示{_SEX_CHINESE[sex_of(number)]}，与所填性别（{_SEX_CHINESE[sex]}）不一致。",
                f"The 17th digit says {sex_of(number)}, the stated sex is {sex}.",
            )
        )
    return tuple(faults)


def normalise(text: str) -> str:
    """One spelling: full-width characters narrowed, blanks outside dropped, x written X."""
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip().upper()


def check_digit(first17: str) -> str:
    """The 18th character, 0 … 9 or X, by MOD 11-2 (GB 11643, ISO 7064)."""
    if len(first17) != len(_WEIGHTS):
        raise ValueError("a check digit is made from 17 digits")
    return _CHECK_DIGITS[sum(map(mul, map(int, first17), _WEIGHTS)) % 11]


def birth_date(number: str) -> date | None:
    """The birth date inside an identity or student number (normalised), or None where it is no date."""
    digits = number[-12:-4]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def sex_of(number: str) -> Sex:
    """The sex that the 17th digit of an identity number (normalised) states; a G-number's too."""
    return "male" if int(number[-2]) % 2 else "female"


def make_identity_number(region: str, birth: str | date, sequence: int) -> str:
    """A number with a right check digit: region (6 digits), birth (a date or YYYYMMDD), sequence 0 … 999."""
    born = birth if isinstance(birth, str) else birth.isoformat().replace("-", "")
    if len(region) != 6 or len(born) != 8 or not 0 <= sequence <= 999:
        raise ValueError("an identity number is 6 digits of region, 8 of birth date, a sequence of 0 … 999")
    first17 = f"{region}{born}{sequence:03d}"
    return first17 + check_digit(first17)


def lengthened(number15: str) -> str | None:
    """The 18 digits of an old number of 15 (十五位升十八位), or None where it is no such number.

    The century is 19: numbers of 15 digits were last given in 1999. The date inside may still be none.
    """
    if _OLD_SHAPE.fullmatch(number15) is None:
        return None
    first17 = f"{number15[:6]}19{number15[6:]}"
    return first17 + check_digit(first17)


def unreadable(value: object, length: int, zh: str, en: str) -> Fault | None:
    """Whatever cannot even be looked at: no text, a number that a spreadsheet has rounded, a wrong length."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return Fault("number_missing", f"没有填写{zh}。", f"{en} is missing.")
    text = normalise(value) if isinstance(value, str) else ""
    if not isinstance(value, str) or _FLOATED.fullmatch(text):
        return Fault(
            "number_not_text",
            f"单元格中的{zh}是数值而不是文本，后几位已被表格软件改掉。请把该列设为“文本”格式，再重新填写原号码。",
            f"{en} was typed as a number: the spreadsheet has rounded its last digits. "
            "Set the column to text and type the number again.",
        )
    if len(text) != length:
        return Fault(
            "number_length",
            f"{zh}应为{length}位，现为{len(text)}位。",
            f"{en} has {length} characters, not {len(text)}.",
        )
    return None


def birth_faults(number: str, today: date, stated: date | None) -> tuple[Fault, ...]:
    """What is wrong with the birth date inside an identity number; `stated` is the date that stands beside it."""
    born = birth_date(number)
    if born is None or born.year < _EARLIEST_YEAR:
        return (_DATE_FAULT,)
    faults: list[Fault] = []
    if born > today:
        faults.append(
            Fault("number_birth_future", "号码中的出生日期晚于今天。", "The birth date in the number is in the future.")
        )
    if stated is not None and stated != born:
        faults.append(
            Fault(
                "number_birth_differs",
                "号码中的出生日期与所填出生日期不一致。",
                "The birth date in the number differs from the stated birth date.",
            )
        )
    return tuple(faults)


SHAPE_FAULT = Fault(
    "number_characters",
    "号码只能由数字组成，最后一位可以是 X，中间不能有空格或其他字符。",
    "Only digits, and X in the last place; no blanks or other characters inside.",
)
CHECK_FAULT = Fault(
    "number_check_digit",
    "校验码不正确：号码中有一位或几位填错了。",
    "The check digit does not fit: at least one character is wrong.",
)
_DATE_FAULT = Fault("number_birth_date", "号码中的出生日期不存在。", "The birth date in the number does not exist.")
