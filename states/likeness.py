"""Why two records may be one person (疑似重复): numbers that are nearly equal, names that sound or look alike.

A typing mistake is what makes most doubles: one digit, two neighbouring digits, a character of the same sound. Twins
share nearly everything and are two people: they are never named. Pinyin is handed in, this module reads no dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from states.identity import SHAPE, check_digit

CERTAIN, STRONG, LIKELY, HINT = 100, 70, 40, 15
"""What one reason weighs. Two people with two good numbers and one name and birth date stay below `SUSPECTED`."""

SUSPECTED: Final = 60
"""From this weight on a pair is put before people (decided here: no text says how alike is alike)."""

_ADDED, _SHARED = 20, 25
_ADJACENT = 4
"""Sequence numbers of children who were registered one after the other; two boys or two girls lie two apart."""

_OLD_SHAPE = re.compile(r"[0-9]{15}")
_PERMIT = re.compile(r"[HM][0-9]{8}([0-9]{2})?")

_LOOKALIKES = (
    "己已巳 未末 士土 日曰 戊戌戍成 辛幸 侯候 晴睛 玲铃伶 彤形 冶治 凌淩棱 锋峰烽蜂 宇字 思恩 杨扬 玮伟炜纬 "
    "昊吴旲 子孑孓 莹茔荧萤 萍苹 晨辰 梓锌 千干于 天夭 大太犬 王玉 丽俪 宁宇 梅海 琪淇棋祺骐 琳淋 晗哈 涵函 "
    "浩皓 洁结 佳住往 轩斩 艳绝 媛缓 婷停 瑞端 瑶谣 欣掀 昕听 悦说 若苦 茵菌 茜西 薇微 露霞 雯雪 霖霜 贝见 "
    "军车 兵乒 凯剀 刚钢 勋动 卓桌 卿聊 叶汁 妍研 姝妹 娜挪 嫒嫣 嘉喜 国图 坤坪 培陪 墨黑 奕弈 安妄 宸寰 寒塞 "
    "尧饶 岚风 崇祟 帆帜 康庚 延廷 建健 彬杉 影景 徐除 忆亿 怡治 慧惠 成戌 振震 敏繁 斌赋 昱显 曼蔓 松忪 柯珂 "
    "栋拣 桐铜 楠南 泽译 浦蒲 淑叔 渊洲 澄橙 煜焊 燕蒸 玥钥 珍诊 珠株 璐潞 瑾谨 益盆 睿容 礼札 秀季 籽仔 纯钝 "
    "绮倚 翔详 耀跃 致到 舒抒 芝之 芳方 芸云 苑范 英央 荣宋 莉利 菲非 蓉容 蕊芯 蕾雷 诗侍 谦歉 赫郝 越赵 辉晖 "
    "远运 逸免 郎朗 都郁 钧均 铭名 锦绵 陈阵 雅稚 静净 韵均 颖颍 飞气 馨罄 骏俊 鸣鸟 鹏朋 麟磷 龙尤 小少"
)
"""Characters that are taken for one another when a form is typed from handwriting (形近字); ours, to be added to."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is compared. `sound` and `former_sound`: the pinyin of a name; `guardians`: marks that only equality
    is asked of (hashes of phones and names). `identity_number` is normalised, None where there is none.
    """

    name: str
    sound: str
    sex: str
    birth_date: date
    identity_number: str | None = None
    former_name: str | None = None
    former_sound: str | None = None
    guardians: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Every name the person has or had."""
        return frozenset(name for name in (self.name, self.former_name) if name)

    @property
    def sounds(self) -> frozenset[str]:
        """How these names sound."""
        return frozenset(sound for sound in (self.sound, self.former_sound) if sound)


@dataclass(frozen=True, slots=True)
class Alike:
    """One reason (疑似理由). `strength` adds up with the others; `positions` are places of the number, from 1."""

    code: str
    strength: int
    rule: str
    message: str
    message_en: str
    positions: tuple[int, ...] = ()


def likeness(first: Person, second: Person) -> tuple[Alike, ...]:
    """Every reason why the two may be one person, () for twins and for whoever has nothing in common."""
    of_numbers = tuple(_number_reasons(first.identity_number or "", second.identity_number or ""))
    if twins(first, second):
        # One number on two children is wrong whoever they are: somebody has to look (SYS-30b).
        return tuple(reason for reason in of_numbers if reason.code == "same_number")
    of_names = tuple(_name_reasons(first, second))
    if not of_names:
        return tuple(reason for reason in of_numbers if reason.strength > HINT)
    return of_numbers + of_names + tuple(_beside_the_name(first, second))


def weight(reasons: tuple[Alike, ...]) -> int:
    """How strong the reasons are together, at most `CERTAIN`."""
    return min(CERTAIN, sum(reason.strength for reason in reasons))


def suspected(reasons: tuple[Alike, ...]) -> bool:
    """Whether the pair is put before people."""
    return weight(reasons) >= SUSPECTED


def twins(first: Person, second: Person) -> bool:
    """Whether they are brothers or sisters of one birth (多胞胎): one birth date, one guardian or neighbouring numbers,
    and given names that differ by more than the typing of one.
    """
    if first.birth_date != second.birth_date or first.names & second.names:
        return False
    if not (first.guardians & second.guardians or _adjacent(first.identity_number, second.identity_number)):
        return False
    alike = first.sounds & second.sounds or _shapes(first) & _shapes(second)
    return not alike or (usable(first.identity_number) and usable(second.identity_number))


def usable(number: str | None) -> bool:
    """Whether this is a resident identity number with a right check digit."""
    return bool(number and SHAPE.fullmatch(number) and number[17] == check_digit(number[:17]))


def shape_of(name: str) -> str:
    """The name with every character replaced by the first of those that look like it (形近)."""
    return "".join(_FIRST_LOOK.get(character, character) for character in name)


def keys_of(person: Person) -> frozenset[str]:
    """Texts of which two alike records share at least one; to be hashed before they are stored.

    A number is cut into region, birth and tail: two that differ in one place share two of the three.
    """
    keys = set(_number_keys(person.identity_number or ""))
    born = person.birth_date.isoformat()
    keys |= {f"sound|{sound}|{born}" for sound in person.sounds}
    keys |= {f"shape|{shape}|{born}" for shape in _shapes(person)}
    return frozenset(keys)


def _number_keys(number: str) -> Iterator[str]:
    if _OLD_SHAPE.fullmatch(number):
        # Fifteen digits leave the century and the check digit out.
        yield from (f"body|{number[:6]}{century}{number[6:]}" for century in ("19", "20"))
    elif SHAPE.fullmatch(number):
        region, birth, sequence, check = number[:6], number[6:14], number[14:17], number[17]
        yield f"body|{number[:17]}"
        # With the check digit these groups stay small: exactly one wrong place leaves it as it was.
        yield f"region+birth|{region}{birth}{check}"
        # All of a district's children with one sequence number would be many: the birth is halved once more.
        yield f"region+year+tail|{region}{birth[:4]}{sequence}{check}"
        yield f"region+day+tail|{region}{birth[4:]}{sequence}{check}"
        yield f"birth+tail|{birth}{sequence}{check}"
        # Two neighbours swapped across a border change two blocks at once; these pairs of places share no place.
        yield f"border|{_sorted_across(number)}"
    elif permit := _PERMIT.fullmatch(number):
        yield f"permit|{permit.group()[:9]}"
    elif number:
        yield f"number|{number}"


def _sorted_across(number: str) -> str:
    for at in (5, 9, 13, 16):
        if number[at] > number[at + 1]:
            number = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    return number


def _number_reasons(first: str, second: str) -> Iterator[Alike]:
    if not first or not second:
        return
    if first == second:
        yield Alike("same_number", CERTAIN, "SYS-30", "证件号码相同", "The same identity number")
    elif _fifteen_of(first) == _fifteen_of(second) is not None and len(first) != len(second):
        yield Alike("fifteen_digits", STRONG + _ADDED, "SYS-30", "一个是另一个的 15 位旧号码",
                    "One is the old 15-digit form of the other")  # fmt: skip
    elif _PERMIT.fullmatch(first) and _PERMIT.fullmatch(second) and first[:9] == second[:9]:
        yield Alike("permit_renewed", STRONG + _ADDED, "SYS-30", "同一通行证的换证号码",
                    "The same permit, renewed")  # fmt: skip
    elif SHAPE.fullmatch(first) and SHAPE.fullmatch(second):
        yield from _near(first, second)


def _near(first: str, second: str) -> Iterator[Alike]:
    places = tuple(at for at in range(18) if first[at] != second[at])
    shown = tuple(at + 1 for at in places)
    if len(places) == 1:
        yield Alike("one_digit_off", STRONG, "SYS-30", f"证件号码仅第 {shown[0]} 位不同",
                    f"The numbers differ in place {shown[0]} only", shown)  # fmt: skip
    elif _swapped(first, second, places):
        yield Alike("digits_swapped", STRONG, "SYS-30", f"证件号码第 {shown[0]}、{shown[1]} 位互换",
                    f"Places {shown[0]} and {shown[1]} of the numbers are swapped", shown)  # fmt: skip
    elif places[-1] == 17 and (len(places) == 2 or _swapped(first, second, places[:-1])):
        yield Alike("near_number", HINT, "SYS-30", f"证件号码除校验码外仅第 {'、'.join(map(str, shown[:-1]))} 位不同",
                    f"But for the check digit the numbers differ in place {', '.join(map(str, shown[:-1]))} only",
                    shown)  # fmt: skip


def _swapped(first: str, second: str, places: tuple[int, ...]) -> bool:
    if len(places) != 2 or places[1] != places[0] + 1:
        return False
    here, there = places
    return first[here] == second[there] and first[there] == second[here]


def _fifteen_of(number: str) -> str | None:
    """The 15-digit form of a resident number, None for any other paper."""
    if _OLD_SHAPE.fullmatch(number):
        return number
    return number[:6] + number[8:17] if SHAPE.fullmatch(number) else None


def _name_reasons(first: Person, second: Person) -> Iterator[Alike]:
    """At most one: how the names agree, of two who were born on one day."""
    if first.birth_date != second.birth_date:
        return
    if first.name == second.name:
        yield Alike("same_name", LIKELY, "SYS-30", "姓名、出生日期相同", "The same name and birth date")
    elif first.names & second.names:
        yield Alike("former_name", LIKELY, "SYS-30", "出生日期相同，一方的曾用名与另一方的姓名相同",
                    "The same birth date, and a former name of one is a name of the other")  # fmt: skip
    elif first.sex != second.sex:
        return
    elif first.sounds & second.sounds:
        yield Alike("same_sound", LIKELY, "SYS-30", "出生日期相同，姓名同音",
                    "The same birth date, and names of the same sound")  # fmt: skip
    elif _shapes(first) & _shapes(second):
        yield Alike("similar_shape", LIKELY, "SYS-30", "出生日期相同，姓名字形相近",
                    "The same birth date, and names that look alike")  # fmt: skip


def _beside_the_name(first: Person, second: Person) -> Iterator[Alike]:
    """What adds to names that agree."""
    if not (usable(first.identity_number) and usable(second.identity_number)):
        yield Alike("no_usable_number", _ADDED, "SYS-30", "至少一方没有可用的身份证号",
                    "At least one of them has no usable identity number")  # fmt: skip
    if first.guardians & second.guardians:
        yield Alike("shared_guardian", _SHARED, "SYS-30", "监护人相同", "The same guardian")


def _shapes(person: Person) -> frozenset[str]:
    return frozenset(shape_of(name) for name in person.names)


def _adjacent(first: str | None, second: str | None) -> bool:
    if not (first and second and SHAPE.fullmatch(first) and SHAPE.fullmatch(second)):
        return False
    return first[:14] == second[:14] and 0 < abs(int(first[14:17]) - int(second[14:17])) <= _ADJACENT


def _first_looks(groups: str) -> dict[str, str]:
    """`{character: the first of its group}`; a character in two groups joins them."""
    found: dict[str, str] = {}
    for group in groups.split():
        heads = {found[character] for character in group if character in found}
        head = min([*heads, group[0]])
        for character, old in list(found.items()):
            if old in heads:
                found[character] = head
        found.update(dict.fromkeys(group, head))
    return found


_FIRST_LOOK = _first_looks(_LOOKALIKES)
