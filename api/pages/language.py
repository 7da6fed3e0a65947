"""Two languages (中英文): Chinese first, English complete; every text of the pages is a pair at the place it is used.

What people entered (names, opinions, articles) stays as it is and says so with `lang="zh-CN"`, so that a screen reader
reads it right and a test can prove that nothing else is left in Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import g, request
from markupsafe import Markup, escape

from states.calendar import SHANGHAI
from workflow_service.boxes import MANY

COOKIE = "lang"

_HAN = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U0003ffff]")
_WEEKDAYS = (("周一", "Mon"), ("周二", "Tue"), ("周三", "Wed"), ("周四", "Thu"), ("周五", "Fri"), ("周六", "Sat"),
             ("周日", "Sun"))  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def choose_language() -> None:
    """Settle the language of this request: Chinese, unless the address or the cookie it left asks for English.

    The browser's wish is not asked: an office PC that was set up in English would show its registrar English.
    """
    wanted = request.args.get("lang") or request.cookies.get(COOKIE)
    g.lang = "en" if wanted == "en" else "zh"


def lang() -> str:
    """`zh` or `en`; errors that come before a language was settled are shown in Chinese."""
    return str(g.get("lang", "zh"))


def t(zh: str, en: str, /, **values: Any) -> str:
    """The text in the language of this request; `{name}` is filled in from `values`, escaped unless marked."""
    text = en if lang() == "en" else zh
    return Markup(text).format(**values) if values else text  # noqa: S704 (the text is ours, the values are escaped)


def pick(row: Mapping[str, Any], name: str = "message") -> str | Markup:
    """`row[name]` in this language; where there is no English, the Chinese marked as such."""
    if lang() == "en":
        english = str(row.get(f"{name}_en") or "")
        return english[:1].upper() + english[1:] if english else zh(row.get(name))
    return str(row.get(name) or "")


def half(text: str | None) -> str | Markup:
    """This language's half of a text that is written "中文 / English"."""
    parts = (text or "").rsplit(" / ", 1)
    return zh(parts[-1] if lang() == "en" else parts[0])


def zh(text: object) -> Markup:
    """Data as it was entered; in English pages its Chinese is marked as Chinese."""
    shown = "" if text is None else str(text)
    if lang() == "en" and _HAN.search(shown):
        return Markup('<span lang="zh-CN">{}</span>').format(shown)
    return escape(shown)


def instant(value: str | datetime) -> datetime:
    """An instant in legal time, from ISO 8601 with offset."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.astimezone(SHANGHAI)


def day_of(value: str | date | datetime) -> date:
    """The legal day of an ISO day or instant."""
    if isinstance(value, str) and len(value) == 10:
        return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return instant(value).date()


def day(value: str | date | datetime | None, *, weekday: bool = False, year: bool = True) -> str:
    """2026年10月9日（周五）, or Fri 9 Oct 2026."""
    if not value:
        return "—"
    on = day_of(value)
    name = _WEEKDAYS[on.weekday()]
    if lang() == "en":
        text = f"{on.day} {_MONTHS[on.month - 1]}" + (f" {on.year}" if year else "")
        return f"{name[1]} {text}" if weekday else text
    text = (f"{on.year}年" if year else "") + f"{on.month}月{on.day}日"
    return f"{text}（{name[0]}）" if weekday else text


def moment(value: str | datetime | None, *, year: bool = True) -> str:
    """A day with hour and minute in legal time."""
    if not value:
        return "—"
    return f"{day(value, year=year)} {instant(value):%H:%M}"


def end_of(value: str | datetime | None, *, year: bool = True, weekday: bool = False) -> str:
    """A closing instant as people say it: 00:00 is 24:00 of the day before."""
    if not value:
        return "—"
    at = instant(value)
    if (at.hour, at.minute, at.second) == (0, 0, 0):
        return f"{day((at - timedelta(days=1)).date(), year=year, weekday=weekday)} 24:00"
    return f"{day(at, year=year, weekday=weekday)} {at:%H:%M}"


def countdown(days: int, hours: int) -> str:
    """How long a window is still open; the last day is counted by the hour."""
    if not days:
        return t("还有 {h} 小时", "{h} h left", h=hours)
    return t("还有 {d} 天 {h} 小时", "{d} days {h} h left", d=days, h=hours)


def days_in_words(days: list[str]) -> str:
    """Single days and runs of days: 09-19、09-25 至 09-27."""
    runs: list[list[date]] = []
    for text in days:
        on = date.fromisoformat(text)
        if runs and on - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(on)
        else:
            runs.append([on])
    shown = [f"{run[0]:%m-%d}" if len(run) == 1 else t("{a:%m-%d} 至 {b:%m-%d}", "{a:%m-%d} to {b:%m-%d}",
             a=run[0], b=run[-1]) for run in runs]  # fmt: skip
    return t("、", ", ").join(shown)


def figure(count: int) -> str:
    """A count as it is shown: "99+" where counting stopped at `MANY`."""
    return str(count) if count < MANY else f"{MANY - 1}+"


TEMPLATE_GLOBALS = {
    "t": t, "pick": pick, "half": half, "zh": zh, "day": day, "moment": moment, "end_of": end_of,
    "days_in_words": days_in_words, "lang": lang, "countdown": countdown, "figure": figure,
}  # fmt: skip
