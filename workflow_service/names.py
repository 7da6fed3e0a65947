"""Names of people (姓名): one spelling, what may stand in one, and what the search box finds them by.

Any letter of any script is a name: 𬭎 and 㛃 are on identity cards, and so is 买买提·阿不都热依木. What is refused is
what no card can carry: digits, markup, and private characters that look different on every machine.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

LONGEST = 60
_DOTS = re.compile("[•‧・∙⋅．｡]")
_SPACES = re.compile(r"[\s\u00a0\u3000]+")
_UNREAD = re.compile(r"[A-Za-zÀ-ɏ]+|[^\W\d_]")
_ALLOWED_MARKS = frozenset("·-'’. ")
_SURNAMES = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "朴": "piao", "区": "ou", "盖": "ge", "乐": "yue",
    "翟": "zhai", "缪": "miao", "查": "zha", "任": "ren", "尉迟": "yu chi", "万俟": "mo qi", "长孙": "zhang sun",
    "澹台": "tan tai", "呼延": "hu yan", "种": "chong", "员": "yun", "逄": "pang",
}  # fmt: skip
"""How these are read as surnames; pypinyin reads most of them as the commoner word."""


def normal_name(text: str) -> str:
    """One spelling of a name: composed (NFC), blanks outside dropped and inside single, every middle dot a `·`."""
    plain = _DOTS.sub("·", unicodedata.normalize("NFC", text))
    plain = _SPACES.sub(" ", plain).strip()
    # 张 三 is 张三 with a blank for the looks; between Latin words a blank is part of the name.
    return plain.replace(" ", "") if plain and all(_is_han(c) or c in " ·" for c in plain) else plain


def name_fault(name: str) -> str | None:
    """What is wrong with a normalised name, in Chinese and English; None when it can be a name."""
    if not name:
        return "没有填写姓名。/ The name is missing."
    if len(name) > LONGEST:
        return f"姓名超过 {LONGEST} 个字符。/ The name has more than {LONGEST} characters."
    if any(unicodedata.category(c) == "Co" for c in name):
        return "姓名中有自造字，在其他电脑上无法显示，请改用国家标准汉字。/ The name has a private-use character."
    bad = sorted({c for c in name if unicodedata.category(c)[0] not in "LM" and c not in _ALLOWED_MARKS})
    if bad or not any(unicodedata.category(c)[0] == "L" for c in name):
        shown = "".join(c for c in bad if c.isprintable())[:10]
        return f"姓名中不能有这些字符：{shown}。/ A name cannot have these characters: {shown}"
    return None


@lru_cache(1 << 10)  # who registers a pupil asks twice: for the search, and for the sound by which doubles are found
def search_text(name: str) -> str:
    """What the search box takes: "zhang xiao ming zxm", syllables and initials; a character without a reading stays.

    `name` is normalised.
    """
    surname = next((s for s in (name[:2], name[:1]) if s in _SURNAMES), "")
    read = _SURNAMES[surname].split() if surname else []
    words = [*read, *(part for word in _words(name[len(surname) :]) for part in _reading(word))]
    return " ".join([*words, "".join(word[0] for word in words)])


def _words(text: str) -> list[str]:
    """The words and single characters of which a text is read one by one."""
    # Its dictionary takes 60 MB, and whoever only reads names needs none of it.
    from pypinyin.seg.simpleseg import seg

    return list(seg(text))


@lru_cache(1 << 14)  # to read a word costs twenty times as much as to find it, and names are made of few of them
def _reading(word: str) -> tuple[str, ...]:
    from pypinyin import Style, lazy_pinyin

    return tuple(part.lower().replace("ü", "v") for part in lazy_pinyin(word, style=Style.NORMAL, errors=_unread))


def are_syllables(text: str) -> bool:
    """Whether somebody who types this means a reading: Latin letters alone."""
    return text.isascii() and all(word.isalpha() for word in text.split())


def parts_asked(text: str) -> list[str]:
    """What a search asks the index of names for: pairs of characters, or syllables. `text` is not empty.

    Of Latin text every word but the last is whole. One character alone is the beginning of a pair.
    """
    if are_syllables(text):
        return text.lower().split()
    return [text[n : n + 2] for n in range(len(text) - 1)] or [text]


def _unread(text: str) -> Any:
    # A list keeps its parts apart; pypinyin's annotations know only of a text.
    return _UNREAD.findall(text)


def _is_han(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK ")
