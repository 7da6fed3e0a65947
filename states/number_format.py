"""How a number is built (编号格式): named parts in order, each with a width and what may stand in it.

One mechanism builds, reads and judges student numbers, class codes and certificate numbers alike. A message says which
part fails and where, never what stood there: a number is personal data, and messages end up in logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

from states.definition import Basis
from states.identity import Fault, normalise

Shape = Literal["digits", "digits_x", "date", "letters_digits"]
Labels = Mapping[str, tuple[str, str]]

_SHAPES: Final[Mapping[Shape, tuple[re.Pattern[str], str, str]]] = MappingProxyType({
    "digits": (re.compile(r"[0-9]+"), "应为数字", "digits only"),
    "digits_x": (re.compile(r"[0-9]*[0-9X]"), "应为数字，末位可以是 X", "digits, X in the last place"),
    "date": (re.compile(r"[0-9]{8}"), "应为存在的日期，写作 20190305", "a date that exists, written 20190305"),
    "letters_digits": (re.compile(r"[0-9A-Z]+"), "应为数字或大写字母", "digits and capital letters only"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a number: `width` characters of one `shape`.

    `domain` lists what may stand there, with labels; empty means anything of that shape. `check` computes the part from
    all that stands before it; `held` False means that it is written so, but a number that differs is not refused.
    """

    name: str
    label: str
    label_en: str
    width: int
    shape: Shape = "digits"
    domain: Labels = field(default_factory=dict)
    check: Callable[[str], str] | None = None
    held: bool = True

    def fault(self, text: str, before: str | None) -> tuple[str, str] | None:
        """Why this text cannot be this part (Chinese, English), or None; without `before` no check is computed."""
        pattern, zh, en = _SHAPES[self.shape]
        if pattern.fullmatch(text) is None or (self.shape == "date" and not _is_date(text)):
            return zh, en
        if self.domain and text not in self.domain:
            some = [f"{code}（{label}）" for code, (label, _) in self.domain.items()]
            some_en = [f"{code} ({label})" for code, (_, label) in self.domain.items()]
            return f"应为 {'、'.join(some)}", f"one of {', '.join(some_en)}"
        if self.check is not None and self.held and before is not None and text != self.check(before):
            return "校验码不正确", "the check digit does not fit"
        return None


@dataclass(frozen=True)
class BadNumber(ValueError):
    """A number that its format does not allow; `faults` names every part at fault."""

    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        return " ".join(f"{fault.message_zh} / {fault.message_en}" for fault in self.faults)


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of number: its parts in order, the rule it comes from, and how sure that is (`because` where not read)."""

    id: str
    label: str
    label_en: str
    rule: str
    parts: tuple[Part, ...]
    basis: Basis = "read"
    because: str = ""

    @property
    def length(self) -> int:
        """How many characters the whole number has."""
        return sum(part.width for part in self.parts)

    def resized(self, **widths: int) -> Format:
        """The same format with other widths of some parts. ValueError for an unknown part or a width below 1."""
        unknown = sorted(set(widths) - {part.name for part in self.parts})
        if unknown or any(width < 1 for width in widths.values()):
            raise ValueError(
                f"{self.id}: no part {', '.join(unknown)}" if unknown else f"{self.id}: widths are 1 or more"
            )
        return replace(self, parts=tuple(replace(part, width=widths.get(part.name, part.width)) for part in self.parts))

    def faults(self, text: str) -> tuple[Fault, ...]:
        """All that is wrong with a number as it was typed; () when it is good."""
        number = normalise(text)
        if len(number) != self.length:
            return (Fault(
                "number_length", f"{self.label}应为{self.length}位，现为{len(number)}位。",
                f"{self.label_en}: {self.length} characters, not {len(number)}.",
            ),)  # fmt: skip
        found: list[Fault] = []
        for part, start, value in self._cut(number):
            # A check over characters that are wrong already would say nothing, if it can be computed at all.
            fault = part.fault(value, None if found else number[:start])
            if fault is not None:
                found.append(_part_fault(part, start, *fault))
        return tuple(found)

    def parse(self, text: str) -> dict[str, str]:
        """The parts by name. Raises BadNumber with all faults."""
        faults = self.faults(text)
        if faults:
            raise BadNumber(faults)
        return {part.name: value for part, _, value in self._cut(normalise(text))}

    def build(self, **values: str | int | date) -> str:
        """The number of these values: an int is filled with zeros, a date written YYYYMMDD, a check computed.

        A part with a single value in its domain need not be given. Raises BadNumber where a value does not fit, and
        TypeError for a part that is missing or that the format does not have.
        """
        fixed = {part.name for part in self.parts if len(part.domain) == 1 or part.check is not None}
        names = {part.name for part in self.parts}
        if set(values) - names or names - fixed - set(values):
            raise TypeError(f"{self.id} takes {', '.join(sorted(names))}, not {', '.join(sorted(values)) or 'nothing'}")
        number = ""
        for part in self.parts:
            value = _written(part, values[part.name]) if part.name in values else _given(part, number)
            if len(value) != part.width:
                raise BadNumber((_part_fault(part, len(number), f"应为{part.width}位", f"{part.width} characters"),))
            number += value
        faults = self.faults(number)
        if faults:
            raise BadNumber(faults)
        return number

    def _cut(self, number: str) -> Iterator[tuple[Part, int, str]]:
        start = 0
        for part in self.parts:
            yield part, start, number[start : start + part.width]
            start += part.width


def _given(part: Part, before: str) -> str:
    return next(iter(part.domain)) if part.check is None else part.check(before)


def _written(part: Part, value: str | int | date) -> str:
    if isinstance(value, date):
        return f"{value:%Y%m%d}"
    return f"{value:0{part.width}d}" if isinstance(value, int) else normalise(value)


def _part_fault(part: Part, start: int, zh: str, en: str) -> Fault:
    one = part.width == 1
    where = f"第{start + 1}位" if one else f"第{start + 1}至{start + part.width}位"
    where_en = f"character {start + 1}" if one else f"characters {start + 1} to {start + part.width}"
    return Fault(f"number_{part.name}", f"{where}（{part.label}）{zh}。", f"{where_en} ({part.label_en}): {en}.")


def _is_date(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return False
    return True
