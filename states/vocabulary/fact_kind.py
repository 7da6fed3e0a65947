"""A fact that a school gives (申请事实), as the vocabulary describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FactKind:
    """A fact of `data` (申请事实): what values it takes and what people call it. Dates are ISO 8601 days.

    `most`: characters of a text, or the largest number. `sealed` is a text that is never stored in clear; `mask` says
    how it is shown. `past`: something has happened on this day, so that a day to come is a slip and no reason to wait.
    """

    type: Literal["date", "bool", "choice", "text", "number", "sealed"]
    label: str
    label_en: str
    choices: tuple[tuple[str, str, str], ...] = ()  # value, Chinese, English
    most: int = 2000
    mask: Literal["number", "phone", "none"] = "none"
    past: bool = False

    @property
    def values(self) -> tuple[object, ...]:
        """What a condition may compare it with; () for dates, texts and numbers, which only a check may judge."""
        if self.type == "bool":
            return (True, False)
        return tuple(value for value, _, _ in self.choices)
