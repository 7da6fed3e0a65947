"""What a part of the bench is given and what it gives back.

A part is a function `(place, folder, size, note) -> list[Goal]`: `place` is the socket folder of the bench's own
PostgreSQL, `folder` a scratch folder of the whole run, `size` how much is done, `note(text)` puts a line beside the
results. A module names its parts, with the goals that each measures, in `PARTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Note = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much is done: the whole, or quickly with the large parts at 1/50."""

    rounds: int
    """Rounds of turns of 0.2 s."""
    drafts: int
    """Requests that each client leads from draft to completion."""
    share: int
    """What the large sizes are divided by."""
    label: str

    def of(self, whole: int) -> int:
        """`whole` rows, or the part of it that this run makes do with. Who uses it says `large=True` in its goal."""
        return whole // self.share


WHOLE = Size(25, 1000, 1, "")
QUICK = Size(9, 350, 50, ", quick: 1/50")


@dataclass(frozen=True)
class Goal:
    """One line of the result: what was measured against what it should be."""

    number: str
    """As in the table of goals; a second figure of the same goal has a letter: 1, 1b."""
    text: str
    found: float
    wanted: float
    at_most: bool = False
    large: bool = False
    """Whether the size behind it was divided in a quick run."""

    @property
    def met(self) -> bool:
        return self.found <= self.wanted if self.at_most else self.found >= self.wanted

    @property
    def order(self) -> tuple[int, str]:
        digits = self.number.rstrip("abcd")
        return int(digits), self.number[len(digits) :]

    @property
    def figures(self) -> tuple[str, str, str]:
        """("met", "1.12", "≤ 1.30"); small figures get a third place, or nothing would be seen of them."""
        places = 3 if self.wanted < 0.1 else 2
        sign = "≤" if self.at_most else "≥"
        return "met" if self.met else "missed", f"{self.found:.{places}f}", f"{sign} {self.wanted:.{places}f}"

    def line(self, size: Size) -> str:
        """`goal 7: met 1.12 (≤ 1.30) what`."""
        met, found, wanted = self.figures
        return f"goal {self.number}: {met} {found} ({wanted}) {self.text}{size.label if self.large else ''}"


Part = Callable[[Path, Path, Size, Note], list[Goal]]
Parts = dict[tuple[int, ...], Part]
