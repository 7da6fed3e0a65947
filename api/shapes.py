"""Shapes of what comes in (输入结构): strict marshmallow fields, unknown fields refused, messages in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from api.errors import Problem
from states.calendar import day_opens
from workflow_service.ids import parse_id
from workflow_service.models.columns import to_micros

LIMIT_MOST = 200

# What no database text, log line or page can carry: NUL and half a character.
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")

_CHINESE = {
    "Unknown field.": "未知的字段",
    "Missing data for required field.": "必填",
    "Field may not be null.": "不得为空",
    "Not a valid string.": "应为文本",
    "Not a valid integer.": "应为整数",
    "Not a valid boolean.": "应为 true 或 false",
    "Not a valid date.": "应为存在的日期，写作 2026-09-01",
    "Not a valid mapping type.": "应为对象",
    "Invalid input type.": "应为对象",
    "Not an id.": "不是有效的编号",
    "Cannot be stored: it holds a character that is none.": "含有无法保存的字符",
    "Not a file.": "应为上传的文件",
    "Give one of student, student_id, person.": "student、student_id、person 须且只须给出一个",
    "Give either students or all.": "students 与 all 须且只须给出一个",
    "This kind names no student.": "此类业务不涉及学生",
    "Only who is not on the register yet comes as a person.": "只有未入学籍的人以 person 填写",
}
_CHINESE_PATTERNS = (
    (re.compile(r"Must be one of: (.*)\."), "应为其中之一：{}"),
    (re.compile(r"Must be greater than or equal to (\d+) and less than or equal to (\d+)\."), "应在 {} 至 {} 之间"),
    (re.compile(r"Length must be between (\d+) and (\d+)\."), "应有 {} 至 {} 个字"),
)


class Shape(Schema):
    """Base of every shape that comes in; unknown fields are refused."""

    class Meta:
        unknown = RAISE


class Shown(Schema):
    """Base of every shape that goes out; more members may be added."""

    class Meta:
        unknown = EXCLUDE


class Text(fields.String):
    """A text of a limited length, without NUL or half characters."""

    def __init__(self, *, most: int = 200, least: int = 0, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if _IMPOSSIBLE.search(text):
            raise ValidationError("Cannot be stored: it holds a character that is none.")
        return text


class Whole(fields.Integer):
    """An integer; a text, a fraction or a boolean is not one."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        return value


class Truth(fields.Boolean):
    """true or false; "yes", 1 and "0" are neither."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Day(fields.String):
    """A day as YYYY-MM-DD, kept as that text; 20260901 and 2026-W36-2 are refused although Python reads them."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValidationError("Not a valid date.")
        try:
            date.fromisoformat(value)
        except ValueError as error:
            raise ValidationError("Not a valid date.") from error
        return value


class DayOrInstant(Day):
    """A day, or an instant with its offset as every answer shows them: what is before it is due on an earlier day."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:  # type: ignore[override]
        """Microseconds that a due instant must lie below. 24:00 of a day is 00:00 of the next, and before that day."""
        if isinstance(value, str) and "T" in value:
            try:
                return to_micros(datetime.fromisoformat(value))
            except (ValueError, OverflowError) as error:
                raise ValidationError("Not a valid date.") from error
        return to_micros(day_opens(date.fromisoformat(super()._deserialize(value, attr, data, **kwargs)))) + 1


class Ident(fields.String):
    """An id: digits as a text, read as an integer. Whether it exists is another question (404 or a rule)."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:  # type: ignore[override]
        found = parse_id(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError("Not an id.")
        return found


class Counted(fields.String):
    """A whole number in a query, where everything is a text."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(metadata={"pattern": "^-?[0-9]{1,9}$"}, **kwargs)
        self._range = validate.Range(min=least, max=most)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:  # type: ignore[override]
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,9}", value):
            raise ValidationError("Not a valid integer.")
        self._range(int(value))
        return int(value)


class Paging(Shape):
    """`?limit=&cursor=` of every list."""

    limit = Counted(1, LIMIT_MOST, load_default=50)
    cursor = Text(most=200, load_default=None)


def read(schema: type[Schema], given: Mapping[str, Any] | Any) -> dict[str, Any]:
    """`given` in the schema's shape, or a 422 that names every field at fault."""
    try:
        loaded: dict[str, Any] = _made(schema).load(given)
    except ValidationError as error:
        raise Problem(422, "invalid", members={"errors": list(_flat(error.messages))}) from error
    return loaded


@cache
def _made(schema: type[Schema]) -> Schema:
    """A schema's one instance: making it costs more than most bodies, and loading changes nothing in it."""
    return schema()


def _flat(messages: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _flat(inner, path if name == "_schema" else f"{path}.{name}".lstrip("."))
        return
    for message in messages if isinstance(messages, list) else [messages]:
        chinese, _, english = message.rpartition(" / ")
        yield {"field": path, "message": chinese or _in_chinese(message), "message_en": english}


def _in_chinese(message: str) -> str:
    for pattern, chinese in _CHINESE_PATTERNS:
        if found := pattern.fullmatch(message):
            return chinese.format(*found.groups())
    return _CHINESE.get(message, "值不符合要求")
