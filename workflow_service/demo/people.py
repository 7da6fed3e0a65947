"""Made-up people (示例人名): the same ones for the same seed, with identity numbers that can be nobody's."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from states.identity import make_identity_number

REGION = "99{:02d}{:02d}"
"""Region codes that were never assigned; county and school keep numbers of different schools apart."""

FAMILY = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴"
    "夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文单解仇翟"
)
BOYS = (
    "子轩浩宇宇航梓睿俊杰嘉豪天佑文博志远明哲一鸣思源景行泽楷皓然昊天铭泽晨阳瑞霖承志建国立新博文子墨星辰致远弘毅修远"
)
GIRLS = (
    "欣怡梓涵诗琪雨桐可馨佳怡思雨语嫣梦瑶静雯若曦子萱一诺婉清紫涵艺涵书瑶晓彤心悦乐瑶海燕秀英丹彤采薇知夏清扬念慈云舒"
)
GROWN = "建军国强志刚文斌海涛永强晓东立华淑芬丽娟红梅秀兰春燕雪梅玉珍桂英"
"""Given names, two characters each."""


def person_name(random: Random, sex: str) -> str:
    """A child's name; `sex` is 1 or 2. One in eight has a given name of one character."""
    given = _given(random, BOYS if sex == "1" else GIRLS)
    return random.choice(FAMILY) + (given if random.randrange(8) else given[1])


def grown_name(random: Random, family: str | None = None) -> str:
    """A parent's or an officer's name."""
    return (family or random.choice(FAMILY)) + _given(random, GROWN)


def _given(random: Random, names: str) -> str:
    start = 2 * random.randrange(len(names) // 2)
    return names[start : start + 2]


def birthday(random: Random, grade: int, entered: int) -> date:
    """A birth date with which a child is six by the last of August of the year in which it came into grade 1."""
    first_school_year = entered - (grade - 1)
    return date(first_school_year - 7, 9, 1) + timedelta(days=random.randrange(365))


class Numbers:
    """Identity numbers of one school: region 99, a right check digit, and none twice."""

    def __init__(self, school_code: str) -> None:
        self._region = REGION.format(int(school_code[0]), int(school_code[1:]))
        self._used: dict[tuple[date, int], int] = {}

    def next(self, birth: date, sex: str) -> str:
        """The next number for this birth date and sex (1: odd sequence, 2: even)."""
        parity = 1 if sex == "1" else 0
        turn = self._used.get((birth, parity), 0)
        self._used[birth, parity] = turn + 1
        return make_identity_number(self._region, birth, 10 + 2 * turn + parity)
