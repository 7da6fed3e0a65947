"""Made-up people (示例人名): the same ones for the same seed, with identity numbers that can be nobody's."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from workflow_service.identity import make_identity_number

REGION = "99{:02d}{:02d}"
"""Region codes that were never assigned; county and school keep numbers of different schools apart."""

FAMILY = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴"
    "夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文单解仇翟"
)
BOYS = ("子轩", "浩宇", "宇航", "梓睿", "俊杰", "嘉豪", "天佑", "文博", "志远", "明哲", "一鸣", "思源", "景行", "泽楷", "皓然",
        "昊天", "铭泽", "晨阳", "瑞霖", "承志", "建国", "立新", "博文", "子墨", "星辰", "致远", "弘毅", "修远", "若谷", "安")  # fmt: skip
GIRLS = ("欣怡", "梓涵", "诗琪", "雨桐", "可馨", "佳怡", "思雨", "语嫣", "梦瑶", "静雯", "若曦", "子萱", "一诺", "婉清", "紫涵",
         "艺涵", "书瑶", "晓彤", "心悦", "乐瑶", "海燕", "秀英", "丹彤", "采薇", "知夏", "清扬", "念慈", "云舒", "听雨", "宁")  # fmt: skip
GROWN = (
    "建军",
    "国强",
    "志刚",
    "文斌",
    "海涛",
    "永强",
    "晓东",
    "立华",
    "淑芬",
    "丽娟",
    "红梅",
    "秀兰",
    "春燕",
    "雪梅",
    "玉珍",
    "桂英",
)


def person_name(random: Random, sex: str) -> str:
    """A child's name; `sex` is 1 or 2."""
    return random.choice(FAMILY) + random.choice(BOYS if sex == "1" else GIRLS)


def grown_name(random: Random, family: str | None = None) -> str:
    """A parent's or an officer's name."""
    return (family or random.choice(FAMILY)) + random.choice(GROWN)


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
