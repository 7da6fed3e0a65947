"""Names as they are really given (姓名分布): a few surnames hold most people, given names have a long tail.

The surnames follow the order of the 2020 census; how steeply they and the given names fall is a curve of ours.
"""

from __future__ import annotations

from bisect import bisect
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from states.identity import make_identity_number

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石"
    "廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严武戴莫孔向汤"
)
DOUBLE = ("欧阳", "上官", "司马", "诸葛", "皇甫", "尉迟")
BOYS = (
    "宇子浩俊泽梓轩睿博文天明嘉志家一皓辰铭瑞晨思逸豪伟鹏昊杰然航哲承煜翔旭霖恒峰凯越安强涛远诚康建国立新成林东海龙飞斌健宏磊勇军"
    "华乐阳奕景行言牧川屿舟朗彦松柏森岩岳峻峥毅弘扬正清源润泊洋江河云鸿羽翰墨书砚"
)
GIRLS = (
    "欣梓雨子佳思梦嘉诗怡涵语若可雅静婷琪晓萱妍欣悦心诺彤馨菲瑶琳慧敏芳颖丽娜雪玉兰秀英红霞洁莹珊璐倩薇蕾茜韵黛曦晗昕柠"
    "禾苗穗芷芸芝茉莉棠桃杏梨蓉荷莲竹兰菊梅凝霜露晴岚月星夏秋冬知予念初安然宁清清舒婉柔温惠淑贞云朵"
)
BOY = 0.527
"""The share of boys among pupils."""
ROLES = (("父亲", "1"), ("母亲", "2"), ("母亲", "2"), ("祖父", "1"), ("祖母", "2"))


class Curve:
    """Draws one of some characters, the n-th of them as often as 1 / (n + 2) ** `slope`."""

    def __init__(self, items: tuple[str, ...], slope: float) -> None:
        self._items = items
        self._sums = list(accumulate((n + 2) ** -slope for n in range(len(items))))
        self._whole, self._last = self._sums[-1], len(items) - 1

    def draw(self, random: Random) -> str:
        """One of them."""
        return self._items[bisect(self._sums, random.random() * self._whole, 0, self._last)]


_SURNAME = Curve((*SURNAMES, *DOUBLE), 0.9)
_GIVEN = {"1": Curve(tuple(dict.fromkeys(BOYS)), 0.7), "2": Curve(tuple(dict.fromkeys(GIRLS)), 0.7)}


def person_name(random: Random, sex: str, family: str | None = None) -> str:
    """A name; `sex` is 1 or 2. One given name in nine has one character."""
    curve = _GIVEN[sex]
    given = curve.draw(random)
    if random.random() > 0.11:
        given += curve.draw(random)
    return (family or _SURNAME.draw(random)) + given


def phone(random: Random) -> str:
    """Eleven digits that no operator has given out."""
    return f"100{int(random.random() * 10**8):08d}"


class Numbers:
    """Identity numbers of one school: region 99 was never assigned, and no number comes twice.

    Two schools of a very large province share a region, and halve its sequences.
    """

    def __init__(self, school: int) -> None:
        region, half = school % 10_000, school // 10_000
        if half > 1:
            raise ValueError("more than 20,000 schools do not find numbers of their own")
        self._region, self._first = f"99{region:04d}", 10 + 490 * half
        self._used: dict[tuple[date, int], int] = {}

    def next(self, random: Random, year: int) -> tuple[str, date, str]:
        """The next number of somebody born in the school year that ends in `year`, the birth date and the sex in it."""
        sex, parity = ("1", 1) if random.random() < BOY else ("2", 0)
        while True:
            birth = date(year - 1, 9, 1) + timedelta(days=int(random.random() * 365))
            turn = self._used.get((birth, parity), 0)
            if turn < 245:
                self._used[birth, parity] = turn + 1
                return make_identity_number(self._region, birth, self._first + 2 * turn + parity), birth, sex
